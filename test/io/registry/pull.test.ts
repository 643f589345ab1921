import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sources } from '#app/engine/sources.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
import { type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'
import { at, bytesOf, clientFor, closeClients, context, digestOf, manifest, manifestType } from './fixtures.ts'

let stub: StubRegistry
beforeEach(async () => {
  stub = await startStubRegistry()
})
afterEach(async () => {
  await closeClients()
  await stub.close()
})

const image = manifest()
const digest = digestOf(image)
const served = { headers: { 'content-type': manifestType, 'docker-content-digest': digest }, body: image }
const tagPath = '/v2/team/app/manifests/v1'
const digestPath = `/v2/team/app/manifests/${digest}`

describe('the client', () => {
  it('fits the engine by shape', () => {
    const sources: Sources = clientFor()
    expect(typeof sources.resolve).toBe('function')
  })

  it('names itself, asks for no compression and accepts OCI and Docker manifests', async () => {
    stub.on('GET', tagPath, served)
    await clientFor().tagged(at(stub), 'v1', context())
    const headers = stub.requests[0]?.headers
    expect(headers?.['user-agent']).toBe('sealward/0.0.0-test')
    expect(headers?.['accept-encoding']).toBe('identity')
    for (const type of ['oci.image.index.v1', 'oci.image.manifest.v1', 'manifest.list.v2', 'manifest.v2']) {
      expect(headers?.['accept']).toContain(type)
    }
  })

  it('needs two requests for a signature tag and its payload, and no ping', async () => {
    const payload = bytesOf('payload')
    stub.on('GET', '/v2/team/app/manifests/sha256-abc.sig', served)
    stub.on('GET', `/v2/team/app/blobs/${digestOf(payload)}`, { body: payload })
    const client = clientFor()
    await client.tagged(at(stub), 'sha256-abc.sig', context())
    expect(await client.blob(at(stub), digestOf(payload), 100, context())).toEqual(payload)
    expect(stub.requests).toHaveLength(2)
  })

  it('keeps the connection after a HEAD', async () => {
    stub.on('HEAD', tagPath, { headers: served.headers })
    const client = clientFor()
    for (let turn = 0; turn < 5; turn++) await client.resolve(at(stub), 'v1', context())
    expect(stub.requests).toHaveLength(5)
    expect(stub.connections()).toBe(1)
  })
})

describe('resolving a tag', () => {
  it('takes the digest and media type of a HEAD', async () => {
    stub.on('HEAD', tagPath, { headers: served.headers })
    expect(await clientFor().resolve(at(stub), 'v1', context())).toEqual({ digest, mediaType: manifestType })
    expect(stub.seen()).toEqual([`HEAD ${tagPath}`])
  })

  it.each([405, 501])('reads and hashes the manifest where HEAD is answered %i', async (status) => {
    stub.on('HEAD', tagPath, { status })
    stub.on('GET', tagPath, { headers: { 'content-type': manifestType }, body: image })
    expect(await clientFor().resolve(at(stub), 'v1', context())).toEqual({ digest, mediaType: manifestType })
  })

  it('reads and hashes the manifest where HEAD names no digest', async () => {
    stub.on('HEAD', tagPath, { headers: { 'content-type': manifestType } })
    stub.on('GET', tagPath, { headers: { 'content-type': `${manifestType}; charset=utf-8` }, body: image })
    expect(await clientFor().resolve(at(stub), 'v1', context())).toEqual({ digest, mediaType: manifestType })
  })

  it('takes no page of a portal for a manifest', async () => {
    stub.on('HEAD', tagPath, { headers: { 'content-type': 'text/html' } })
    stub.on('GET', tagPath, { headers: { 'content-type': 'text/html' }, body: '<h1>Please sign in</h1>' })
    expect(await refusalCode(clientFor().resolve(at(stub), 'v1', context()))).toBe('registry-protocol')
  })

  it.each([`sha256:${'0'.repeat(63)}`, 'latest', `sha256:${'G'.repeat(64)}`, `${digest}, ${digest}`])(
    'refuses the digest header %s',
    async (header) => {
      stub.on('HEAD', tagPath, { headers: { ...served.headers, 'docker-content-digest': header } })
      expect(await refusalCode(clientFor().resolve(at(stub), 'v1', context()))).toBe('registry-protocol')
    },
  )

  it.each(['manifest.v1+json', 'manifest.v1+prettyjws'])('refuses Docker schema 1 (%s)', async (type) => {
    const headers = { ...served.headers, 'content-type': `application/vnd.docker.distribution.${type}` }
    stub.on('HEAD', tagPath, { headers })
    expect(await refusalCode(clientFor().resolve(at(stub), 'v1', context()))).toBe('manifest-unsupported')
  })

  it('says image-not-found for a 404, naming the image', async () => {
    const error = await refusal(clientFor().resolve(at(stub), 'v1', context()))
    expect(error.code).toBe('image-not-found')
    expect(error.message).toContain('team/app:v1')
  })
})

describe('the access proof', () => {
  it('is a HEAD by digest', async () => {
    stub.on('HEAD', digestPath, { headers: served.headers })
    await clientFor().access(at(stub), digest, context())
    expect(stub.seen()).toEqual([`HEAD ${digestPath}`])
  })

  it('fails where there is no such image', async () => {
    expect(await refusalCode(clientFor().access(at(stub), digest, context()))).toBe('image-not-found')
  })

  it('fails where reading is forbidden', async () => {
    stub.on('HEAD', digestPath, { status: 403 })
    expect(await refusalCode(clientFor().access(at(stub), digest, context()))).toBe('access-denied')
  })
})

describe('a manifest by digest', () => {
  it('comes as its digest says', async () => {
    stub.on('GET', digestPath, served)
    const fetched = await clientFor().manifest(at(stub), digest, context())
    expect(fetched).toMatchObject({ digest, mediaType: manifestType })
    expect(Buffer.from(fetched.bytes)).toEqual(image)
  })

  it('is checked with the algorithm of its digest', async () => {
    const long = digestOf(image, 'sha512')
    stub.on('GET', `/v2/team/app/manifests/${long}`, served)
    expect((await clientFor().manifest(at(stub), long, context())).digest).toBe(long)
  })

  it('is refused when one byte differs', async () => {
    stub.on('GET', digestPath, { ...served, body: Buffer.concat([image, Buffer.from(' ')]) })
    expect(await refusalCode(clientFor().manifest(at(stub), digest, context()))).toBe('digest-mismatch')
  })

  it('is refused when the registry names another digest for it', async () => {
    const headers = { ...served.headers, 'docker-content-digest': digestOf('other') }
    stub.on('GET', digestPath, { ...served, headers })
    expect(await refusalCode(clientFor().manifest(at(stub), digest, context()))).toBe('digest-mismatch')
  })

  it('is content-missing where there is none', async () => {
    expect(await refusalCode(clientFor().manifest(at(stub), digest, context()))).toBe('content-missing')
  })

  it('is read up to 4 MiB', async () => {
    const large = Buffer.alloc(4 * 1024 * 1024, 0x20)
    stub.on('GET', `/v2/team/app/manifests/${digestOf(large)}`, { body: large })
    const fetched = await clientFor().manifest(at(stub), digestOf(large), context())
    expect(fetched.bytes.length).toBe(large.length)
  })

  it('is not read any further', async () => {
    const larger = Buffer.alloc(4 * 1024 * 1024 + 1, 0x20)
    stub.on('GET', `/v2/team/app/manifests/${digestOf(larger)}`, { body: larger })
    const code = await refusalCode(clientFor().manifest(at(stub), digestOf(larger), context()))
    expect(code).toBe('content-too-large')
  })
})

describe('a manifest by tag', () => {
  it('has the digest of its bytes', async () => {
    stub.on('GET', tagPath, { headers: { 'content-type': manifestType }, body: image })
    expect(await clientFor().tagged(at(stub), 'v1', context())).toMatchObject({ digest, mediaType: manifestType })
  })

  it.each([
    ['a code of the registry', '{"errors":[{"code":"NAME_UNKNOWN"}]}'],
    ['nothing', ''],
    ['a page', '<h1>404</h1>'],
  ])('is null for a 404 with %s', async (_what, body) => {
    stub.on('GET', tagPath, { status: 404, body })
    expect(await clientFor().tagged(at(stub), 'v1', context())).toBeNull()
  })

  it.each([
    [400, 'registry-protocol'],
    [401, 'access-denied'],
    [403, 'access-denied'],
    [410, 'registry-protocol'],
    [429, 'registry-throttled'],
    [500, 'registry-failing'],
    [503, 'registry-failing'],
  ])('is not null for a %i', async (status, code) => {
    stub.on('GET', tagPath, { status, body: '{"errors":[{"code":"SOMETHING"}]}' })
    expect(await refusalCode(clientFor().tagged(at(stub), 'v1', context()))).toBe(code)
  })

  it('is refused when the registry names another digest for it', async () => {
    stub.on('GET', tagPath, { ...served, headers: { ...served.headers, 'docker-content-digest': digestOf('other') } })
    expect(await refusalCode(clientFor().tagged(at(stub), 'v1', context()))).toBe('digest-mismatch')
  })

  it('shows of an error body the code and nothing else', async () => {
    const body = '{"errors":[{"code":"TAG_INVALID","message":"secret-in-message"}]}'
    stub.on('GET', tagPath, { status: 400, body })
    const { message } = await refusal(clientFor().tagged(at(stub), 'v1', context()))
    expect(message).toContain('400 TAG_INVALID')
    expect(message).not.toContain('secret')
  })
})

describe('a blob', () => {
  const blob = bytesOf('a payload of 23 bytes..')
  const path = `/v2/team/app/blobs/${digestOf(blob)}`

  it('comes as its digest says, up to the cap', async () => {
    stub.on('GET', path, { body: blob })
    expect(await clientFor().blob(at(stub), digestOf(blob), blob.length, context())).toEqual(blob)
  })

  it('is refused one byte over the cap', async () => {
    stub.on('GET', path, { body: blob })
    const work = clientFor().blob(at(stub), digestOf(blob), blob.length - 1, context())
    expect(await refusalCode(work)).toBe('content-too-large')
  })

  it('is refused over the cap without a Content-Length, too', async () => {
    stub.on('GET', path, (_request, _count, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' })
      response.write(blob)
      response.end(blob)
      return 'handled'
    })
    expect(await refusalCode(clientFor().blob(at(stub), digestOf(blob), 30, context()))).toBe('content-too-large')
  })

  it('is refused when its bytes differ', async () => {
    stub.on('GET', path, { body: 'a payload of 23 bytes.!' })
    expect(await refusalCode(clientFor().blob(at(stub), digestOf(blob), 100, context()))).toBe('digest-mismatch')
  })

  it('is content-missing where there is none', async () => {
    expect(await refusalCode(clientFor().blob(at(stub), digestOf(blob), 100, context()))).toBe('content-missing')
  })

  it('is refused in an encoding that was not asked for', async () => {
    stub.on('GET', path, { headers: { 'content-encoding': 'gzip' }, body: blob })
    expect(await refusalCode(clientFor().blob(at(stub), digestOf(blob), 100, context()))).toBe('registry-protocol')
  })
})

describe('listing tags', () => {
  it('reads all pages', async () => {
    stub.on('GET', '/v2/team/app/tags/list', (request) =>
      request.path.includes('last=b')
        ? { body: '{"name":"team/app","tags":["c"]}' }
        : { headers: { link: '</v2/team/app/tags/list?last=b&n=2>; rel="next"' }, body: '{"tags":["a","b"]}' },
    )
    expect(await clientFor().listTags(at(stub), context())).toEqual(['a', 'b', 'c'])
  })

  it('takes null for none, and refuses what is no list', async () => {
    stub.on('GET', '/v2/team/app/tags/list', { body: '{"tags":null}' })
    expect(await clientFor().listTags(at(stub), context())).toEqual([])
    stub.on('GET', '/v2/team/app/tags/list', { body: '{"tags":[1]}' })
    expect(await refusalCode(clientFor().listTags(at(stub), context()))).toBe('registry-protocol')
  })

  it('says image-not-found for an unknown repository', async () => {
    expect(await refusalCode(clientFor().listTags(at(stub), context()))).toBe('image-not-found')
  })
})
