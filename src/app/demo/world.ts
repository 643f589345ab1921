// What the demo shows: a few images in a registry, signed, not signed, or signed by the wrong hand, and the policy that
// tells them apart. Everything is made anew each time, the keys too.

import { createHash } from 'node:crypto'
import type { Repository } from '#core/decision/question.ts'
import type { Digest } from '#core/image/digest.ts'
import { parseDigest } from '#core/image/digest.ts'
import { ociManifestType } from '#core/image/manifest.ts'
import { generateKey } from '#signature/keys/private-key.ts'
import type { Signer } from '#signature/keys/signer.ts'
import { createSigner } from '#signature/keys/signer.ts'

/** How the demo writes into its registry, and signs as the `sign` command does. */
export interface DemoHands {
  pushBlob(at: Repository, bytes: Uint8Array, mediaType: string): Promise<unknown>
  pushManifest(at: Repository, tag: string, bytes: Uint8Array, mediaType: string): Promise<unknown>
  sign(
    image: { readonly at: Repository; readonly digest: Digest },
    signer: Signer,
    format: 'cosign' | 'bundle',
  ): Promise<void>
}

export interface DemoWorld {
  /** `127.0.0.1:5000` */
  readonly host: string
  /** A registry that a rule covers and where nobody listens. */
  readonly silentHost: string
  /** The policy file. */
  readonly policy: string
  /** PEM of the key that the policy trusts. */
  readonly releaseKey: string
  readonly digests: Readonly<Record<DemoTag, Digest>>
}

export type DemoTag = 'signed' | 'bundled' | 'unsigned' | 'stranger' | 'moved'

export const demoRepository = 'shop/app'

export async function buildWorld(host: string, silentHost: string, hands: DemoHands): Promise<DemoWorld> {
  const at = { registry: host, repository: demoRepository }
  const release = createSigner(await generateKey('ecdsa-p256'))
  const stranger = createSigner(await generateKey('ecdsa-p256'))
  const push = (tag: DemoTag, content: string) => pushImage(hands, at, tag, content)

  const signed = await push('signed', 'a signed image')
  await hands.sign({ at, digest: signed }, release, 'cosign')
  const bundled = await push('bundled', 'an image signed in the newer layout')
  await hands.sign({ at, digest: bundled }, release, 'bundle')
  const unsigned = await push('unsigned', 'an image that nobody signed')
  const strange = await push('stranger', 'an image signed by somebody else')
  await hands.sign({ at, digest: strange }, stranger, 'cosign')
  const before = await push('moved', 'what was signed under the tag')
  await hands.sign({ at, digest: before }, release, 'cosign')
  const moved = await push('moved', 'what somebody put under the tag afterwards')

  return {
    host,
    silentHost,
    policy: policyText(host, silentHost, release.publicKey.pem),
    releaseKey: release.publicKey.pem,
    digests: { signed, bundled, unsigned, stranger: strange, moved },
  }
}

async function pushImage(hands: DemoHands, at: Repository, tag: string, content: string): Promise<Digest> {
  const layer = new TextEncoder().encode(content)
  const config = encode({
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['true'] },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
  })
  const configType = 'application/vnd.oci.image.config.v1+json'
  const layerType = 'application/vnd.oci.image.layer.v1.tar'
  await hands.pushBlob(at, layer, layerType)
  await hands.pushBlob(at, config, configType)
  const manifest = encode({
    schemaVersion: 2,
    mediaType: ociManifestType,
    config: { mediaType: configType, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: layerType, digest: digestOf(layer), size: layer.length }],
  })
  await hands.pushManifest(at, tag, manifest, ociManifestType)
  return digestOf(manifest)
}

function policyText(host: string, silentHost: string, pem: string): string {
  return `apiVersion: sealward.dev/v1alpha1
kind: Attestor
metadata: { name: release }
spec:
  key:
    keys:
      - name: demo
        pem: |
${pem
  .trim()
  .split('\n')
  .map((line) => `          ${line}`)
  .join('\n')}
---
apiVersion: sealward.dev/v1alpha1
kind: ClusterTrustPolicy
metadata: { name: demo }
spec:
  mode: Enforce
  rules:
    - images: ["${host}/shop/**", "${silentHost}/**"]
      require:
        signature: { attestor: release }
    - images: ["${host}/mirror/**"]
      require:
        deny: { message: "images of the mirror must be copied to ${host}/shop first" }
`
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

function digestOf(bytes: Uint8Array): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
}
