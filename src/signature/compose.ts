// The door for signing: an image's digest and claims in, the bytes to sign and the artifacts to push out. It pushes and
// reads nothing; whoever pushes says "signed" only after reading back and verifying.

import { createHash } from 'node:crypto'
import type { Fetched } from '#core/decision/question.ts'
import { encodeBase64 } from '#core/encoding/base64.ts'
import { printable } from '#core/encoding/printable.ts'
import { asArray, asObject, parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { digestAlgorithm, digestHex, parseDigest } from '#core/image/digest.ts'
import type { Descriptor } from '#core/image/manifest.ts'
import { ociManifestType } from '#core/image/manifest.ts'
import { inTotoPayloadType, preAuthEncoding, signPredicateType, statementType } from './dsse.ts'
import { predicateTypeAnnotation } from './formats/bundle.ts'
import type { Signer } from './keys/signer.ts'
import { bundleType } from './sigstore-bundle.ts'
import { cosignPayloadType, maxSignatures, signatureAnnotation, simpleSigningType } from './simple-signing.ts'
import { readImageManifest } from './stored.ts'

const imageConfigType = 'application/vnd.oci.image.config.v1+json'
const emptyType = 'application/vnd.oci.empty.v1+json'

/** Something to push: the bytes, and the descriptor that names them. */
export interface Artifact {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

export type Annotations = Readonly<Record<string, string>>

/**
 * A classic cosign signature.
 *
 * @param repository `registry/path` without tag; Docker Hub is written as cosign does, `index.docker.io/library/nginx`
 * @returns the payload as a blob; its descriptor is the layer, with the signature in its annotations
 */
export async function composeCosign(
  digest: Digest,
  repository: string,
  annotations: Annotations,
  signer: Signer,
): Promise<Artifact> {
  const payload = encodeJson({
    critical: {
      identity: { 'docker-reference': writtenRepository(repository) },
      image: { 'docker-manifest-digest': digest },
      type: cosignPayloadType,
    },
    optional: Object.keys(annotations).length === 0 ? null : sorted(annotations),
  })
  const signature = encodeBase64(await signer.sign(payload))
  const { descriptor, bytes } = artifact(simpleSigningType, payload)
  return { descriptor: { ...descriptor, annotations: { [signatureAnnotation]: signature } }, bytes }
}

export interface SignatureImage {
  readonly config: Artifact
  readonly manifest: Artifact
  /** False where exactly this signature was there already; then the manifest is the one that was found. */
  readonly added: boolean
}

/**
 * The manifest for the `.sig` tag with one more signature. Everything that was there stays as it was.
 *
 * @param existing the manifest under the tag now, if there is one
 * @throws CodedError `signature-place-occupied` where something else lies under the tag, or it is full
 */
export function appendCosignLayer(existing: Fetched | null, layer: Descriptor): SignatureImage {
  const before = existing === null ? { schemaVersion: 2, mediaType: ociManifestType } : openSignatureImage(existing)
  const layers = 'layers' in before ? asArray(before['layers'], 'layers') : []
  const added = !layers.some((each) => isSameLayer(asObject(each, 'layers'), layer))
  const all = added ? [...layers, layer] : layers
  const config = artifact(imageConfigType, encodeConfig(all))
  const manifest = encodeJson({ ...before, config: config.descriptor, layers: all })
  if (existing !== null && !added) {
    const { mediaType, digest, bytes } = existing
    return { config, manifest: { descriptor: { mediaType, digest, size: bytes.length }, bytes }, added }
  }
  return { config, manifest: artifact(ociManifestType, manifest), added }
}

function openSignatureImage(existing: Fetched): Readonly<Record<string, unknown>> {
  const manifest = readImageManifest(existing)
  if (typeof manifest === 'string') throw occupied(manifest)
  const { mediaType, config, layers } = manifest
  if (mediaType !== ociManifestType || config.mediaType !== imageConfigType) {
    throw occupied(`it is of the type "${printable(mediaType)}", its config "${printable(config.mediaType)}"`)
  }
  const signatures = layers.filter((layer) => layer.mediaType === simpleSigningType)
  if (layers.length > 0 && signatures.length === 0) throw occupied('none of its layers is a signature')
  if (signatures.length >= maxSignatures) throw occupied(`it holds ${signatures.length} signatures; more are not read`)
  return asObject(parseStrictJsonBytes(existing.bytes), '')
}

function isSameLayer(existing: Readonly<Record<string, unknown>>, layer: Descriptor): boolean {
  if (existing['digest'] !== layer.digest || existing['mediaType'] !== layer.mediaType) return false
  const annotations = asObject(existing['annotations'] ?? {}, 'annotations')
  return annotations[signatureAnnotation] === layer.annotations?.[signatureAnnotation]
}

/** A config as cosign makes it: an image of no platform, made at no time, whose layers are not compressed. */
function encodeConfig(layers: readonly unknown[]): Uint8Array {
  const never = '0001-01-01T00:00:00Z'
  const diffIds = layers.map((layer) => asObject(layer, 'layers')['digest'])
  return encodeJson({
    architecture: '',
    created: never,
    history: layers.map(() => ({ created: never })),
    os: '',
    rootfs: { type: 'layers', diff_ids: diffIds },
    config: {},
  })
}

/** The image that is signed, as its registry knows it. */
export interface SignedImage {
  readonly descriptor: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>
  /** `registry/path` without tag. */
  readonly repository: string
}

export interface BundleArtifacts {
  readonly bundle: Artifact
  readonly config: Artifact
  /** Refers to the image; pushed last. */
  readonly manifest: Artifact
  readonly artifactType: string
}

/**
 * A signature as a sigstore bundle 0.3, and the manifest that makes it a referrer of the image.
 *
 * @param created milliseconds since the epoch, for the manifest's annotation; nothing is proved by it
 */
export async function composeBundle(
  image: SignedImage,
  annotations: Annotations,
  signer: Signer,
  created: number,
): Promise<BundleArtifacts> {
  const { descriptor, repository } = image
  const { digest } = descriptor
  const payload = encodeJson({
    _type: statementType,
    subject: [
      {
        name: writtenRepository(repository),
        digest: { [digestAlgorithm(digest)]: digestHex(digest) },
        ...(Object.keys(annotations).length > 0 && { annotations: sorted(annotations) }),
      },
    ],
    predicateType: signPredicateType,
    predicate: {},
  })
  const signature = await signer.sign(preAuthEncoding(inTotoPayloadType, payload))
  const hint = encodeBase64(Buffer.from(signer.publicKey.fingerprint, 'hex'))
  const bundle = artifact(
    bundleType,
    encodeJson({
      mediaType: bundleType,
      verificationMaterial: { publicKey: { hint } },
      dsseEnvelope: {
        payload: encodeBase64(payload),
        payloadType: inTotoPayloadType,
        // No keyid: Go's verifiers compare it with a fingerprint of their own and skip what differs.
        signatures: [{ sig: encodeBase64(signature) }],
      },
    }),
  )
  const config = artifact(emptyType, encodeJson({}))
  const manifest = encodeJson({
    schemaVersion: 2,
    mediaType: ociManifestType,
    artifactType: bundleType,
    config: config.descriptor,
    layers: [bundle.descriptor],
    subject: { mediaType: descriptor.mediaType, digest, size: descriptor.size },
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      [predicateTypeAnnotation]: signPredicateType,
      'org.opencontainers.image.created': new Date(created).toISOString().replace(/\.\d+Z$/, 'Z'),
    },
  })
  return { bundle, config, manifest: artifact(ociManifestType, manifest), artifactType: bundleType }
}

/** go-containerregistry, so cosign, knows Docker Hub by this name. */
function writtenRepository(repository: string): string {
  return repository.replace(/^docker\.io\//, 'index.docker.io/')
}

function sorted(annotations: Annotations): Annotations {
  return Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

function artifact(mediaType: string, bytes: Uint8Array): Artifact {
  const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes }
}

function occupied(reason: string): CodedError {
  return new CodedError('signature-place-occupied', `the tag for signatures is left as it is: ${reason}`)
}
