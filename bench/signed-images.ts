// Images with cosign signatures, as bytes for the bench's registry. Written by hand from the specification, so that what
// is measured is not also what made its input.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { Stored } from './processes/registry.ts'

export interface BenchKey {
  readonly privateKey: KeyObject
  readonly publicPem: string
}

export interface BenchImage {
  readonly repository: string
  readonly tag: string
  readonly digest: string
  readonly stored: readonly Stored[]
}

export interface SigningOptions {
  /** Nobody signed it if it is empty. */
  readonly keys: readonly BenchKey[]
  /** How many signatures each key makes; 1 if absent. */
  readonly signaturesPerKey?: number
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const configType = 'application/vnd.oci.image.config.v1+json'

export function newKey(): BenchKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return { privateKey, publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
}

/** The image at `repository:tag`; other names make other bytes. With its signatures under the `.sig` tag. */
export function signedImage(
  repository: string,
  tag: string,
  { keys, signaturesPerKey = 1 }: SigningOptions,
): BenchImage {
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', comment: `${repository}:${tag}` }))
  const manifest = jsonBytes({
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor(configType, config),
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: sha256(config), size: config.length }],
  })
  const digest = sha256(manifest)
  const image = { mediaType: manifestType, bytes: manifest, digest }
  const stored: Stored[] = [
    { ...image, path: `/v2/${repository}/manifests/${tag}` },
    { ...image, path: `/v2/${repository}/manifests/${digest}` },
  ]
  if (keys.length > 0) stored.push(...signatures(repository, digest, keys, signaturesPerKey))
  return { repository, tag, digest, stored }
}

function signatures(repository: string, digest: string, keys: readonly BenchKey[], each: number): readonly Stored[] {
  const blobs: Stored[] = []
  const layers = Array.from({ length: keys.length * each }, (_, index) => {
    const payload = jsonBytes({
      critical: {
        identity: { 'docker-reference': repository },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: { number: String(index) },
    })
    const path = `/v2/${repository}/blobs/${sha256(payload)}`
    blobs.push({ path, mediaType: 'application/octet-stream', bytes: payload, digest: sha256(payload) })
    const key = keys[index % keys.length]?.privateKey
    if (key === undefined) throw new Error('a signature needs a key')
    const annotations = { 'dev.cosignproject.cosign/signature': sign('sha256', payload, key).toString('base64') }
    return { ...descriptor('application/vnd.dev.cosign.simplesigning.v1+json', payload), annotations }
  })
  const config = Buffer.from('{}')
  const manifest = jsonBytes({
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor(configType, config),
    layers,
  })
  const path = `/v2/${repository}/manifests/${digest.replace(':', '-')}.sig`
  return [...blobs, { path, mediaType: manifestType, bytes: manifest, digest: sha256(manifest) }]
}

function descriptor(mediaType: string, bytes: Uint8Array) {
  return { mediaType, digest: sha256(bytes), size: bytes.length }
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
