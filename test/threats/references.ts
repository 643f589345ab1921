// Names of images that one reader understands differently from another.

import type { ThreatRow } from './row.ts'

export const referenceThreats: readonly ThreatRow[] = [
  {
    id: 'RF-01',
    attack: 'One image of Docker Hub under its many names: short, with `library/`, with `index.`.',
    outcome: 'One canonical name for matching, fetching, remembering and telling.',
  },
  {
    id: 'RF-02',
    attack:
      'Names at the edge of the grammar: a port that looks like a tag, capitals, punycode, IPv6 with a zone, 64 hexadecimal digits as a repository, more than 255 characters.',
    outcome: 'Understood as the container runtimes of Kubernetes do, or denied.',
  },
  {
    id: 'RF-03',
    attack: 'A name with tag and digest whose tag has moved to something else.',
    outcome: 'The digest rules and the tag is never resolved; an exact identity wants both.',
  },
  {
    id: 'RF-04',
    attack: 'A digest by a broken or unknown algorithm, too short, in mixed case or with a second colon.',
    outcome: 'Denied: SHA-256, SHA-384 and SHA-512 in full, in small letters, and nothing else.',
  },
  {
    id: 'RF-05',
    attack: 'A host of the attacker whose path ends in what a pattern with a wildcard host trusts.',
    outcome: 'No match: host and path are compared apart, and a wildcard of the host never crosses a slash.',
  },
  {
    id: 'RF-06',
    attack:
      'A pattern that its author took for a prefix, a negation or a regular expression, and that matches more than meant.',
    outcome:
      'Whole segments are compared as documented; whatever else is written is refused when the policy is read; an image that no rule covers is denied.',
  },
  {
    id: 'RF-07',
    attack: 'A registry whose name begins or ends like one that credentials are kept for.',
    outcome: 'It is sent none of them.',
  },
  {
    id: 'RF-08',
    attack: 'Control characters, escape sequences, percent signs or look-alike letters in a name.',
    outcome: 'Denied; what is told about it holds no character that does not show, and numbers those that mislead.',
  },
  {
    id: 'RF-09',
    attack:
      'A genuine signature is copied to another repository or tag; a prefix rule meets a neighbour whose name begins the same.',
    outcome: 'As the `identity` of the policy says, for each of its kinds.',
  },
]
