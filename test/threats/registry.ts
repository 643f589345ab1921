// Registries that lie, and people who push what should confuse a reader.

import type { ThreatRow } from './row.ts'

export const registryThreats: readonly ThreatRow[] = [
  {
    id: 'RG-01',
    attack:
      'The registry answers with the signed image first and with another one on the next request (CVE-2022-47633).',
    outcome: 'A tag is resolved once in a request; the digest that was verified is the one that is pinned.',
  },
  {
    id: 'RG-02',
    attack:
      'A body that does not hash to the digest asked for, a header that names another digest, a HEAD that differs from the GET (CVE-2023-33959, CVE-2023-47630).',
    outcome: 'Denied: bytes count only under the digest that they hash to.',
  },
  {
    id: 'RG-03',
    attack:
      'A manifest that is an image and an index at once, of another type than its Content-Type, of no type, or of schema 1 (CVE-2021-41190).',
    outcome: 'What can be read in two ways is refused wherever a manifest is read.',
  },
  {
    id: 'RG-04',
    attack:
      'Only the index of a multi-platform image is signed, or only one of its platforms, or an index lies in an index.',
    outcome: 'The signature has to cover the digest that is pinned; with `platforms: Each` every child needs its own.',
  },
  {
    id: 'RG-05',
    attack:
      'Answers that are too large, endless, one byte a second, shorter or longer than announced; an index of ten thousand children or one that holds itself.',
    outcome: 'Read up to a cap and a deadline, then denied.',
  },
  {
    id: 'RG-06',
    attack:
      'Thousands of signatures or referrers, pages that lead in a circle, the valid one last (CVE-2023-46737, CVE-2023-33957).',
    outcome: 'A bounded number of requests and checks, then denied with a code that says so.',
  },
  {
    id: 'RG-07',
    attack: 'A signature payload or attachment of a gigabyte (CVE-2024-29902).',
    outcome: 'Reading stops at the cap; nothing is written to a disk.',
  },
  {
    id: 'RG-08',
    attack:
      'A small compressed answer that inflates without end, as HTTP encoding of a manifest, a blob or a token (CVE-2023-30551, CVE-2024-28180).',
    outcome: 'Nothing is inflated: an encoding that was not asked for is refused.',
  },
  {
    id: 'RG-09',
    attack: 'An old signature is put back after its key was revoked or has expired (CVE-2024-23332).',
    outcome: 'Denied: revocation and the end of a key win over whatever lies in the registry or in memory.',
  },
  {
    id: 'RG-10',
    attack:
      'A registry without referrers API, with an empty one beside a filled fallback tag, with referrers of another image, or one that answers 401 or 500 where it should say 404.',
    outcome: 'The signature is found, the subject is checked, and only a clean 404 may become "unsigned".',
  },
  {
    id: 'RG-11',
    attack: 'Layers that are null, annotations of wrong types or absent, broken base64 (CVE-2023-42813).',
    outcome: 'Denied without a crash; a malformed entry never spoils a valid one beside it, and others are served.',
  },
]
