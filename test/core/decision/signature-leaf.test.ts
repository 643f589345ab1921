// One leaf judged on facts that are given: access to the image, and the reason that is told.

import { describe, expect, test } from 'vitest'
import type { Knowledge } from '#core/decision/inquiry.ts'
import { Inquiry } from '#core/decision/inquiry.ts'
import type { Fact, Question } from '#core/decision/question.ts'
import { judgeSignatureDemand } from '#core/decision/signature-demand.ts'
import { parseReference } from '#core/image/reference.ts'
import type { Attestor } from '#core/policy/words.ts'
import { noon } from '../../support/judging.ts'
import { digestOf } from '../../support/memory-registry.ts'
import { attestor, signed } from '../../support/policies.ts'
import { toy } from '../../support/toy-format.ts'
import type { Shelf } from '../../support/toy-knowledge.ts'
import { toyKnowledge } from '../../support/toy-knowledge.ts'

const digest = digestOf('image')
const image = parseReference(`registry.example.com/team/app@${digest}`)
const far = attestor('release', { storage: { repository: { registry: 'registry.example.com', repository: 'far' } } })
const beside = attestor('release', {
  storage: { repository: { registry: 'registry.example.com', repository: 'team/app' } },
})

interface Asked {
  readonly by?: Attestor
  readonly shelf?: Shelf
  readonly access?: Fact<true> | undefined
  readonly mayRead?: boolean
  readonly bystanders?: readonly Attestor[]
}

const denied = { known: false, code: 'access-denied', detail: '401' } as const

function judged({ by = attestor('release'), shelf = {}, mayRead = false, bystanders = [], ...rest }: Asked) {
  const { registry, repository } = by.storage.repository ?? image
  const known = toyKnowledge(digest, { [`${registry}/${repository}`]: shelf })
  const access = 'access' in rest ? rest.access : ({ known: true, value: true } as const)
  const about = (question: Question) => (question.kind === 'access' ? access : known.about(question))
  const knowledge: Knowledge = { ...known, about: about as Knowledge['about'], mayRead: () => mayRead }
  const inquiry = new Inquiry(knowledge, { formats: [toy], now: noon, bystanders, images: 1 })
  const subject = { image, digest: { known: true, value: digest } as const, memory: false }
  const finding = judgeSignatureDemand(signed(by), subject, inquiry)
  return { ...finding, asked: inquiry.openQuestions().map(({ kind }) => kind), wondered: inquiry.curiosities().length }
}

const yes = { signed: ['release'] }

describe('access to the image', () => {
  test('is not asked for where its own repository gave a signature, or something that is none', () => {
    expect(judged({ shelf: yes, access: undefined })).toMatchObject({ state: 'satisfied', asked: [] })
    expect(judged({ by: beside, shelf: yes, access: undefined })).toMatchObject({ state: 'satisfied', asked: [] })
    expect(judged({ shelf: { signed: ['x'] }, access: undefined })).toMatchObject({ state: 'unsatisfied', asked: [] })
  })

  test('is asked for where the signatures lie elsewhere, be it a yes or a no', () => {
    for (const shelf of [yes, { signed: ['x'] }, {}]) {
      expect(judged({ by: far, shelf, access: undefined })).toMatchObject({
        state: 'open',
        pending: true,
        asked: ['access'],
      })
      expect(judged({ by: far, shelf, access: denied })).toMatchObject({
        state: 'undetermined',
        code: 'access-denied',
        detail: '401',
        gaps: [{ place: 'the image', code: 'access-denied', detail: '401' }],
        signers: [],
      })
    }
    expect(judged({ by: far, shelf: yes })).toMatchObject({ state: 'satisfied', signers: [{ key: 'release' }] })
    expect(judged({ by: far })).toMatchObject({ state: 'unsatisfied', code: 'signature-missing' })
  })

  test('is proven for a yes from elsewhere by having read there lately, and never for a no', () => {
    expect(judged({ by: far, shelf: yes, mayRead: true, access: undefined })).toMatchObject({
      state: 'satisfied',
      asked: [],
    })
    expect(judged({ by: far, mayRead: true, access: undefined })).toMatchObject({ state: 'open', asked: ['access'] })
  })

  test('is asked for where nothing was found, since registries answer so to strangers', () => {
    expect(judged({ access: undefined })).toMatchObject({ state: 'open', asked: ['access'] })
    expect(judged({ access: denied })).toMatchObject({ state: 'undetermined', code: 'access-denied' })
  })

  test('is not asked for while nothing is certain', () => {
    const unread = { unread: 'registry-failing' } as const
    expect(judged({ by: far, shelf: unread, access: undefined })).toMatchObject({ state: 'undetermined', asked: [] })
    expect(judged({ by: far, shelf: { open: true }, access: undefined }).asked).not.toContain('access')
  })
})

describe('strangers', () => {
  test('are counted', () => {
    expect(judged({ shelf: { signed: ['x'] } }).detail).toBe('1 signature, none by a key of this attestor')
    expect(judged({ shelf: { signed: ['x', 'y'] } }).detail).toBe('2 signatures, none by a key of this attestor')
  })

  test('are introduced by attestors that know them', () => {
    const { signatures } = judged({ shelf: { signed: ['x', 'y'] }, bystanders: [attestor('y')] })
    expect(signatures.map(({ signer }) => signer?.key)).toEqual([undefined, 'y'])
  })

  test('are introduced to sixteen attestors, eight of them', () => {
    const strangers = Array.from({ length: 10 }, (_, index) => `s${index}`)
    const others = Array.from({ length: 17 }, (_, index) => attestor(`o${index}`))
    const named = (bystanders: readonly Attestor[]) =>
      judged({ shelf: { signed: strangers }, bystanders }).signatures.flatMap(({ signer }) => signer?.key ?? [])
    expect(named(strangers.map((name) => attestor(name)))).toEqual(strangers.slice(0, 8))
    expect(named([...others.slice(0, 15), attestor('s0')])).toEqual(['s0'])
    expect(named([...others.slice(0, 16), attestor('s0')])).toEqual([])
  })

  test('are introduced only where nobody who was asked has signed', () => {
    const { signatures } = judged({ shelf: { signed: ['x', 'release'] }, bystanders: [attestor('x')] })
    expect(signatures.map(({ signer }) => signer?.key)).toEqual([undefined, 'release'])
  })
})

test('keys that count now would be accepted', () => {
  const by = attestor('release', { keys: ['old', 'new'], life: { old: { notAfter: noon } } })
  expect(judged({ by })).toMatchObject({ attestor: 'release', acceptableKeys: ['new'] })
})
