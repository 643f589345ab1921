// Which manifests of a list are read, and what is said of the others. Every bound keeps a stranger who pushes from costing
// more than it allows, and none of them hides a signature that may count without saying so.

import { describe, expect, test } from 'vitest'
import type { SignedSubject } from '#core/decision/format.ts'
import type { MalformedEntry, Referrer } from '#core/decision/question.ts'
import { fallbackTag, parseDigest } from '#core/image/digest.ts'
import type { Found, ReferrerKind } from '#signature/referrers.ts'
import { findOlderReferrers, findReferrers } from '#signature/referrers.ts'
import { WrittenFacts } from '../support/evidence.ts'
import type { Json } from '../support/signed-evidence.ts'
import {
  at,
  digestOf,
  image,
  json,
  layer,
  manifestOf,
  manifestType,
  otherImage,
  subject,
} from '../support/signed-evidence.ts'

const type = 'application/vnd.example.seal'
const kind: ReferrerKind = { holds: (each) => each === type }
const subjectOf = (digest: string) => ({ subject: { mediaType: manifestType, digest, size: 1 } })
const maxBytes = 256 * 1024

/** One for all manifests: signatures differ in length, and a test pads a manifest to the byte. */
const signed = layer()

/** A manifest that refers to the image, told from others by its number. */
const seal = (number: number, more: Json = {}): Uint8Array =>
  manifestOf([signed], { artifactType: type, annotations: { number: `${number}` }, ...subjectOf(image), ...more })

const entryFor = (manifest: Uint8Array, more: Partial<Referrer> = {}): Referrer => ({
  digest: digestOf(manifest),
  mediaType: manifestType,
  size: manifest.length,
  artifactType: type,
  ...more,
})

function listed(entries: readonly (Referrer | MalformedEntry)[], manifests: readonly Uint8Array[] = []): WrittenFacts {
  const facts = new WrittenFacts().set({ kind: 'referrers', at, digest: image }, { known: true, value: entries })
  for (const bytes of manifests) {
    const digest = digestOf(bytes)
    facts.set({ kind: 'manifest', at, digest }, { known: true, value: { digest, mediaType: manifestType, bytes } })
  }
  return facts
}

/** What came of it, short enough to compare. */
function told({ questions, manifests, oddities, gaps }: Found) {
  return {
    asked: questions.length,
    found: manifests.map(({ manifest }) => manifest.annotations?.['number']),
    oddities: oddities.map(({ code, detail }) => `${code}: ${detail}`),
    gaps: gaps.map(({ code, detail }) => `${code}: ${detail}`),
  }
}

const nothing = { asked: 0, found: [], oddities: [], gaps: [] }
const find = (entries: readonly (Referrer | MalformedEntry)[], manifests: readonly Uint8Array[] = []) =>
  told(findReferrers(subject, listed(entries, manifests), kind))

describe('a referrer', () => {
  const one = seal(1)

  test('is read where the list says that it is one', () => {
    expect(find([entryFor(one)], [one])).toEqual({ ...nothing, found: ['1'] })
    expect(find([entryFor(one)])).toEqual({ ...nothing, asked: 1 })
  })

  test('is read once, however often it is listed', () => {
    expect(find([entryFor(one), entryFor(one)], [one])).toEqual({ ...nothing, found: ['1'] })
  })

  test('is left alone where the list says that it is another thing', () => {
    const other = entryFor(one, { artifactType: 'application/spdx+json' })
    expect(find([other], [one])).toEqual(nothing)
  })

  test('comes before those that may be something else', () => {
    const [vague, empty, last] = [seal(2), seal(3), seal(4)]
    const { artifactType: _, ...untyped } = entryFor(vague)
    const asEmpty = entryFor(empty, { artifactType: 'application/vnd.oci.empty.v1+json' })
    expect(find([untyped, asEmpty, entryFor(last)], [vague, empty, last]).found).toEqual(['4', '2', '3'])
  })

  test('is not read if the list dismisses it, and that is said no more often than a hundred times', () => {
    const entries = Array.from({ length: 150 }, (_, number) => entryFor(seal(number)))
    const facts = listed(entries)
    const found = findReferrers(subject, facts, { ...kind, dismiss: () => 'by its annotation' })
    expect(found.questions).toEqual([])
    expect(found.oddities).toHaveLength(100)
    expect(found.oddities[0]).toMatchObject({ code: 'predicate-type-wrong', detail: 'by its annotation' })
  })

  test('of another type than the list says is named, and passed over where the list says nothing', () => {
    const { artifactType: _, ...untyped } = entryFor(seal(1))
    const foreign = manifestOf([layer()], subjectOf(image))
    expect(find([entryFor(foreign)], [foreign]).oddities).toEqual([
      'layer-malformed: the manifest is of another type than the list says',
    ])
    expect(find([{ ...untyped, digest: digestOf(foreign) }], [foreign])).toEqual(nothing)
  })

  test.each([
    ['its config', { artifactType: undefined, config: { mediaType: type, digest: image, size: 2 } }],
    ['its first layer', { artifactType: undefined, layers: [{ mediaType: type, digest: image, size: 2 }] }],
  ])('is known by %s as well', (_what, more) => {
    const manifest = seal(1, more)
    expect(find([entryFor(manifest)], [manifest])).toEqual({ ...nothing, found: ['1'] })
  })

  test('for another image, or for none, does not count', () => {
    const other = seal(1, subjectOf(otherImage))
    const none = seal(2, { subject: undefined })
    expect(find([entryFor(other), entryFor(none)], [other, none])).toEqual({
      ...nothing,
      oddities: [`referrer-other-subject: it names ${otherImage}`, 'referrer-other-subject: it names no subject'],
    })
  })
})

describe('what is too much is a gap', () => {
  const one = seal(1)

  test('a manifest that is listed as too large is not asked for', () => {
    expect(find([entryFor(one, { size: maxBytes })])).toEqual({ ...nothing, asked: 1 })
    expect(find([entryFor(one, { size: maxBytes + 1 })])).toEqual({
      ...nothing,
      gaps: ['content-too-large: a manifest of 262145 bytes'],
    })
  })

  test('a manifest that is larger than the list says is not read', () => {
    const padded = (length: number) => {
      const spare = length - seal(1, { annotations: { number: '1', fill: '' } }).length
      return seal(1, { annotations: { number: '1', fill: 'x'.repeat(spare) } })
    }
    const [fits, exceeds] = [padded(maxBytes), padded(maxBytes + 1)]
    expect(find([entryFor(fits, { size: 1 })], [fits])).toEqual({ ...nothing, found: ['1'] })
    expect(find([entryFor(exceeds, { size: 1 })], [exceeds])).toEqual({
      ...nothing,
      gaps: ['content-too-large: a manifest of 262145 bytes'],
    })
  })

  test('after a hundred of the kind no more are read', () => {
    const entries = Array.from({ length: 101 }, (_, number) => entryFor(seal(number)))
    expect(find(entries.slice(1))).toEqual({ ...nothing, asked: 100 })
    expect(find(entries)).toEqual({
      ...nothing,
      asked: 100,
      gaps: ['too-many-signatures: 101 referrers; the first 100 are read'],
    })
  })

  test('malformed entries are named, a hundred of them', () => {
    expect(find([{ malformed: 'x' }, entryFor(one)], [one])).toEqual({
      ...nothing,
      found: ['1'],
      gaps: ['manifest-malformed: x'],
    })
    expect(find(Array.from({ length: 150 }, () => ({ malformed: 'x' }))).gaps).toHaveLength(100)
  })
})

describe('under the fallback tag', () => {
  const [one, two] = [seal(1), seal(2)]
  const question = { kind: 'tagged', at, tag: fallbackTag(image) } as const
  const index = (...entries: readonly Json[]): Uint8Array =>
    json({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: entries })
  const withTag = (facts: WrittenFacts, bytes: Uint8Array | null) =>
    facts.set(question, {
      known: true,
      value: bytes && { digest: digestOf(bytes), mediaType: 'application/vnd.oci.image.index.v1+json', bytes },
    })
  const older = (facts: WrittenFacts, of: SignedSubject = subject) => told(findOlderReferrers(of, facts, kind))

  test('is looked only where the list names something', () => {
    expect(findOlderReferrers(subject, listed([entryFor(one)]), kind).questions).toEqual([question])
    expect(findOlderReferrers(subject, listed([{ malformed: 'x' }]), kind).questions).toEqual([question])
    expect(older(listed([]))).toEqual(nothing)
    expect(older(new WrittenFacts())).toEqual(nothing)
    const failed = { known: false, code: 'registry-failing', detail: '500' } as const
    expect(older(new WrittenFacts().set({ kind: 'referrers', at, digest: image }, failed))).toEqual(nothing)
  })

  test('is not looked where no tag can be as long as the digest', () => {
    const digest = parseDigest(`sha512:${'a'.repeat(128)}`)
    const facts = new WrittenFacts().set({ kind: 'referrers', at, digest }, { known: true, value: [entryFor(one)] })
    expect(older(facts, { ...subject, digest })).toEqual(nothing)
  })

  test('is read what the list lacks, and nothing twice', () => {
    const facts = withTag(listed([entryFor(one)], [one, two]), index(entryFor(one), entryFor(two)))
    expect(older(facts)).toEqual({ ...nothing, found: ['2'] })
  })

  test('may be nothing', () => {
    expect(older(withTag(listed([entryFor(one)]), null))).toEqual(nothing)
  })

  test('what cannot be read is a gap', () => {
    expect(older(withTag(listed([entryFor(one)]), new TextEncoder().encode('x'))).gaps).toEqual([
      expect.stringMatching(/^manifest-malformed: /),
    ])
    const failed = { known: false, code: 'registry-failing', detail: '500' } as const
    expect(older(listed([entryFor(one)]).set(question, failed)).gaps).toEqual(['registry-failing: 500'])
    const bad = index({ mediaType: manifestType, digest: 'x', size: 1 }, entryFor(two))
    const { found, gaps } = older(withTag(listed([entryFor(one)], [two]), bad))
    expect([found, gaps.length]).toEqual([['2'], 1])
  })
})
