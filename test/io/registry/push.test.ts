import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fallbackTag } from '#core/image/digest.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
import { type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'
import {
  alice,
  at,
  basic,
  bytesOf,
  clientFor,
  closeClients,
  context,
  credentialsOf,
  descriptorOf,
  digestOf,
  index,
  indexType,
  manifest,
  manifestType,
} from './fixtures.ts'

let stub: StubRegistry
beforeEach(async () => {
  stub = await startStubRegistry()
})
afterEach(async () => {
  await closeClients()
  await stub.close()
})

const blob = bytesOf('payload')
const uploads = '/v2/team/app/blobs/uploads/'
const put = (client = clientFor()) => client.putBlob(at(stub), blob, 'text/plain', context())

describe('a blob', () => {
  it('is uploaded in one piece', async () => {
    stub.on('POST', uploads, { status: 202, headers: { location: '/upload/1?state=x' } })
    stub.on('PUT', '/upload/1', { status: 201 })
    expect(await put()).toEqual({ mediaType: 'text/plain', digest: digestOf(blob), size: blob.length })
    const sent = stub.requests.at(-1)
    expect(sent?.body).toEqual(blob)
    expect(new URL(sent?.path ?? '', stub.url).searchParams.get('state')).toBe('x')
    expect(new URL(sent?.path ?? '', stub.url).searchParams.get('digest')).toBe(digestOf(blob))
  })

  it('that is there is not uploaded again', async () => {
    stub.on('HEAD', `/v2/team/app/blobs/${digestOf(blob)}`, {})
    await put()
    expect(stub.requests).toHaveLength(1)
    expect(await clientFor().hasBlob(at(stub), digestOf(blob), context())).toBe(true)
    expect(await clientFor().hasBlob(at(stub), digestOf('other'), context())).toBe(false)
  })

  it.each([
    ['another host', () => `http://localhost:${stub.host.split(':')[1]}/upload`],
    ['another port in plain HTTP', () => 'http://127.0.0.1:1/upload'],
    ['a metadata service', () => 'http://169.254.169.254/upload'],
    ['user info', () => `http://u:p@${stub.host}/upload`],
  ])('is not sent to %s', async (_what, location) => {
    stub.on('POST', uploads, ({ headers }) =>
      headers['authorization'] === basic(alice)
        ? { status: 202, headers: { location: location() } }
        : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
    )
    const client = clientFor({ credentials: credentialsOf(stub.host, alice) })
    expect(await refusalCode(put(client))).toBe('redirect-refused')
    expect(stub.seen()).not.toContain('PUT /upload')
  })

  it('is not sent nowhere', async () => {
    stub.on('POST', uploads, { status: 202 })
    expect(await refusalCode(put())).toBe('registry-protocol')
  })

  it.each([200, 307, 400, 401, 403, 404, 413])('that may not be uploaded (%i) is push-refused', async (status) => {
    stub.on('POST', uploads, { status, headers: { location: '/elsewhere' } })
    expect(await refusalCode(put())).toBe('push-refused')
  })

  it('that is not taken in the end is push-refused', async () => {
    stub.on('POST', uploads, { status: 202, headers: { location: '/upload/1' } })
    stub.on('PUT', '/upload/1', { status: 400, body: '{"errors":[{"code":"DIGEST_INVALID"}]}' })
    expect((await refusal(put())).message).toContain('400 DIGEST_INVALID')
  })

  it('is not called refused when the registry is failing', async () => {
    stub.on('POST', uploads, { status: 503 })
    expect(await refusalCode(put())).toBe('registry-failing')
  })
})

describe('a manifest', () => {
  const bytes = manifest()
  const push = (reference: string) =>
    clientFor().putManifest(at(stub), reference, { bytes, mediaType: manifestType }, context())

  it('is put as it is, and its digest answered', async () => {
    stub.on('PUT', '/v2/team/app/manifests/v1', { status: 201, headers: { 'docker-content-digest': digestOf(bytes) } })
    expect(await push('v1')).toEqual({ digest: digestOf(bytes), subjectHonoured: false })
    expect(stub.requests[0]?.body).toEqual(bytes)
    expect(stub.requests[0]?.headers['content-type']).toBe(manifestType)
  })

  it('has its subject honoured where the registry says so', async () => {
    stub.on('PUT', '*', { status: 201, headers: { 'oci-subject': digestOf('x') } })
    expect((await push('v1')).subjectHonoured).toBe(true)
  })

  it('of which something else was stored is a mismatch', async () => {
    stub.on('PUT', '*', { status: 201, headers: { 'docker-content-digest': digestOf('other') } })
    expect(await refusalCode(push('v1'))).toBe('digest-mismatch')
  })

  it.each([400, 401, 403, 405])('that is not taken (%i) is push-refused', async (status) => {
    stub.on('PUT', '*', { status })
    expect(await refusalCode(push('v1'))).toBe('push-refused')
  })
})

describe('a referrer', () => {
  const subject = digestOf('image')
  const bytes = manifest({ subject: descriptorOf(Buffer.from('image')), artifactType: 'application/x.sig' })
  const tag = `/v2/team/app/manifests/${fallbackTag(subject)}`
  const other = descriptorOf(manifest({ annotations: { n: 'other' } }), { 'x-unknown': [1] })
  const own = { ...descriptorOf(bytes), artifactType: 'application/x.sig' }
  const attach = (client = clientFor(), what: Buffer = bytes) =>
    client.putReferrer(at(stub), subject, { bytes: what, mediaType: manifestType }, context())

  /** Keeps what is put under the fallback tag. */
  function keepIndex(start?: Buffer): { stored: Buffer | undefined } {
    const kept = { stored: start }
    stub.on('PUT', '/v2/team/app/manifests/*', { status: 201 })
    stub.on('PUT', tag, ({ body }) => {
      kept.stored = body
      return { status: 201 }
    })
    stub.on('GET', tag, () =>
      kept.stored === undefined ? { status: 404 } : { headers: { 'content-type': indexType }, body: kept.stored },
    )
    return kept
  }
  const entries = (stored: Buffer | undefined) => JSON.parse(stored?.toString() ?? '{}').manifests

  it('needs no index where the registry keeps the list', async () => {
    stub.on('PUT', `/v2/team/app/manifests/${digestOf(bytes)}`, { status: 201, headers: { 'oci-subject': subject } })
    expect((await attach()).subjectHonoured).toBe(true)
    expect(stub.requests).toHaveLength(1)
  })

  it('is entered into a new index with its artifact type', async () => {
    const kept = keepIndex()
    await attach()
    expect(entries(kept.stored)).toEqual([own])
  })

  it('is entered beside what is there, which stays as it is', async () => {
    const kept = keepIndex(index(other))
    await attach()
    expect(entries(kept.stored)).toEqual([other, own])
  })

  it('is entered once', async () => {
    const kept = keepIndex()
    const client = clientFor()
    await attach(client)
    const before = kept.stored
    await attach(client)
    expect(kept.stored).toBe(before)
  })

  it('is entered again when somebody else overwrote the index', async () => {
    const kept = keepIndex()
    let lost = 0
    stub.on('PUT', tag, ({ body }, count) => {
      kept.stored = count <= 2 ? index(other) : body
      if (count <= 2) lost++
      return { status: 201 }
    })
    await attach()
    expect(lost).toBe(2)
    expect(entries(kept.stored)).toEqual([other, own])
  })

  it('that is overwritten again and again is push-refused', async () => {
    const kept = keepIndex()
    stub.on('PUT', tag, () => {
      kept.stored = index(other)
      return { status: 201 }
    })
    expect(await refusalCode(attach())).toBe('push-refused')
  })

  it('loses nobody inside one process', async () => {
    const kept = keepIndex()
    const client = clientFor()
    const all = Array.from({ length: 8 }, (_, n) =>
      manifest({ subject: descriptorOf(Buffer.from('image')), annotations: { n: String(n) } }),
    )
    await Promise.all(all.map((each) => attach(client, each)))
    expect(
      entries(kept.stored)
        .map((each: { digest: string }) => each.digest)
        .sort(),
    ).toEqual(all.map((each) => digestOf(each)).sort())
  })

  it('does not overwrite what is no index', async () => {
    const kept = keepIndex(manifest())
    const before = kept.stored
    expect(await refusalCode(attach())).toBe('manifest-unsupported')
    expect(kept.stored).toBe(before)
  })
})
