// One decision out of judgements that are given: who passes, what is pinned, and what is said where a judgement lacks.

import { describe, expect, test } from 'vitest'
import type { Decision } from '#core/decision/decision.ts'
import { decide } from '#core/decision/decision.ts'
import type { Judgement } from '#core/decision/judgement.ts'
import type { Plan } from '#core/decision/plan.ts'
import { parseReference } from '#core/image/reference.ts'
import { name, use } from '../../support/judging.ts'
import { digestOf } from '../../support/memory-registry.ts'

const digest = digestOf('image')
const trusted: Judgement = {
  reference: `${name}:v1`,
  digest,
  enforced: { outcome: 'trusted', policy: 'p' },
  warned: undefined,
  audited: undefined,
  byPolicy: [],
  signers: [],
  pin: 'TagAndDigest',
}

interface Asked {
  readonly purpose?: Plan['purpose']
  readonly unchanged?: boolean
  readonly image?: string
  readonly judgement?: Judgement | undefined
}

function decided({ purpose = 'mutate', unchanged = false, image = `${name}:v1`, ...rest }: Asked): Decision {
  const judgement = 'judgement' in rest ? rest.judgement : trusted
  const planned = { key: 'k', reference: parseReference(image), text: image, demands: [] }
  const uses = [{ use: use(image), unchanged, image: planned }]
  const plan: Plan = { purpose, uses, images: [planned], leftAlone: false, policies: [] }
  return decide(plan, new Map(judgement === undefined ? [] : [['k', judgement]]), { id: 'id', at: 0 })
}

const verdictOf = (asked: Asked) => {
  const { allowed, pins, verdicts } = decided(asked)
  return { allowed, pins: pins.map(({ to }) => to), outcome: verdicts[0]?.outcome, code: verdicts[0]?.code }
}

describe('/mutate', () => {
  test('pins a tag that is trusted', () => {
    expect(verdictOf({})).toMatchObject({ allowed: true, outcome: 'trusted', pins: [`${name}:v1@${digest}`] })
  })

  test.each<[string, Asked]>([
    ['the update left as it was', { unchanged: true }],
    ['names its digest', { image: `${name}@${digest}` }],
    ['is to be left as written', { judgement: without(trusted, 'pin') }],
    ['has no known digest', { judgement: without(trusted, 'digest') }],
    ['nobody judged, and the update left as it was', { judgement: undefined, unchanged: true }],
  ])('pins nothing that %s', (_, asked) => {
    expect(verdictOf(asked)).toMatchObject({ allowed: true, pins: [] })
  })
})

describe('/validate', () => {
  const asked = { purpose: 'validate' } as const

  test('refuses a trusted tag that is not pinned, and says by whom and to what it should be', () => {
    expect(verdictOf(asked)).toMatchObject({ allowed: false, outcome: 'untrusted', code: 'not-pinned', pins: [] })
    expect(decided(asked).verdicts[0]).toMatchObject({ policy: 'p', detail: digest })
    const nameless = { ...without(trusted, 'digest'), enforced: { outcome: 'trusted' } } as const
    const [verdict] = decided({ ...asked, judgement: nameless }).verdicts
    expect(verdict).toMatchObject({ detail: 'another digest' })
    expect(verdict).not.toHaveProperty('policy')
  })

  test.each<[string, Asked]>([
    ['the update left as it was', { unchanged: true }],
    ['names its digest', { image: `${name}@${digest}` }],
    ['is to be left as written', { judgement: without(trusted, 'pin') }],
  ])('lets pass what %s', (_, parts) => {
    expect(verdictOf({ ...asked, ...parts })).toMatchObject({ allowed: true, outcome: 'trusted' })
  })
})

describe('an image', () => {
  test('that nobody judged is undetermined, unless the update left it as it was', () => {
    expect(verdictOf({ judgement: undefined })).toMatchObject({
      allowed: false,
      outcome: 'undetermined',
      code: 'internal-error',
    })
    expect(verdictOf({ judgement: undefined, unchanged: true })).toMatchObject({
      allowed: true,
      outcome: 'accepted',
      code: 'accepted-unchanged',
    })
  })

  test('that is refused does not stop an update that left it as it was', () => {
    const refused: Judgement = { ...trusted, enforced: { outcome: 'untrusted', code: 'signature-missing' } }
    expect(verdictOf({ judgement: refused })).toMatchObject({ allowed: false, outcome: 'untrusted' })
    expect(verdictOf({ judgement: refused, unchanged: true })).toMatchObject({ allowed: true, outcome: 'untrusted' })
  })

  test('of which only Warn policies speak passes, as trusted if they say so', () => {
    const warned = (outcome: 'trusted' | 'untrusted'): Judgement => ({
      ...trusted,
      enforced: undefined,
      warned: { outcome },
    })
    expect(verdictOf({ judgement: warned('trusted') })).toMatchObject({ allowed: true, outcome: 'trusted' })
    expect(verdictOf({ judgement: warned('untrusted') })).toMatchObject({
      allowed: true,
      outcome: 'accepted',
      code: 'accepted-not-enforced',
    })
  })
})

function without(judgement: Judgement, member: 'pin' | 'digest'): Judgement {
  const { [member]: _, ...rest } = judgement
  return rest
}
