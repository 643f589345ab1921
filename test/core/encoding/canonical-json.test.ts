import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '#core/encoding/canonical-json.ts'

describe('canonical JSON', () => {
  test('sorts members at every level and writes no white space', () => {
    expect(canonicalJson({ b: [{ z: 1, a: null }], a: { y: true, x: 'é' } })).toBe(
      '{"a":{"x":"é","y":true},"b":[{"a":null,"z":1}]}',
    )
  })

  test('sorts by UTF-16 units, as RFC 8785 says', () => {
    const example = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 }
    expect(Object.values(JSON.parse(canonicalJson(example)))).toEqual([4, 2, 6, 7, 1, 5, 3])
  })

  test('writes numbers and strings as RFC 8785 does', () => {
    expect(canonicalJson([333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0, '\u20ac$\u000f\nA\'B"\\\\"/'])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0,"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"]',
    )
  })

  test('leaves out what is undefined', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}')
  })

  test.each([
    ['NaN', Number.NaN],
    ['Infinity', [Number.POSITIVE_INFINITY]],
    ['a big integer', 1n],
    ['a function', { a: () => 1 }],
    ['undefined itself', undefined],
    ['undefined in a list', [undefined]],
    ['a date', new Date(0)],
    ['a map', { a: new Map() }],
    ['bytes', new Uint8Array(2)],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError)
  })

  test('says the same as the value, whatever the order of its members', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(reversed(value))).toBe(text)
      }),
    )
  })
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, each]) => [name, reversed(each)]),
  )
}
