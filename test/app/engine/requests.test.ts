// What a decision costs the registry, in requests: the real client, the real formats, a registry that counts.

import { afterEach, describe, expect, test } from 'vitest'
import type { DemoRegistry, DemoRegistryOptions } from '#app/demo/registry.ts'
import { startDemoRegistry } from '#app/demo/registry.ts'
import type { Layout } from '#core/policy/words.ts'
import type { RegistryClient } from '#io/registry/client.ts'
import { createRegistryClient } from '#io/registry/client.ts'
import type { Annotations } from '#signature/compose.ts'
import { formats } from '#signature/formats.ts'
import { generateKey } from '#signature/keys/private-key.ts'
import type { Signer } from '#signature/keys/signer.ts'
import { createSigner } from '#signature/keys/signer.ts'
import type { PushedImage } from '../../support/images.ts'
import { pushImage } from '../../support/images.ts'
import type { Judging } from '../../support/judging.ts'
import { judging } from '../../support/judging.ts'
import { anyOf, attestor, policy, rule, signed } from '../../support/policies.ts'
import { pushBundle, pushClassic } from '../../support/signing.ts'

const opened: { readonly registry: DemoRegistry; readonly client: RegistryClient }[] = []

afterEach(async () => {
  for (const { registry, client } of opened.splice(0)) {
    await client.close()
    await registry.close()
  }
})

interface World extends Judging {
  readonly image: PushedImage
  readonly signer: Signer
  sign(format: 'cosign' | 'bundle', signer?: Signer, annotations?: Annotations): Promise<void>
  /** `HEAD tag`, `GET sig`, `GET blob`, `GET referrers`, `GET digest`: requests since the last look, in order. */
  requests(): readonly string[]
}

async function world(options: DemoRegistryOptions = {}): Promise<World> {
  const registry = await startDemoRegistry(options)
  const client = createRegistryClient({ version: 'test', insecure: () => true })
  opened.push({ registry, client })
  const { host } = registry
  const image = await pushImage(host, 'team/app', 'v1')
  const signer = await newSigner()
  const target = { client, host, repository: 'team/app', image }
  return {
    ...judging(client, formats),
    image,
    signer,
    sign: async (format, by = signer, annotations = {}) => {
      await (format === 'cosign' ? pushClassic(target, by, annotations) : pushBundle(target, by, annotations))
      registry.forgetRequests()
    },
    requests: () => {
      const seen = registry.requests.map(({ method, path }) => `${method} ${kindOf(path)}`)
      registry.forgetRequests()
      return seen
    },
  }
}

function kindOf(path: string): string {
  if (path.includes('/blobs/')) return 'blob'
  if (path.includes('/referrers/')) return 'referrers'
  if (path.endsWith('.sig')) return 'sig'
  return path.includes('/manifests/sha256:') ? 'digest' : 'tag'
}

const newSigner = async () => createSigner(await generateKey('ecdsa-p256'))

function signedBy(signers: readonly Signer[], layouts: readonly Layout[]) {
  const demands = signers.map(({ publicKey }, index) => {
    const made = attestor(`a${index}`, { storage: { layouts } })
    const keys = [{ name: 'key', ...publicKey }]
    return signed({ ...made, keys, revision: publicKey.fingerprint })
  })
  return [policy('production', [rule(demands.length === 1 ? (demands[0] ?? anyOf()) : anyOf(...demands))])]
}

describe('a new image costs', () => {
  test('two requests by digest, three by tag, where signatures lie under the tag', async () => {
    const { judge, image, signer, sign, requests } = await world()
    await sign('cosign')
    const policies = signedBy([signer], ['Tag'])
    expect(await judge(image.pinned, policies)).toMatchObject({ allowed: true })
    expect(requests()).toEqual(['GET sig', 'GET blob'])
    const other = await world()
    await other.sign('cosign')
    expect(await other.judge(other.image.reference, signedBy([other.signer], ['Tag']))).toMatchObject({ allowed: true })
    expect(other.requests()).toEqual(['HEAD tag', 'GET sig', 'GET blob'])
  })

  test('three requests by digest, four by tag, where signatures are bundles and the registry lists referrers', async () => {
    const { judge, image, signer, sign, requests } = await world()
    await sign('bundle')
    expect(await judge(image.pinned, signedBy([signer], ['Bundle']))).toMatchObject({ allowed: true })
    expect(requests()).toEqual(['GET referrers', 'GET digest', 'GET blob'])
    const other = await world()
    await other.sign('bundle')
    const policies = signedBy([other.signer], ['Bundle'])
    expect(await other.judge(other.image.reference, policies)).toMatchObject({ allowed: true })
    expect(other.requests()).toEqual(['HEAD tag', 'GET referrers', 'GET digest', 'GET blob'])
  })

  test('a look at each place where signatures may lie, all at the same moment', async () => {
    const { image, signer, sign, requests } = await world()
    await sign('cosign')
    const [{ client } = { client: undefined }] = opened
    if (client === undefined) throw new Error('no client')
    // The answer of either waits for the question to the other.
    let both = () => {}
    const met = new Promise<void>((resolve) => {
      both = resolve
    })
    const waiting = new Set<string>()
    const meet = async <T>(place: string, answer: Promise<T>) => {
      waiting.add(place)
      if (waiting.size === 2) both()
      await met
      return answer
    }
    const sources: RegistryClient = {
      ...client,
      tagged: (...asked) => meet('tag', client.tagged(...asked)),
      referrers: (...asked) => meet('referrers', client.referrers(...asked)),
    }
    const decision = await judging(sources, formats).judge(image.pinned, signedBy([signer], ['Tag', 'Bundle']))
    expect(decision.allowed).toBe(true)
    // The first yes is enough: the list is asked for, and the tag that stands in for an empty one may be.
    expect(requests()).toEqual(expect.arrayContaining(['GET sig', 'GET blob', 'GET referrers']))
  })

  test('the same, however many containers run it and in however many ways they name it', async () => {
    const { judge, image, signer, sign, requests } = await world()
    await sign('cosign')
    const decision = await judge(Array<string>(8).fill(image.pinned), signedBy([signer], ['Tag']))
    expect(decision.verdicts.map(({ outcome }) => outcome)).toEqual(Array(8).fill('trusted'))
    expect(requests()).toEqual(['GET sig', 'GET blob'])
  })

  test('one fetch of everything, with fifteen attestors and three signatures', async () => {
    const { judge, image, signer, sign, requests, verified } = await world()
    const strangers = await Promise.all(Array.from({ length: 14 }, newSigner))
    for (const team of ['a', 'b', 'c']) await sign('cosign', signer, { team })
    const decision = await judge(image.pinned, signedBy([...strangers, signer], ['Tag']))
    expect(decision.allowed).toBe(true)
    expect(requests()).toEqual(['GET sig', 'GET blob', 'GET blob', 'GET blob'])
    expect(verified.length).toBeLessThanOrEqual(45)
  })
})

describe('FT-08: two hundred Pods of one new image at once', () => {
  test('cost two requests by digest, and one verification', async () => {
    const { judge, image, signer, sign, requests, verified } = await world()
    await sign('cosign')
    const policies = signedBy([signer], ['Tag'])
    const decisions = await Promise.all(Array.from({ length: 200 }, () => judge(image.pinned, policies)))
    expect(decisions.every(({ allowed }) => allowed)).toBe(true)
    expect(requests()).toEqual(['GET sig', 'GET blob'])
    expect(verified).toHaveLength(1)
  })

  test('by tag, ask for the tag together and for everything else once', async () => {
    const { judge, image, signer, sign, requests, verified } = await world()
    await sign('cosign')
    const policies = signedBy([signer], ['Tag'])
    const decisions = await Promise.all(Array.from({ length: 200 }, () => judge(image.reference, policies)))
    expect(decisions.every(({ allowed }) => allowed)).toBe(true)
    expect(requests()).toEqual(['HEAD tag', 'GET sig', 'GET blob'])
    expect(verified).toHaveLength(1)
    // Who comes later asks anew what the tag names, and nothing else.
    expect(await judge(image.reference, policies)).toMatchObject({ allowed: true })
    expect(requests()).toEqual(['HEAD tag'])
  })

  test('that nobody signed, are refused for as few', async () => {
    const { judge, image, signer, requests } = await world()
    requests()
    const policies = signedBy([signer], ['Tag'])
    const decisions = await Promise.all(Array.from({ length: 200 }, () => judge(image.pinned, policies)))
    expect(decisions.some(({ allowed }) => allowed)).toBe(false)
    expect(requests()).toEqual(['GET sig', 'HEAD digest'])
  })

  test('neighbour: in 500 namespaces, one after the other, too', async () => {
    const { judge, image, signer, sign, requests, verified } = await world()
    await sign('cosign')
    const policies = signedBy([signer], ['Tag'])
    for (let index = 0; index < 500; index += 1) {
      expect(await judge(image.pinned, policies, { namespace: `tenant-${index}` })).toMatchObject({ allowed: true })
    }
    expect(requests()).toEqual(['GET sig', 'GET blob'])
    expect(verified).toHaveLength(1)
  })
})

test('FT-08: 32 new images in one object are asked for side by side, in as many rounds as one', async () => {
  const { signer, judge } = await world()
  const [{ registry, client } = {}] = opened
  if (registry === undefined || client === undefined) throw new Error('no registry')
  const images: PushedImage[] = []
  for (let index = 0; index < 32; index += 1) {
    const image = await pushImage(registry.host, `team/app${index}`, null, { seed: index })
    await pushClassic({ client, host: registry.host, repository: `team/app${index}`, image }, signer)
    images.push(image)
  }
  // Nothing is answered before all 32 have asked; so in either round.
  const rounds: number[] = []
  let waiting: (() => void)[] = []
  const together = async <T>(answer: () => Promise<T>) => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
      if (waiting.length < 32) return
      rounds.push(waiting.length)
      for (const go of waiting.splice(0)) go()
      waiting = []
    })
    return answer()
  }
  const sources: RegistryClient = {
    ...client,
    tagged: (...asked) => together(() => client.tagged(...asked)),
    blob: (...asked) => together(() => client.blob(...asked)),
  }
  const policies = signedBy([signer], ['Tag'])
  const decision = await judging(sources, formats).judge(
    images.map(({ pinned }) => pinned),
    policies,
  )
  expect(decision.allowed).toBe(true)
  expect(rounds).toEqual([32, 32])
  expect(await judge(images[0]?.pinned ?? '', policies)).toMatchObject({ allowed: true })
})
