// Signing: finds out the digest, composes the signature, pushes it beside what others pushed, and reads it back. "Signed"
// is said only when the engine, with an empty memory, calls the image trusted by the signer's own public key.

import type { Decision } from '#core/decision/decision.ts'
import { headline } from '#core/decision/explain.ts'
import type { Fetched, Repository } from '#core/decision/question.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { fallbackTag } from '#core/image/digest.ts'
import { parseManifest } from '#core/image/manifest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import { effectiveTag, repositoryName } from '#core/image/reference.ts'
import type { MatchedPolicies } from '#core/policy/match.ts'
import type { Attestor, Policy } from '#core/policy/words.ts'
import type { Annotations } from '#signature/compose.ts'
import { appendCosignLayer, composeBundle, composeCosign } from '#signature/compose.ts'
import type { Signer } from '#signature/keys/signer.ts'
import type { Engine } from './engine/engine.ts'
import type { FetchContext, Sources } from './engine/sources.ts'

/** What signing needs of a registry, besides reading; the registry client fits by shape. */
export interface SigningRegistry extends Sources {
  putBlob(at: Repository, bytes: Uint8Array, mediaType: string, context: FetchContext): Promise<unknown>
  putManifest(at: Repository, reference: string, manifest: ManifestBytes, context: FetchContext): Promise<unknown>
  /** Attaches a manifest to its subject, whether or not the registry keeps a list of referrers. */
  putReferrer(at: Repository, subject: Digest, manifest: ManifestBytes, context: FetchContext): Promise<unknown>
}

interface ManifestBytes {
  readonly bytes: Uint8Array
  readonly mediaType: string
}

export type SigningFormat = 'cosign' | 'bundle'

export interface SignRequest {
  readonly image: ImageReference
  readonly signer: Signer
  readonly format: SigningFormat
  readonly annotations: Annotations
  /** Where signatures go, if not into the image's own repository. */
  readonly signatures?: Repository
  /** Of an index: sign every image in it too. */
  readonly recursive: boolean
}

export interface SigningTools {
  readonly registry: SigningRegistry
  /** Makes an engine that has seen nothing yet. */
  readonly freshEngine: () => Engine
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told before each push; for people who wait. */
  readonly onPush: (where: string) => void
}

export interface Signed {
  readonly digest: Digest
  /** `index` or `image`; of a part of an index its platform. */
  readonly what: string
  /** The other layout holds signatures of this image too, which older verifiers cannot tell apart. */
  readonly otherFormatThere: boolean
}

/** An index with more images than this is not a multi-platform image; each costs several requests. */
const maxImagesOfIndex = 64

/** Somebody else may write the same tag at the same moment; who loses more often than this meets a broken registry. */
const attempts = 5

/**
 * Signs one image, and with `recursive` the images of its index.
 *
 * @returns what was signed and read back, the image itself first
 * @throws CodedError `image-not-found`, `push-refused`, `readback-failed`, `signature-place-occupied`, and what reading throws
 */
export async function signImage(
  request: SignRequest,
  tools: SigningTools,
  context: FetchContext,
): Promise<readonly Signed[]> {
  const at = { registry: request.image.registry, repository: request.image.repository }
  const digest =
    request.image.digest ?? (await tools.registry.resolve(at, effectiveTag(request.image) ?? 'latest', context)).digest
  const image = await existing(at, digest, tools, context)
  const done = [await signDigest(request, { at, image, what: 'image' }, tools, context)]
  if (!request.recursive) return done
  const manifest = parseManifest(image.bytes, image.mediaType)
  if (manifest.kind !== 'index') return done
  if (manifest.manifests.length > maxImagesOfIndex) {
    throw new CodedError(
      'too-many-platforms',
      `the index lists ${manifest.manifests.length} images, more than ${maxImagesOfIndex}`,
    )
  }
  for (const { digest: child, platform } of manifest.manifests) {
    const what = platform === undefined ? 'image' : `${platform.os}/${platform.architecture}`
    done.push(await signDigest(request, { at, image: await existing(at, child, tools, context), what }, tools, context))
  }
  return done
}

/** What is not in the registry is not signed: the signature would wait for whoever pushes those bytes. */
async function existing(
  at: Repository,
  digest: Digest,
  { registry }: SigningTools,
  context: FetchContext,
): Promise<Fetched> {
  try {
    return await registry.manifest(at, digest, context)
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'content-missing') throw error
    throw new CodedError('image-not-found', `${repositoryName(at)}@${digest} is not in the registry`, { cause: error })
  }
}

interface Target {
  readonly at: Repository
  readonly image: Fetched
  readonly what: string
}

async function signDigest(
  request: SignRequest,
  target: Target,
  tools: SigningTools,
  context: FetchContext,
): Promise<Signed> {
  const place = request.signatures ?? target.at
  tools.onPush(repositoryName(place))
  if (request.format === 'cosign') await pushCosign(request, target, place, tools, context)
  else await pushBundle(request, target, place, tools, context)
  await readBack(request, target, tools, context)
  const { digest } = target.image
  return {
    digest,
    what: target.what,
    otherFormatThere: await hasOtherFormat(request.format, place, digest, tools, context),
  }
}

async function pushCosign(
  request: SignRequest,
  { at, image }: Target,
  place: Repository,
  tools: SigningTools,
  context: FetchContext,
): Promise<void> {
  const { registry } = tools
  const layer = await composeCosign(image.digest, repositoryName(at), request.annotations, request.signer)
  await registry.putBlob(place, layer.bytes, layer.descriptor.mediaType, context)
  const tag = signatureTag(image.digest)
  for (let attempt = 0; attempt < attempts; attempt++) {
    const before = await registry.tagged(place, tag, context)
    const { added, config, manifest } = appendCosignLayer(before, layer.descriptor)
    // Also how the last round finds out that nobody overwrote it.
    if (!added) return
    await registry.putBlob(place, config.bytes, config.descriptor.mediaType, context)
    await registry.putManifest(place, tag, { bytes: manifest.bytes, mediaType: manifest.descriptor.mediaType }, context)
  }
  if (appendCosignLayer(await registry.tagged(place, tag, context), layer.descriptor).added) {
    throw new CodedError(
      'readback-failed',
      `the signature under ${repositoryName(place)}:${tag} was overwritten ${attempts} times`,
    )
  }
}

async function pushBundle(
  request: SignRequest,
  { at, image }: Target,
  place: Repository,
  tools: SigningTools,
  context: FetchContext,
): Promise<void> {
  const { registry } = tools
  const descriptor = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length }
  const signed = { descriptor, repository: repositoryName(at) }
  const { bundle, config, manifest } = await composeBundle(signed, request.annotations, request.signer, tools.now())
  await registry.putBlob(place, bundle.bytes, bundle.descriptor.mediaType, context)
  await registry.putBlob(place, config.bytes, config.descriptor.mediaType, context)
  await registry.putReferrer(
    place,
    image.digest,
    { bytes: manifest.bytes, mediaType: manifest.descriptor.mediaType },
    context,
  )
}

async function readBack(
  request: SignRequest,
  { at, image }: Target,
  tools: SigningTools,
  context: FetchContext,
): Promise<void> {
  const decision = await tools.freshEngine().judge(
    {
      purpose: 'validate',
      uses: [
        { pointer: '', field: 'image', list: 'argument', name: '', image: `${repositoryName(at)}@${image.digest}` },
      ],
      unchanged: new Set(),
      matched: onlyThisSigner(request),
      bystanders: [],
      credentialScope: context.scope,
    },
    context.signal,
  )
  if (isTrusted(decision)) return
  const why = decision.verdicts[0] === undefined ? '' : headline(decision.verdicts[0])
  throw new CodedError('readback-failed', `the signature was pushed, but reading it back did not verify it: ${why}`)
}

function isTrusted({ verdicts }: Decision): boolean {
  return verdicts.length > 0 && verdicts.every(({ outcome }) => outcome === 'trusted')
}

/** The policy of the reading back: this key, in this layout and place, with these annotations, and nothing else. */
function onlyThisSigner({ signer, format, signatures, annotations }: SignRequest): MatchedPolicies {
  const attestor: Attestor = {
    kind: 'key',
    name: 'signer',
    revision: signer.publicKey.fingerprint,
    keys: [{ name: 'signer', ...signer.publicKey }],
    storage: {
      layouts: [format === 'cosign' ? 'Tag' : 'Bundle'],
      ...(signatures === undefined ? {} : { repository: signatures }),
    },
  }
  const policy: Policy = {
    kind: 'ClusterTrustPolicy',
    name: 'read-back',
    revision: attestor.revision,
    mode: 'Enforce',
    match: { excludeNamespaces: [] },
    rules: [
      {
        path: 'rules[0]',
        images: [],
        exceptImages: [],
        references: 'Any',
        platforms: 'Index',
        require: { kind: 'signature', attestor, annotations, identity: { type: 'Any' } },
      },
    ],
    otherwise: 'Deny',
    pin: 'InsecureNever',
    whenUndetermined: 'Deny',
    language: 'en',
  }
  return {
    isEmpty: false,
    policies: [policy],
    undetermined: [],
    rulesFor: () => policy.rules.map((rule) => ({ policy, rule })),
    otherwise: () => undefined,
  }
}

async function hasOtherFormat(
  format: SigningFormat,
  place: Repository,
  digest: Digest,
  { registry }: SigningTools,
  context: FetchContext,
): Promise<boolean> {
  if (format === 'bundle') return (await registry.tagged(place, signatureTag(digest), context)) !== null
  const referrers = await registry.referrers(place, digest, context)
  return referrers.some(({ artifactType }) => artifactType?.startsWith('application/vnd.dev.sigstore.bundle') ?? false)
}

function signatureTag(digest: Digest): string {
  return `${fallbackTag(digest)}.sig`
}
