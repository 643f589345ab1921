// Signatures that are almost right.

import type { ThreatRow } from './row.ts'

export const signatureThreats: readonly ThreatRow[] = [
  {
    id: 'CS-08',
    attack:
      'The payload type of a DSSE envelope is changed after signing; it has no signature, two, or those of another envelope (CVE-2026-48758).',
    outcome: 'Refused.',
  },
  {
    id: 'CS-10',
    attack:
      'Signatures with r or s of zero or out of range, loose DER, wrong lengths, garbage in the padding, the known forgeries of RSA.',
    outcome: 'As the published vectors expect.',
  },
  {
    id: 'CS-11',
    attack:
      'An RSA key where an EC signature is claimed, SHA-1, RSA of 1024 bits, Ed25519 with a context or prehashed.',
    outcome: 'Refused: the algorithm follows from the key, never from the message.',
  },
  {
    id: 'CS-12',
    attack: 'A genuine payload of another digest or type, with claims added, or of an image that was deleted.',
    outcome: 'Refused, each with its code.',
  },
  {
    id: 'CS-13',
    attack: 'A bundle of an unknown type or version, broken JSON, a negative log index.',
    outcome: 'It does not count, and is named; a valid one beside it still counts.',
  },
]
