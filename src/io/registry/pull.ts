// Reading from one endpoint (distribution specification, "Pull"): tags, manifests and blobs. All bytes are hashed here,
// so that no caller can forget it.

import type { Fetched, Resolved } from '#core/decision/question.ts'
import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { manifestTypes, maxManifestBytes } from '#core/image/manifest.ts'
import { showUrl } from '#io/http/failure.ts'
import { remarked } from './authorization.ts'
import { checkDeclared, checkDigest, computeDigest, declaredDigest, mediaTypeOf, refuseSchema1 } from './content.ts'
import { apiUrl, type Endpoint } from './endpoint.ts'
import type { Followed } from './redirect.ts'
import type { CallContext, Session } from './session.ts'
import { isSuccess, unexpectedStatus } from './status.ts'

export const acceptManifests = { accept: manifestTypes.join(', ') }

/** What every reading method needs. */
export interface Reading {
  readonly session: Session
  readonly endpoint: Endpoint
  readonly context: CallContext
}

/**
 * Which digest a tag names now. A HEAD, unless the registry has none or leaves the digest out.
 *
 * @throws CodedError `image-not-found`, `manifest-unsupported`, `registry-protocol`, and what a session throws
 */
export async function resolveTag(reading: Reading, tag: string): Promise<Resolved> {
  const answer = await fetchManifest(reading, tag, 'HEAD')
  if (answer.response.status === 404) throw notFound(reading, `:${tag}`, answer)
  if ([405, 501].includes(answer.response.status)) return resolveByGet(reading, tag)
  if (!isSuccess(answer.response)) throw unexpectedStatus(answer, `:${printable(tag, 128)}`)
  const mediaType = mediaTypeOf(answer)
  refuseSchema1(mediaType, answer.url)
  const digest = declaredDigest(answer)
  return digest === undefined || mediaType === '' ? resolveByGet(reading, tag) : { digest, mediaType }
}

async function resolveByGet(reading: Reading, tag: string): Promise<Resolved> {
  const fetched = await fetchTagged(reading, tag)
  if (fetched === null) throw notFound(reading, `:${tag}`)
  const { digest, mediaType } = fetched
  // Nothing but the answer itself says that this is a manifest: a sign-in page has a digest, too.
  if (manifestTypes.includes(mediaType)) return { digest, mediaType }
  const { registry } = reading.endpoint.at
  throw new CodedError(
    'registry-protocol',
    `${registry} answered with "${printable(mediaType, 100)}" where a manifest was asked for`,
  )
}

/** @throws CodedError `image-not-found`, and what a session throws */
export async function checkAccess(reading: Reading, digest: Digest): Promise<void> {
  const answer = await fetchManifest(reading, digest, 'HEAD')
  const { status } = answer.response
  if (status === 405 || status === 501) return void (await fetchByDigest(reading, digest))
  if (status === 404) throw notFound(reading, `@${digest}`, answer)
  if (!isSuccess(answer.response)) throw unexpectedStatus(answer, digest)
}

/** @throws CodedError `content-missing`, `digest-mismatch`, `content-too-large`, and what a session throws */
export async function fetchByDigest(reading: Reading, digest: Digest): Promise<Fetched> {
  const answer = await fetchManifest(reading, digest, 'GET')
  if (answer.response.status === 404) throw missing(reading, `the manifest ${digest}`)
  if (!isSuccess(answer.response)) throw unexpectedStatus(answer, digest)
  checkDigest(answer.response.body, digest, answer.url)
  checkDeclared(answer)
  return { digest, mediaType: mediaTypeOf(answer), bytes: answer.response.body }
}

/**
 * The manifest under a tag; `null` where the registry answers 404. Any body will do: registries, their proxies and
 * storages word it in every way, and a credential that may read there was asked (`session.ts`).
 *
 * @throws CodedError `digest-mismatch` where the digest that the registry names is not that of the bytes,
 *   `content-too-large`, `manifest-unsupported`, and what a session throws
 */
export async function fetchTagged(reading: Reading, tag: string): Promise<Fetched | null> {
  const answer = await fetchManifest(reading, tag, 'GET')
  if (answer.response.status === 404) return null
  if (!isSuccess(answer.response)) throw unexpectedStatus(answer, `:${printable(tag, 128)}`)
  checkDeclared(answer)
  const mediaType = mediaTypeOf(answer)
  refuseSchema1(mediaType, answer.url)
  return { digest: computeDigest(answer.response.body), mediaType, bytes: answer.response.body }
}

/** @throws CodedError `content-missing`, `digest-mismatch`, `content-too-large`, and what a session throws */
export async function fetchBlob(reading: Reading, digest: Digest, maxBytes: number): Promise<Uint8Array> {
  const { session, endpoint, context } = reading
  const url = apiUrl(endpoint, 'blobs', digest)
  const answer = await session.call(endpoint, { method: 'GET', url, maxBytes, actions: 'pull' }, context)
  if (answer.response.status === 404) throw missing(reading, `the blob ${digest}`)
  if (!isSuccess(answer.response)) throw unexpectedStatus(answer, digest)
  checkDigest(answer.response.body, digest, answer.url)
  return answer.response.body
}

function fetchManifest(reading: Reading, reference: string, method: 'GET' | 'HEAD'): Promise<Followed> {
  const { session, endpoint, context } = reading
  const url = apiUrl(endpoint, 'manifests', reference)
  return session.call(
    endpoint,
    { method, url, headers: acceptManifests, maxBytes: maxManifestBytes, actions: 'pull' },
    context,
  )
}

function notFound(reading: Reading, reference: string, answer?: Followed): CodedError {
  const { registry, repository } = reading.endpoint.at
  const shown = printable(reference, 150)
  const more = remarked(answer?.remarks)
  return new CodedError('image-not-found', `${registry} says that there is no ${repository}${shown}${more}`, {
    where: `${registry}/${repository}${shown}`,
  })
}

function missing(reading: Reading, what: string): CodedError {
  const { base, at } = reading.endpoint
  return new CodedError('content-missing', `${at.registry} does not have ${what} in ${at.repository}`, {
    where: showUrl(base),
  })
}
