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
  /**
   * The tag, or the digest of the manifest, that holds the signature; of a bundle that was there before, the digest of the
   * image that it refers to.
   */
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
  // A job that signs the same image every night must not fill its place with copies until nothing fits any more.
  if ((await readBack(place, { ...request, exactly: true }, tools)) === undefined) {
    tools.warn(`${repositoryName(at)}@${target.digest} is signed with this key already; nothing was pushed`)
    return { ...place, place: format === 'cosign' ? signatureTag(target.digest) : target.digest }
  }
  tools.pushing(place)
  switch (format) {
    case 'cosign':
      return { ...place, place: await pushCosign(place, request, tools) }
    case 'bundle':
      return { ...place, place: await pushBundle(target, place, request, tools) }
  }
}

/** Two signers that write at once lose one round; as many as this only meet where something is badly wrong. */
const attempts = 10

/** One round: pushes, reads back, and answers where the signature is, or `undefined` where others overwrote it. */
type Round = () => Promise<string | undefined>

/** A tag is read, changed and written, which a registry cannot do in one: so it is tried until ours is there to stay. */
async function untilThere(place: SignaturePlace, { random, context }: SigningTools, round: Round): Promise<string> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const there = await round()
    if (there !== undefined) return there
    await pause(random() * 100 * attempt, context.signal)
  }
  const where = `${repositoryName(place.repository)}, ${place.digest}`
  throw new CodedError('readback-failed', `others keep overwriting the signatures in ${where}; ours is not there`)
}

async function pushCosign(place: SignaturePlace, request: SignRequest, tools: SigningTools): Promise<string> {
  const { registry, context } = tools
  const { digest, image, repository } = place
  const tag = signatureTag(digest)
  const layer = await composeCosign(digest, repositoryName(image), request.annotations, request.signer)
  const read = () => registry.tagged(repository, tag, context)
  await putArtifact(repository, layer, tools)
  return untilThere(place, tools, async () => {
    const existing = await read()
    const { config, manifest, added } = appendCosignLayer(existing, layer.descriptor)
    if (added) {
      await putArtifact(repository, config, tools)
      // Once more right before writing: whoever wrote meanwhile would be overwritten.
      if ((await read())?.digest !== existing?.digest) return undefined
      await registry.putManifest(repository, tag, toPush(manifest), context)
    }
    const problem = await readBack(place, request, tools)
    // Looked at last, so that somebody who read before we wrote has written by now.
    const now = await read()
    if (now === null || appendCosignLayer(now, layer.descriptor).added) return undefined
    return confirmed(tag, problem)
  })
}

async function pushBundle(
  target: Target,
  place: SignaturePlace,
  request: SignRequest,
  tools: SigningTools,
): Promise<string> {
  const { registry, context, now } = tools
  const { image, repository, digest } = place
  const subject = { descriptor: target, repository: repositoryName(image) }
  const { bundle, config, manifest } = await composeBundle(subject, request.annotations, request.signer, now())
  for (const part of [bundle, config]) await putArtifact(repository, part, tools)
  return untilThere(place, tools, async () => {
    await registry.putReferrer(repository, digest, toPush(manifest), context)
    const problem = await readBack(place, request, tools)
    const listed = await registry.referrers(repository, digest, context)
    if (!listed.some((each) => 'digest' in each && each.digest === manifest.descriptor.digest)) return undefined
    return confirmed(manifest.descriptor.digest, problem)
  })
}

/** @throws CodedError `readback-failed` where ours lies there, and does not verify */
function confirmed(there: string, problem: string | undefined): string {
  if (problem === undefined) return there
  throw new CodedError('readback-failed', `the signature was pushed, but ${problem}`)
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
