// What every OCI registry does that we work with, as raw HTTP (distribution-spec 1.1). The same suite runs on a registry
// in the field and on our demo registry, so that the latter cannot drift into an impression of one. No client of ours here.

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type HttpAnswer, http, mediaTypes, pushBlob, pushImage, pushIndex, sha256 } from '../support/images.ts'

export interface RegistryUnderTest {
  readonly host: string
  close(): Promise<void>
}

export interface SpecError {
  readonly code: string
  readonly message: string
}

/** The first error of a refusal, as the specification wants it written. */
export function errorOf(answer: HttpAnswer): SpecError {
  const body: { readonly errors: readonly SpecError[] } = JSON.parse(answer.body.toString('utf8'))
  const [first] = body.errors
  if (first === undefined) throw new Error('an error body without errors')
  return first
}

export function codeAndStatus(answer: HttpAnswer): string {
  return `${answer.status} ${errorOf(answer).code}`
}

const accept = { accept: `${mediaTypes.manifest}, ${mediaTypes.index}` }
const absent = `sha256:${'0'.repeat(64)}`
const image = { 'content-type': mediaTypes.manifest }

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

/** Declares the tests inside the caller's `describe`. The registry must allow deletion. */
export function registryContract(start: () => Promise<RegistryUnderTest>): void {
  let registry: RegistryUnderTest
  let host = ''
  beforeAll(async () => {
    registry = await start()
    host = registry.host
  })
  afterAll(() => registry?.close())
  const get = (path: string, headers: Readonly<Record<string, string>> = accept) =>
    http('GET', `${host}/v2/${path}`, { headers })
  const head = (path: string) => http('HEAD', `${host}/v2/${path}`, { headers: accept })

  pulling({ host: () => host, get, head })
  pushing({ host: () => host, get, head })
  tagsAndDeletion({ host: () => host, get, head })
}

interface Probes {
  readonly host: () => string
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<HttpAnswer>
  readonly head: (path: string) => Promise<HttpAnswer>
}

function pulling({ host, get, head }: Probes): void {
  it('says at /v2/ that it is a registry', async () => {
    const answer = await get('')
    expect(answer.status).toBe(200)
    expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0')
  })

  it('answers a manifest by tag with its bytes, type and digest', async () => {
    const pushed = await pushImage(host(), 'pull/app', 'v1')
    const answer = await get('pull/app/manifests/v1')
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe(mediaTypes.manifest)
    expect(answer.headers['docker-content-digest']).toBe(pushed.digest)
    expect(answer.body.equals(pushed.manifest)).toBe(true)
  })

  it('answers HEAD like GET, without a body', async () => {
    const pushed = await pushImage(host(), 'pull/app', 'v1')
    for (const reference of ['v1', pushed.digest]) {
      const answer = await head(`pull/app/manifests/${reference}`)
      expect(answer.status).toBe(200)
      expect(answer.body).toHaveLength(0)
      expect(answer.headers['content-length']).toBe(String(pushed.manifest.length))
      expect(answer.headers['content-type']).toBe(mediaTypes.manifest)
      expect(answer.headers['docker-content-digest']).toBe(pushed.digest)
    }
  })

  it('answers an index by digest, and each of its images', async () => {
    const pushed = await pushIndex(host(), 'pull/multi', 'v1')
    const answer = await get(`pull/multi/manifests/${pushed.digest}`)
    expect(answer.headers['content-type']).toBe(mediaTypes.index)
    expect(answer.body.equals(pushed.manifest)).toBe(true)
    for (const { digest, manifest } of pushed.images) {
      expect((await get(`pull/multi/manifests/${digest}`)).body.equals(manifest)).toBe(true)
    }
  })

  it('answers a blob whole, in part, and to HEAD', async () => {
    const bytes = randomBytes(2000)
    const { digest } = await pushBlob(host(), 'pull/blobs', { bytes, mediaType: mediaTypes.layer })
    const whole = await get(`pull/blobs/blobs/${digest}`)
    expect(whole.status).toBe(200)
    expect(whole.headers['docker-content-digest']).toBe(digest)
    expect(whole.body.equals(bytes)).toBe(true)
    const part = await get(`pull/blobs/blobs/${digest}`, { range: 'bytes=500-999' })
    expect(part.status).toBe(206)
    expect(part.headers['content-range']).toBe('bytes 500-999/2000')
    expect(part.body.equals(bytes.subarray(500, 1000))).toBe(true)
    const headed = await head(`pull/blobs/blobs/${digest}`)
    expect([headed.status, headed.headers['content-length'], headed.body.length]).toEqual([200, '2000', 0])
  })

  it('names what is unknown by the code of the specification', async () => {
    await pushImage(host(), 'pull/app', 'v1')
    expect(codeAndStatus(await get('pull/app/manifests/nope'))).toBe('404 MANIFEST_UNKNOWN')
    expect(codeAndStatus(await get(`pull/app/manifests/${absent}`))).toBe('404 MANIFEST_UNKNOWN')
    expect(codeAndStatus(await get(`pull/app/blobs/${absent}`))).toBe('404 BLOB_UNKNOWN')
    expect(codeAndStatus(await get('never/was/tags/list'))).toBe('404 NAME_UNKNOWN')
    expect((await get('never/was/manifests/v1')).status).toBe(404)
    expect((await head('pull/app/manifests/nope')).status).toBe(404)
    expect((await head(`pull/app/blobs/${absent}`)).status).toBe(404)
  })

  it('knows a manifest only in the repository that it was pushed to', async () => {
    const { digest } = await pushImage(host(), 'pull/app', 'v1')
    await pushImage(host(), 'pull/neighbour', 'v1', { seed: 'another' })
    expect(codeAndStatus(await get(`pull/neighbour/manifests/${digest}`))).toBe('404 MANIFEST_UNKNOWN')
  })
}

/** Starts an upload and answers where it goes on. */
export async function startUpload(host: string, repository: string): Promise<URL> {
  const answer = await http('POST', `${host}/v2/${repository}/blobs/uploads/`)
  expect(answer.status).toBe(202)
  expect(answer.headers['docker-upload-uuid']).toBeTruthy()
  return new URL(String(answer.headers['location']), `http://${host}`)
}

function pushing({ host, get, head }: Probes): void {
  const withDigest = (location: URL, digest: string): string => {
    location.searchParams.set('digest', digest)
    return location.href
  }

  it('takes a blob in chunks and says where the upload stands', async () => {
    const bytes = randomBytes(30)
    let location = await startUpload(host(), 'push/chunks')
    for (const [first, last] of [
      [0, 9],
      [10, 29],
    ] as const) {
      const headers = { 'content-range': `${first}-${last}`, 'content-type': 'application/octet-stream' }
      const answer = await http('PATCH', location.href, { body: bytes.subarray(first, last + 1), headers })
      expect([answer.status, answer.headers['range']]).toEqual([202, `0-${last}`])
      location = new URL(String(answer.headers['location']), location)
    }
    const stands = await http('GET', location.href)
    expect([stands.status, stands.headers['range']]).toEqual([204, '0-29'])
    const done = await http('PUT', withDigest(location, sha256(bytes)))
    expect([done.status, done.headers['docker-content-digest']]).toEqual([201, sha256(bytes)])
    expect((await get(`push/chunks/blobs/${sha256(bytes)}`)).body.equals(bytes)).toBe(true)
  })

  it('refuses a blob whose bytes are not its digest, and does not keep it', async () => {
    const location = await startUpload(host(), 'push/blobs')
    const answer = await http('PUT', withDigest(location, absent), { body: randomBytes(8) })
    expect(codeAndStatus(answer)).toBe('400 DIGEST_INVALID')
    expect((await head(`push/blobs/blobs/${absent}`)).status).toBe(404)
  })

  it('forgets an upload that was called off', async () => {
    const location = await startUpload(host(), 'push/blobs')
    expect((await http('DELETE', location.href)).status).toBe(204)
    expect(codeAndStatus(await http('GET', location.href))).toBe('404 BLOB_UPLOAD_UNKNOWN')
  })

  it('mounts a blob from another repository, or starts an upload', async () => {
    const { digest } = await pushBlob(host(), 'push/from', { bytes: randomBytes(9), mediaType: mediaTypes.layer })
    const mount = (from: string, what: string) =>
      http('POST', `${host()}/v2/push/mounted/blobs/uploads/?mount=${what}&from=${from}`)
    expect((await mount('push/from', digest)).status).toBe(201)
    expect((await head(`push/mounted/blobs/${digest}`)).status).toBe(200)
    expect((await mount('push/from', absent)).status).toBe(202)
    expect((await mount('never/was', digest)).status).toBe(202)
  })

  it('keeps a manifest byte for byte, whatever its white space', async () => {
    const { config, layers } = await pushImage(host(), 'push/bytes', 'v1')
    const text = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers }, undefined, '\t')
    const body = new TextEncoder().encode(`${text}\n`)
    const answer = await http('PUT', `${host()}/v2/push/bytes/manifests/spaced`, { body, headers: image })
    expect([answer.status, answer.headers['docker-content-digest']]).toEqual([201, sha256(body)])
    expect((await get('push/bytes/manifests/spaced')).body.equals(body)).toBe(true)
  })

  it('refuses a manifest under a digest that is not its own', async () => {
    const { manifest } = await pushImage(host(), 'push/app', 'v1')
    const answer = await http('PUT', `${host()}/v2/push/app/manifests/${absent}`, { body: manifest, headers: image })
    expect(codeAndStatus(answer)).toBe('400 DIGEST_INVALID')
  })

  it('refuses a manifest that is no JSON object, or says another type than it came with', async () => {
    const url = `${host()}/v2/push/app/manifests/bad`
    const { config, layers } = await pushImage(host(), 'push/app', 'v1')
    const other = jsonBytes({ schemaVersion: 2, mediaType: mediaTypes.index, config, layers })
    for (const body of [new TextEncoder().encode('{"schemaVersion"'), jsonBytes([]), other]) {
      expect(codeAndStatus(await http('PUT', url, { body, headers: image }))).toBe('400 MANIFEST_INVALID')
    }
    expect((await get('push/app/manifests/bad')).status).toBe(404)
  })

  it('refuses a manifest that names a blob it does not have', async () => {
    const { config } = await pushImage(host(), 'push/app', 'v1')
    const layers = [{ mediaType: mediaTypes.layer, digest: absent, size: 5 }]
    const body = jsonBytes({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers })
    const answer = await http('PUT', `${host()}/v2/push/app/manifests/gap`, { body, headers: image })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(errorOf(answer).code).toBe('MANIFEST_BLOB_UNKNOWN')
  })
}

function tagsAndDeletion({ host, get, head }: Probes): void {
  it('moves a tag, and keeps what it named before under its digest', async () => {
    const first = await pushImage(host(), 'tags/moved', 'v1', { seed: 'first' })
    const second = await pushImage(host(), 'tags/moved', 'v1', { seed: 'second' })
    expect((await head('tags/moved/manifests/v1')).headers['docker-content-digest']).toBe(second.digest)
    expect((await head(`tags/moved/manifests/${first.digest}`)).status).toBe(200)
  })

  it('lists the tags of a repository', async () => {
    for (const tag of ['c', 'a', 'b']) await pushImage(host(), 'tags/listed', tag, { seed: 'one' })
    const answer = await get('tags/listed/tags/list')
    const { name, tags }: { name: string; tags: string[] } = JSON.parse(answer.body.toString('utf8'))
    expect([name, ...tags.sort()]).toEqual(['tags/listed', 'a', 'b', 'c'])
    expect(answer.headers['link']).toBeUndefined()
  })

  it('deletes a manifest by digest, and its tags with it', async () => {
    const kept = await pushImage(host(), 'tags/deleted', 'kept', { seed: 'kept' })
    const gone = await pushImage(host(), 'tags/deleted', 'gone', { seed: 'gone' })
    expect((await http('DELETE', `${host()}/v2/tags/deleted/manifests/${gone.digest}`)).status).toBe(202)
    expect((await head(`tags/deleted/manifests/${gone.digest}`)).status).toBe(404)
    expect((await head('tags/deleted/manifests/gone')).status).toBe(404)
    expect((await head('tags/deleted/manifests/kept')).headers['docker-content-digest']).toBe(kept.digest)
    const again = await http('DELETE', `${host()}/v2/tags/deleted/manifests/${gone.digest}`)
    expect(codeAndStatus(again)).toBe('404 MANIFEST_UNKNOWN')
  })

  it('deletes a blob', async () => {
    const { digest } = await pushBlob(host(), 'tags/blob', { bytes: randomBytes(7), mediaType: mediaTypes.layer })
    expect((await http('DELETE', `${host()}/v2/tags/blob/blobs/${digest}`)).status).toBe(202)
    expect((await head(`tags/blob/blobs/${digest}`)).status).toBe(404)
  })
}
