import { describe, expect, test } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { digestAlgorithm, digestHex, fallbackTag, parseDigest, toDigest } from '#core/image/digest.ts'

const hex = '4d5e6f708192a3b4c5d6e7f8091a2b3c'

describe('digests', () => {
  test.each([
    ['sha256', 64],
    ['sha384', 96],
    ['sha512', 128],
  ])('reads %s with %i digits, and neither more nor fewer', (algorithm, length) => {
    const digits = hex.repeat(4).slice(0, length)
    const digest = parseDigest(`${algorithm}:${digits}`)
    expect([digestAlgorithm(digest), digestHex(digest)]).toEqual([algorithm, digits])
    expect(fallbackTag(digest)).toBe(`${algorithm}-${digits}`)
    expect(toDigest(`${algorithm}:${digits}0`)).toBeUndefined()
    expect(toDigest(`${algorithm}:${digits.slice(1)}`)).toBeUndefined()
  })

  test.each([
    ['nothing', ''],
    ['no algorithm', hex.repeat(2)],
    ['an empty algorithm', `:${hex.repeat(2)}`],
    ['md5', `md5:${hex}`],
    ['sha1', `sha1:${hex}01234567`],
    ['an algorithm called like a method', `constructor:${hex.repeat(2)}`],
    ['upper-case digits', `sha256:${hex.repeat(2).toUpperCase()}`],
    ['one upper-case digit', `sha256:${hex.repeat(2).slice(1)}A`],
    ['an upper-case algorithm', `SHA256:${hex.repeat(2)}`],
    ['a second colon', `sha256:${hex}:${hex.slice(1)}`],
    ['other letters', `sha256:${'g'.repeat(64)}`],
    ['a line feed at the end', `sha256:${hex.repeat(2)}\n`],
    ['a line feed for the last digit', `sha256:${hex.repeat(2).slice(1)}\n`],
    ['a space before', ` sha256:${hex.repeat(2)}`],
  ])('refuses %s', (_, text) => {
    expect(toDigest(text)).toBeUndefined()
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'digest-malformed' }))
  })

  test('repeats what it refuses escaped and cut', () => {
    expect(() => parseDigest(`\u001b${'x'.repeat(5000)}`)).toThrow(CodedError)
    try {
      parseDigest(`\u001b${'x'.repeat(5000)}`)
    } catch (error) {
      expect(String(error)).toMatch(/^[\x20-\x7e…]{1,250}$/)
    }
  })
})
