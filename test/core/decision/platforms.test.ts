// `platforms`: what of a multi-platform image must be signed.

import { describe, expect, test } from 'vitest'
import type { Digest } from '#core/image/digest.ts'
import { dockerListType } from '#core/image/manifest.ts'
import type { Platforms } from '#core/policy/words.ts'
import { at, judging, name, noon } from '../../support/judging.ts'
import { digestOf, indexType, MemoryRegistry, manifestType } from '../../support/memory-registry.ts'
import { anyOf, anything, attestor, policy, rule, signed } from '../../support/policies.ts'

const each = (require = signed('release') as Parameters<typeof rule>[0], platforms: Platforms = 'Each') => [
  policy('p', [rule(require, { platforms })]),
]

interface Child {
  readonly digest: Digest
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string }
  readonly mediaType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

const linux = (architecture: string) => ({ os: 'linux', architecture })

function world(children: (registry: MemoryRegistry) => readonly Child[], sign: 'all' | 'index' = 'all') {
  const registry = new MemoryRegistry()
  const manifests = children(registry).map((child) => ({ mediaType: manifestType, size: 10, ...child }))
  const digest = registry.putManifest(at, { schemaVersion: 2, mediaType: indexType, manifests }, 'v1')
  registry.sign(at, 'release', { digest })
  if (sign === 'all') for (const child of manifests) registry.sign(at, 'release', { digest: child.digest })
  return { registry, digest, verdict: judging(registry).verdict, children: manifests.map((child) => child.digest) }
}

const two = (registry: MemoryRegistry): readonly Child[] => [
  { digest: registry.putImage(at, 'amd64'), platform: linux('amd64') },
  { digest: registry.putImage(at, 'arm64'), platform: { ...linux('arm64'), variant: 'v8' } },
]

describe('platforms: Each', () => {
  test('trusts an index of which every image is signed', async () => {
    const { verdict, digest } = world(two)
    expect(await verdict(`${name}:v1`, each())).toMatchObject({ outcome: 'trusted', judgement: { digest } })
  })

  test('refuses it when one image is not, and names the platform', async () => {
    const { verdict, registry, children } = world(two)
    registry.unsign(at, children[1] ?? '')
    const refused = await verdict(`${name}:v1`, each())
    expect(refused).toMatchObject({ outcome: 'untrusted', code: 'platform-untrusted' })
    expect(refused.detail).toContain('linux/arm64/v8')
    expect(refused.judgement?.byPolicy[0]?.platforms?.map(({ finding }) => finding.state)).toEqual([
      'satisfied',
      'unsatisfied',
    ])
  })

  test('refuses it when the images are signed and the index is not', async () => {
    const { verdict, registry, digest } = world(two)
    registry.unsign(at, digest)
    expect(await verdict(`${name}:v1`, each())).toMatchObject({ outcome: 'untrusted', code: 'signature-missing' })
  })

  test('holds until the first of the keys ends that speak for the index and its images', async () => {
    const mortal = (ends: number) => attestor('ci', { life: { ci: { notAfter: noon + ends } } })
    const { verdict, registry, children } = world(two)
    registry.unsign(at, children[0] ?? '')
    registry.sign(at, 'ci', { digest: children[0] ?? '' })
    const given = await verdict(`${name}:v1`, each(anyOf(signed('release'), signed(mortal(1000)))))
    expect(given.judgement).toMatchObject({ validUntil: noon + 1000 })
    const later = await verdict(`${name}:v1`, each(anyOf(signed('release'), signed(mortal(2000)))))
    expect(later.judgement).toMatchObject({ validUntil: noon + 2000 })
  })

  test('is not what Index asks for', async () => {
    const { verdict, registry } = world(two, 'index')
    expect(await verdict(`${name}:v1`, each(undefined, 'Index'))).toMatchObject({ outcome: 'trusted' })
    expect(registry.kinds()).not.toContain('manifest')
    expect(await verdict(`${name}:v1`, each())).toMatchObject({ outcome: 'untrusted' })
  })

  test('asks nothing more of an image that is no index', async () => {
    const registry = new MemoryRegistry()
    const digest = registry.putImage(at, 'single', 'v1')
    registry.sign(at, 'release', { digest })
    expect(await judging(registry).verdict(`${name}:v1`, each())).toMatchObject({ outcome: 'trusted' })
  })

  test('a key that signed the index but not a platform does not stand in for the one that did not', async () => {
    const { verdict, registry, children } = world(two)
    registry.unsign(at, children[0] ?? '')
    registry.sign(at, 'ci', { digest: children[0] ?? '' })
    expect(await verdict(`${name}:v1`, each())).toMatchObject({ outcome: 'untrusted', code: 'platform-untrusted' })
    const either = each(anyOf(signed('release'), signed('ci')))
    expect(await verdict(`${name}:v1`, either)).toMatchObject({ outcome: 'trusted' })
  })

  test('what cannot be read of one platform is undetermined, unless another is a clear no', async () => {
    const { verdict, registry, children } = world(two)
    const [first = '', second = ''] = children
    registry.before = ({ question }) => {
      if (question.includes(first.slice(7))) throw new Error('boom')
    }
    expect(await verdict(`${name}:v1`, each())).toMatchObject({ outcome: 'undetermined', code: 'internal-error' })
    registry.unsign(at, second)
    const anew = await judging(registry).verdict(`${name}:v1`, each())
    expect(anew).toMatchObject({ outcome: 'untrusted', code: 'platform-untrusted' })
  })

  test('a platform that is only let pass makes the whole accepted, and not pinned', async () => {
    const { verdict, registry, children } = world(two)
    registry.unsign(at, children[0] ?? '')
    const verdictGiven = await verdict(`${name}:v1`, each(anyOf(signed('release'), anything)))
    expect(verdictGiven).toMatchObject({ outcome: 'accepted', code: 'accepted-by-rule' })
    expect(verdictGiven.judgement?.pin).toBeUndefined()
  })

  test.each([
    [
      'unknown/unknown, as BuildKit lists its attestations, is none',
      { os: 'unknown', architecture: 'unknown' },
      'trusted',
    ],
    ['unknown/amd64 is one', { os: 'unknown', architecture: 'amd64' }, 'untrusted'],
    ['linux/unknown is one', { os: 'linux', architecture: 'unknown' }, 'untrusted'],
  ] as const)('the platform %s', async (_, platform, outcome) => {
    const { verdict, registry, children } = world((images) => [
      ...two(images),
      { digest: images.putImage(at, 'x'), platform },
    ])
    registry.unsign(at, children[2] ?? '')
    expect(await verdict(`${name}:v1`, each())).toMatchObject({ outcome })
  })
})

describe('platforms: Each cannot judge', () => {
  const many = (count: number) => (registry: MemoryRegistry) =>
    Array.from({ length: count }, (_, index) => ({
      digest: registry.putImage(at, `p${index}`),
      platform: linux(`a${index}`),
    }))

  test.each([
    [
      'an index inside an index',
      (registry: MemoryRegistry) => [
        ...two(registry),
        { digest: digestOf('x'), mediaType: indexType, platform: linux('s390x') },
      ],
      'manifest-unsupported',
    ],
    [
      'a Docker list inside an index',
      (registry: MemoryRegistry) => [
        ...two(registry),
        { digest: digestOf('x'), mediaType: dockerListType, platform: linux('s390x') },
      ],
      'manifest-unsupported',
    ],
    ['more than 64 images', many(65), 'too-many-platforms'],
    ['an index without images', () => [], 'platform-unknown'],
    [
      'an index of nothing but attestations',
      () => [{ digest: digestOf('x'), platform: { os: 'unknown', architecture: 'unknown' } }],
      'platform-unknown',
    ],
  ] as const)('%s', async (_, children, code) => {
    const { verdict } = world(children)
    expect(await verdict(`${name}:v1`, each())).toMatchObject({ outcome: 'undetermined', code })
  })

  test('and its neighbour: 64 images', async () => {
    expect(await world(many(64)).verdict(`${name}:v1`, each())).toMatchObject({ outcome: 'trusted' })
  })

  test('a manifest that can be read as two things', async () => {
    const registry = new MemoryRegistry()
    const digest = registry.putManifest(at, { schemaVersion: 2, mediaType: indexType, manifests: [], layers: [] }, 'v1')
    registry.sign(at, 'release', { digest })
    expect(await judging(registry).verdict(`${name}:v1`, each())).toMatchObject({
      outcome: 'undetermined',
      code: 'manifest-ambiguous',
    })
  })

  test('a child without a platform is judged like any other', async () => {
    const { verdict, registry, children } = world((each) => [...two(each), { digest: each.putImage(at, 'nameless') }])
    expect(
      await verdict(`${name}:v1`, [policy('a', [rule(signed(attestor('release')), { platforms: 'Each' })])]),
    ).toMatchObject({ outcome: 'trusted' })
    registry.unsign(at, children[2] ?? '')
    const again = [policy('b', [rule(signed('release', { annotations: {} }), { platforms: 'Each' })])]
    expect((await judging(registry).verdict(`${name}:v1`, again)).code).toBe('platform-untrusted')
  })
})
