// What hangs on an image, listed: platforms, signature and attestation layers under cosign's tags, referrers. It takes
// every place as it is declared and verifies nothing.

import type { MalformedEntry, Repository } from '#core/decision/question.ts'
import type { ErrorCode } from '#core/errors.ts'
import { codeOf, messageOf } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { fallbackTag } from '#core/image/digest.ts'
import type { Descriptor, Manifest } from '#core/image/manifest.ts'
import { parseManifest, parseSignatureManifest } from '#core/image/manifest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import { effectiveTag } from '#core/image/reference.ts'
import { signatureTag } from '#signature/formats/cosign.ts'
import type { FetchContext, Sources } from './engine/sources.ts'

export interface TreeEntry {
  readonly type: 'signature' | 'attestation' | 'referrer'
  readonly place: string
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
}

/** A place that could not be read, or not whole: there may be more than is listed. */
interface Problem {
  readonly place: string
  readonly code: ErrorCode
  readonly detail: string
}

interface Listing {
  readonly entries: readonly TreeEntry[]
  readonly problems: readonly Problem[]
}

export interface ImageTree {
  readonly image: Repository
  readonly digest: Digest
  readonly mediaType: string
  readonly platforms: readonly { readonly digest: Digest; readonly platform: string; readonly size: number }[]
  readonly entries: readonly TreeEntry[]
  readonly problems: readonly Problem[]
}

/**
 * @param at where signatures and attestations are looked for
 * @throws CodedError `image-not-found`, and what the registry throws about the image itself
 */
export async function listImageTree(
  image: ImageReference,
  at: Repository,
  registry: Sources,
  context: FetchContext,
): Promise<ImageTree> {
  const tag = effectiveTag(image) ?? 'latest'
  const digest = image.digest ?? (await registry.resolve(image, tag, context)).digest
  const { bytes, mediaType } = await registry.manifest(image, digest, context)
  const own = { registry: image.registry, repository: image.repository }
  const places = [
    {
      place: `tag ${signatureTag(digest)}`,
      list: () => layers(signatureTag(digest), 'signature', at, registry, context),
    },
    {
      place: `tag ${attestationTag(digest)}`,
      list: () => layers(attestationTag(digest), 'attestation', at, registry, context),
    },
    { place: 'the list of referrers', list: () => referrers(digest, at, registry, context) },
  ] as const
  const found = await Promise.all(places.map(listed))
  return {
    image: own,
    digest,
    mediaType,
    platforms: platformsOf(parseManifest(bytes, mediaType)),
    entries: found.flatMap(({ entries }) => entries),
    problems: found.flatMap(({ problems }) => problems),
  }
}

/** cosign's tag of attestations; nothing is verified by it yet. */
function attestationTag(digest: Digest): string {
  return `${fallbackTag(digest)}.att`
}

async function listed({ place, list }: { place: string; list: () => Promise<Listing> }): Promise<Listing> {
  try {
    return await list()
  } catch (error) {
    return { entries: [], problems: [{ place, code: codeOf(error), detail: messageOf(error) }] }
  }
}

/** What is malformed between them is told, and hides none of the others. */
function separate<T extends object>(
  list: readonly (T | MalformedEntry)[],
  place: string,
  entryOf: (entry: T, at: number) => TreeEntry,
): Listing {
  const entries: TreeEntry[] = []
  const problems: Problem[] = []
  for (const [at, entry] of list.entries()) {
    if ('malformed' in entry) problems.push({ place, code: 'manifest-malformed', detail: entry.malformed })
    else entries.push(entryOf(entry, at))
  }
  return { entries, problems }
}

async function layers(
  tag: string,
  type: TreeEntry['type'],
  at: Repository,
  registry: Sources,
  context: FetchContext,
): Promise<Listing> {
  const fetched = await registry.tagged(at, tag, context)
  const manifest = fetched === null ? undefined : parseSignatureManifest(fetched.bytes, fetched.mediaType)
  return separate(manifest?.layers ?? [], `tag ${tag}`, ({ mediaType, digest, size }, index) => ({
    type,
    place: `${tag} layer ${index + 1}`,
    mediaType,
    digest,
    size,
  }))
}

async function referrers(digest: Digest, at: Repository, registry: Sources, context: FetchContext): Promise<Listing> {
  const list = await registry.referrers(at, digest, context)
  return separate(list, 'the list of referrers', ({ digest: of, mediaType, artifactType, size, annotations }) => ({
    type: typeOf(artifactType ?? '', annotations?.['dev.sigstore.bundle.predicateType']),
    place: `referrer ${of}`,
    mediaType: artifactType ?? mediaType,
    digest: of,
    size,
  }))
}

/** A guess by what the list says; only verifying tells. */
function typeOf(artifactType: string, predicateType: string | undefined): TreeEntry['type'] {
  if (artifactType === 'application/vnd.dev.cosign.artifact.sig.v1+json') return 'signature'
  if (!artifactType.startsWith('application/vnd.dev.sigstore.bundle')) return 'referrer'
  return predicateType === undefined || predicateType === 'https://sigstore.dev/cosign/sign/v1'
    ? 'signature'
    : 'attestation'
}

function platformsOf(manifest: Manifest): ImageTree['platforms'] {
  if (manifest.kind === 'image') return []
  return manifest.manifests.map((entry) => ({ digest: entry.digest, platform: platformName(entry), size: entry.size }))
}

function platformName({ platform }: Descriptor): string {
  if (platform === undefined) return '(not said)'
  const { os, architecture, variant } = platform
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
}
