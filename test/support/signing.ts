// Pushes what the signing door composed, through the real registry client; the command does the same with more care.

import { parseDigest } from '#core/image/digest.ts'
import type { RegistryClient } from '#io/registry/client.ts'
import type { Annotations } from '#signature/compose.ts'
import { appendCosignLayer, composeBundle, composeCosign } from '#signature/compose.ts'
import { signatureTag } from '#signature/formats/cosign.ts'
import type { Signer } from '#signature/keys/signer.ts'
import type { Named } from './images.ts'

const context = { signal: new AbortController().signal, scope: 'tests' }

export interface Target {
  readonly client: RegistryClient
  readonly host: string
  readonly repository: string
  readonly image: Pick<Named, 'digest' | 'descriptor'>
}

export async function pushClassic(target: Target, signer: Signer, annotations: Annotations = {}): Promise<void> {
  const { client, host, repository, image } = target
  const at = { registry: host, repository }
  const digest = parseDigest(image.digest)
  const { descriptor, bytes } = await composeCosign(digest, `${host}/${repository}`, annotations, signer)
  const tag = signatureTag(digest)
  const { config, manifest } = appendCosignLayer(await client.tagged(at, tag, context), descriptor)
  await client.putBlob(at, bytes, descriptor.mediaType, context)
  await client.putBlob(at, config.bytes, config.descriptor.mediaType, context)
  await client.putManifest(at, tag, { bytes: manifest.bytes, mediaType: manifest.descriptor.mediaType }, context)
}

export async function pushBundle(target: Target, signer: Signer, annotations: Annotations = {}): Promise<void> {
  const { client, host, repository, image } = target
  const at = { registry: host, repository }
  const digest = parseDigest(image.digest)
  const { mediaType, size } = image.descriptor
  const signed = { descriptor: { mediaType, digest, size }, repository: `${host}/${repository}` }
  const { bundle, config, manifest } = await composeBundle(signed, annotations, signer, Date.UTC(2026, 0, 1))
  for (const blob of [bundle, config]) await client.putBlob(at, blob.bytes, blob.descriptor.mediaType, context)
  const { mediaType: manifestType } = manifest.descriptor
  await client.putReferrer(at, digest, { bytes: manifest.bytes, mediaType: manifestType }, context)
}
