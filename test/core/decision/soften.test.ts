// `whenUndetermined` by itself: each border of what it forgives, and the neighbour beyond it.

import { describe, expect, test } from 'vitest'
import type { SignatureDemandFinding } from '#core/decision/finding.ts'
import type { ImagePlan, LastVerdict } from '#core/decision/image-plan.ts'
import type { PolicyJudgement } from '#core/decision/judgement.ts'
import { soften } from '#core/decision/soften.ts'
import type { ErrorCode } from '#core/errors.ts'
import { errorTable, isErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { parseReference } from '#core/image/reference.ts'
import { noon } from '../../support/judging.ts'
import { digestOf } from '../../support/memory-registry.ts'
import type { PolicyParts } from '../../support/policies.ts'
import { policy, rule, signed } from '../../support/policies.ts'
import { toyKnowledge } from '../../support/toy-knowledge.ts'

const digest = digestOf('image')
const text = 'registry.example.com/team/app:v1'

function planned(...parts: readonly PolicyParts[]): ImagePlan {
  const demands = parts.map((each, index) => {
    const made = policy(`p${index}`, [rule(signed('release'))], each)
    return { kind: 'otherwise', policy: made } as const
  })
  return { key: 'key', text, reference: parseReference(text), demands }
}

function found(codes: readonly ErrorCode[], signatures = 0): SignatureDemandFinding {
  const signature = { format: 'toy', place: 'x', counts: false, checks: [] }
  return {
    kind: 'signature',
    state: 'undetermined',
    attestor: 'release',
    annotations: {},
    identity: 'Any',
    acceptableKeys: [],
    pending: false,
    signers: [],
    signatures: Array.from({ length: signatures }, () => signature),
    oddities: [],
    gaps: codes.map((code) => ({ place: 'x', code, detail: 'no' })),
  }
}

const unknown: PolicyJudgement = {
  policy: 'p0',
  mode: 'Enforce',
  rule: 'rules[0]',
  outcome: 'undetermined',
  code: 'registry-failing',
  detail: '500',
  finding: found(['registry-failing']),
}

interface Asked {
  readonly image?: ImagePlan
  readonly now?: Digest | undefined
  readonly judged?: readonly PolicyJudgement[]
  readonly last?: LastVerdict
  readonly images?: number
}

function softened({
  image = planned({ whenUndetermined: 'InsecureAdmit' }),
  judged = [unknown],
  last,
  images = 1,
  ...more
}: Asked) {
  const knowledge = { ...toyKnowledge(digest, {}), last: (key: string) => (key === 'key' ? last : undefined) }
  return soften(image, 'now' in more ? more.now : digest, judged, { knowledge, now: noon, images })
}

describe('an outage', () => {
  test('admits unverified, and says why', () => {
    expect(softened({})).toEqual({
      enforced: { outcome: 'accepted', code: 'accepted-undetermined', detail: 'registry-failing: 500', policy: 'p0' },
    })
    const { detail: _, ...silent } = unknown
    expect(softened({ judged: [silent] })).toMatchObject({ enforced: { detail: 'registry-failing: ' } })
  })

  test('helps nobody under Deny, and only if every policy that enforces agrees', () => {
    expect(softened({ image: planned({}) })).toBeUndefined()
    expect(softened({ image: planned({ whenUndetermined: 'InsecureAdmit' }, {}) })).toBeUndefined()
    const warned = planned({ whenUndetermined: 'InsecureAdmit' }, { mode: 'Warn' })
    expect(softened({ image: warned })).toBeDefined()
  })

  test('is only what nobody who pushes can bring about', () => {
    const codes = Object.keys(errorTable).filter(isErrorCode)
    const outages = codes.filter((code) => softened({ judged: [{ ...unknown, code, finding: found([code]) }] }))
    expect(outages.sort()).toEqual([
      'registry-failing',
      'registry-throttled',
      'registry-timeout',
      'registry-unreachable',
      'token-service-failing',
    ])
  })

  const cases: readonly (readonly [string, Partial<PolicyJudgement>])[] = [
    ['has no code', { code: undefined as unknown as ErrorCode }],
    ['has the code of a pusher', { code: 'content-too-large' }],
    ['has a gap of a pusher beside it', { finding: found(['registry-failing', 'content-too-large']) }],
    ['has 33 gaps', { finding: found(Array.from({ length: 33 }, () => 'registry-failing' as const)) }],
    ['has 33 signatures and gaps together', { finding: found(['registry-failing'], 32) }],
    [
      'has a gap of a pusher deep inside',
      {
        finding: {
          kind: 'allOf',
          state: 'undetermined',
          pending: false,
          signers: [],
          of: [found([]), { ...unknown.finding, kind: 'anyOf', of: [found(['access-denied'])] } as never],
        },
      },
    ],
    [
      'has a gap of a pusher on a platform',
      { platforms: [{ digest, name: 'linux', finding: found(['access-denied']) }] },
    ],
    [
      'has 33 platforms',
      { platforms: Array.from({ length: 33 }, () => ({ digest, name: 'linux', finding: found([]) })) },
    ],
  ]
  test.each(cases)('is none if it %s', (_, parts) => {
    expect(softened({ judged: [{ ...unknown, ...parts }] })).toBeUndefined()
    expect(softened({ judged: [unknown, { ...unknown, ...parts }] })).toBeUndefined()
  })

  test('is one up to 32 of each', () => {
    const platforms = Array.from({ length: 32 }, () => ({ digest, name: 'linux', finding: found([]) }))
    expect(softened({ judged: [{ ...unknown, finding: found(['registry-failing'], 31), platforms }] })).toBeDefined()
  })

  test('is one in an object of up to 32 images', () => {
    expect(softened({ images: 32 })).toBeDefined()
    expect(softened({ images: 33 })).toBeUndefined()
  })

  test('is one where nothing was found at all', () => {
    const { finding: _, ...bare } = unknown
    expect(softened({ judged: [bare] })).toBeDefined()
    expect(softened({ judged: [{ ...bare, code: 'access-denied' }] })).toBeUndefined()
  })

  test('is none where nothing is undetermined that enforces', () => {
    expect(softened({ judged: [] })).toBeUndefined()
    expect(softened({ judged: [{ ...unknown, mode: 'Warn' }] })).toBeUndefined()
    expect(softened({ judged: [{ ...unknown, outcome: 'untrusted' }] })).toBeUndefined()
    expect(softened({ judged: [{ ...unknown, code: 'access-denied', mode: 'Audit' }, unknown] })).toBeDefined()
  })
})

describe('the last verdict', () => {
  const lastUpTo = (lastVerdictMaxAge: number): PolicyParts => ({
    whenUndetermined: 'UseLastVerdict',
    lastVerdictMaxAge,
  })
  const image = planned(lastUpTo(1000))
  const signers = [{ attestor: 'release', key: 'release', fingerprint: 'ab' }]
  const last: LastVerdict = { digest, at: noon - 1000, signers }

  test('stands as long as it may be old, for the digest that it was given for', () => {
    expect(softened({ image, last })).toEqual({
      enforced: {
        outcome: 'trusted',
        code: 'accepted-last-verdict',
        detail: `trusted at ${new Date(noon - 1000).toISOString()}`,
        policy: 'p0',
      },
      digest,
      signers,
      staleSince: noon - 1000,
    })
    expect(softened({ image, last, now: undefined })).toMatchObject({ digest })
    expect(softened({ image, last: { ...last, validUntil: noon + 1 } })).toBeDefined()
  })

  test.each([
    ['it is older', { image, last: { ...last, at: noon - 1001 } }],
    ['its keys have ended', { image, last: { ...last, validUntil: noon } }],
    ['the tag names another digest now', { image, last, now: digestOf('another') }],
    ['there is none', { image }],
    ['another policy lets it be less old', { image: planned(lastUpTo(999), lastUpTo(1000)), last }],
  ])('does not stand where %s', (_, asked) => {
    expect(softened(asked)).toBeUndefined()
  })

  test('stands beside a policy that would admit without any', () => {
    expect(softened({ image: planned(lastUpTo(1000), { whenUndetermined: 'InsecureAdmit' }), last })).toBeDefined()
  })
})
