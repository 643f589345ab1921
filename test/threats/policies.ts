// What is remembered, and policies that change or are broken.

import type { ThreatRow } from './row.ts'

export const policyThreats: readonly ThreatRow[] = [
  {
    id: 'PC-01',
    attack:
      'A tag is verified, moved to an unsigned image, and asked for again while memory is warm (CVE-2026-122321).',
    outcome: 'The tag is resolved anew, and the digest that it names now is denied.',
  },
  {
    id: 'PC-02',
    attack:
      'A policy, a key or a list of exceptions is changed or deleted while old verdicts are remembered; another rule sees the same image.',
    outcome: 'The next request is judged by what is in force then.',
  },
  {
    id: 'PC-03',
    attack: 'A remembered verdict meets a payload that was changed in the registry meanwhile.',
    outcome: 'What is told and judged comes from what was verified, or is verified again; never a wrong no either.',
  },
  {
    id: 'PC-04',
    attack: 'The registry fails with 404, 401, 500 or silence during the first look.',
    outcome: 'A failure is never remembered as a verdict, and a no is remembered for seconds only.',
  },
  {
    id: 'PC-05',
    attack: 'A key is revoked while its signatures are remembered as good.',
    outcome: 'The first request under the new policy denies.',
  },
  {
    id: 'PC-06',
    attack: 'An empty list of attestors, no policy that matches, a broken edit, one bad policy among fifty.',
    outcome: 'Denied by default; the last good set stays in force, and it is said that the new one is bad.',
  },
  {
    id: 'PC-07',
    attack: 'A pattern, a selector or YAML aliases that take exponential time or space (CVE-2025-47281).',
    outcome: 'Matching is linear, and what would not be is refused when the policy is read.',
  },
]
