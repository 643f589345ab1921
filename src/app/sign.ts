// Signing: resolves what is to be signed, composes the signature, pushes it, and calls it signed only after it was read
// back and verified (`sign-readback.ts`). Knows no files, flags or terminals.

import type { Repository } from '#core/decision/question.ts'
import { CodedError, codeOf } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { parseManifest } from '#core/image/manifest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import { effectiveTag, repositoryName } from '#core/image/reference.ts'
import type { Annotations, Artifact } from '#signature/compose.ts'
import { appendCosignLayer, composeBundle, composeCosign } from '#signature/compose.ts'
import { signatureTag } from '#signature/formats/cosign.ts'
import type { Signer } from '#signature/keys/signer.ts'
import type { FetchContext, Sources } from './engine/sources.ts'
import type { SignatureFormat, SignaturePlace } from './sign-readback.ts'
import { holdsOtherFormat, readBack } from './sign-readback.ts'

/** What signing needs of a registry. The registry client fits by shape. */
export interface SigningRegistry extends Sources {
  putBlob(at: Repository, bytes: Uint8Array, mediaType: string, context: FetchContext): Promise<unknown>
  putManifest(at: Repository, reference: string, manifest: PushedBytes, context: FetchContext): Promise<unknown>
  putReferrer(at: Repository, subject: Digest, manifest: PushedBytes, context: FetchContext): Promise<unknown>
}

interface PushedBytes {
  readonly bytes: Uint8Array
  readonly mediaType: string
}

export interface SignRequest {
  readonly image: ImageReference
  readonly signer: Signer
  readonly format: SignatureFormat
  readonly annotations: Annotations
  /** Of an index: every image in it, too. */
  readonly recursive: boolean
  /** Where signatures go, if not beside the image. */
  readonly repository?: Repository
}

export interface SignedTarget extends SignaturePlace {
  /** The tag, or the digest of the manifest, that holds the signature. */
  readonly place: string
}

export interface SigningTools {
  readonly registry: SigningRegistry
  readonly context: FetchContext
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Between 0 and 1. */
  readonly random: () => number
  /** Told before each push. */
  readonly pushing: (place: SignaturePlace) => void
  readonly warn: (text: string) => void
}

/**
 * Signs the digest that the image names now; of an index with `recursive` the platform images first, so that a signed
 * index has signed images.
 *
 * @throws CodedError `image-not-found`, `push-refused`, `readback-failed`, `signature-place-occupied`, and what the
 *   registry throws
 */
export async function signImage(request: SignRequest, tools: SigningTools): Promise<readonly SignedTarget[]> {
  const { image } = request
  const digest = await digestToSign(image, tools)
  const targets = await targetsOf(image, digest, request.recursive, tools)
  const signed: SignedTarget[] = []
  for (const target of targets) signed.push(await signTarget(target, request, tools))
  return signed
}

interface Target {
  readonly digest: Digest
  readonly mediaType: string
  readonly size: number
}

async function digestToSign(image: ImageReference, { registry, context, warn }: SigningTools): Promise<Digest> {
  if (image.digest !== undefined) return image.digest
  const tag = effectiveTag(image) ?? 'latest'
  const { digest } = await registry.resolve(image, tag, context)
  const named = `${repositoryName(image)}:${tag}`
  warn(
    `${named} is ${digest} now, and that is signed; a tag can be moved, a digest cannot: ${repositoryName(image)}@${digest}`,
  )
  return digest
}

/** More images than any index has; the engine judges no more either. */
const maxTargets = 64

async function targetsOf(
  at: Repository,
  digest: Digest,
  recursive: boolean,
  reading: Pick<SigningTools, 'registry' | 'context'>,
): Promise<readonly Target[]> {
  const fetched = await manifestOf(at, digest, reading)
  const own = { digest, mediaType: fetched.mediaType, size: fetched.bytes.length }
  if (!recursive) return [own]
  const manifest = parseManifest(fetched.bytes, fetched.mediaType)
  if (manifest.kind === 'image') return [own]
  const children = [...new Map(manifest.manifests.map((child) => [child.digest, child])).values()]
  if (children.length > maxTargets) {
    throw new CodedError(
      'too-many-platforms',
      `the index ${digest} lists ${children.length} images; at most ${maxTargets} are signed at once`,
    )
  }
  const targets: Target[] = []
  for (const child of children) targets.push(...(await targetsOf(at, child.digest, false, reading)))
  return [...targets, own]
}

/** The digest must be there: a signature of what nobody can see is of no use, and often a slip. */
async function manifestOf(
  at: Repository,
  digest: Digest,
  { registry, context }: Pick<SigningTools, 'registry' | 'context'>,
) {
  try {
    return await registry.manifest(at, digest, context)
  } catch (error) {
    if (codeOf(error) !== 'content-missing') throw error
    throw new CodedError(
      'image-not-found',
      `${repositoryName(at)}@${digest} is not in the registry, so it is not signed`,
      {
        cause: error,
      },
    )
  }
}

async function signTarget(target: Target, request: SignRequest, tools: SigningTools): Promise<SignedTarget> {
  const { image, format, repository } = request
  const at = { registry: image.registry, repository: image.repository }
  const place = { image: at, digest: target.digest, format, repository: repository ?? at }
  if (await holdsOtherFormat(place, tools)) {
    tools.warn(
      `${repositoryName(at)}@${target.digest} has a signature in the ${format === 'cosign' ? 'bundle' : 'cosign'} format already; ` +
        'cosign 2.6 verifies neither when both are there',
    )
  }
  tools.pushing(place)
  switch (format) {
    case 'cosign':
      return { ...place, place: await pushCosign(target, place, request, tools) }
    case 'bundle':
      return { ...place, place: await pushBundle(target, place, request, tools) }
  }
}

/** Two signers that write at once lose one round; as many as this only meet where something is badly wrong. */
const attempts = 6

/** The tag is read, changed and written, which the registry cannot do in one: so it is read again until ours is there. */
async function pushCosign(
  target: Target,
  place: SignaturePlace,
  request: SignRequest,
  tools: SigningTools,
): Promise<string> {
  const { registry, context } = tools
  const tag = signatureTag(target.digest)
  const layer = await composeCosign(target.digest, repositoryName(place.image), request.annotations, request.signer)
  await putArtifact(place.repository, layer, tools)
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const existing = await registry.tagged(place.repository, tag, context)
    const { config, manifest, added } = appendCosignLayer(existing, layer.descriptor)
    if (added) {
      await putArtifact(place.repository, config, tools)
      await registry.putManifest(place.repository, tag, toPush(manifest), context)
    }
    const now = await registry.tagged(place.repository, tag, context)
    if (now !== null && !appendCosignLayer(now, layer.descriptor).added) {
      await readBack(place, request, tools)
      return tag
    }
    await pause(tools.random() * 100 * attempt, context.signal)
  }
  throw new CodedError(
    'readback-failed',
    `others keep overwriting ${repositoryName(place.repository)}:${tag}; ours is not there`,
  )
}

async function pushBundle(
  target: Target,
  place: SignaturePlace,
  request: SignRequest,
  tools: SigningTools,
): Promise<string> {
  const { registry, context, now } = tools
  const subject = { descriptor: target, repository: repositoryName(place.image) }
  const { bundle, config, manifest } = await composeBundle(subject, request.annotations, request.signer, now())
  for (const part of [bundle, config]) await putArtifact(place.repository, part, tools)
  await registry.putReferrer(place.repository, target.digest, toPush(manifest), context)
  const listed = await registry.referrers(place.repository, target.digest, context)
  if (!listed.some(({ digest }) => digest === manifest.descriptor.digest)) {
    throw new CodedError(
      'readback-failed',
      `${repositoryName(place.repository)} does not list the signature that was pushed`,
    )
  }
  await readBack(place, request, tools)
  return manifest.descriptor.digest
}

async function putArtifact(at: Repository, { bytes, descriptor }: Artifact, { registry, context }: SigningTools) {
  await registry.putBlob(at, bytes, descriptor.mediaType, context)
}

function toPush({ bytes, descriptor }: Artifact): PushedBytes {
  return { bytes, mediaType: descriptor.mediaType }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(new CodedError('registry-timeout', 'the time was over before the signature was there'))
    })
  })
}
