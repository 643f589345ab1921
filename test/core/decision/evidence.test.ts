// What speaks for one leaf: where is looked, what counts, and what is remembered.

import { describe, expect, test } from 'vitest'
import { fromEvidence, fromMemory, subjectOf } from '#core/decision/evidence.ts'
import type { Format, Gathering, Verification } from '#core/decision/format.ts'
import { Inquiry } from '#core/decision/inquiry.ts'
import { parseReference } from '#core/image/reference.ts'
import type { SignatureDemand } from '#core/policy/words.ts'
import { noon } from '../../support/judging.ts'
import { digestOf } from '../../support/memory-registry.ts'
import { attestor, signed } from '../../support/policies.ts'
import { toy, toyKey } from '../../support/toy-format.ts'
import type { Shelf } from '../../support/toy-knowledge.ts'
import { toyKnowledge } from '../../support/toy-knowledge.ts'

const digest = digestOf('image')
const image = parseReference(`registry.example.com/team/app@${digest}`)
const context = { bystanders: [], now: noon, images: 1 }

function look(shelf: Shelf, formats: readonly Format[] = [toy], demand: SignatureDemand = signed('release')) {
  const leaf = { demand, image, digest }
  const knowledge = toyKnowledge(digest, { 'registry.example.com/team/app': shelf })
  const inquiry = new Inquiry(knowledge, { ...context, formats })
  return {
    found: fromEvidence(leaf, subjectOf(leaf), inquiry),
    memory: fromMemory(leaf, subjectOf(leaf), inquiry),
    inquiry,
  }
}

const gap = { place: 'further on', code: 'content-missing', detail: 'gone' } as const
const further = (parts: Partial<Format> = {}): Format => ({
  ...toy,
  askFurther: (): Gathering => ({ questions: [], materials: [], oddities: [], gaps: [gap] }),
  ...parts,
})

describe('signatures that are read', () => {
  test('are looked for further on unless one counts, whatever lies beside it', () => {
    expect(look({ signed: ['release', 'stranger'] }, [further()]).found.gaps).toEqual([])
    expect(look({ signed: ['stranger'] }, [further()]).found.gaps).toEqual([gap])
    expect(look({}, [further()]).found.gaps).toEqual([gap])
  })

  test('are not looked for further on while the first place has not answered', () => {
    const { found } = look({ open: true }, [further()])
    expect([found.open, found.gaps]).toEqual([true, []])
  })

  test('are looked for only in layouts that the attestor names, by formats that serve it', () => {
    const shelf = { signed: ['release'] }
    const bundles = signed(attestor('release', { storage: { layouts: ['Bundle'] } }))
    expect(look(shelf).found.signatures).toHaveLength(1)
    expect(look(shelf, [toy], bundles).found.signatures).toEqual([])
    expect(look(shelf, [{ ...toy, serves: () => false }]).found.signatures).toEqual([])
  })

  test('hold until the key behind them ends, if it does', () => {
    const mortal = signed(attestor('release', { life: { release: { notAfter: noon + 1 } } }))
    expect(look({ signed: ['release'] }, [toy], mortal).found.ends).toEqual([noon + 1])
    expect(look({ signed: ['release'] }).found.ends).toEqual([])
    const dead = signed(attestor('release', { life: { release: { notAfter: noon } } }))
    expect(look({ signed: ['release'] }, [toy], dead).found).toMatchObject({
      ends: [],
      signatures: [{ counts: false, code: 'key-not-valid', signer: { key: 'release' } }],
    })
  })

  test('name who signed by the attestor that was asked, and under which name', () => {
    const named = { signed: ['release'], claims: { as: 'other.example.com/x' } }
    expect(look(named).found.signatures).toMatchObject([
      {
        format: 'toy',
        counts: true,
        signedAs: 'other.example.com/x',
        signer: { attestor: 'release', key: 'release', fingerprint: toyKey('release') },
      },
    ])
    expect(look({ signed: ['release'] }).found.signatures[0]).not.toHaveProperty('signedAs')
  })

  test('tell strangers from what is broken, and attestations from both', () => {
    expect(look({ signed: ['stranger'] }).found).toMatchObject({
      strangers: [{ format: { name: 'toy' } }],
      signatures: [{ code: 'signature-wrong-key' }],
    })
  })

  test('say what they lack', () => {
    const wanting = signed('release', { annotations: { team: 'a' } })
    const reason = (claims: Shelf['claims'] & {}) =>
      look({ signed: ['release'], claims }, [toy], wanting).found.signatures
    expect(reason({})).toMatchObject([{ detail: 'the annotation "team" is missing, "a" is wanted' }])
    expect(reason({ annotations: { team: 'b' } })).toMatchObject([
      { code: 'annotation-mismatch', detail: 'the annotation "team" is "b", "a" is wanted' },
    ])
  })

  test('do not count on the word of a format alone', () => {
    const claiming = (parts: { readonly digest?: typeof digest; readonly fingerprint?: string }): Format => ({
      ...toy,
      name: 'liar',
      ask: () => ({
        questions: [],
        materials: [{ id: 'x', place: 'here', untrusted: undefined }],
        oddities: [],
        gaps: [],
      }),
      verify: async (): Promise<Verification> => {
        throw new Error(`not asked: ${JSON.stringify(parts)}`)
      },
    })
    const judged = (parts: { readonly digest?: typeof digest; readonly fingerprint?: string }) => {
      const claims = {
        signer: { attestor: 'release', key: 'release', fingerprint: parts.fingerprint ?? toyKey('release') },
        digest: parts.digest ?? digest,
        annotations: {},
        provenTimes: [],
      }
      const verification: Verification = { accepted: true, checks: [], claims }
      const knowledge = { ...toyKnowledge(digest, {}), about: () => ({ known: true, value: verification }) as never }
      const leaf = { demand: signed('release'), image, digest }
      return fromEvidence(leaf, subjectOf(leaf), new Inquiry(knowledge, { ...context, formats: [claiming(parts)] }))
        .signatures
    }
    const other = digestOf('another')
    expect(judged({})).toMatchObject([{ counts: true }])
    expect(judged({ digest: other })).toMatchObject([
      { counts: false, code: 'payload-other-image', detail: `it is made for ${other}` },
    ])
    expect(judged({ fingerprint: 'ff' })).toMatchObject([
      { counts: false, code: 'signature-wrong-key', detail: 'the key is none of the attestor' },
    ])
  })
})

describe('signatures that are remembered', () => {
  test('count as those that are read, and are relied on for as long as they hold', () => {
    const { memory, inquiry } = look({ remembered: ['release'] })
    expect(memory?.signatures).toMatchObject([{ format: 'memory', counts: true, checks: [] }])
    expect(inquiry.reliedUntil()).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('are nothing if none of them counts', () => {
    const { memory, inquiry } = look({ remembered: ['stranger'] })
    expect([memory, inquiry.reliedUntil()]).toEqual([undefined, undefined])
    const wanting = signed('release', { annotations: { team: 'a' } })
    expect(look({ remembered: ['release'] }, [toy], wanting).memory).toBeUndefined()
  })
})

test('signatures are looked for beside the image, or where the attestor keeps them', () => {
  const at = { registry: 'registry.example.com', repository: 'team/app' }
  const elsewhere = { registry: 's.example.com', repository: 'all' }
  const far = signed(attestor('release', { storage: { repository: elsewhere } }))
  expect(subjectOf({ demand: signed('release'), image, digest })).toEqual({ digest, image: at, signatures: at })
  expect(subjectOf({ demand: far, image, digest })).toEqual({ digest, image: at, signatures: elsewhere })
})
