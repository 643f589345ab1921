// What the demo registry does beyond the contract that it shares with real ones (`test/contract`): referrers, pages,
// caps, counting, access, and staying up whatever is sent to it.

import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type DemoRegistry, type DemoRegistryOptions, startDemoRegistry } from '#app/demo/registry.ts'
import { type Descriptor, http, mediaTypes, pushBlob, pushImage, pushManifest, sha256 } from '../../support/images.ts'
import { loopbackTls } from '../../support/loopback-tls.ts'
import { missing, titled } from '../../support/tools.ts'

const running: DemoRegistry[] = []

async function start(options: DemoRegistryOptions = {}): Promise<DemoRegistry> {
  const registry = await startDemoRegistry(options)
  running.push(registry)
  return registry
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((registry) => registry.close()))
})

async function pushReferrer(
  host: string,
  subject: Descriptor,
  artifactType: string,
  note: string,
): Promise<Descriptor> {
  const empty = { bytes: new TextEncoder().encode('{}'), mediaType: mediaTypes.empty }
  const config = await pushBlob(host, 'team/app', empty)
  const annotations = { note }
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType, config, layers: [config], subject }
  const bytes = new TextEncoder().encode(JSON.stringify({ ...manifest, annotations }))
  return pushManifest(host, 'team/app', { tag: sha256(bytes), bytes, mediaType: mediaTypes.manifest })
}

interface Index {
  readonly schemaVersion: number
  readonly mediaType: string
  readonly manifests: readonly Descriptor[]
}

async function referrersOf(host: string, digest: string, query = '') {
  const answer = await http('GET', `${host}/v2/team/app/referrers/${digest}${query}`)
  const index: Index = JSON.parse(answer.body.toString('utf8'))
  return { answer, index }
}

describe('the referrers API', () => {
  it('lists what names the image as its subject, with type and annotations', async () => {
    const { host } = await start()
    const image = await pushImage(host, 'team/app', 'v1')
    const referrer = await pushReferrer(host, image.descriptor, 'application/x.one', 'first')
    const { answer, index } = await referrersOf(host, image.digest)
    expect(answer.headers['content-type']).toBe(mediaTypes.index)
    expect(answer.headers['oci-filters-applied']).toBeUndefined()
    const described = { ...referrer, artifactType: 'application/x.one', annotations: { note: 'first' } }
    expect(index).toEqual({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [described] })
  })

  it('falls back to the type of the config where a manifest names no artifactType', async () => {
    const { host } = await start()
    const image = await pushImage(host, 'team/app', 'v1')
    const { config, layers } = image
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers, subject: image.descriptor }
    const bytes = new TextEncoder().encode(JSON.stringify(manifest))
    await pushManifest(host, 'team/app', { tag: 'referrer', bytes, mediaType: mediaTypes.manifest })
    const { index } = await referrersOf(host, image.digest)
    expect(index.manifests.map(({ artifactType }) => artifactType)).toEqual([mediaTypes.config])
  })

  it('filters by type and says so', async () => {
    const { host } = await start()
    const image = await pushImage(host, 'team/app', 'v1')
    await pushReferrer(host, image.descriptor, 'application/x.one', 'first')
    const second = await pushReferrer(host, image.descriptor, 'application/x.two', 'second')
    const { answer, index } = await referrersOf(host, image.digest, '?artifactType=application%2Fx.two')
    expect(answer.headers['oci-filters-applied']).toBe('artifactType')
    expect(index.manifests.map(({ digest }) => digest)).toEqual([second.digest])
  })

  it('answers in pages that together name every referrer once', async () => {
    const { host } = await start({ pageSize: 2 })
    const image = await pushImage(host, 'team/app', 'v1')
    const pushed: string[] = []
    for (const note of ['a', 'b', 'c', 'd', 'e']) {
      pushed.push((await pushReferrer(host, image.descriptor, 'application/x.one', note)).digest)
    }
    const found: string[] = []
    let query: string | undefined = '?artifactType=application%2Fx.one'
    for (let pages = 0; query !== undefined; pages += 1) {
      expect(pages).toBeLessThan(3)
      const { answer, index } = await referrersOf(host, image.digest, query)
      found.push(...index.manifests.map(({ digest }) => digest))
      query = /(\?[^>]+)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1]
    }
    expect(found.sort()).toEqual(pushed.sort())
  })

  it('is empty for a digest that nothing refers to, and refuses what is no digest', async () => {
    const { host } = await start()
    const { answer, index } = await referrersOf(host, `sha256:${'1'.repeat(64)}`)
    expect([answer.status, index.manifests]).toEqual([200, []])
    expect((await http('GET', `${host}/v2/team/app/referrers/sha256:1`)).status).toBe(400)
  })

  it('forgets a referrer that was deleted', async () => {
    const { host } = await start()
    const image = await pushImage(host, 'team/app', 'v1')
    const { digest } = await pushReferrer(host, image.descriptor, 'application/x.one', 'first')
    await http('DELETE', `${host}/v2/team/app/manifests/${digest}`)
    expect((await referrersOf(host, image.digest)).index.manifests).toEqual([])
  })
})

describe('access', () => {
  const basic = (user: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  })
  const users = { alice: 'correct', bob: 'horse' }

  it('asks for Basic credentials and takes only right ones', async () => {
    const { host } = await start({ access: { kind: 'basic', users } })
    const asked = await http('GET', `${host}/v2/`)
    expect([asked.status, asked.headers['www-authenticate']]).toEqual([401, 'Basic realm="sealward demo registry"'])
    expect((await http('GET', `${host}/v2/`, { headers: basic('alice', 'correct') })).status).toBe(200)
    expect((await http('GET', `${host}/v2/`, { headers: basic('alice', 'horse') })).status).toBe(401)
    expect((await http('GET', `${host}/v2/`, { headers: basic('constructor', 'correct') })).status).toBe(401)
    await pushImage(host, 'team/app', 'v1', basic('alice', 'correct'))
    expect((await http('GET', `${host}/v2/team/app/manifests/v1`)).status).toBe(401)
  })

  it('lets a rule decide who may do what', async () => {
    const allow = (user: string | undefined, _repository: string, action: string) =>
      user === 'alice' || action === 'pull'
    const { host } = await start({ access: { kind: 'basic', users, allow } })
    await pushImage(host, 'team/app', 'v1', basic('alice', 'correct'))
    const url = `${host}/v2/team/app/manifests/v1`
    expect((await http('GET', url)).status).toBe(200)
    expect((await http('DELETE', url, { headers: basic('bob', 'horse') })).status).toBe(403)
    expect((await http('DELETE', url, { headers: basic('alice', 'correct') })).status).toBe(202)
  })

  it('points to a token service, whose tokens reach as far as their scope', async () => {
    const { host, url } = await start({ access: { kind: 'bearer', users } })
    const asked = await http('GET', `${host}/v2/team/app/manifests/v1`)
    expect(asked.status).toBe(401)
    const challenge = `Bearer realm="${url}/token",service="${host}",scope="repository:team/app:pull"`
    expect(asked.headers['www-authenticate']).toBe(challenge)

    const tokenFor = async (scope: string, who = basic('alice', 'correct')) => {
      const answer = await http('GET', `${url}/token?service=${host}&scope=${encodeURIComponent(scope)}`, {
        headers: who,
      })
      const { token }: { token: string } = JSON.parse(answer.body.toString('utf8'))
      return { authorization: `Bearer ${token}` }
    }
    const push = await tokenFor('repository:team/app:pull,push')
    await pushImage(host, 'team/app', 'v1', push)
    const pull = await tokenFor('repository:team/app:pull')
    const manifest = `${host}/v2/team/app/manifests/v1`
    expect((await http('GET', manifest, { headers: pull })).status).toBe(200)
    const refused = await http('DELETE', manifest, { headers: pull })
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toContain('error="insufficient_scope"')
    const elsewhere = await tokenFor('repository:team/other:pull')
    expect((await http('GET', manifest, { headers: elsewhere })).status).toBe(401)
  })

  it('gives no token for a wrong password, and refuses one that has run out', async () => {
    const { host, url } = await start({ access: { kind: 'bearer', users, tokenSeconds: 0 } })
    const tokens = `${url}/token?scope=repository:team/app:pull`
    expect((await http('GET', tokens, { headers: basic('alice', 'wrong') })).status).toBe(401)
    const answer = await http('GET', tokens, { headers: basic('alice', 'correct') })
    const headers = { authorization: `Bearer ${JSON.parse(answer.body.toString('utf8')).token}` }
    const late = await http('GET', `${host}/v2/team/app/manifests/v1`, { headers })
    expect(late.headers['www-authenticate']).toContain('error="invalid_token"')
  })

  it('mounts nothing where rights differ', async () => {
    const { host } = await start({ access: { kind: 'basic', users } })
    const who = basic('alice', 'correct')
    const content = { bytes: new Uint8Array([1, 2, 3]), mediaType: mediaTypes.layer }
    const { digest } = await pushBlob(host, 'secret/app', content, who)
    const url = `${host}/v2/team/app/blobs/uploads/?mount=${digest}&from=secret/app`
    expect((await http('POST', url, { headers: who })).status).toBe(202)
  })
})

describe('bounds', () => {
  it('refuses a manifest over 4 MiB and takes one just under it', async () => {
    const { host } = await start()
    const { config, layers } = await pushImage(host, 'team/app', 'v1')
    const put = (padding: number) => {
      const annotations = { padding: 'x'.repeat(padding) }
      const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers, annotations }
      const body = new TextEncoder().encode(JSON.stringify(manifest))
      return http('PUT', `${host}/v2/team/app/manifests/big`, {
        body,
        headers: { 'content-type': mediaTypes.manifest },
      })
    }
    expect((await put(4 * 1024 * 1024 - 1000)).status).toBe(201)
    const refused = await put(4 * 1024 * 1024).catch(() => undefined)
    expect(refused?.status ?? 413).toBe(413)
    expect((await http('HEAD', `${host}/v2/`)).status).toBe(200)
  })

  it('keeps the latest 10,000 requests, with method, path and status', async () => {
    const registry = await start()
    await http('GET', `${registry.host}/v2/team/app/manifests/v1?x=1`)
    expect(registry.requests).toEqual([{ method: 'GET', path: '/v2/team/app/manifests/v1?x=1', status: 404 }])
    registry.forgetRequests()
    expect(registry.requests).toEqual([])
  })

  it('waits before every answer when told to, and does not wait when it is closed', async () => {
    const near = await start({ delayMs: 60 })
    const before = performance.now()
    await http('GET', `${near.host}/v2/`)
    expect(performance.now() - before).toBeGreaterThanOrEqual(55)
    const far = await start({ delayMs: 60_000 })
    const waiting = http('GET', `${far.host}/v2/`).catch((error: unknown) => error)
    await new Promise((resolve) => setTimeout(resolve, 30))
    await far.close()
    expect(await waiting).toBeInstanceOf(Error)
  })
})

function sendRaw(host: string, text: string): Promise<string> {
  const [address = '', port = ''] = host.split(':')
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(Number(port), address, () => socket.write(text))
    socket.setTimeout(2000, () => socket.destroy())
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
    })
    socket.once('error', reject)
    socket.once('close', () => resolve(received))
    socket.once('end', () => socket.end())
  })
}

describe('malformed requests', () => {
  const close = 'Host: x\r\nConnection: close\r\n\r\n'
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', '400'],
    ['a path of escapes that are no text', `GET /v2/%ff%fe/manifests/v1 HTTP/1.1\r\n${close}`, '400'],
    ['a target that is no path', `GET * HTTP/1.1\r\n${close}`, '400'],
    ['a name that climbs', `GET /v2/a/%2e%2e/b/manifests/v1 HTTP/1.1\r\n${close}`, '400'],
    ['a name with a line break', `GET /v2/a%0d%0ab/manifests/v1 HTTP/1.1\r\n${close}`, '400'],
    ['a name of 300 characters', `GET /v2/${'a'.repeat(300)}/manifests/v1 HTTP/1.1\r\n${close}`, '400'],
    ['a tag of 200 characters', `GET /v2/a/manifests/${'a'.repeat(200)} HTTP/1.1\r\n${close}`, '400'],
    ['a page size that is no number', `GET /v2/a/referrers/sha256:${'0'.repeat(64)}?n=-1 HTTP/1.1\r\n${close}`, '400'],
    ['a method that nothing has', `PROPFIND /v2/a/tags/list HTTP/1.1\r\n${close}`, '405'],
    ['headers of 20 KB', `GET /v2/ HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n${close}`, '431'],
    ['another path', `GET /favicon.ico HTTP/1.1\r\n${close}`, '404'],
  ])('are answered and survived: %s', async (_what, text, status) => {
    const { host } = await start()
    expect(await sendRaw(host, text)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect((await http('GET', `${host}/v2/`)).status).toBe(200)
  })

  it('survives a body that breaks off', async () => {
    const { host } = await start()
    const [address = '', port = ''] = host.split(':')
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), address, () => {
        socket.write('PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{')
        setTimeout(() => socket.destroy(), 30)
      })
      socket.once('error', reject)
      socket.once('close', () => resolve())
    })
    expect((await http('GET', `${host}/v2/`)).status).toBe(200)
  })

  it('refuses descriptors without digests, manifests of unknown type and subjects that are none', async () => {
    const { host } = await start()
    const { config, layers } = await pushImage(host, 'a', 'v1')
    const put = async (value: unknown, type: string = mediaTypes.manifest) => {
      const body = new TextEncoder().encode(JSON.stringify(value))
      const answer = await http('PUT', `${host}/v2/a/manifests/bad`, { body, headers: { 'content-type': type } })
      return `${answer.status} ${JSON.parse(answer.body.toString('utf8')).errors?.[0]?.code}`
    }
    const good = { schemaVersion: 2, config, layers }
    expect(await put({ ...good, config: 7 })).toBe('400 MANIFEST_INVALID')
    expect(await put({ ...good, layers: {} })).toBe('400 MANIFEST_INVALID')
    expect(await put({ ...good, schemaVersion: 1 })).toBe('400 MANIFEST_INVALID')
    expect(await put({ ...good, subject: { digest: 'sha256:short' } })).toBe('400 MANIFEST_INVALID')
    expect(await put(good, 'application/json')).toBe('400 MANIFEST_INVALID')
    const body = new TextEncoder().encode(JSON.stringify(good))
    const headers = { 'content-type': `${mediaTypes.manifest}; charset=utf-8` }
    expect((await http('PUT', `${host}/v2/a/manifests/good`, { body, headers })).status).toBe(201)
  })
})

describe.skipIf(missing('openssl'))(titled('TLS', 'openssl'), () => {
  it('speaks TLS only, with the certificate it was given', async () => {
    const tls = await loopbackTls()
    const { host, url } = await start({ tls })
    expect(url).toBe(`https://${host}`)
    const pushed = await pushImage(host, 'team/app', 'v1', { ca: tls.certificate })
    const answer = await http('GET', `${url}/v2/team/app/manifests/v1`, { ca: tls.certificate })
    expect(answer.headers['docker-content-digest']).toBe(pushed.digest)
    await expect(http('GET', `${url}/v2/`)).rejects.toThrow(/self-signed/)
    await expect(http('GET', `http://${host}/v2/`)).rejects.toThrow()
  })
})
