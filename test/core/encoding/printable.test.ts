import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printable } from '#core/encoding/printable.ts'

describe('printable', () => {
  test.each([
    ['plain text', 'quay.io/a:v1 "x" \\ é 请使用安全镜像 🐳', 'quay.io/a:v1 "x" \\ é 请使用安全镜像 🐳'],
    ['terminal escapes', 'a\u001b[31mb\u009b1m', 'a\\u{1b}[31mb\\u{9b}1m'],
    ['line ends and tabs', 'a\r\nb\tc\u2028d\u0085', 'a\\u{d}\\u{a}b\\u{9}c\\u{2028}d\\u{85}'],
    ['zero and delete', '\u0000\u007f', '\\u{0}\\u{7f}'],
    ['reordering marks', 'a\u202eb\u2066c\u200fd', 'a\\u{202e}b\\u{2066}c\\u{200f}d'],
    ['what has no width', 'a\u200bb\ufeffc\u2060', 'a\\u{200b}b\\u{feff}c\\u{2060}'],
    ['tag characters', 'a\u{e0041}', 'a\\u{e0041}'],
    ['spaces that are none', 'a\u00a0b\u3000', 'a\\u{a0}b\\u{3000}'],
    ['half a surrogate pair', 'a\ud800b', 'a\\u{d800}b'],
  ])('shows %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown)
  })

  test('cuts at the given length, and says so', () => {
    expect(printable('abcdef', 6)).toBe('abcdef')
    expect(printable('abcdefg', 6)).toBe('abcde…')
    expect(printable('x'.repeat(1000))).toBe(`${'x'.repeat(199)}…`)
    expect(printable('abc', 1)).toBe('…')
    expect(printable('abc', 0)).toBe('')
  })

  test('cuts no escape and no character in two', () => {
    expect(printable('abc\u001bdef', 7)).toBe('abc…')
    expect(printable('ab🐳cd', 4)).toBe('ab…')
  })

  test('what is long is cut where it would be, character by character', () => {
    const unit = fc.constantFrom('a', ' ', '"', 'é', '🐳', '\u001b', '\ud83d', '\u200b')
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 30 }), fc.integer({ min: 1, max: 20 }), (units, max) => {
        const text = units.join('')
        const whole = printable(text, 1_000)
        const shown = printable(text, max)
        if (whole.length <= max) expect(shown).toBe(whole)
        else {
          const characters = [...text].map((character) => printable(character))
          let expected = ''
          for (const character of characters) {
            if (expected.length + character.length > max - 1) break
            expected += character
          }
          expect(shown).toBe(`${expected}…`)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('the result is short, visible and well formed, and leaves visible short text alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0, max: 60 }), (text, max) => {
        const shown = printable(text, max)
        expect(shown.length).toBeLessThanOrEqual(max)
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
        expect(printable(shown, max)).toBe(shown)
      }),
      { numRuns: 2000 },
    )
  })
})
