// A DenyList beats every policy: what it names stays out, whatever a policy says of it, from the next request on.

import { beforeEach, describe, expect, test } from 'vitest'
import { denialText } from '#core/decision/explain.ts'
import { unjudged } from '#core/decision/judge-image.ts'
import { Planner } from '#core/decision/plan.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { DenyList, Policy } from '#core/policy/words.ts'
import { at, type Judging, judging, name, use } from '../../support/judging.ts'
import { digestOf, indexType, MemoryRegistry, manifestType } from '../../support/memory-registry.ts'
import type { DenyListParts, PolicyParts } from '../../support/policies.ts'
import {
  allOf,
  anyOf,
  anything,
  atLeast,
  attestor,
  deny,
  denying,
  matching,
  policy,
  rule,
  signed,
} from '../../support/policies.ts'

let registry: MemoryRegistry
let asking: Judging
let digest: Digest
const other = digestOf('another image')

const release = (parts: PolicyParts = {}) => [policy('production', [rule(signed('release'))], parts)]
const accepting = (parts: PolicyParts = {}) => [policy('open', [rule(anything)], parts)]

beforeEach(() => {
  registry = new MemoryRegistry()
  asking = judging(registry)
  digest = registry.putImage(at, 'signed', 'v1')
  registry.sign(at, 'release', { digest })
})

const verdict = (image: string, policies: readonly Policy[], list?: DenyListParts) =>
  asking.verdict(image, policies, { denyLists: list === undefined ? [] : [denying(list)] })

const away = () => {
  registry.before = () => {
    throw new CodedError('registry-unreachable', 'nobody answers')
  }
}

describe('a listed digest', () => {
  const policies: readonly (readonly [string, readonly Policy[], string])[] = [
    ['signed as the policy asks', release(), 'trusted'],
    ['under a policy that only warns', release({ mode: 'Warn' }), 'trusted'],
    ['under a policy that is only recorded', release({ mode: 'Audit' }), 'accepted'],
    ['accepted by a rule', accepting(), 'accepted'],
    ['that no rule covers and otherwise accepts', [policy('empty', [], { otherwise: 'Accept' })], 'accepted'],
    ['that is only looked at for the lists', [policy('all', [], { otherwise: 'Accept', mode: 'Audit' })], 'accepted'],
    ['with any of several', [policy('any', [rule(anyOf(signed('release'), anything))])], 'trusted'],
  ]

  describe.each([
    ['by digest', () => `${name}@${digest}`],
    ['by tag', () => `${name}:v1`],
    ['by both', () => `${name}:v1@${digest}`],
  ])('%s', (_, image) => {
    test.each(policies)(
      '%s: is refused; another one on the list changes nothing',
      async (_title, speaking, without) => {
        expect(await verdict(image(), speaking, { digests: [digest] })).toMatchObject({
          outcome: 'untrusted',
          code: 'digest-denied',
          detail: `${digest} is on the DenyList "leaked": stolen`,
        })
        expect((await verdict(image(), speaking, { digests: [other] })).outcome).toBe(without)
      },
    )
  })

  test('is neither pinned, nor are its signers named', async () => {
    const decision = await asking.judge(`${name}:v1`, release(), { denyLists: [denying({ digests: [digest] })] })
    expect(decision).toMatchObject({ allowed: false, pins: [] })
    expect(decision.verdicts[0]?.judgement).toMatchObject({ digest, signers: [], byPolicy: [] })
  })

  test('named by digest is refused without asking anybody; by tag, only for its digest', async () => {
    await verdict(`${name}@${digest}`, release(), { digests: [digest] })
    expect(registry.kinds()).toEqual([])
    await verdict(`${name}:v1`, release(), { digests: [digest] })
    expect(registry.kinds()).toEqual(['resolve'])
  })

  test('is told under its normalised name', async () => {
    const { judgement } = await verdict(`nginx@${digest}`, release(), { digests: [digest] })
    expect(judgement?.reference).toBe(`docker.io/library/nginx@${digest}`)
  })

  test('stands on the first of two lists, by name', async () => {
    const lists = [denying({ digests: [digest], reason: 'second' }, 'b'), denying({ digests: [digest] }, 'a')]
    const { detail } = await asking.verdict(`${name}:v1`, release(), { denyLists: lists })
    expect(detail).toContain('"a": stolen')
  })

  test('concerns no object to which no policy applies', async () => {
    const elsewhere = { denyLists: [denying({ digests: [digest] })], namespace: 'kube-system' }
    expect(await asking.judge(`${name}:v1`, release(), elsewhere)).toMatchObject({ leftAlone: true, allowed: true })
  })

  test('that an update leaves as it was is reported, not refused', async () => {
    const asked = { denyLists: [denying({ digests: [digest] })], unchanged: [0] }
    const decision = await asking.judge(`${name}@${digest}`, release(), asked)
    expect(decision).toMatchObject({ allowed: true, verdicts: [{ unchanged: true, code: 'digest-denied' }] })
  })
})

describe('an image that could not be judged in time', () => {
  const planned = (denyLists: readonly DenyList[]) => {
    const planner = new Planner(
      { purpose: 'mutate', unchanged: new Set() },
      matching(release({ mode: 'Audit' }), 'prod', denyLists),
    )
    planner.add(use(`${name}@${digest}`))
    const [image] = planner.plan().images
    return image && unjudged(image, 'judged-too-late', 'no time')
  }

  test('is refused all the same if its name says that it is listed', () => {
    expect(planned([denying({ digests: [digest] })])?.enforced).toMatchObject({ code: 'digest-denied' })
    expect(planned([denying({ digests: [other] })])).toMatchObject({
      enforced: undefined,
      audited: { outcome: 'undetermined', code: 'judged-too-late' },
    })
  })
})

describe('an index', () => {
  let index: Digest
  let child: Digest

  beforeEach(() => {
    child = registry.putImage(at, 'linux/arm64')
    const platform = { os: 'linux', architecture: 'arm64' }
    const manifests = [{ mediaType: manifestType, digest: child, size: 1, platform }]
    index = registry.putManifest(at, { schemaVersion: 2, mediaType: indexType, manifests }, 'many')
    for (const each of [index, child]) registry.sign(at, 'release', { digest: each })
  })

  const each = (parts: PolicyParts = {}) => [policy('p', [rule(signed('release'), { platforms: 'Each' })], parts)]

  test('is refused for an image in it that is listed and judged', async () => {
    expect(await verdict(`${name}:many`, each(), { digests: [child] })).toMatchObject({
      outcome: 'untrusted',
      code: 'digest-denied',
      detail: `its platform image linux/arm64 (${child}) is on the DenyList "leaked": stolen`,
    })
    expect((await verdict(`${name}:many`, each(), { digests: [other] })).outcome).toBe('trusted')
  })

  test('is refused for it in every mode', async () => {
    const codes = [each({ mode: 'Warn' }), each({ mode: 'Audit' })].map(async (policies) => {
      return (await verdict(`${name}:many`, policies, { digests: [child] })).code
    })
    expect(await Promise.all(codes)).toEqual(['digest-denied', 'digest-denied'])
  })

  test('is not looked into for it', async () => {
    expect((await verdict(`${name}:many`, release(), { digests: [child] })).outcome).toBe('trusted')
  })

  test('counts again as soon as the entry is gone', async () => {
    await verdict(`${name}@${index}`, each(), { digests: [child] })
    expect((await verdict(`${name}@${index}`, each(), { digests: [other] })).outcome).toBe('trusted')
    expect((await verdict(`${name}@${index}`, each(), { digests: [child] })).code).toBe('digest-denied')
    expect((await verdict(`${name}@${index}`, each())).outcome).toBe('trusted')
  })
})

describe('a digest that cannot be found out', () => {
  const namespaceSelector = { matchLabels: { a: 'b' }, matchExpressions: [] }
  const match = { excludeNamespaces: [], namespaceSelector }

  beforeEach(away)

  test.each<[string, readonly Policy[]]>([
    ['accepted by a rule', accepting()],
    ['accepted by otherwise', [policy('empty', [], { otherwise: 'Accept' })]],
  ])('is undetermined where it might be listed, although it would be %s', async (_, policies) => {
    expect(await verdict(`${name}:v1`, policies, { digests: [other] })).toMatchObject({
      outcome: 'undetermined',
      code: 'registry-unreachable',
    })
    expect((await verdict(`${name}:v1`, policies, { keys: ['ci'] })).outcome).toBe('accepted')
    expect((await verdict(`${name}:v1`, policies)).outcome).toBe('accepted')
  })

  test('passes where the policy lets in what is unknown during an outage; a known one that is listed does not', async () => {
    const lenient = accepting({ whenUndetermined: 'InsecureAdmit' })
    expect((await verdict(`${name}:v1`, lenient, { digests: [other] })).code).toBe('accepted-undetermined')
    expect((await verdict(`${name}@${digest}`, lenient, { digests: [digest] })).code).toBe('digest-denied')
    expect(
      (await verdict(`${name}@${digest}`, release({ whenUndetermined: 'InsecureAdmit' }), { digests: [digest] })).code,
    ).toBe('digest-denied')
  })

  test('hinders nobody under a policy that is not enforced, and is told', async () => {
    const { outcome, judgement } = await verdict(`${name}:v1`, accepting({ mode: 'Warn' }), { digests: [other] })
    expect(outcome).toBe('accepted')
    expect(judgement?.warned).toMatchObject({ outcome: 'undetermined', code: 'registry-unreachable' })
  })

  test.each<[string, readonly Policy[], string]>([
    ['otherwise', [policy('empty', [])], 'no-rule'],
    ['a rule that denies', [policy('p', [rule(deny())])], 'denied-by-rule'],
    ['a rule that wants a digest', [policy('p', [rule(anything, { references: 'DigestOnly' })])], 'digest-required'],
  ])('is not asked for where %s refuses the image anyway', async (_, policies, code) => {
    const beside = [...policies, ...accepting({ mode: 'Warn' })]
    const { judgement, ...judged } = await verdict(`${name}:v1`, beside, { digests: [other] })
    expect(judged).toMatchObject({ outcome: 'untrusted', code })
    expect(judgement?.warned?.outcome).toBe('accepted')
    expect(registry.kinds()).toEqual([])
  })

  test.each<[string, readonly Policy[]]>([
    ['a policy that only warns', [...accepting(), policy('w', [], { mode: 'Warn' })]],
    ['a policy of which nobody knows whether it applies', [...accepting(), policy('labelled', [], { match })]],
  ])('is asked for where nothing but %s might refuse it', async (_, policies) => {
    expect((await verdict(`${name}:v1`, policies, { digests: [other] })).outcome).toBe('undetermined')
    expect(registry.kinds()).toEqual(['resolve'])
  })
})

describe('a listed key', () => {
  test('counts for nobody, and is named', async () => {
    const refused = await verdict(`${name}:v1`, release(), { keys: ['release'] })
    expect(refused).toMatchObject({
      outcome: 'untrusted',
      code: 'key-denied',
      detail: 'key "release" is on the DenyList "leaked": stolen',
    })
    expect(refused.judgement?.byPolicy[0]?.finding).toMatchObject({
      acceptableKeys: [],
      signatures: [{ counts: false, code: 'key-denied', signer: { key: 'release' } }],
    })
    expect((await verdict(`${name}:v1`, release(), { keys: ['ci'] })).outcome).toBe('trusted')
  })

  test('does not hinder another key that has signed as well', async () => {
    const both = attestor('release', { keys: ['release', 'second'] })
    const policies = [policy('p', [rule(signed(both))])]
    expect((await verdict(`${name}:v1`, policies, { keys: ['release'] })).code).toBe('key-denied')
    registry.sign(at, 'second', { digest })
    asking.clock.now += 5_000 // until then a refusal is remembered
    expect(await verdict(`${name}:v1`, policies, { keys: ['release'] })).toMatchObject({
      outcome: 'trusted',
      judgement: { signers: [{ key: 'second' }] },
    })
  })

  test('does not count towards a threshold', async () => {
    registry.sign(at, 'ci', { digest })
    const policies = [policy('p', [rule(atLeast(2, signed('release'), signed('ci')))])]
    expect((await verdict(`${name}:v1`, policies, { keys: ['other'] })).outcome).toBe('trusted')
    expect((await verdict(`${name}:v1`, policies, { keys: ['ci'] })).code).toBe('threshold-not-met')
  })

  test('does not count for an image in an index', async () => {
    const child = registry.putImage(at, 'linux/arm64')
    const manifests = [{ mediaType: manifestType, digest: child, size: 1 }]
    const index = registry.putManifest(at, { schemaVersion: 2, mediaType: indexType, manifests }, 'many')
    registry.sign(at, 'release', { digest: index })
    registry.sign(at, 'ci', { digest: child })
    const either = signed(attestor('either', { keys: ['release', 'ci'] }))
    const policies = [policy('p', [rule(either, { platforms: 'Each' })])]
    expect((await verdict(`${name}:many`, policies, { keys: ['other'] })).outcome).toBe('trusted')
    expect((await verdict(`${name}:many`, policies, { keys: ['ci'] })).code).toBe('platform-untrusted')
  })

  test('does not keep out an image that needs no signature', async () => {
    expect((await verdict(`${name}:v1`, accepting(), { keys: ['release'] })).outcome).toBe('accepted')
  })
})

describe('what is remembered', () => {
  const image = () => `${name}@${digest}`

  test.each<[string, () => DenyListParts, string]>([
    ['a digest', () => ({ digests: [digest] }), 'digest-denied'],
    ['a key', () => ({ keys: ['release'] }), 'key-denied'],
  ])('helps nobody past an entry for %s, and serves again when that is gone', async (_, list, code) => {
    expect((await verdict(image(), release())).outcome).toBe('trusted')
    expect((await verdict(image(), release(), list())).code).toBe(code)
    expect((await verdict(image(), release(), list())).code).toBe(code)
    registry.kinds()
    const verified = asking.verified.length
    expect((await verdict(image(), release())).outcome).toBe('trusted')
    expect(registry.kinds()).toEqual([])
    expect(asking.verified).toHaveLength(verified)
  })

  test('of what was proved serves under another list, too', async () => {
    await verdict(image(), release())
    registry.kinds()
    expect((await verdict(image(), release(), { keys: ['ci'] })).outcome).toBe('trusted')
    expect(registry.kinds()).toEqual([])
    expect(asking.verified).toHaveLength(1)
  })

  test('of the last verdict helps nobody past an entry', async () => {
    const policies = release({ whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: 86_400_000 })
    expect((await verdict(image(), policies)).outcome).toBe('trusted')
    asking.clock.now += 7_200_000
    away()
    expect((await verdict(image(), policies)).code).toBe('accepted-last-verdict')
    expect((await verdict(image(), policies, { digests: [digest] })).code).toBe('digest-denied')
    expect((await verdict(image(), policies, { keys: ['release'] })).code).toBe('registry-unreachable')
    expect((await verdict(`${name}:v1`, policies, { digests: [digest] })).code).toBe('registry-unreachable')
  })
})

describe('the explanation', () => {
  const refusal = async (list: DenyListParts, language: 'en' | 'zh') => {
    const asked = { denyLists: [denying(list)] }
    return denialText(
      await asking.judge(`${name}:v1`, [policy('p', [rule(allOf(signed('release')))])], asked),
      language,
    )
  }

  test('names list and reason in English', async () => {
    expect(await refusal({ digests: [digest] }, 'en')).toBe(
      `The image "${name}:v1" of container "c0" (spec.containers[0].image) is refused: ${digest} is on the DenyList "leaked": stolen.
Next step: Use another image; the list says why.

code: digest-denied  decision: id-1`,
    )
    expect(await refusal({ keys: ['release'] }, 'en')).toContain(
      'is refused by policy "p": it is signed, but key "release" is on the DenyList "leaked": stolen.',
    )
  })

  test('names list and reason in Chinese', async () => {
    expect(await refusal({ digests: [digest] }, 'zh')).toContain(
      `被拒绝：它的摘要已被列入 DenyList（${digest} is on the DenyList "leaked": stolen）。`,
    )
    expect(await refusal({ keys: ['release'] }, 'zh')).toContain(
      '签名所用的密钥已被列入 DenyList（key "release" is on the DenyList "leaked": stolen）。',
    )
  })
})
