// What JavaScript makes easy to get wrong.

import type { ThreatRow } from './row.ts'

export const runtimeThreats: readonly ThreatRow[] = [
  {
    id: 'JS-01',
    attack: '`__proto__` and `constructor` as labels, members or paths; merge keys in YAML (CVE-2025-64718).',
    outcome: 'No prototype changes, and the verdict is the same as with any other name.',
  },
  {
    id: 'JS-02',
    attack: 'JSON, YAML or DER nested a hundred thousand deep (CVE-2025-66031).',
    outcome: 'Refused at a cap of depth; an exhausted stack is a no.',
  },
  {
    id: 'JS-03',
    attack: 'Forgeries that cryptography written in JavaScript has accepted (CVE-2025-12816).',
    outcome: 'Signatures are verified by the native library alone.',
  },
  {
    id: 'JS-04',
    attack: 'Hundreds of costly signatures at once, so that the event loop stands still.',
    outcome: 'Health checks and remembered answers keep coming.',
    remains: 'Keyless bundles, OpenPGP and conditions cost more, and come with the workers that they need.',
  },
  {
    id: 'JS-05',
    attack: 'Something throws, rejects or breaks off, at any stage.',
    outcome: 'Denied, or an exit code that is not zero; the next request finds everything in order.',
  },
  {
    id: 'JS-06',
    attack: 'A dependency with an install script, a changed archive, a new version by a new owner.',
    outcome:
      'Scripts are off, every archive has its hash in the lockfile, and nothing enters without a row in the list of dependencies.',
    remains:
      'A package of the registry that lies about its archive is refused by npm itself, which is not tested here.',
  },
]
