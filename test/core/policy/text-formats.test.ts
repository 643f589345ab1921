import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  apiVersion,
  labelKey,
  labelValue,
  line,
  namespaceGlob,
  namespaceName,
  objectName,
  parseDuration,
  parseInstant,
} from '#core/policy/text-formats.ts'

describe('instants', () => {
  it('are what Date says, for every day and offset', () => {
    const time = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    fc.assert(
      fc.property(time, (date) => {
        expect(parseInstant(date.toISOString())).toBe(date.getTime())
        expect(parseInstant(date.toISOString().replace('Z', '+00:00'))).toBe(date.getTime())
      }),
    )
    expect(parseInstant('2026-01-01T00:00:00-05:30')).toBe(Date.UTC(2026, 0, 1, 5, 30))
    expect(parseInstant('2026-01-01t00:00:00.1239z')).toBe(Date.UTC(2026, 0, 1, 0, 0, 0, 123))
  })

  it.each([
    '',
    '2026',
    '2026-01-01 00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:60:00Z',
    ' 2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z\n',
    '20260101T000000Z',
  ])('are not %j', (text) => {
    expect(parseInstant(text)).toBeUndefined()
  })
})

describe('durations', () => {
  it.each([
    ['24h', 86_400_000],
    ['30m', 1_800_000],
    ['90s', 90_000],
    ['1h30m5s', 5_405_000],
    ['0s', 0],
  ])('%s is %d milliseconds', (text, expected) => {
    expect(parseDuration(text)).toBe(expected)
  })

  it.each(['', '1', '1d', '1.5h', '-1h', '1h 30m', '30m1h', '1H', '١h', '1h\n', '999999h'])('are not %j', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })
})

describe('names as Kubernetes writes them', () => {
  it.each([
    [objectName, 'a.b-c', true],
    [objectName, 'A', false],
    [objectName, '-a', false],
    [objectName, 'a..b', false],
    [objectName, 'a'.repeat(64), true],
    [objectName, 'a'.repeat(254), false],
    [objectName, `${'a.'.repeat(126)}a`, true],
    [objectName, `${'a.'.repeat(127)}a`, false],
    [labelValue, '', true],
    [labelValue, 'a_B.c', true],
    [labelValue, 'a/b', false],
    [apiVersion, 'v1beta2', true],
    [apiVersion, 'xv1', false],
    [apiVersion, 'v1x', false],
    [labelKey, 'a', true],
    [labelKey, 'example.com/a_B.c', true],
    [labelKey, 'example.com/', false],
    [labelKey, '/a', false],
    [labelKey, 'a/b/c', false],
    [labelKey, 'A_B/c', false],
    [namespaceGlob, '*', true],
    [namespaceGlob, 'team-*', true],
    [namespaceGlob, 'team-', false],
    [namespaceGlob, 'a.b', false],
    [namespaceGlob, 'a?', false],
  ])('%o %s: %s', (format, text, fine) => {
    expect(format.problem?.(text) === undefined).toBe(fine)
  })
})

describe('one line of text', () => {
  it('has something in it that can be seen, and nothing that cannot', () => {
    expect(['a', ' a ', 'ä b'].map((text) => line.problem?.(text))).toEqual([undefined, undefined, undefined])
    for (const text of ['', ' ', '\n', '\u200b ']) expect(line.problem?.(text), JSON.stringify(text)).toBeDefined()
    expect(line.problem?.(' ')).toBe('is empty')
    expect(line.problem?.('a\nb')).toBe('must be one line of visible characters')
    expect(line.problem?.('x'.repeat(1000))).toBeUndefined()
  })
})

describe('the name of a namespace', () => {
  it('is one label of DNS', () => {
    for (const name of ['a', 'a-b', '1', 'x'.repeat(63)]) expect(namespaceName.problem?.(name)).toBeUndefined()
    for (const name of ['', '-a', 'a-', 'A', 'a.b', 'a b', 'a\nb', 'x'.repeat(64)]) {
      expect(namespaceName.problem?.(name), JSON.stringify(name)).toContain('is not a namespace name')
    }
  })
})

describe('what an API server takes for a line of text', () => {
  const matches = (text: string) => new RegExp(line.pattern ?? '', 'u').test(text)

  it.each([
    'a',
    ' a',
    'a b ',
    'ä – 好 😀',
    '"',
    ' ',
    '',
    'a\nb',
    'a\tb',
    '\u202e',
    'a\u200bb',
    'a\u00a0b',
    '\u2028',
    '\ue000',
  ])('%j is what our reader takes', (text) => {
    expect(matches(text)).toBe(line.problem?.(text) === undefined)
  })
})
