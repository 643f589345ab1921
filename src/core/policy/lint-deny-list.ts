// Warnings about DenyLists: entries that deny nothing which anybody trusts. They may be right, for attestors to come.

import { attestorsOf } from './lint-attestor.ts'
import type { Warning } from './lint-warning.ts'
import { warningOf } from './lint-warning.ts'
import type { ReadResult } from './read.ts'

export function lintDenyLists(read: ReadResult, warnings: Warning[]): void {
  const attestors = [...read.attestors, ...read.policies.flatMap((policy) => [...attestorsOf(policy)])]
  const known = new Set(attestors.flatMap(({ keys }) => keys.map(({ fingerprint }) => fingerprint)))
  for (const list of read.denyLists) {
    list.keys.forEach((key, index) => {
      if (known.has(key)) return
      const message = 'is the key of no attestor; whether it is written rightly cannot be told'
      warnings.push(warningOf(read, list, { code: 'denies-unknown-key', path: ['spec', 'keys', index], message }))
    })
  }
}
