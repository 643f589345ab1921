import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DemoRegistry } from '#app/demo/registry.ts'
import { startDemoRegistry } from '#app/demo/registry.ts'
import type { SigningRegistry, SigningTools, SignRequest } from '#app/sign.ts'
import { signImage } from '#app/sign.ts'
import { CodedError } from '#core/errors.ts'
import { parseReference } from '#core/image/reference.ts'
import type { RegistryClient } from '#io/registry/client.ts'
import { createRegistryClient } from '#io/registry/client.ts'
import { generateKey } from '#signature/keys/private-key.ts'
import type { Signer } from '#signature/keys/signer.ts'
import { createSigner } from '#signature/keys/signer.ts'
import { pushImage } from '../support/images.ts'

let registry: DemoRegistry
let client: RegistryClient
let signer: Signer

beforeAll(async () => {
  registry = await startDemoRegistry()
  client = createRegistryClient({ version: 'test', insecure: () => true })
  signer = createSigner(await generateKey('ecdsa-p256'))
})

afterAll(async () => {
  await client?.close()
  await registry?.close()
})

function toolsFor(port: SigningRegistry, warnings: string[] = []): SigningTools {
  return {
    registry: port,
    context: { signal: AbortSignal.timeout(10_000), scope: 'own' },
    now: Date.now,
    random: () => 0,
    pushing: () => {},
    warn: (text) => warnings.push(text),
  }
}

async function requestFor(name: string, format: SignRequest['format']): Promise<SignRequest> {
  const { pinned } = await pushImage(registry.host, name, null)
  return { image: parseReference(pinned), signer, format, annotations: {}, recursive: false }
}

async function codeOfFailure(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error)
  }
  return 'none'
}

describe.each(['cosign', 'bundle'] as const)('signing in the format %s', (format) => {
  test('succeeds only with what the registry gives back', async () => {
    const request = await requestFor(`team/${format}/whole`, format)
    const [target] = await signImage(request, toolsFor(client))
    expect(target).toMatchObject({ format, digest: request.image.digest })
  })

  test('a registry that says yes and keeps nothing is found out', async () => {
    const forgetful: SigningRegistry = { ...client, putManifest: async () => ({}), putReferrer: async () => ({}) }
    const request = await requestFor(`team/${format}/forgetful`, format)
    expect(await codeOfFailure(signImage(request, toolsFor(forgetful)))).toBe('readback-failed')
  })

  test('a registry that keeps something else is found out', async () => {
    const other = createSigner(await generateKey('ecdsa-p256'))
    // What is read back was signed by this key; the public half that is claimed is another's.
    const liar: Signer = { ...signer, sign: (bytes) => other.sign(bytes) }
    const request = { ...(await requestFor(`team/${format}/other`, format)), signer: liar }
    expect(await codeOfFailure(signImage(request, toolsFor(client)))).toBe('readback-failed')
  })

  test('a refused push is push-refused, and nothing is called signed', async () => {
    const refuse = async () => {
      throw new CodedError('push-refused', 'not you')
    }
    const request = await requestFor(`team/${format}/refused`, format)
    expect(await codeOfFailure(signImage(request, toolsFor({ ...client, putBlob: refuse })))).toBe('push-refused')
  })
})

test('what lies under the signature tag and is no signature is left as it is', async () => {
  const request = await requestFor('team/occupied', 'cosign')
  const tag = `${request.image.digest?.replace(':', '-')}.sig`
  const { digest } = await pushImage(registry.host, 'team/occupied', tag, { seed: 'an ordinary image' })
  expect(await codeOfFailure(signImage(request, toolsFor(client)))).toBe('signature-place-occupied')
  const context = { signal: AbortSignal.timeout(5_000), scope: 'own' }
  expect((await client.tagged(request.image, tag, context))?.digest).toBe(digest)
})

test('many signers at once keep every signature', async () => {
  const request = await requestFor('team/crowd', 'cosign')
  const signers = await Promise.all(
    Array.from({ length: 5 }, async () => createSigner(await generateKey('ecdsa-p256'))),
  )
  const random = () => Math.random()
  await Promise.all(signers.map((each) => signImage({ ...request, signer: each }, { ...toolsFor(client), random })))
  const tag = `${request.image.digest?.replace(':', '-')}.sig`
  const found = await client.tagged(request.image, tag, { signal: AbortSignal.timeout(5_000), scope: 'own' })
  expect(JSON.parse(Buffer.from(found?.bytes ?? []).toString('utf8')).layers).toHaveLength(5)
})
