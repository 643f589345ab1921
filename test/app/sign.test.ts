// Signing does not take a registry's word for it: what cannot be read back and verified is not called signed.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { type SigningRegistry, signImage } from '#app/sign.ts'
import { CodedError } from '#core/errors.ts'
import { parseDigest } from '#core/image/digest.ts'
import { createRegistryClient } from '#io/registry/client.ts'
import { generateKey } from '#signature/keys/private-key.ts'
import { createSigner, type Signer } from '#signature/keys/signer.ts'
import { pushImage } from '../support/images.ts'

type DemoRegistry = Awaited<ReturnType<typeof startDemoRegistry>>

let demo: DemoRegistry
let client: ReturnType<typeof createRegistryClient>
let signer: Signer

beforeAll(async () => {
  demo = await startDemoRegistry({})
  client = createRegistryClient({ version: 'test', insecure: () => true })
  signer = createSigner(await generateKey('ecdsa-p256'))
})

afterAll(async () => {
  await client.close()
  await demo.close()
})

async function sign(registry: SigningRegistry, repository: string, format: 'cosign' | 'bundle') {
  const { digest } = await pushImage(demo.host, repository, 'v1')
  const image = {
    registry: demo.host,
    repository,
    digest: parseDigest(digest),
    text: `${demo.host}/${repository}@${digest}`,
  }
  const context = { signal: AbortSignal.timeout(10_000), scope: 'own' }
  const quiet = { pushing: () => {}, warn: () => {} }
  return signImage(
    { image, signer, format, annotations: {}, recursive: false },
    { registry, context, now: Date.now, random: () => 0, ...quiet },
  )
}

const codeOfFailure = (work: Promise<unknown>) =>
  work.then(
    () => 'signed',
    (error) => (error instanceof CodedError ? error.code : error),
  )

describe.each(['cosign', 'bundle'] as const)('a signature in the format %s', (format) => {
  test('that can be read back is called signed', async () => {
    expect(await sign(client, `good/${format}`, format)).toHaveLength(1)
  })

  test('whose manifest the registry swallowed is not', async () => {
    const swallow = async () => ({ digest: parseDigest(`sha256:${'0'.repeat(64)}`), subjectHonoured: true })
    const registry = { ...client, putManifest: swallow, putReferrer: swallow }
    expect(await codeOfFailure(sign(registry, `swallowed/${format}`, format))).toBe('readback-failed')
  })

  test('whose bytes come back as others is not', async () => {
    const registry: SigningRegistry = {
      ...client,
      blob: async (...asked) => {
        const bytes = Uint8Array.from(await client.blob(...asked))
        bytes[bytes.length - 1] = 0
        return bytes
      },
    }
    expect(await codeOfFailure(sign(registry, `changed/${format}`, format))).toBe('readback-failed')
  })

  test('of a digest that is not in the registry is not made', async () => {
    const registry: SigningRegistry = {
      ...client,
      manifest: async () => {
        throw new CodedError('content-missing', 'there is none')
      },
    }
    expect(await codeOfFailure(sign(registry, `absent/${format}`, format))).toBe('image-not-found')
  })
})
