import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodedError, codeOf } from '#core/errors.ts'
import { parseDigest } from '#core/image/digest.ts'
import {
  effectiveTag,
  formatReference,
  type ImageReference,
  parseReference,
  repositoryName,
} from '#core/image/reference.ts'

interface Row {
  readonly text: string
  readonly refused?: true
  readonly registry?: string
  readonly repository?: string
  readonly tag?: string
  readonly digest?: string
}

const rows: readonly Row[] = JSON.parse(
  readFileSync(new URL('../../vectors/references/distribution.json', import.meta.url), 'utf8'),
)
const hex = '4d5e6f708192a3b4c5d6e7f8091a2b3c'.repeat(2)
const digest = `sha256:${hex}`

/** What distribution's library takes and we do not: the reason of each is in the message. */
const stricter: Readonly<Record<string, RegExp>> = {
  'FOO/bar': /written with its port/,
  'Foo/bar:1': /written with its port/,
  'Docker.io/redis': /only as docker.io, in lower case/,
  'DOCKER.IO/library/redis': /only as docker.io, in lower case/,
  'Index.docker.io/redis': /only as index.docker.io, in lower case/,
  'docker.io:443/library/redis': /without a port/,
  'index.docker.io:443/library/redis': /without a port/,
  'registry:0/a': /1 to 65535/,
  'registry:05000/a': /without leading zeros/,
  'registry:65536/a': /1 to 65535/,
  'registry.example.com:99999999999/a': /1 to 65535/,
  '127.1/a': /IPv4/,
  '127.1:5000/a': /IPv4/,
  '2130706433:5000/a': /IPv4/,
  '0x7f.1/a': /IPv4/,
  '0x7f000001:5000/a': /IPv4/,
  '10.0.0.256/a': /IPv4/,
  '010.0.0.1/a': /IPv4/,
  '1.2.3.4.5/a': /IPv4/,
  '[1:2:3]/a': /IPv6/,
  '[::1::2]/a': /IPv6/,
  '[:::]/a': /IPv6/,
  '[12345::1]/a': /IPv6/,
  '[fd00123]:80/a': /IPv6/,
  [digest]: /image id/,
  'sha256:abc123': /image id/,
  'sha512:0f': /image id/,
  // The library answers a path without any host.
  'my_registry.example.com/a': /a host has labels/,
  'a.b_c/d': /a host has labels/,
  '1.2_3/d': /a host has labels/,
  [`${'h'.repeat(64)}.${`${'i'.repeat(63)}.`.repeat(3)}com/a`]: /at most 253/,
}

function partsOf({ registry, repository, tag, digest }: ImageReference): unknown {
  return { registry, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}

function refusal(text: string): CodedError {
  try {
    parseReference(text)
  } catch (error) {
    if (error instanceof CodedError) return error
    throw error
  }
  throw new Error(`accepted: ${text}`)
}

describe('references, as the distribution project reads them', () => {
  const accepted = rows.filter((row) => row.refused !== true && stricter[row.text] === undefined)
  const refused = rows.filter((row) => row.refused === true)

  test('an IPv6 address leaves out one group at least where it has ::', () => {
    expect(parseReference('[1:2:3:4:5:6::8]/a').registry).toBe('[1:2:3:4:5:6::8]')
    expect(() => parseReference('[1:2:3:4:5:6:7::8]/a')).toThrow(/IPv6/)
  })

  test('the table is the whole table', () => {
    expect({ accepted: accepted.length, refused: refused.length, stricter: Object.keys(stricter).length }).toEqual({
      accepted: 94,
      refused: 144,
      stricter: 31,
    })
    expect(rows.filter((row) => stricter[row.text] !== undefined && row.refused !== true)).toHaveLength(31)
  })

  test.each(accepted)('reads $text', ({ text, registry = '', ...parts }) => {
    expect(partsOf(parseReference(text))).toEqual({ registry: registry.toLowerCase(), ...parts })
  })

  test.each(refused)('refuses $text', ({ text }) => {
    expect(refusal(text).code).toBe('reference-malformed')
  })

  test.each(Object.entries(stricter))('refuses %s, which the library takes', (text, reason) => {
    expect(refusal(text)).toMatchObject({ code: 'reference-malformed', message: expect.stringMatching(reason) })
  })
})

describe('references', () => {
  test('keeps the text as it was written', () => {
    expect(parseReference('redis').text).toBe('redis')
  })

  test('puts the host in lower case, and only the host', () => {
    expect(formatReference(parseReference('Registry.Example.COM:5000/team/app:V1'))).toBe(
      'registry.example.com:5000/team/app:V1',
    )
    expect(refusal('registry.example.com/Team/app').message).toContain('lower case (offset 21)')
  })

  test('invents no tag, but knows what a runtime would pull', () => {
    expect(parseReference('redis')).not.toHaveProperty('tag')
    expect(effectiveTag(parseReference('redis'))).toBe('latest')
    expect(effectiveTag(parseReference('redis:7'))).toBe('7')
    expect(effectiveTag(parseReference(`redis@${digest}`))).toBeUndefined()
    expect(effectiveTag(parseReference(`redis:7@${digest}`))).toBe('7')
  })

  test('names a repository by registry and path', () => {
    expect(repositoryName(parseReference(`redis:7@${digest}`))).toBe('docker.io/library/redis')
  })

  test.each([
    ['registry.example.com/team/a_-b:v1', 28],
    ['registry.example.com/team//b', 26],
    ['registry..example.com/a', 9],
    ['registry:x/a', 9],
    ['redis:', 6],
    ['redis:-1', 6],
    ['redis@sha256:00', 6],
    ['redis\u0000', 5],
    ['r\u00e9dis', 1],
  ])('says where %s is wrong', (text, offset) => {
    expect(refusal(text)).toMatchObject({
      where: `offset ${offset}`,
      message: expect.stringContaining(`offset ${offset}`),
    })
  })

  test('never repeats control characters or endless text in a message', () => {
    const { message } = refusal(`app\u001b]0;x\u0007\u202e\n${'x'.repeat(3000)}`)
    expect(message).toMatch(/^[\x20-\x7e…]{1,400}$/)
    expect(message).toContain('\\u{1b}')
    expect(message).toContain('U+001B')
  })

  test('names the look-alike character by its number', () => {
    expect(refusal('\u0430pp').message).toContain('U+0430')
  })

  test('looks at no more than 4096 characters', () => {
    expect(refusal('a'.repeat(5_000_000)).message).toContain('longer than 4096')
    expect(refusal('a'.repeat(4096)).message).toContain('path is longer than 255')
  })

  test('says that a URL is no image name', () => {
    expect(refusal('https://registry.example.com/app').message).toContain('no scheme')
  })
})

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?$/)
const registry = fc.oneof(
  fc.constantFrom('docker.io', 'localhost', 'localhost:5000', '127.0.0.1:5000', '[::1]', '[2001:db8::1]:5000'),
  fc.tuple(label, label).map(([a, b]) => `${a}.${b}.example`),
  fc.tuple(label, fc.integer({ min: 1, max: 65535 })).map(([a, port]) => `h${a}:${port}`),
)
const component = fc.stringMatching(/^[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}$/)
const parts = fc.record(
  {
    registry,
    repository: fc.array(component, { minLength: 2, maxLength: 5 }).map((components) => components.join('/')),
    tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
    digest: fc.constantFrom(...[digest, `sha384:${hex}${'0'.repeat(32)}`, `sha512:${hex}${hex}`].map(parseDigest)),
  },
  { requiredKeys: ['registry', 'repository'] },
)

describe('for any text', () => {
  test('parsing what was formatted gives the same parts', () => {
    fc.assert(
      fc.property(parts, (reference) => {
        expect(partsOf(parseReference(formatReference(reference)))).toEqual(reference)
      }),
    )
  })

  const fragment = fc.constantFrom(
    ...[
      'a',
      'b-c',
      'A',
      'docker.io',
      'index.docker.io',
      'localhost',
      'x.y',
      'X.Y',
      '[::1]',
      '[1:2',
      '1.2',
      ':',
      '/',
      '@',
    ],
    ...[
      '..',
      '__',
      '-',
      ':5000',
      ':443',
      ':0',
      ':v1',
      `@${digest}`,
      '@md5:00',
      'sha256:ab',
      hex,
      '\n',
      '\u0000',
      '%',
      'é',
    ],
  )
  const soup = fc.oneof(
    fc.array(fragment, { maxLength: 8 }).map((all) => all.join('')),
    fc.string({ unit: 'binary', maxLength: 60 }),
  )

  test('the answer is a reference with one normal form, or reference-malformed', () => {
    fc.assert(
      fc.property(soup, (text) => {
        let reference: ImageReference
        try {
          reference = parseReference(text)
        } catch (error) {
          expect(codeOf(error)).toBe('reference-malformed')
          return
        }
        const normal = parseReference(formatReference(reference))
        expect(partsOf(normal)).toEqual(partsOf(reference))
        expect(formatReference(normal)).toMatch(/^[!-~]+$/)
      }),
      { numRuns: 3000 },
    )
  })

  test('a URL made of the registry reaches the host that is named', () => {
    fc.assert(
      fc.property(registry, (host) => {
        const normal = parseReference(`${host}/team/app`).registry
        expect(new URL(`https://${normal}/v2/`).host).toBe(normal.replace(/:443$/, ''))
      }),
    )
  })
})
