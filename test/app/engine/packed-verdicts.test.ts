// Judgements taken apart and put together again: what comes out is what went in, or nothing.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PackedVerdicts } from '#app/engine/packed-verdicts.ts'
import { putTogether, takeApart } from '#app/engine/template.ts'
import type { Judgement } from '#core/decision/judgement.ts'
import type { Digest } from '#core/image/digest.ts'
import { name, noon } from '../../support/judging.ts'
import { digestOf } from '../../support/memory-registry.ts'

const until = noon + 3_600_000
const digest = digestOf('an image')
const reference = `${name}:v1@${digest}`
const key = `${reference} r1/rules[0]`
const words = { reference, repository: name, digest }

interface Parts {
  readonly reference?: string
  readonly digest?: Digest
  readonly place?: string
  readonly signedAs?: string
  readonly until?: number
}

/** As the engine makes them, but for the places, which are those of real formats. */
function judgementOf(parts: Parts = {}): Judgement {
  const { reference: image = reference, digest: its = digest } = parts
  const signer = { attestor: 'release', key: 'release', fingerprint: '5'.repeat(64) }
  const signature = {
    format: 'cosign',
    place: parts.place ?? `layer 1 of the tag sha256-${its.slice(7, 19)}….sig`,
    counts: true,
    signer,
    checks: [{ name: 'signature', passed: true }],
    ...(parts.signedAs === undefined ? {} : { signedAs: parts.signedAs }),
  }
  return {
    reference: image,
    digest: its,
    enforced: { outcome: 'trusted', policy: 'production' },
    warned: undefined,
    audited: undefined,
    byPolicy: [
      {
        policy: 'production',
        mode: 'Enforce',
        rule: 'rules[0]',
        outcome: 'trusted',
        finding: {
          kind: 'signature',
          state: 'satisfied',
          attestor: 'release',
          annotations: {},
          identity: 'Any',
          acceptableKeys: ['release'],
          pending: false,
          signers: [signer],
          signatures: [signature],
          oddities: [],
          gaps: [],
        },
      },
    ],
    signers: [signer],
    pin: 'TagAndDigest',
    validUntil: parts.until ?? until,
  }
}

describe('a judgement', () => {
  test.each([
    ['of a classic signature', {}],
    ['of a bundle', { place: 'the referrer 0123456789ab…' }],
    ['that names the repository', { signedAs: name }],
    ['that names another image', { signedAs: 'registry.example.com/other:v7' }],
    ['that names the image as it is deployed', { signedAs: reference }],
    ['with an unusual place', { place: `${digest} ${reference} ${name} 0123456789abcdef0123` }],
    ['with nothing in its place', { place: '' }],
  ])('%s comes back as it was', (_, parts) => {
    const packed = new PackedVerdicts(10)
    const judgement = judgementOf(parts)
    packed.set(key, digest, judgement, noon)
    expect(packed.get(key, digest)).toMatchObject({ since: noon, until })
    expect(packed.get(key, digest)?.judgement).toStrictEqual(judgement)
  })

  test('with any text in any place comes back as it was, or not at all', () => {
    const pieces = fc.constantFrom(
      digest,
      reference,
      name,
      digest.slice(7, 19),
      'tag',
      '…',
      '\u0001',
      '\u0001r',
      '0123456789ab',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 3 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, text, fc.integer({ min: 1 }), (place, signedAs, end) => {
        const packed = new PackedVerdicts(10)
        const judgement = judgementOf({ place, signedAs, until: end })
        packed.set(key, digest, judgement, noon)
        const found = packed.get(key, digest)
        if (found !== undefined) expect(found.judgement).toStrictEqual(judgement)
        else expect(`${place}${signedAs}`).toContain('\u0001')
      }),
    )
  })

  test.each(['\u0001r', '\u0001x', 'a\u0001g'])('that would come back with other words is not kept (%j)', (place) => {
    const packed = new PackedVerdicts(10)
    packed.set(key, digest, judgementOf({ place }), noon)
    expect(packed.get(key, digest)).toBeUndefined()
    packed.set(key, digest, judgementOf({ place: place.replace('\u0001', '\u0002') }), noon)
    expect(packed.get(key, digest)).toBeDefined()
  })

  test('that has no end is not kept', () => {
    const { validUntil: _, ...endless } = judgementOf()
    expect(takeApart(endless, words)).toBeUndefined()
  })

  test('too long to be worth it is not kept', () => {
    expect(takeApart(judgementOf({ signedAs: 'x'.repeat(600) }), words)).toBeUndefined()
    expect(takeApart(judgementOf({ place: 'x'.repeat(40_000) }), words)).toBeUndefined()
  })

  test('a blank that nothing fills is empty, never another image', () => {
    const filled = takeApart(judgementOf({ place: 'the referrer 0123456789ab…' }), words)
    if (filled === undefined) throw new Error('not taken apart')
    const again = putTogether({ ...filled, extras: '' }, words)
    expect(JSON.stringify(again)).toContain('"the referrer …"')
  })
})

describe('packed verdicts', () => {
  const other = digestOf('another')

  test.each([
    ['another digest', key, other],
    ['another repository', key.replace('team/app', 'team/apq'), digest],
    ['another registry', key.replace('registry.example.com', 'registry.example.org'), digest],
    ['another tag', key.replace(':v1@', ':v2@'), digest],
    ['no tag', key.replace(':v1@', '@'), digest],
    ['another revision of the policy', key.replace('r1/', 'r2/'), digest],
    ['another rule', key.replace('rules[0]', 'rules[1]'), digest],
    ['a further policy', `${key},r2/rules[0]`, digest],
    ['no policy', reference, digest],
    ['a key that goes on', `${key} `, digest],
  ])('are not found by %s', (_, askedKey, askedDigest) => {
    const packed = new PackedVerdicts(10)
    packed.set(key, digest, judgementOf(), noon)
    expect(packed.get(askedKey, askedDigest)).toBeUndefined()
    packed.delete(askedKey, askedDigest)
    expect(packed.get(key, digest)?.judgement).toStrictEqual(judgementOf())
  })

  test('of more images than there may be templates are each its own, if one key has signed them', () => {
    const packed = new PackedVerdicts(10_000)
    const images = Array.from({ length: 1_200 }, (_, index) => {
      const repository = `registry.example.com/team/app${index}`
      const ours = digestOf(repository)
      const image = `${repository}:v1@${ours}`
      return { ours, key: `${image} r1/rules[0]`, judgement: judgementOf({ reference: image, digest: ours }) }
    })
    for (const { key: each, ours, judgement } of images) packed.set(each, ours, judgement, noon)
    for (const { key: each, ours, judgement } of images) {
      expect(packed.get(each, ours)?.judgement).toStrictEqual(judgement)
    }
  })

  test('are gone once they were deleted', () => {
    const packed = new PackedVerdicts(10)
    packed.set(key, digest, judgementOf(), noon)
    packed.delete(key, digest)
    expect(packed.get(key, digest)).toBeUndefined()
    expect(packed.size).toBe(0)
  })

  test('whose successor cannot be packed are gone', () => {
    const packed = new PackedVerdicts(10)
    packed.set(key, digest, judgementOf(), noon)
    packed.set(key, digest, judgementOf({ place: '\u0001r' }), noon)
    expect(packed.get(key, digest)).toBeUndefined()
  })

  test('are no more than were asked for: the oldest goes first', () => {
    const packed = new PackedVerdicts(3)
    const keys = ['r1', 'r2', 'r3', 'r4'].map((revision) => `${reference} ${revision}`)
    for (const each of keys) packed.set(each, digest, judgementOf(), noon)
    expect(packed.size).toBe(3)
    expect(keys.map((each) => packed.get(each, digest) !== undefined)).toEqual([false, true, true, true])
  })

  test('replace what was kept under the same key and digest', () => {
    const packed = new PackedVerdicts(3)
    packed.set(key, digest, judgementOf(), noon)
    packed.set(key, digest, judgementOf({ until: until + 1 }), noon + 1)
    expect(packed.size).toBe(1)
    expect(packed.get(key, digest)).toMatchObject({ since: noon + 1, until: until + 1 })
  })

  test('of a thousand forms leave no room for more, until those that have ended are needed no longer', () => {
    const packed = new PackedVerdicts(10_000)
    const keyOf = (index: number) => `${reference} r${index}`
    for (let index = 0; index < 1_100; index += 1) {
      packed.set(keyOf(index), digest, judgementOf({ place: `place ${index}` }), noon)
    }
    expect(packed.size).toBe(1_000)
    // What has a form that is known still finds room.
    packed.set(`${reference} again`, digest, judgementOf({ place: 'place 7' }), noon)
    expect(packed.size).toBe(1_001)
    packed.set(keyOf(2_000), digest, judgementOf({ place: 'new', until: until + 9_000_000 }), until)
    expect(packed.size).toBe(1)
    expect(packed.get(keyOf(2_000), digest)?.judgement).toMatchObject({
      byPolicy: [{ finding: { signatures: [{ place: 'new' }] } }],
    })
  })
})
