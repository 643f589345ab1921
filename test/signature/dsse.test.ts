// What is signed in an envelope, and the statement inside: each member of the wrong kind is refused by itself.

import { describe, expect, test } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { parseDigest } from '#core/image/digest.ts'
import { parseSignStatement, preAuthEncoding, subjectFor } from '#signature/dsse.ts'
import { image, json, statementOf } from '../support/signed-evidence.ts'

function refusal(changes: object): string {
  try {
    parseSignStatement(json({ ...statementOf(), ...changes }))
  } catch (error) {
    if (error instanceof CodedError) return `${error.code}: ${error.message}${error.where ?? ''}`
    throw error
  }
  return 'accepted'
}

const subjectWith = (changes: object) => ({ subject: [{ ...statementOf().subject[0], ...changes }] })

test('the lengths in what is signed count bytes, not characters', () => {
  const encoded = preAuthEncoding('tüp', new TextEncoder().encode('ä!'))
  expect(new TextDecoder().decode(encoded)).toBe('DSSEv1 4 tüp 3 ä!')
})

describe('a statement', () => {
  test('is read with all that a subject may say', () => {
    const [entry] = parseSignStatement(
      json({
        ...statementOf(),
        ...subjectWith({ name: 'app', uri: 'u', content: 'AA', downloadLocation: 'd', mediaType: 'm' }),
      }),
    )
    expect(entry).toEqual({
      digests: { sha256: image.slice(7) },
      name: 'app',
      annotations: { team: 'payments', built: 7 },
    })
  })

  test.each([
    ['without a predicate', { predicate: undefined }],
    ['with a predicate that is null', { predicate: null }],
    ['with a subject without annotations', subjectWith({ annotations: undefined })],
    ['with a subject without digests', subjectWith({ digest: undefined })],
    ['with 1000 subjects', { subject: Array.from({ length: 1000 }, () => statementOf().subject[0]) }],
  ])('is accepted %s', (_what, changes) => {
    expect(refusal(changes)).toBe('accepted')
  })

  const refused: readonly (readonly [string, object, RegExp])[] = [
    ['that is an attestation, whatever else it is', { predicateType: 'x', extra: 1 }, /^predicate-type-wrong: .*"x"/],
    ['with a predicate type that is no text', { predicateType: 1 }, /^json-shape: .*predicateType/],
    ['with another type', { _type: 'x' }, /^payload-type-wrong: _type is "x"/],
    ['with a type that is no text', { _type: 1 }, /^json-shape: .*_type/],
    ['with a predicate that is no object', { predicate: 'x' }, /^json-shape: .*predicate/],
    ['with subjects that are no list', { subject: {} }, /^json-shape: .*subject/],
    ['with 1001 subjects', { subject: Array.from({ length: 1001 }, () => ({})) }, /^json-shape: .*1001 entries.*1000/],
    ['with a subject that is no object', { subject: ['x'] }, /^json-shape: .*subject\[0\]/],
    ['with an unknown member of a subject', subjectWith({ extra: 1 }), /^json-shape: .*extra/],
    ['with a name that is no text', subjectWith({ name: 1 }), /^json-shape: .*subject\[0\]\.name/],
    ['with a name that is null', subjectWith({ name: null }), /^json-shape: .*subject\[0\]\.name/],
    ['with a digest that is no text', subjectWith({ digest: { sha256: 1 } }), /^json-shape: .*subject\[0\]\.digest/],
    ['with annotations that are no object', subjectWith({ annotations: 'x' }), /^json-shape: .*annotations/],
  ]
  test.each(refused)('is refused %s', (_what, changes, reason) => {
    expect(refusal(changes)).toMatch(reason)
  })
})

describe('the subject of a digest', () => {
  const hex = (digit: string, length: number) => digit.repeat(length)

  test('is the one that names it by its own algorithm', () => {
    const entry = { digests: { sha512: hex('b', 128), sha256: hex('a', 64) }, annotations: {} }
    expect(subjectFor([entry], parseDigest(`sha256:${hex('a', 64)}`))).toBe(entry)
    expect(subjectFor([entry], parseDigest(`sha512:${hex('b', 128)}`))).toBe(entry)
    expect(subjectFor([entry], parseDigest(`sha256:${hex('b', 64)}`))).toBeUndefined()
    expect(subjectFor([entry], parseDigest(`sha384:${hex('a', 96)}`))).toBeUndefined()
  })

  test('is the first of several', () => {
    const entries = ['one', 'two'].map((name) => ({ digests: { sha256: hex('a', 64) }, name, annotations: {} }))
    expect(subjectFor(entries, parseDigest(`sha256:${hex('a', 64)}`))).toBe(entries[0])
  })

  test('is none that only inherits the word', () => {
    const inherited: Record<string, string> = Object.create({ sha256: hex('a', 64) })
    expect(subjectFor([{ digests: inherited, annotations: {} }], parseDigest(`sha256:${hex('a', 64)}`))).toBeUndefined()
  })
})
