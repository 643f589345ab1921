// Whatever is added beside policies in force only ever adds: held against many random sets of policies and requests.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Decision } from '#core/decision/decision.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { DenyList, Mode, Pin, Policy, Requirement, WhenUndetermined } from '#core/policy/words.ts'
import { at, judging, name } from '../../support/judging.ts'
import { indexType, MemoryRegistry, manifestType } from '../../support/memory-registry.ts'
import {
  allOf,
  anyOf,
  anything,
  atLeast,
  attestor,
  deny,
  denying,
  policy,
  rule,
  signed,
} from '../../support/policies.ts'

const elsewhere = { registry: 'registry.example.com', repository: 'signatures' }
const far = attestor('far', { keys: ['ci'], storage: { repository: elsewhere } })

const leaf: fc.Arbitrary<Requirement> = fc.constantFrom(
  signed('release'),
  signed('release'),
  signed('ci'),
  signed(far),
  signed('nobody'),
  signed('release', { identity: { type: 'MatchExact' } }),
  anything,
  deny(),
)

const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  { weight: 3, arbitrary: leaf },
  fc.array(leaf, { minLength: 1, maxLength: 3 }).map((of) => allOf(...of)),
  fc.array(leaf, { minLength: 1, maxLength: 3 }).map((of) => anyOf(...of)),
  fc.constantFrom(1, 2).map((count) => atLeast(count, signed('release'), signed('ci'))),
)

const someRule = fc
  .record({
    require: requirement,
    images: fc.constantFrom(['**'], ['**/app:v*'], ['**/app:v1'], [`${name}`], ['other.example.com/**']),
    exceptImages: fc.constantFrom<readonly string[]>([], ['**/app:v2']),
    references: fc.constantFrom('Any', 'Any', 'DigestOnly'),
    platforms: fc.constantFrom('Index', 'Each'),
  } as const)
  .map(({ require, ...parts }) => rule(require, parts))

const wheres = ['cluster', 'team', 'elsewhere'] as const
const modes: readonly Mode[] = ['Enforce', 'Warn', 'Audit']
const pins: readonly Pin[] = ['TagAndDigest', 'Digest', 'InsecureNever']
const lacks: readonly WhenUndetermined[] = ['Deny', 'UseLastVerdict', 'InsecureAdmit']

interface Kind {
  readonly modes?: readonly Mode[]
  readonly where?: readonly (typeof wheres)[number][]
}

function somePolicy(called: string, kind: Kind = {}): fc.Arbitrary<Policy> {
  const parts = fc.record({
    mode: fc.constantFrom(...(kind.modes ?? modes)),
    where: fc.constantFrom(...(kind.where ?? wheres)),
    rules: fc.array(someRule, { maxLength: 2 }),
    otherwise: fc.constantFrom('Deny', 'Accept'),
    pin: fc.constantFrom(...pins),
    whenUndetermined: fc.constantFrom(...lacks),
    selective: fc.boolean(),
  } as const)
  return parts.map(({ where, rules, selective, whenUndetermined, ...rest }) =>
    policy(called, rules, {
      ...rest,
      whenUndetermined,
      ...(whenUndetermined === 'UseLastVerdict' && { lastVerdictMaxAge: 3_600_000 }),
      ...(where !== 'cluster' && { namespace: where === 'team' ? 'prod' : 'dev' }),
      // Nobody knows the labels of the namespace: such a policy might apply.
      ...(selective && where === 'elsewhere' && { match: { excludeNamespaces: [], namespaceSelector: unknownLabels } }),
    }),
  )
}

const unknownLabels = { matchLabels: { signed: 'required' }, matchExpressions: [] }

const inForce = fc.tuple(
  somePolicy('first', { modes: ['Enforce'], where: ['cluster', 'team'] }),
  fc.array(somePolicy('second'), { maxLength: 2 }),
)

const someRequest = fc.record({
  images: fc.uniqueArray(fc.constantFrom('v0', 'v1', 'v2', 'v3', 'list', '@v0', '@v1', 'NO NAME'), {
    minLength: 1,
    maxLength: 2,
  }),
  purpose: fc.constantFrom('mutate', 'mutate', 'validate'),
  outage: fc.constantFrom('none', 'none', 'all', 'elsewhere', 'content'),
} as const)

type Request = typeof someRequest extends fc.Arbitrary<infer T> ? T : never

const registry = new MemoryRegistry()
const signers = { v0: [], v1: ['release'], v2: ['ci'], v3: ['release', 'ci'] } as const

/** `v1` is signed by `release`, `v2` by `ci`, `v3` by both and far away too, `v0` by nobody; `list` is an index. */
const digests: Digest[] = []
const texts = new Map<string, string>([['NO NAME', 'NO NAME']])
for (const [tag, names] of Object.entries(signers)) {
  const digest = registry.putImage(at, tag, tag)
  digests.push(digest)
  for (const each of names) registry.sign(at, each, { digest })
  if (tag === 'v3') registry.sign(elsewhere, 'ci', { digest })
  texts.set(tag, `${name}:${tag}`).set(`@${tag}`, `${name}@${digest}`)
}
const child = registry.putImage(at, 'v3')
const manifests = [{ mediaType: manifestType, digest: child, size: 1 }]
const list = registry.putManifest(at, { schemaVersion: 2, mediaType: indexType, manifests }, 'list')
registry.sign(at, 'release', { digest: list })
texts.set('list', `${name}:list`)

async function decide(
  policies: readonly Policy[],
  { images, purpose, outage }: Request,
  denyLists: readonly DenyList[] = [],
): Promise<Decision> {
  const written = images.map((image) => texts.get(image) ?? image)
  const { judge, clock } = judging(registry)
  registry.before = () => {}
  if (outage === 'all') await judge(written, policies, { purpose, denyLists })
  clock.now += 1_800_000
  registry.before = ({ question }) => {
    if (outage === 'all') throw new CodedError('registry-unreachable', 'nobody answers')
    if (outage === 'elsewhere' && question.includes('/signatures')) throw new CodedError('registry-failing', 'no')
    if (outage === 'content' && question.startsWith('tagged')) throw new CodedError('digest-mismatch', 'no')
  }
  return judge(written, policies, { purpose, denyLists })
}

/** The same cases at each run, so that a change is told from chance; `PROPERTY_SEED` looks at others. */
const runs = { numRuns: 300, seed: Number(process.env['PROPERTY_SEED'] ?? 1) }
/** About 4 s on a machine with nothing else to do. */
const timeout = 120_000

/** Counts how often the interesting case was met: a property about nothing is no property. */
function counter() {
  const seen = { denied: 0, allowed: 0 }
  return { seen, count: ({ allowed }: Decision) => void seen[allowed ? 'allowed' : 'denied']++ }
}

/**
 * All that has an effect, and who decided. Of several reasons for a refusal another may be named: judging stops at the
 * first one found, and an Audit policy may have asked for more by then.
 */
function enforcedPart({ allowed, pins, verdicts }: Decision) {
  const decided = verdicts.map(({ outcome, policy: by }) => ({ outcome, by }))
  return { allowed, pins, decided }
}

describe('beside policies in force', () => {
  test(
    'an Audit policy changes neither the answer, nor a pin, nor what decided',
    async () => {
      const { seen, count } = counter()
      const added = somePolicy('added', { modes: ['Audit'] })
      const property = fc.asyncProperty(inForce, added, someRequest, async ([first, others], audit, request) => {
        const before = await decide([first, ...others], request)
        const after = await decide([first, ...others, audit], request)
        count(before)
        expect(enforcedPart(after)).toEqual(enforcedPart(before))
      })
      await fc.assert(property, runs)
      expect(Math.min(seen.allowed, seen.denied)).toBeGreaterThan(50)
    },
    timeout,
  )

  test('an Audit policy that names tags leaves pin: Digest as it is', async () => {
    const enforced = policy('enforced', [rule(signed('release'))], { pin: 'Digest' })
    const tags = rule(signed('ci'), { images: ['**/app:v*'] })
    const request: Request = { images: ['v1'], purpose: 'mutate', outage: 'none' }
    const before = await decide([enforced], request)
    expect(before.pins).toMatchObject([{ to: texts.get('@v1') }])
    expect((await decide([enforced, policy('audit', [tags], { mode: 'Audit' })], request)).pins).toEqual(before.pins)
  })

  test(
    'a Warn policy never changes the answer',
    async () => {
      const { seen, count } = counter()
      const added = somePolicy('added', { modes: ['Warn'] })
      const property = fc.asyncProperty(inForce, added, someRequest, async ([first, others], warn, request) => {
        const before = await decide([first, ...others], request)
        const after = await decide([first, ...others, warn], request)
        count(before)
        expect(after.allowed).toBe(before.allowed)
      })
      await fc.assert(property, runs)
      expect(Math.min(seen.allowed, seen.denied)).toBeGreaterThan(50)
    },
    timeout,
  )

  test(
    'policies of a namespace never let in what those of the cluster deny',
    async () => {
      const { seen, count } = counter()
      const base = fc.array(somePolicy('cluster', { where: ['cluster'] }), { minLength: 1, maxLength: 2 })
      const added = fc.array(somePolicy('team', { where: ['team', 'elsewhere'] }), { minLength: 1, maxLength: 2 })
      const property = fc.asyncProperty(base, added, someRequest, async (cluster, team, request) => {
        const before = await decide(cluster, request)
        const after = await decide([...cluster, ...team], request)
        count(before)
        if (!before.allowed) expect(after.allowed).toBe(false)
      })
      await fc.assert(property, runs)
      expect(Math.min(seen.allowed, seen.denied)).toBeGreaterThan(50)
    },
    timeout,
  )
})

describe('a DenyList', () => {
  const someList = fc
    .record({ digests: fc.subarray([...digests, list]), keys: fc.subarray(['release', 'ci']) })
    .filter((parts) => parts.digests.length + parts.keys.length > 0)
    .map((parts) => denying(parts))

  test(
    'never lets in what was denied, and nothing that it names where its digest is known',
    async () => {
      const { seen, count } = counter()
      const met = { digests: 0, keys: 0 }
      const property = fc.asyncProperty(inForce, someList, someRequest, async ([first, others], denied, request) => {
        const before = await decide([first, ...others], request)
        const after = await decide([first, ...others], request, [denied])
        count(before)
        // `not-pinned` is said of what is trusted: without its trust an image may be let in unverified, and is not to be pinned.
        const isRefused = before.verdicts.some(
          ({ outcome, code }) => outcome !== 'trusted' && outcome !== 'accepted' && code !== 'not-pinned',
        )
        if (isRefused) expect(after.allowed).toBe(false)
        for (const { judgement, outcome, code } of after.verdicts) {
          const isListed = judgement?.digest !== undefined && denied.digests.includes(judgement.digest)
          if (isListed) expect([outcome, code]).toEqual(['untrusted', 'digest-denied'])
          if (code === 'digest-denied') met.digests++
          if (JSON.stringify(judgement?.byPolicy ?? []).includes('key-denied')) met.keys++
          for (const { fingerprint } of judgement?.signers ?? []) expect(denied.keys).not.toContain(fingerprint)
        }
        for (const { to } of after.pins) for (const digest of denied.digests) expect(to).not.toContain(digest)
      })
      await fc.assert(property, runs)
      expect(Math.min(seen.allowed, seen.denied)).toBeGreaterThan(50)
      expect(Math.min(met.digests, met.keys)).toBeGreaterThan(5)
    },
    timeout,
  )
})

test('a DenyList takes the trust, and with it the pin, of what a policy lets in unverified as well', async () => {
  const either = [policy('either', [rule(anyOf({ kind: 'insecureAcceptAnything' }, signed('release')))])]
  const request: Request = { images: ['v1'], purpose: 'validate', outage: 'none' }
  expect(await decide(either, request)).toMatchObject({ allowed: false, verdicts: [{ code: 'not-pinned' }] })
  const denied = await decide(either, request, [denying({ keys: ['release'] })])
  expect(denied).toMatchObject({
    allowed: true,
    pins: [],
    verdicts: [{ outcome: 'accepted', code: 'accepted-by-rule' }],
  })
})

describe('references: DigestOnly', () => {
  const only = (pin: Pin) => policy('only', [rule(signed('release'), { references: 'DigestOnly' })], { pin })
  const pinning = (pin: Pin) => policy('pinning', [rule(signed('release'))], { pin })
  const byTag: Request = { images: ['v1'], purpose: 'mutate', outage: 'none' }
  const byDigest: Request = { images: ['@v1'], purpose: 'mutate', outage: 'none' }

  test.each([
    ['TagAndDigest, of its own', [only('TagAndDigest')]],
    ['Digest, of its own', [only('Digest')]],
    ['TagAndDigest, of another policy', [only('InsecureNever'), pinning('TagAndDigest')]],
    ['Digest, of another policy', [pinning('Digest'), only('InsecureNever')]],
  ] as const)('refuses a tag and pins nothing, whatever pins: %s', async (_, policies) => {
    for (const purpose of ['mutate', 'validate'] as const) {
      const refused = await decide(policies, { ...byTag, purpose })
      expect(refused).toMatchObject({ allowed: false, pins: [], verdicts: [{ code: 'digest-required' }] })
      expect(await decide(policies, { ...byDigest, purpose })).toMatchObject({ allowed: true, pins: [] })
    }
  })

  test('refuses a tag with a policy of a namespace that pins beside it', async () => {
    const team = policy('team', [rule(signed('release'))], { namespace: 'prod', pin: 'Digest' })
    expect(await decide([only('Digest'), team], byTag)).toMatchObject({ allowed: false, pins: [] })
    expect(await decide([team], byTag)).toMatchObject({
      allowed: true,
      pins: [{ pointer: '/spec/containers/0/image' }],
    })
  })
})
