// Images with a sigstore bundle as referrer. The bundle is composed by our own signer, whose output the real cosign
// verifies in the tests.

import { parseDigest } from '#core/image/digest.ts'
import { composeBundle } from '#signature/compose.ts'
import { importPrivateKey } from '#signature/keys/private-key.ts'
import { createSigner } from '#signature/keys/signer.ts'
import type { Stored } from './processes/registry.ts'
import type { BenchImage, BenchKey } from './signed-images.ts'

const indexType = 'application/vnd.oci.image.index.v1+json'

export async function withBundle(image: BenchImage, host: string, { privateKey }: BenchKey): Promise<BenchImage> {
  const { repository, digest } = image
  const [manifestOfImage] = image.stored
  if (manifestOfImage === undefined) throw new Error('an image without a manifest')
  const signer = createSigner(importPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()))
  const { mediaType, bytes } = manifestOfImage
  const signed = {
    descriptor: { mediaType, digest: parseDigest(digest), size: bytes.length },
    repository: `${host}/${repository}`,
  }
  const { bundle, config, manifest, artifactType } = await composeBundle(signed, {}, signer, Date.UTC(2026, 0, 1))
  const index = { schemaVersion: 2, mediaType: indexType, manifests: [{ ...manifest.descriptor, artifactType }] }
  const stored: readonly Stored[] = [
    { path: `/v2/${repository}/referrers/${digest}`, mediaType: indexType, bytes: Buffer.from(JSON.stringify(index)) },
    { path: `/v2/${repository}/manifests/${manifest.descriptor.digest}`, ...storedAs(manifest) },
    ...[bundle, config].map((blob) => ({
      path: `/v2/${repository}/blobs/${blob.descriptor.digest}`,
      ...storedAs(blob),
    })),
  ]
  return { ...image, stored: [...image.stored, ...stored] }
}

function storedAs({
  descriptor,
  bytes,
}: {
  readonly descriptor: { readonly mediaType: string; readonly digest: string }
  readonly bytes: Uint8Array
}) {
  return { mediaType: descriptor.mediaType, digest: descriptor.digest, bytes }
}
