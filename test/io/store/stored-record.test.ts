// The reader of stored texts: takes what Sealward writes, refuses everything else with a code.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgementText, recordOf, recordText } from '#core/decision/record.ts'
import { CodedError } from '#core/errors.ts'
import { readEntry, readJudgement } from '#io/store/stored-record.ts'
import { answerOf, decisions, request } from '../../support/decision-store.ts'

const { good, bad } = await decisions()
const hash = 'a'.repeat(64)

const record = recordText(
  recordOf(
    { run: 'r', n: 1 },
    { path: 'mutate', request: request(), answer: answerOf(bad), decision: bad },
    () => hash,
  ),
)
const judgements = [...good.verdicts, ...bad.verdicts].flatMap(({ judgement }) =>
  judgement === undefined ? [] : [judgementText(judgement)],
)

const texts: readonly (readonly [string, string])[] = [
  ['decision', record],
  ['start', recordText({ run: 'r', version: '1', host: 'h', previous: 'clean', previousRun: 'q' })],
  ['stop', recordText({ run: 'r', n: 2 })],
  ['gap', recordText({ run: 'r', n: 2, count: 3, why: 'full', from: 1, until: 2 })],
  ['pruned', recordText({ run: 'r', upTo: 2, hash, count: 3 })],
]

const codeOf = (read: () => unknown) => {
  try {
    read()
    return 'read'
  } catch (error) {
    if (error instanceof CodedError) return error.code
    throw error
  }
}

describe('the reader of entries', () => {
  test.each(texts)(
    'reads a %s as it was written, and refuses it with a member more, one less, one twice',
    (kind, text) => {
      expect(codeOf(() => readEntry(kind, text, 'x'))).toBe('read')
      const value: Record<string, unknown> = JSON.parse(text)
      expect(codeOf(() => readEntry(kind, JSON.stringify({ ...value, more: 1 }), 'x'))).toBe('store-malformed')
      const { run: _, ...less } = value
      expect(codeOf(() => readEntry(kind, JSON.stringify(less), 'x'))).toBe('store-malformed')
      expect(codeOf(() => readEntry(kind, text.replace('{"run"', '{"run":"r","run"'), 'x'))).toBe('store-malformed')
      expect(codeOf(() => readEntry('another', text, 'x'))).toBe('store-malformed')
      expect(codeOf(() => readEntry('__proto__', text, 'x'))).toBe('store-malformed')
    },
  )

  test('repeats nothing that could steer a terminal', () => {
    const strange = 'a\u001b[2J'
    expect(() => readEntry(strange, record, 'x')).toThrow('x: is of the unknown kind "a\\u{1b}[2J"')
    expect(() => readEntry('decision', JSON.stringify({ ...JSON.parse(record), [strange]: 1 }), 'x')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('\u001b') }),
    )
  })

  test.each([
    ['"answer":"denied"', '"answer":"perhaps"'],
    ['"outcome":"untrusted"', '"outcome":"good"'],
    ['"code":"signature-by-stranger"', '"code":"invented"'],
    [hash, 'a'.repeat(63)],
    ['"n":1', '"n":-1'],
    ['"operation":"CREATE"', '"operation":"PATCH"'],
  ])('refuses a decision in which %s became %s', (before, after) => {
    expect(record).toContain(before)
    expect(codeOf(() => readEntry('decision', record.replace(before, after), 'x'))).toBe('store-malformed')
  })
})

describe('the reader of judgements', () => {
  test('reads what was written, value by value', () => {
    expect(judgements).toHaveLength(3)
    for (const text of judgements) expect(readJudgement(text, 'x')).toEqual(JSON.parse(text))
  })

  test('refuses another outcome, digest or finding', () => {
    const [text = ''] = judgements
    for (const [before, after] of [
      ['"outcome":"trusted"', '"outcome":"perhaps"'],
      ['"digest":"sha256:', '"digest":"md5:'],
      ['"kind":"signature"', '"kind":"promise"'],
      ['"mode":"Enforce"', '"mode":"Hope"'],
    ] as const) {
      expect(text).toContain(before)
      expect(codeOf(() => readJudgement(text.replace(before, after), 'x'))).toBe('store-malformed')
    }
  })
})

test('whatever stands there, it is read or refused with a code', () => {
  const kinds = fc.constantFrom(...texts.map(([kind]) => kind), 'judgement')
  const whole = [...texts.map(([, text]) => text), ...judgements]
  const cut = fc.tuple(fc.constantFrom(...whole), fc.nat(), fc.nat(), fc.string()).map(([text, from, length, put]) => {
    const at = from % text.length
    return text.slice(0, at) + put + text.slice(at + (length % 20))
  })
  const deep = fc.nat({ max: 2_000 }).map((depth) => '{"of":['.repeat(depth))
  fc.assert(
    fc.property(kinds, fc.oneof(cut, fc.json(), fc.string(), deep), (kind, text) => {
      const read = () => (kind === 'judgement' ? readJudgement(text, 'x') : readEntry(kind, text, 'x'))
      expect(['read', 'store-malformed']).toContain(codeOf(read))
    }),
    { numRuns: 500 },
  )
})
