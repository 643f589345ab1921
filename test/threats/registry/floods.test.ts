// More signatures and referrers than anybody would look at.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Attack,
  demanding,
  layerFor,
  putBundle,
  putClassic,
  putFallback,
  putList,
  startAttack,
  stranger,
} from '../../support/attack.ts'
import { asServed, descriptorOf, imageManifest, indexOf, repository, types } from '../../support/hostile-registry.ts'
import { bundleType, layer, payloadOf } from '../../support/signed-evidence.ts'
import { startStubRegistry } from '../../support/stub-registry.ts'

let attack: Attack
beforeEach(async () => {
  attack = await startAttack()
})
afterEach(() => attack.close())

const byTag = { policies: [demanding(['Tag'])] }
const byReferrer = { policies: [demanding(['Bundle'])] }

/** Signatures of strangers, each with a payload of its own. */
function strangers(count: number) {
  return Array.from({ length: count }, (_, at) =>
    layer({ ...payloadOf(attack.digest), optional: { at } }, stranger.privateKey),
  )
}

async function counted(asking: typeof byTag) {
  attack.registry.forget()
  const answer = await attack.admit(attack.pinned, asking)
  return { ...answer, requests: attack.registry.requests.length }
}

describe('RG-06: signatures without number under the tag', () => {
  test.each([101, 3_000])('%i, the valid one last, are denied after a bounded number of requests', async (count) => {
    putClassic(attack.registry, attack.digest, [...strangers(count - 1), layerFor(attack.digest)])
    const answer = await counted(byTag)
    expect(answer).toMatchObject({ outcome: 'denied', code: 'too-many-signatures' })
    expect(answer.requests).toBeLessThanOrEqual(101)
  })

  test('neighbour: as many as are read, the valid one last, are admitted', async () => {
    putClassic(attack.registry, attack.digest, [...strangers(99), layerFor(attack.digest)])
    expect(await counted(byTag)).toMatchObject({ outcome: 'allowed' })
  })

  test('neighbour: more than are read, the valid one within them, are admitted', async () => {
    putClassic(attack.registry, attack.digest, [...strangers(99), layerFor(attack.digest), ...strangers(200)])
    expect(await counted(byTag)).toMatchObject({ outcome: 'allowed' })
  })

  test('of one payload, each with another signature, are denied after one request for it', async () => {
    const same = Array.from({ length: 1_000 }, () => layer(payloadOf(attack.digest), stranger.privateKey))
    putClassic(attack.registry, attack.digest, same)
    expect(await counted(byTag)).toMatchObject({ outcome: 'denied', code: 'too-many-signatures', requests: 2 })
  })
})

describe('RG-06: referrers without number', () => {
  /** Entries that claim to be bundles and lead to strangers' manifests. */
  const claimed = (count: number, from = 0) =>
    Array.from({ length: count }, (_, at) => {
      const manifest = imageManifest(`referrer ${from + at}`, { artifactType: bundleType })
      attack.registry.putManifest(manifest)
      return descriptorOf(manifest, { artifactType: bundleType })
    })
  const unrelated = (count: number) =>
    Array.from({ length: count }, (_, at) =>
      descriptorOf(imageManifest(`sbom ${at}`), { artifactType: 'application/spdx+json' }),
    )

  test.each([101, 1_000, 2_000])(
    '%i that claim to be bundles, the valid one last, are denied after a bounded number of requests',
    async (count) => {
      putList(attack.registry, attack.digest, [...claimed(count - 1), putBundle(attack.registry, attack.digest)])
      const answer = await counted(byReferrer)
      expect(answer).toMatchObject({ outcome: 'denied', code: 'too-many-signatures' })
      expect(answer.requests).toBeLessThanOrEqual(103)
    },
  )

  test.each(['putList', 'putFallback'] as const)(
    'beyond what is read of a list (%s) are denied at once',
    async (how) => {
      const put = how === 'putList' ? putList : putFallback
      put(attack.registry, attack.digest, [...unrelated(2_000), putBundle(attack.registry, attack.digest)])
      const answer = await counted(byReferrer)
      expect(answer).toMatchObject({ outcome: 'denied', code: 'too-many-signatures' })
      expect(answer.requests).toBeLessThanOrEqual(2)
    },
  )

  test('neighbour: as many as are read, most of other kinds, the valid one last, are admitted', async () => {
    putList(attack.registry, attack.digest, [
      ...unrelated(1_900),
      ...claimed(99),
      putBundle(attack.registry, attack.digest),
    ])
    expect(await counted(byReferrer)).toMatchObject({ outcome: 'allowed' })
  })

  test('neighbour: one that is named ten thousand times is read once, and admitted', async () => {
    const entry = putBundle(attack.registry, attack.digest)
    putList(
      attack.registry,
      attack.digest,
      Array.from({ length: 10_000 }, () => entry),
    )
    expect(await counted(byReferrer)).toMatchObject({ outcome: 'allowed', requests: 3 })
  })
})

describe('RG-06: referrers whose manifests are large', () => {
  /** A bundle's manifest, padded to a size; the list may say another. */
  function put(size: number, said = size) {
    const pad = (length: number) => ({ annotations: { pad: 'x'.repeat(length) } })
    const { size: bare } = putBundle(attack.registry, attack.digest, { more: pad(0) })
    const entry = putBundle(attack.registry, attack.digest, { more: pad(size - bare) })
    putList(attack.registry, attack.digest, [{ ...entry, size: said }])
    expect(entry.size).toBe(size)
  }
  const limit = 256 * 1024

  test('neighbour: up to what is read they are admitted', async () => {
    put(limit)
    expect(await counted(byReferrer)).toMatchObject({ outcome: 'allowed' })
  })

  test('by one byte more are denied, and not asked for', async () => {
    put(limit + 1)
    const answer = await counted(byReferrer)
    expect(answer).toMatchObject({ outcome: 'denied', code: 'content-too-large' })
    expect(attack.registry.seen().filter((line) => line.includes('/manifests/sha256:'))).toEqual([])
  })

  test('are denied where the list says that they are small', async () => {
    put(limit + 1, 1_000)
    expect(await counted(byReferrer)).toMatchObject({ outcome: 'denied', code: 'content-too-large' })
  })
})

describe('RG-06: pages of referrers', () => {
  const path = () => `/v2/team/app/referrers/${attack.digest}`
  /** Page `n` names this page next, and lists these entries. */
  function pages(next: (page: number) => string | undefined, entries: (page: number) => readonly unknown[] = () => []) {
    attack.registry.on('GET', path(), ({ path: asked }) => {
      const page = Number(new URL(asked, 'http://x').searchParams.get('page') ?? 1)
      const link = next(page)
      const { headers, body } = asServed(indexOf(...entries(page)), types.index)
      return {
        body,
        headers: {
          'content-type': headers['content-type'],
          ...(link !== undefined && { link: `<${link}>; rel="next"` }),
        },
      }
    })
  }

  test.each([
    ['that names itself', () => path(), 'registry-protocol', 1],
    [
      'that leads back to the first',
      (page: number) => (page === 3 ? path() : `?page=${page + 1}`),
      'registry-protocol',
      3,
    ],
    ['that never ends', (page: number) => `?page=${page + 1}`, 'too-many-signatures', 20],
  ] as const)('one %s is denied after a bounded number of requests', async (_what, next, code, requests) => {
    pages(next)
    expect(await counted(byReferrer)).toMatchObject({ outcome: 'denied', code, requests })
  })

  test('neighbour: as many as are read, the valid one on the last, are admitted', async () => {
    const entry = putBundle(attack.registry, attack.digest)
    pages(
      (page) => (page < 20 ? `?page=${page + 1}` : undefined),
      (page) => (page === 20 ? [entry] : []),
    )
    expect(await counted(byReferrer)).toMatchObject({ outcome: 'allowed', requests: 22 })
  })

  test('one that leads to another host is denied, and nothing arrives there', async () => {
    const canary = await startStubRegistry()
    pages(() => `${canary.url}${path()}`)
    expect(await counted(byReferrer)).toMatchObject({ outcome: 'denied', code: 'registry-protocol' })
    expect(canary.connections()).toBe(0)
    await canary.close()
  })

  test('one that leads to another repository of the same host is denied', async () => {
    pages(() => `/v2/secret/app/referrers/${attack.digest}`)
    expect(await counted(byReferrer)).toMatchObject({ outcome: 'denied', code: 'registry-protocol', requests: 1 })
  })
})

describe('RG-07: signature manifests of megabytes, each within its cap', () => {
  /** Images with a valid signature each, beside 4,000,000 bytes of nothing. */
  const admit = (count: number) => {
    const images = Array.from({ length: count }, (_, index) => {
      const digest = attack.registry.putManifest(imageManifest(`image ${index}`))
      putClassic(attack.registry, digest, [layerFor(digest)], { annotations: { nothing: 'x'.repeat(4_000_000) } })
      return `${attack.registry.host}/${repository}@${digest}`
    })
    return attack.admit(images, byTag)
  }

  test('of ten images in one Pod are denied as too much to be read', async () => {
    expect(await admit(10)).toMatchObject({ outcome: 'denied', code: 'evidence-too-large' })
  })

  test('neighbour: of six images in one Pod are read, and the Pod is admitted', async () => {
    expect(await admit(6)).toMatchObject({ outcome: 'allowed' })
  })
})
