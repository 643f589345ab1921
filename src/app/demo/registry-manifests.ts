// Manifests, tags and referrers in the demo registry (distribution-spec 1.1, "Pulling manifests", "Pushing manifests",
// "Listing tags", "Listing referrers", "Deleting"). A manifest is taken only when all that it names is there.

import { type Digest, toDigest } from '#core/image/digest.ts'
import { type Answer, type Ask, json, quoted, refuse } from './registry-answer.ts'
import {
  matchesDigest,
  maxManifestBytes,
  type Repository,
  type Store,
  type StoredManifest,
  sha256Digest,
} from './registry-store.ts'

const indexType = 'application/vnd.oci.image.index.v1+json'
const indexTypes: readonly string[] = [indexType, 'application/vnd.docker.distribution.manifest.list.v2+json']
const imageTypes: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]

const tagForm = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

type Members = Readonly<Record<string, unknown>>

/** What is read of a manifest that somebody pushed, or why it is not taken. */
type Read = { readonly kind: 'read'; readonly stored: StoredManifest; readonly missing: string | undefined } | Refused
type Refused = { readonly kind: 'refused'; readonly why: string }

function members(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}

function digestOf(descriptor: unknown): Digest | undefined {
  const digest = members(descriptor)?.['digest']
  return typeof digest === 'string' ? toDigest(digest) : undefined
}

function parseObject(bytes: Uint8Array): Members | undefined {
  try {
    return members(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch {
    return undefined
  }
}

function textMap(value: unknown): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(members(value) ?? {}).flatMap(([name, text]): [string, string][] =>
    typeof text === 'string' ? [[name, text]] : [],
  )
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

/** The descriptors that must be in the repository: config and layers of an image, the images of an index. */
function named(manifest: Members, isIndex: boolean): readonly unknown[] | undefined {
  const list = manifest[isIndex ? 'manifests' : 'layers'] ?? []
  if (!Array.isArray(list)) return undefined
  // Layers with `urls` live elsewhere ("non-distributable"), so nobody pushes them.
  const here = list.filter((one) => members(one)?.['urls'] === undefined)
  return isIndex ? here : [manifest['config'], ...here]
}

function readManifest(bytes: Uint8Array, mediaType: string, repository: Repository | undefined): Read {
  const refused = (why: string): Refused => ({ kind: 'refused', why })
  const isIndex = indexTypes.includes(mediaType)
  if (!isIndex && !imageTypes.includes(mediaType)) return refused(`the media type ${quoted(mediaType)} is not known`)
  const manifest = parseObject(bytes)
  if (manifest === undefined) return refused('the manifest is not a JSON object')
  if (manifest['schemaVersion'] !== 2) return refused('schemaVersion is not 2')
  const stated = manifest['mediaType']
  if (stated !== undefined && stated !== mediaType) return refused('its mediaType is not the Content-Type it came with')
  const descriptors = named(manifest, isIndex)?.map(digestOf)
  if (descriptors === undefined || descriptors.includes(undefined)) return refused('a descriptor has no digest')
  const present: ReadonlyMap<Digest, unknown> | undefined = isIndex ? repository?.manifests : repository?.blobs
  const subject = manifest['subject'] === undefined ? undefined : digestOf(manifest['subject'])
  if (manifest['subject'] !== undefined && subject === undefined) return refused('its subject has no digest')
  const artifactType = manifest['artifactType'] ?? members(manifest['config'])?.['mediaType']
  return {
    kind: 'read',
    missing: descriptors.find((digest) => digest !== undefined && present?.has(digest) !== true),
    stored: {
      bytes,
      mediaType,
      subject,
      artifactType: typeof artifactType === 'string' ? artifactType : undefined,
      annotations: textMap(manifest['annotations']),
    },
  }
}

function unknownManifest(name: string, reference: string): Answer {
  return refuse(404, 'MANIFEST_UNKNOWN', `there is no manifest ${quoted(reference)} in ${quoted(name)}`)
}

/** HEAD, GET, PUT and DELETE of `/v2/<name>/manifests/<tag or digest>`. */
export async function answerManifest(
  store: Store,
  ask: Ask,
  at: { readonly name: string; readonly reference: string; readonly referrers: boolean },
): Promise<Answer> {
  const { name, reference } = at
  const isDigest = reference.includes(':')
  if (isDigest && toDigest(reference) === undefined)
    return refuse(400, 'DIGEST_INVALID', `${quoted(reference)} is no digest`)
  if (!isDigest && !tagForm.test(reference)) return refuse(400, 'MANIFEST_INVALID', `${quoted(reference)} is no tag`)
  if (ask.method === 'PUT') return putManifest(store, ask, at)
  const repository = store.repository(name)
  const digest = isDigest ? toDigest(reference) : repository?.tags.get(reference)
  const manifest = digest === undefined ? undefined : repository?.manifests.get(digest)
  if (digest === undefined || manifest === undefined) return unknownManifest(name, reference)
  switch (ask.method) {
    case 'HEAD':
    case 'GET': {
      const headers = { 'content-type': manifest.mediaType, 'docker-content-digest': digest, etag: `"${digest}"` }
      return { status: 200, headers, body: manifest.bytes }
    }
    case 'DELETE':
      if (isDigest) store.deleteManifest(name, digest)
      else repository?.tags.delete(reference)
      return { status: 202 }
    default:
      return refuse(405, 'UNSUPPORTED', `${ask.method} is not for manifests`, { allow: 'GET, HEAD, PUT, DELETE' })
  }
}

async function putManifest(
  store: Store,
  ask: Ask,
  at: { readonly name: string; readonly reference: string; readonly referrers: boolean },
): Promise<Answer> {
  const bytes = await ask.body(maxManifestBytes)
  const mediaType = (ask.header('content-type') ?? '').split(';')[0]?.trim() ?? ''
  const read = readManifest(bytes, mediaType, store.repository(at.name))
  if (read.kind === 'refused') return refuse(400, 'MANIFEST_INVALID', read.why)
  if (read.missing !== undefined) {
    return refuse(
      404,
      'MANIFEST_BLOB_UNKNOWN',
      `the manifest names ${read.missing}, which is not in ${quoted(at.name)}`,
    )
  }
  const byDigest = toDigest(at.reference)
  const digest = byDigest ?? toDigest(sha256Digest(bytes))
  if (digest === undefined || !matchesDigest(bytes, digest)) {
    return refuse(400, 'DIGEST_INVALID', `the manifest's bytes are not ${quoted(at.reference)}`)
  }
  if (store.addManifest(at.name, digest, read.stored) === 'full') {
    return refuse(413, 'SIZE_INVALID', 'this demo registry holds 512 MiB in all, and they are used up')
  }
  if (byDigest === undefined) store.repository(at.name)?.tags.set(at.reference, digest)
  const { subject } = read.stored
  const told = at.referrers && subject !== undefined ? { 'oci-subject': subject } : {}
  const location = `/v2/${at.name}/manifests/${digest}`
  return { status: 201, headers: { location, 'docker-content-digest': digest, ...told } }
}

/** One page of sorted keys after `last`, and the last key when there is more. */
function page(
  keys: readonly string[],
  last: string,
  size: number,
): { keys: readonly string[]; next: string | undefined } {
  const after = keys.filter((key) => key > last)
  const shown = after.slice(0, size)
  return { keys: shown, next: after.length > shown.length ? shown.at(-1) : undefined }
}

/** The page size asked for, at most the registry's own; `undefined` where it is no number. */
function pageSize(query: URLSearchParams, own: number): number | undefined {
  const asked = query.get('n')
  if (asked === null) return own
  return /^\d{1,9}$/.test(asked) ? Math.min(Number(asked), own) : undefined
}

function nextLink(path: string, query: URLSearchParams, last: string | undefined): Record<string, string> {
  if (last === undefined) return {}
  const next = new URLSearchParams(query)
  next.set('last', last)
  return { link: `<${path}?${next}>; rel="next"` }
}

/** `GET /v2/<name>/tags/list`, sorted, in pages. */
export function answerTags(store: Store, ask: Ask, name: string, ownPageSize: number): Answer {
  if (ask.method !== 'GET') return refuse(405, 'UNSUPPORTED', `${ask.method} is not for tag lists`, { allow: 'GET' })
  const repository = store.repository(name)
  if (repository === undefined) return refuse(404, 'NAME_UNKNOWN', `there is no repository ${quoted(name)}`)
  const size = pageSize(ask.query, ownPageSize)
  if (size === undefined) return refuse(400, 'PAGINATION_NUMBER_INVALID', 'n is not a number')
  const { keys, next } = page([...repository.tags.keys()].sort(), ask.query.get('last') ?? '', size)
  return json(200, { name, tags: keys }, nextLink(`/v2/${name}/tags/list`, ask.query, next))
}

/** `GET /v2/<name>/referrers/<digest>`: an index of what names the digest as its subject, sorted by digest, in pages. */
export function answerReferrers(
  store: Store,
  ask: Ask,
  at: { readonly name: string; readonly reference: string; readonly pageSize: number },
): Answer {
  if (ask.method !== 'GET') return refuse(405, 'UNSUPPORTED', `${ask.method} is not for referrers`, { allow: 'GET' })
  const subject = toDigest(at.reference)
  if (subject === undefined) return refuse(400, 'DIGEST_INVALID', `${quoted(at.reference)} is no digest`)
  const size = pageSize(ask.query, at.pageSize)
  if (size === undefined) return refuse(400, 'PAGINATION_NUMBER_INVALID', 'n is not a number')
  const wanted = ask.query.get('artifactType')
  const all = new Map<string, StoredManifest>()
  for (const [digest, manifest] of store.repository(at.name)?.manifests ?? []) {
    if (manifest.subject === subject && (wanted === null || manifest.artifactType === wanted)) all.set(digest, manifest)
  }
  const { keys, next } = page([...all.keys()].sort(), ask.query.get('last') ?? '', Math.max(size, 1))
  const manifests = keys.flatMap((digest) => {
    const found = all.get(digest)
    return found === undefined ? [] : [describe(digest, found)]
  })
  return json(
    200,
    { schemaVersion: 2, mediaType: indexType, manifests },
    {
      'content-type': indexType,
      ...(wanted === null ? {} : { 'oci-filters-applied': 'artifactType' }),
      ...nextLink(`/v2/${at.name}/referrers/${subject}`, ask.query, next),
    },
  )
}

function describe(digest: string, manifest: StoredManifest): Members {
  const { mediaType, artifactType, annotations, bytes } = manifest
  return {
    mediaType,
    digest,
    size: bytes.length,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  }
}
