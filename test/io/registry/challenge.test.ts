import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { parseChallenge } from '#io/registry/challenge.ts'

const realm = 'https://auth.example/token'

describe('a challenge', () => {
  it.each([
    ['Basic realm="registry"', { scheme: 'basic' }],
    ['basic', { scheme: 'basic' }],
    [`Bearer realm="${realm}"`, { scheme: 'bearer', realm }],
    [`bearer  REALM = "${realm}" , Service=registry`, { scheme: 'bearer', realm, service: 'registry' }],
    [`Bearer realm="${realm}",service="a, \\"b\\"",scope="x:y:z"`, { scheme: 'bearer', realm, service: 'a, "b"' }],
    [`Basic realm="r", Bearer realm="${realm}"`, { scheme: 'bearer', realm }],
    [`Negotiate abc==, Bearer realm="${realm}"`, { scheme: 'bearer', realm }],
    [`, ,Bearer realm="${realm}",`, { scheme: 'bearer', realm }],
    ['Negotiate', undefined],
    ['NTLM TlRMTVNTUAA=', undefined],
    ['', undefined],
  ])('%s', (header, expected) => {
    expect(parseChallenge([header])).toEqual(expected)
  })

  it('may come in several headers', () => {
    expect(parseChallenge(['Basic realm="r"', `Bearer realm="${realm}"`])).toEqual({ scheme: 'bearer', realm })
    expect(parseChallenge([])).toBeUndefined()
  })

  it.each([
    ['a Bearer without a realm', 'Bearer service="x"'],
    ['an empty realm', 'Bearer realm=""'],
    ['a realm twice', `Bearer realm="${realm}",realm="${realm}"`],
    ['a realm twice in two cases', `Bearer realm="${realm}",Realm="${realm}"`],
    ['an open quote', `Bearer realm="${realm}`],
    ['no comma', `Bearer realm="${realm}" service="x"`],
    ['a parameter before the scheme', `realm="${realm}"`],
    ['foreign characters', 'Bearer realm=<x>'],
    ['more than 8 KiB', `Bearer realm="${'x'.repeat(9000)}"`],
  ])('is refused with %s', (_what, header) => {
    expect(() => parseChallenge([header])).toThrow(CodedError)
  })

  it('of any text is read or refused with a code, and quickly', () => {
    const piece = fc.constantFrom('Bearer', 'Basic', ' ', ',', '=', '"', '\\', 'realm', 'x', '\t', '/', 'é', '\r\n')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        try {
          parseChallenge([pieces.join('')])
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError)
        }
      }),
      { numRuns: 500 },
    )
    const start = performance.now()
    for (const header of [`Bearer ${'a'.repeat(8000)}"`, `Bearer ${' '.repeat(8000)}"`, `B${' ,'.repeat(4000)}"`]) {
      expect(() => parseChallenge([header])).toThrow(CodedError)
    }
    expect(performance.now() - start).toBeLessThan(1000)
  })

  it('reads back any realm and service that is written as a quoted string', () => {
    const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
    const visible = fc.string({ unit: fc.constantFrom(...' !"#\\,=:;/?aZ09'), minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(visible, visible, (first, second) => {
        const header = `Bearer realm=${quoted(first)}, service=${quoted(second)}`
        expect(parseChallenge([header])).toEqual({ scheme: 'bearer', realm: first, service: second })
      }),
    )
  })
})
