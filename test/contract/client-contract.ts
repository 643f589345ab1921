// What the registry client must get right against any registry, with or without the referrers API: pushes that read back,
// absences told apart, and referrers found. The same on distribution 2.8 and on our demo registry.

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Repository } from '#core/decision/question.ts'
import { parseDigest } from '#core/image/digest.ts'
import { createRegistryClient, type RegistryClient } from '#io/registry/client.ts'
import type { CallContext } from '#io/registry/session.ts'
import { mediaTypes, type PushedImage, pushImage, pushIndex, sha256 } from '../support/images.ts'
import type { RegistryUnderTest } from './registry-contract.ts'

function context(): CallContext {
  return { signal: AbortSignal.timeout(15_000), scope: 'contract' }
}

interface Parts {
  readonly client: () => RegistryClient
  readonly host: () => string
  readonly at: (repository: string) => Repository
}

const absent = parseDigest(`sha256:${'0'.repeat(64)}`)

/** Declares the tests inside the caller's `describe`. */
export function clientContract(start: () => Promise<RegistryUnderTest>): void {
  let registry: RegistryUnderTest
  let client: RegistryClient
  beforeAll(async () => {
    registry = await start()
    client = createRegistryClient({ version: '0.0.0-test', insecure: (host) => host === registry.host })
  })
  afterAll(async () => {
    await client?.close()
    await registry?.close()
  })
  const parts: Parts = {
    client: () => client,
    host: () => registry.host,
    at: (repository) => ({ registry: registry.host, repository }),
  }
  reading(parts)
  writing(parts)
}

function reading({ client, host, at }: Parts): void {
  it('resolves a tag to digest and type, and anew when the tag moves', async () => {
    const first = await pushImage(host(), 'client/moved', 'v1', { seed: 1 })
    const before = await client().resolve(at('client/moved'), 'v1', context())
    expect(before).toMatchObject({ digest: first.digest, mediaType: mediaTypes.manifest })
    const second = await pushIndex(host(), 'client/moved', 'v1', { seed: 2 })
    const after = await client().resolve(at('client/moved'), 'v1', context())
    expect(after).toMatchObject({ digest: second.digest, mediaType: mediaTypes.index })
  })

  it('reads manifests by digest and tag, and blobs, byte for byte', async () => {
    const image = await pushImage(host(), 'client/read', 'v1')
    const byDigest = await client().manifest(at('client/read'), parseDigest(image.digest), context())
    const byTag = await client().tagged(at('client/read'), 'v1', context())
    for (const found of [byDigest, byTag]) {
      expect(found?.digest).toBe(image.digest)
      expect(Buffer.from(found?.bytes ?? []).equals(image.manifest)).toBe(true)
    }
    const config = parseDigest(image.config.digest)
    const bytes = await client().blob(at('client/read'), config, image.config.size, context())
    expect(sha256(bytes)).toBe(config)
    await client().access(at('client/read'), parseDigest(image.digest), context())
  })

  it('tells an image, a tag, a manifest and a blob that are not there apart', async () => {
    await pushImage(host(), 'client/absent', 'v1')
    const here = at('client/absent')
    const refused = (code: string) => expect.objectContaining({ code })
    await expect(client().resolve(here, 'nope', context())).rejects.toEqual(refused('image-not-found'))
    expect(await client().tagged(here, 'nope', context())).toBeNull()
    await expect(client().manifest(here, absent, context())).rejects.toEqual(refused('content-missing'))
    await expect(client().blob(here, absent, 100, context())).rejects.toEqual(refused('content-missing'))
  })

  it('refuses a blob over the cap it was given', async () => {
    const image = await pushImage(host(), 'client/capped', 'v1')
    const config = parseDigest(image.config.digest)
    const asked = client().blob(at('client/capped'), config, image.config.size - 1, context())
    await expect(asked).rejects.toEqual(expect.objectContaining({ code: 'content-too-large' }))
  })

  it('lists every tag', async () => {
    for (const tag of ['c', 'a', 'b']) await pushImage(host(), 'client/tags', tag, { seed: 'one' })
    expect([...(await client().listTags(at('client/tags'), context()))].sort()).toEqual(['a', 'b', 'c'])
  })
}

/** An artifact that refers to the image, its config pushed by the client. */
async function referrerOf({ client, at }: Parts, repository: string, subject: PushedImage, note: string) {
  const bytes = new TextEncoder().encode('{}')
  const config = await client().putBlob(at(repository), bytes, mediaTypes.empty, context())
  const manifest = {
    ...{ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: 'application/x.contract' },
    ...{ config, layers: [config], subject: subject.descriptor, annotations: { note } },
  }
  return {
    bytes: new TextEncoder().encode(JSON.stringify(manifest)),
    mediaType: mediaTypes.manifest,
    artifactType: 'application/x.contract',
    annotations: { note },
  }
}

function writing(parts: Parts): void {
  const { client, host, at } = parts

  it('pushes a blob that reads back, and knows afterwards that it is there', async () => {
    const bytes = randomBytes(5000)
    const digest = parseDigest(sha256(bytes))
    expect(await client().hasBlob(at('client/pushed'), digest, context())).toBe(false)
    const pushed = await client().putBlob(at('client/pushed'), bytes, mediaTypes.layer, context())
    expect(pushed).toEqual({ mediaType: mediaTypes.layer, digest, size: 5000 })
    expect(await client().hasBlob(at('client/pushed'), digest, context())).toBe(true)
    const back = await client().blob(at('client/pushed'), digest, 5000, context())
    expect(Buffer.from(back).equals(bytes)).toBe(true)
  })

  it('pushes a manifest under a tag, and is told no for one whose layer is missing', async () => {
    const { config, layers } = await pushImage(host(), 'client/manifest', 'v1')
    const put = (some: readonly unknown[]) => {
      const manifest = {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config,
        layers: some,
        annotations: { a: 'b' },
      }
      const bytes = new TextEncoder().encode(JSON.stringify(manifest))
      return client().putManifest(at('client/manifest'), 'v2', { bytes, mediaType: mediaTypes.manifest }, context())
    }
    const { digest } = await put(layers)
    expect((await client().resolve(at('client/manifest'), 'v2', context())).digest).toBe(digest)
    const gap = put([{ mediaType: mediaTypes.layer, digest: absent, size: 1 }])
    await expect(gap).rejects.toEqual(expect.objectContaining({ code: 'push-refused' }))
  })

  it('finds every referrer it pushed, and none of another image', async () => {
    const image = await pushImage(host(), 'client/referrers', 'v1', { seed: 'subject' })
    const other = await pushImage(host(), 'client/referrers', 'v2', { seed: 'other' })
    const pushed: string[] = []
    for (const [subject, note] of [
      [image, 'one'],
      [image, 'two'],
      [other, 'three'],
    ] as const) {
      const manifest = await referrerOf(parts, 'client/referrers', subject, note)
      const { digest } = await client().putReferrer(
        at('client/referrers'),
        parseDigest(subject.digest),
        manifest,
        context(),
      )
      if (subject === image) pushed.push(digest)
    }
    const found = await client().referrers(at('client/referrers'), parseDigest(image.digest), context())
    const listed = found.flatMap((each) => ('digest' in each ? [each] : []))
    expect(listed.map(({ digest }) => digest).sort()).toEqual(pushed.sort())
    expect(listed.every(({ artifactType }) => artifactType === 'application/x.contract')).toBe(true)
  })

  it('finds no referrers where there are none', async () => {
    const image = await pushImage(host(), 'client/lonely', 'v1')
    expect(await client().referrers(at('client/lonely'), parseDigest(image.digest), context())).toEqual([])
  })
}
