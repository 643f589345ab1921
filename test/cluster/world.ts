// A registry on loopback with images that are signed, unsigned, and signed by somebody else, and the policy that tells them
// apart: what the demo shows, made without its terminal.

import { startDemoRegistry } from '#app/demo/registry.ts'
import { buildWorld, type DemoHands, type DemoWorld } from '#app/demo/world.ts'
import { createRegistryClient, type RegistryClient } from '#io/registry/client.ts'
import { pushBundle, pushClassic } from '../support/signing.ts'

export interface World extends DemoWorld {
  /** `127.0.0.1:5000/shop/app:signed` */
  image(tag: keyof DemoWorld['digests']): string
  stop(): Promise<void>
}

export async function startWorld(): Promise<World> {
  const registry = await startDemoRegistry()
  const client = createRegistryClient({ version: 'test', insecure: (host) => host === registry.host })
  const world = await buildWorld(registry.host, '127.0.0.1:1', handsOf(client))
  return {
    ...world,
    image: (tag) => `${registry.host}/shop/app:${tag}`,
    stop: async () => {
      await Promise.all([client.close(), registry.close()])
    },
  }
}

function handsOf(client: RegistryClient): DemoHands {
  const context = { signal: new AbortController().signal, scope: 'tests' }
  return {
    pushBlob: (at, bytes, mediaType) => client.putBlob(at, bytes, mediaType, context),
    pushManifest: (at, tag, bytes, mediaType) => client.putManifest(at, tag, { bytes, mediaType }, context),
    sign: async ({ at, digest }, signer, format) => {
      const { bytes, mediaType } = await client.manifest(at, digest, context)
      const descriptor = { mediaType, digest, size: bytes.length }
      const target = { client, host: at.registry, repository: at.repository, image: { digest, descriptor } }
      await (format === 'cosign' ? pushClassic(target, signer) : pushBundle(target, signer))
    },
  }
}
