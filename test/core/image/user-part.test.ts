import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { parseImagePattern } from '#core/image/pattern.ts'
import { parseReference } from '#core/image/reference.ts'
import { withoutUserPart } from '#core/image/user-part.ts'

const digest = `sha256:${'4d'.repeat(32)}`

function messageFor(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof CodedError) return error.message
    throw error
  }
  throw new Error('accepted')
}

describe('a user part', () => {
  test.each([
    ['https://user:secret@registry.example.com/a:1', 'https://***:***@registry.example.com/a:1'],
    ['user:secret@registry.example.com/a:1', '***:***@registry.example.com/a:1'],
    ['user:secret@registry.example.com:5000/a', '***:***@registry.example.com:5000/a'],
    ['https://secret@registry.example.com/a', 'https://***:***@registry.example.com/a'],
    ['secret@registry.example.com/a', '***:***@registry.example.com/a'],
    ['https://user:secret@registry.example.com', 'https://***:***@registry.example.com'],
    ['user:secret@registry.example.com', '***:***@registry.example.com'],
    [`user:secret@registry.example.com/a@${digest}`, `***:***@registry.example.com/a@${digest}`],
    [`user:secret@registry.example.com@${digest}`, `***:***@registry.example.com@${digest}`],
    ['user:secret@registry.example.com/a@v1', '***:***@registry.example.com/a@v1'],
    ['user:se/cret@registry.example.com/a', '***:***@registry.example.com/a'],
    ['https://user:se/cret@registry.example.com', 'https://***:***@registry.example.com'],
    ['user:se@cr/et@registry.example.com/a', '***:***@registry.example.com/a'],
    [' https://user:secret@registry.example.com', '***:***@registry.example.com'],
    ['//user:secret@registry.example.com', '***:***@registry.example.com'],
    ['AWS:abc/secret@registry.example.com', '***:***@registry.example.com'],
    ['robot:ab/secret@nginx:1.25', '***:***@nginx:1.25'],
    ['@registry.example.com/a', '***:***@registry.example.com/a'],
  ])('of %s is not shown', (text, shown) => {
    expect(withoutUserPart(text)).toBe(shown)
  })

  test.each([
    `app@${digest}`,
    `app:v1@${digest}`,
    `host:5000/app@${digest}`,
    `host:5000/app:v1@${digest}`,
    `[::1]:5000/team/app@${digest}`,
    'app:v1@sha256:short',
    'host:5000/app@v1',
    'https://registry.example.com/app:v1',
    `https://registry.example.com/app@${digest}`,
    'app@latest',
    '@',
    '',
  ])('neighbour: %s has none, and stays as it is', (text) => {
    expect(withoutUserPart(text)).toBe(text)
  })

  test('of a text that is longer than any name is whatever stands before an @', () => {
    const long = 's'.repeat(4090)
    expect(withoutUserPart(`${long}@host`)).toBe(`${long}@host`)
    expect(withoutUserPart(`${long}${long}@host`)).toBe('***:***@host')
    expect(withoutUserPart(`${long}${long}`)).toHaveLength(8180)
  })

  test('is refused before anything else about the text is said', () => {
    const said = messageFor(() => parseReference('user:p!ss@registry.example.com/a'))
    expect(said).toContain('"***:***@registry.example.com/a"')
    expect(said).toContain('no user and no password')
    expect(messageFor(() => parseReference('***:***@registry.example.com/a'))).toBe(said)
  })

  test('is not shown of a pattern', () => {
    const said = messageFor(() => parseImagePattern('user:secret@registry.example.com/*'))
    expect(said).toContain('"***:***@registry.example.com/*"')
    expect(messageFor(() => parseImagePattern(`app@${digest}`))).toContain(`"app@${digest}"`)
  })
})

describe('for any text', () => {
  interface Row {
    readonly text: string
    readonly refused?: true
  }
  const rows: readonly Row[] = JSON.parse(
    readFileSync(new URL('../../vectors/references/distribution.json', import.meta.url), 'utf8'),
  )
  const valid = rows.filter((row) => row.refused !== true).map(({ text }) => text)
  const name = fc.tuple(
    fc.constantFrom('', 'localhost/', 'host:5000/', 'Registry.Example.com/', '[::1]:5000/'),
    fc.stringMatching(/^[a-z0-9]{1,4}((_|__|-|\/)[a-z0-9]{1,4}){0,3}$/),
    fc.constantFrom('', ':v1', ':sha256'),
    fc.constantFrom('', `@${digest}`, `@sha384:${'0a'.repeat(48)}`, `@sha512:${'0a'.repeat(64)}`),
  )

  test('a valid name stays as it is', () => {
    for (const text of valid) expect(withoutUserPart(text)).toBe(text)
    fc.assert(
      fc.property(name, (parts) => {
        const text = parts.join('')
        expect(parseReference(text).text).toBe(text)
        expect(withoutUserPart(text)).toBe(text)
      }),
    )
  })

  test('a user part before it is not shown, whatever the password holds', () => {
    const password = fc
      .tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }))
      .map((ends) => ends.join('MARKER'))
    const before = fc.constantFrom('', 'https://', 'docker://')
    fc.assert(
      fc.property(before, password, name, (scheme, secret, parts) => {
        const shown = withoutUserPart(`${scheme}user:${secret}@registry.example.com/${parts.join('')}`)
        expect(shown).toBe(`${scheme}***:***@registry.example.com/${parts.join('')}`)
        expect(withoutUserPart(shown)).toBe(shown)
      }),
    )
  })
})
