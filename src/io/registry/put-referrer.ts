// Attaching something to an image (distribution specification, "Pushing Manifests with Subject"): the manifest by digest,
// and, where the registry keeps no list of referrers itself, an entry in the index under the fallback tag.

import { asArray, asObject, ownMember, parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError } from '#core/errors.ts'
import { type Digest, fallbackTag } from '#core/image/digest.ts'
import { ociIndexType, parseManifest, parseReferrersIndex } from '#core/image/manifest.ts'
import { pause } from '#io/http/deadline.ts'
import { computeDigest } from './content.ts'
import { fetchTagged, type Reading } from './pull.ts'
import { type PushedManifest, putManifest } from './push.ts'

export interface ReferrerManifest {
  readonly bytes: Uint8Array
  readonly mediaType: string
}

/** Two signers at once lose one round; as many as this only meet where something is badly wrong. */
const attempts = 5

/** One writer at a time per tag inside this process; others are found out by reading again. */
export type TagLocks = Map<string, Promise<unknown>>

/**
 * Pushes a manifest whose `subject` is `subject` and makes it findable.
 *
 * @throws CodedError `push-refused` also where others keep overwriting the index, `manifest-malformed` and its kin where
 *   something else lies under the fallback tag, and what a session throws
 */
export async function putReferrer(
  writing: Reading,
  subject: Digest,
  manifest: ReferrerManifest,
  tools: { readonly locks: TagLocks; readonly random: () => number },
): Promise<PushedManifest> {
  const { bytes, mediaType } = manifest
  const entry = entryFor(subject, manifest)
  const pushed = await putManifest(writing, computeDigest(bytes), bytes, mediaType)
  if (pushed.subjectHonoured) return pushed
  const { base, at } = writing.endpoint
  const key = `${base.host}/${at.repository}@${subject}`
  await inTurn(tools.locks, key, () => addToFallback(writing, subject, entry, tools.random))
  return pushed
}

interface Entry {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** As the specification wants it: `artifactType`, else the config's media type, and the manifest's annotations. */
function entryFor(subject: Digest, { bytes, mediaType }: ReferrerManifest): Entry {
  const manifest = parseManifest(bytes, mediaType)
  if (manifest.subject?.digest !== subject) {
    throw new CodedError('internal-error', `the manifest to attach has another subject than ${subject}`)
  }
  const artifactType = manifest.artifactType ?? (manifest.kind === 'image' ? manifest.config.mediaType : undefined)
  return {
    mediaType: manifest.mediaType,
    digest: computeDigest(bytes),
    size: bytes.length,
    ...(artifactType !== undefined && { artifactType }),
    ...(Object.keys(manifest.annotations).length > 0 && { annotations: manifest.annotations }),
  }
}

async function addToFallback(writing: Reading, subject: Digest, entry: Entry, random: () => number): Promise<void> {
  const tag = fallbackTag(subject)
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const current = await fetchTagged(writing, tag)
    if (current !== null && lists(current.bytes, entry.digest)) return
    await putManifest(writing, tag, withEntry(current?.bytes, entry), ociIndexType)
    const stored = await fetchTagged(writing, tag)
    if (stored !== null && lists(stored.bytes, entry.digest)) return
    // Another client read before our write and wrote after it. Apart in time, the next round will see both.
    await pause(50 + random() * 100 * attempt, writing.context.signal)
  }
  const { registry, repository } = writing.endpoint.at
  throw new CodedError(
    'push-refused',
    `others keep overwriting ${registry}/${repository}:${tag}; the entry for ${entry.digest} does not stay`,
  )
}

/** @throws CodedError as `parseReferrersIndex`: what is no index is not overwritten */
function lists(index: Uint8Array, digest: Digest): boolean {
  return parseReferrersIndex(index).some((each) => 'digest' in each && each.digest === digest)
}

/** Everything that is there stays as it is, unknown members included. */
function withEntry(index: Uint8Array | undefined, entry: Entry): Uint8Array {
  const known = index === undefined ? {} : asObject(parseStrictJsonBytes(index), '')
  const listed = ownMember(known, 'manifests')
  const others = listed === undefined || listed === null ? [] : asArray(listed, 'manifests')
  const next = { schemaVersion: 2, mediaType: ociIndexType, ...known, manifests: [...others, entry] }
  return new TextEncoder().encode(JSON.stringify(next))
}

async function inTurn<T>(locks: TagLocks, key: string, act: () => Promise<T>): Promise<T> {
  const before = locks.get(key) ?? Promise.resolve()
  const turn = before.then(act, act)
  locks.set(key, turn)
  try {
    return await turn
  } finally {
    if (locks.get(key) === turn) locks.delete(key)
  }
}
