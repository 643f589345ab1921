// Writing to a registry (distribution specification, "Push"): blobs, manifests, referrers with the fallback index.
// A refusal is `push-refused`; failures to reach the registry keep their own codes.

import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { toDigest } from '#core/image/digest.ts'
import { showUrl } from '#io/http/failure.ts'
import { maxErrorBytes, singleHeader } from '#io/http/message.ts'
import { computeDigest, declaredDigest } from './content.ts'
import { apiUrl, type Endpoint } from './endpoint.ts'
import type { Reading } from './pull.ts'
import type { Followed } from './redirect.ts'
import type { Call } from './session.ts'
import { errorCodeOf, isSuccess } from './status.ts'

export interface PushedManifest {
  readonly digest: Digest
  /** The registry keeps the referrers list itself; else the client has to (`putReferrer` does). */
  readonly subjectHonoured: boolean
}

export interface PushedBlob {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
}

/** @throws CodedError `push-refused`, and what a session throws */
export async function hasBlob(writing: Reading, digest: Digest): Promise<boolean> {
  const { session, endpoint, context } = writing
  const url = apiUrl(endpoint, 'blobs', digest)
  // Read with the rights to push: else every push would need two tokens.
  const call = { method: 'HEAD', url, maxBytes: maxErrorBytes, actions: 'pull,push' } as const
  const answer = await refusedIsPushRefused(() => session.call(endpoint, call, context))
  if (isSuccess(answer.response)) return true
  if ([404, 405, 501].includes(answer.response.status)) return false
  throw pushRefused(answer, `the question for ${digest}`)
}

/**
 * Uploads bytes in one piece, unless the registry has them, and answers with their descriptor.
 *
 * @throws CodedError `push-refused`, `redirect-refused` for an upload place on another host, and what a session throws
 */
export async function putBlob(writing: Reading, bytes: Uint8Array, mediaType: string): Promise<PushedBlob> {
  const digest = computeDigest(bytes)
  const descriptor = { mediaType, digest, size: bytes.length }
  if (await hasBlob(writing, digest)) return descriptor
  const started = await write(writing, { method: 'POST', url: uploadsUrl(writing.endpoint) })
  if (started.response.status !== 202) throw pushRefused(started, 'an upload')
  const place = guardUpload(singleHeader(started.response, 'location'), started.url, writing.endpoint)
  place.searchParams.set('digest', digest)
  const headers = { 'content-type': 'application/octet-stream' }
  const done = await write(writing, { method: 'PUT', url: place, body: bytes, headers })
  if (done.response.status !== 201) throw pushRefused(done, `the blob ${digest}`)
  return descriptor
}

/**
 * @param reference a tag or the digest of the bytes
 * @throws CodedError `push-refused`, `digest-mismatch` where the registry stored something else, and what a session throws
 */
export async function putManifest(
  writing: Reading,
  reference: string,
  bytes: Uint8Array,
  mediaType: string,
): Promise<PushedManifest> {
  const digest = computeDigest(bytes)
  const url = apiUrl(writing.endpoint, 'manifests', reference)
  const answer = await write(writing, { method: 'PUT', url, body: bytes, headers: { 'content-type': mediaType } })
  // The specification says 201; some answer 200 or 202 all the same.
  if (!isSuccess(answer.response)) throw pushRefused(answer, `the manifest ${printable(reference, 140)}`)
  const stored = toDigest(reference) === undefined ? declaredDigest(answer) : undefined
  if (stored?.startsWith('sha256:') && stored !== digest) {
    throw new CodedError('digest-mismatch', `${answer.url.host} stored ${stored} where ${digest} was pushed`, {
      where: showUrl(answer.url),
    })
  }
  return { digest, subjectHonoured: singleHeader(answer.response, 'oci-subject') !== undefined }
}

/**
 * Where to send the bytes of an upload. It gets the credentials of the registry, so it must be the registry: the same
 * host name, and TLS where the registry has TLS.
 *
 * @throws CodedError `redirect-refused`, `registry-protocol`
 */
export function guardUpload(location: string | undefined, from: URL, endpoint: Endpoint): URL {
  if (location === undefined || !URL.canParse(location, from.href)) {
    throw new CodedError('registry-protocol', `${from.host} begins an upload without saying where`, {
      where: showUrl(from),
    })
  }
  const place = new URL(location, from)
  const { base } = endpoint
  const plain = place.protocol === 'http:' && base.protocol === 'http:' && place.host === base.host
  const fits = place.hostname === base.hostname && (place.protocol === 'https:' || plain)
  if (fits && place.username === '' && place.password === '') return place
  throw new CodedError(
    'redirect-refused',
    `${from.host} wants the upload at ${showUrl(place)}, which is not the registry itself`,
    {
      where: showUrl(from),
    },
  )
}

function uploadsUrl(endpoint: Endpoint): URL {
  const url = apiUrl(endpoint, 'blobs', 'uploads')
  return new URL(`${url.href}/`)
}

function write(writing: Reading, call: Pick<Call, 'method' | 'url' | 'body' | 'headers'>): Promise<Followed> {
  const { session, endpoint, context } = writing
  return refusedIsPushRefused(() =>
    session.call(endpoint, { ...call, maxBytes: maxErrorBytes, actions: 'pull,push' }, context),
  )
}

async function refusedIsPushRefused(act: () => Promise<Followed>): Promise<Followed> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof CodedError && error.code === 'access-denied') {
      throw new CodedError('push-refused', `cannot push: ${error.message}`, { where: error.where, cause: error })
    }
    throw error
  }
}

function pushRefused(answer: Followed, what: string): CodedError {
  const { response, url } = answer
  const code = errorCodeOf(response)
  const said = code === undefined ? String(response.status) : `${response.status} ${code}`
  return new CodedError('push-refused', `${url.host} answered ${said} to ${what}`, { where: showUrl(url) })
}
