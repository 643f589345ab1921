// Blobs and their uploads in the demo registry (distribution-spec 1.1, "Pulling blobs", "Pushing blobs"): whole, in
// chunks, and mounted from another repository.

import { type Digest, toDigest } from '#core/image/digest.ts'
import { type Answer, type Ask, quoted, refuse } from './registry-answer.ts'
import { matchesDigest, maxBlobBytes, type Store } from './registry-store.ts'

const octets = 'application/octet-stream'

function created(name: string, digest: Digest): Answer {
  const location = `/v2/${name}/blobs/${digest}`
  return { status: 201, headers: { location, 'docker-content-digest': digest } }
}

function full(): Answer {
  return refuse(
    413,
    'SIZE_INVALID',
    `this demo registry takes blobs of at most ${maxBlobBytes} bytes, and 512 MiB in all`,
  )
}

function badDigest(text: string): Answer {
  return refuse(
    400,
    'DIGEST_INVALID',
    `${quoted(text)} is not a digest that this registry knows, or not this content's`,
  )
}

/** `bytes=first-last`, one range only; anything else is answered whole, as RFC 9110 section 14.2 allows. */
function ranged(bytes: Uint8Array, range: string | undefined, headers: Record<string, string>): Answer {
  const match = /^bytes=(\d{1,12})-(\d{0,12})$/.exec(range ?? '')
  if (match === null) return { status: 200, headers, body: bytes }
  const first = Number(match[1])
  const last = match[2] === '' ? bytes.length - 1 : Math.min(Number(match[2]), bytes.length - 1)
  if (first > last) return { status: 416, headers: { 'content-range': `bytes */${bytes.length}` } }
  const contentRange = `bytes ${first}-${last}/${bytes.length}`
  return { status: 206, headers: { ...headers, 'content-range': contentRange }, body: bytes.subarray(first, last + 1) }
}

/** HEAD, GET and DELETE of `/v2/<name>/blobs/<digest>`. */
export function answerBlob(store: Store, ask: Ask, name: string, reference: string): Answer {
  const digest = toDigest(reference)
  if (digest === undefined) return badDigest(reference)
  const bytes = store.repository(name)?.blobs.get(digest)
  if (bytes === undefined) return refuse(404, 'BLOB_UNKNOWN', `there is no blob ${digest} in ${quoted(name)}`)
  const headers = {
    'content-type': octets,
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: `"${digest}"`,
  }
  switch (ask.method) {
    case 'HEAD':
      return { status: 200, headers, body: bytes }
    case 'GET':
      return ranged(bytes, ask.header('range'), headers)
    case 'DELETE':
      store.deleteBlob(name, digest)
      return { status: 202 }
    default:
      return refuse(405, 'UNSUPPORTED', `${ask.method} is not for blobs`, { allow: 'GET, HEAD, DELETE' })
  }
}

function accepted(name: string, id: string, size: number, status = 202): Answer {
  const location = `/v2/${name}/blobs/uploads/${id}`
  return { status, headers: { location, range: `0-${Math.max(size - 1, 0)}`, 'docker-upload-uuid': id } }
}

function mount(store: Store, name: string, query: URLSearchParams): Answer | undefined {
  const digest = toDigest(query.get('mount') ?? '')
  const bytes = digest === undefined ? undefined : store.repository(query.get('from') ?? '')?.blobs.get(digest)
  if (digest === undefined || bytes === undefined) return undefined
  return store.addBlob(name, digest, bytes) === 'full' ? full() : created(name, digest)
}

/**
 * `POST /v2/<name>/blobs/uploads/`: starts an upload, or takes or mounts the whole blob at once. Where mounting is off
 * (somebody might mount what they may not read) it starts an upload instead, as the specification allows.
 */
export async function startUpload(store: Store, ask: Ask, name: string, mounting: boolean): Promise<Answer> {
  if (ask.method !== 'POST') return refuse(405, 'UNSUPPORTED', `${ask.method} starts no upload`, { allow: 'POST' })
  if (ask.query.has('mount')) {
    const mounted = mounting ? mount(store, name, ask.query) : undefined
    return mounted ?? accepted(name, store.startUpload(name), 0)
  }
  const wanted = ask.query.get('digest')
  if (wanted === null) return accepted(name, store.startUpload(name), 0)
  return keep(store, name, wanted, await ask.body(maxBlobBytes))
}

function keep(store: Store, name: string, wanted: string, bytes: Uint8Array): Answer {
  const digest = toDigest(wanted)
  if (digest === undefined || !matchesDigest(bytes, digest)) return badDigest(wanted)
  return store.addBlob(name, digest, bytes) === 'full' ? full() : created(name, digest)
}

/** `Content-Range: first-last` of a chunk must start where the upload stands and fit the chunk. */
function inOrder(range: string | undefined, size: number, length: number): boolean {
  if (range === undefined) return true
  const match = /^(\d{1,12})-(\d{1,12})$/.exec(range)
  return match !== null && Number(match[1]) === size && Number(match[2]) - Number(match[1]) + 1 === length
}

/** GET (where it stands), PATCH (a chunk), PUT (the last chunk and the digest) and DELETE of one upload. */
export async function answerUpload(store: Store, ask: Ask, name: string, id: string): Promise<Answer> {
  const size = store.uploadSize(name, id)
  if (size === undefined)
    return refuse(404, 'BLOB_UPLOAD_UNKNOWN', `there is no upload ${quoted(id)} in ${quoted(name)}`)
  switch (ask.method) {
    case 'GET':
      return accepted(name, id, size, 204)
    case 'DELETE':
      store.finish(name, id)
      return { status: 204 }
    case 'PATCH':
    case 'PUT':
      return takeChunk(store, ask, name, id)
    default:
      return refuse(405, 'UNSUPPORTED', `${ask.method} is not for uploads`, { allow: 'GET, PATCH, PUT, DELETE' })
  }
}

async function takeChunk(store: Store, ask: Ask, name: string, id: string): Promise<Answer> {
  const chunk = await ask.body(maxBlobBytes)
  const gone = refuse(404, 'BLOB_UPLOAD_UNKNOWN', `the upload ${quoted(id)} is gone`)
  const size = store.uploadSize(name, id) // asked again: another chunk may have come in while this one was read
  if (size === undefined) return gone
  if (!inOrder(ask.header('content-range'), size, chunk.length)) {
    const { headers = {} } = accepted(name, id, size)
    return refuse(416, 'BLOB_UPLOAD_INVALID', `the upload stands at byte ${size}`, headers)
  }
  if (store.append(name, id, chunk) !== 'kept') return full()
  if (ask.method === 'PATCH') return accepted(name, id, size + chunk.length)
  const wanted = ask.query.get('digest')
  if (wanted === null) return refuse(400, 'DIGEST_INVALID', 'the closing PUT must name ?digest=')
  const bytes = store.finish(name, id)
  return bytes === undefined ? gone : keep(store, name, wanted, bytes)
}
