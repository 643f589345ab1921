import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase64, encodeBase64 } from '#core/encoding/base64.ts'
import { codeOf } from '#core/errors.ts'

const bytes = fc.uint8Array({ maxLength: 100 })

function codeOfDecoding(text: string): string {
  try {
    decodeBase64(text)
    return 'accepted'
  } catch (error) {
    return codeOf(error)
  }
}

describe('base64', () => {
  test('writes what the platform writes, and reads it again', () => {
    fc.assert(
      fc.property(bytes, (each) => {
        const text = encodeBase64(each)
        expect(text).toBe(Buffer.from(each).toString('base64'))
        expect(decodeBase64(text)).toEqual(Uint8Array.from(each))
      }),
    )
  })

  test.each([
    ['no padding', 'QQ'],
    ['half of the padding', 'QQ='],
    ['too much padding', 'QQ==='],
    ['padding alone', '===='],
    ['padding inside', 'QQ==QQ=='],
    ['a single character more', 'QUJDR'],
    ['stray bits before ==', 'QR=='],
    ['stray bits before =', 'QUJ='.replace('J', 'F')],
    ['the URL alphabet', '-_-_'],
    ['a line feed', 'QUJD\n'],
    ['a line feed that keeps the length', 'QUJ\n'],
    ['a space', ' QUI'],
    ['a character beyond Latin-1', 'QUJ\u0141'],
    ['a zero character', 'QUJ\u0000'],
  ])('refuses %s', (_, text) => {
    expect(codeOfDecoding(text)).toBe('base64-malformed')
  })

  test('every text has one reading, and every reading one text', () => {
    const soup = fc.array(fc.constantFrom('A', 'Q', 'R', '/', '+', '=', '-', '\n'), { maxLength: 9 })
    fc.assert(
      fc.property(soup, (pieces) => {
        const text = pieces.join('')
        if (codeOfDecoding(text) === 'accepted') expect(encodeBase64(decodeBase64(text))).toBe(text)
        else expect(Buffer.from(text, 'base64').toString('base64')).not.toBe(text)
      }),
      { numRuns: 3000 },
    )
  })
})
