// The properties find readers that are wrong: each of these has one defect.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { texts } from './hostile.ts'
import { type Reader, roundTrip, totality } from './reader.ts'
import { sizeOf } from './size.ts'

function refused(message = 'not a number'): CodedError {
  return new CodedError('usage', message)
}

function readNumber(text: string): number {
  if (!/^(0|[1-9][0-9]{0,8})$/.test(text)) throw refused()
  return Number(text)
}

const good: Reader<string, number> = {
  of: ['src/number.ts readNumber'],
  form: texts('text', ['00', '-1']),
  read: readNumber,
  written: fc.nat(999_999_999).map((means) => ({ input: String(means), means })),
  refuses: ['usage'],
}
const exact = { rewrite: String, isExact: true } as const

let calls = 0

const defects: Readonly<Record<string, Partial<Reader<string, number>>>> = {
  'throws something without a code': {
    read: (text) => {
      if (text === '') throw new TypeError('empty')
      return readNumber(text)
    },
  },
  'refuses with a code that it does not name': { refuses: ['file-unreadable'] },
  'repeats what it was given': {
    read: (text) => {
      if (!/^[0-9]{1,9}$/.test(text)) throw refused(`not a number: ${text}`)
      return Number(text)
    },
  },
  'takes two texts for one value': { ...exact, read: (text) => readNumber(text.replace(/^0+(?=.)/, '')) },
  'reads one text in two ways': { read: (text) => readNumber(text) + (calls++ % 2) },
  'does not keep what it promises': {
    promises: (value) => expect(value).toBeLessThan(1_000),
  },
}

describe('a reader', () => {
  test('that is right has all properties', async () => {
    expect((await fc.check(totality({ ...good, ...exact }))).failed).toBe(false)
    expect((await fc.check(roundTrip({ ...good, ...exact }))).failed).toBe(false)
  })

  test.each(Object.entries(defects))('that %s is found', async (_what, defect) => {
    expect((await fc.check(totality({ ...good, ...defect }), { numRuns: 1_000 })).failed).toBe(true)
  })

  test('that makes more of a text than stands there is found', async () => {
    const grows: Reader<string, string> = {
      of: ['src/grow.ts readAll'],
      form: texts('text'),
      read: (text) => text.repeat(text.length),
      written: fc.constant({ input: 'a', means: 'a' }),
      refuses: [],
    }
    expect((await fc.check(totality(grows), { numRuns: 1_000 })).failed).toBe(true)
  })

  test('that loses what was written is found', async () => {
    const loses = { ...good, read: (text: string) => readNumber(text) % 1_000 }
    expect((await fc.check(roundTrip(loses))).failed).toBe(true)
  })
})

test('the size of a value counts what can be reached, each once', () => {
  const shared = 'x'.repeat(100)
  const inner = { shared }
  expect(sizeOf({ a: inner, b: inner })).toBeLessThan(sizeOf({ a: { shared }, b: { shared: `${shared}` } }))
  expect(sizeOf(new Map([[shared, new Uint8Array(50)]]))).toBeGreaterThanOrEqual(150)
})
