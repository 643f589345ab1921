// When a key counts: at the proven time of signing where there is one, else now.

import { describe, expect, test } from 'vitest'
import { keyLife } from '#core/decision/key-life.ts'
import type { KeyLife as Life } from '../../support/policies.ts'
import { attestor } from '../../support/policies.ts'

const [t1, t2, t3, t4] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 3, 1), Date.UTC(2026, 6, 1), Date.UTC(2026, 9, 1)]
const superseded = { at: t3, reason: 'Superseded' } as const
const compromised = { at: t3, reason: 'Compromised' } as const

const rows: readonly (readonly [string, Life, readonly number[], number, true | RegExp, until?: number])[] = [
  ['a key without limits', {}, [], t2, true],
  ['before it begins', { notBefore: t2 }, [], t2 - 1, /not valid before 2026-04-01/],
  ['as it begins', { notBefore: t2 }, [], t2, true],
  ['the last moment', { notAfter: t3 }, [], t3 - 1, true, t3],
  ['as it ends', { notAfter: t3 }, [], t3, /expired on 2026-07-01/],
  ['superseded later', { revoked: superseded }, [], t3 - 1, true, t3],
  ['superseded now', { revoked: superseded }, [], t3, /superseded on 2026-07-01/],
  ['whichever end is first', { notAfter: t4, revoked: superseded }, [], t2, true, t3],
  ['whichever end is first, the other way', { notAfter: t2, revoked: superseded }, [], t1, true, t2],
  ['expired, but signed before by a proven time', { notAfter: t3 }, [t2], t4, true],
  ['superseded, but signed before by a proven time', { revoked: superseded }, [t2], t4, true],
  ['signed after the end by a proven time, whatever the time now', { notAfter: t2 }, [t3], t1, /expired/],
  ['signed before the key began', { notBefore: t2 }, [t1], t3, /not valid before/],
  ['two proven times, one outside', { notAfter: t3 }, [t2, t4], t2, /expired/],
  ['compromised, even where signed long before', { revoked: compromised }, [t1], t2, /compromised/],
  ['compromised in the future', { revoked: compromised }, [], t1, /compromised/],
]

describe('a key', () => {
  for (const [title, life, provenTimes, now, counts, until] of rows) {
    test(title, () => {
      const [key] = attestor('a', { life: { a: life } }).keys
      if (key === undefined) throw new Error('no key')
      const judged = keyLife(key, provenTimes, now)
      if (counts === true) expect(judged).toEqual(until === undefined ? { counts } : { counts, until })
      else expect(judged).toMatchObject({ counts: false, reason: expect.stringMatching(counts) })
    })
  }
})
