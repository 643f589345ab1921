import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadNetworkSettings, proxyFor } from '#io/http/network.ts'
import { createTransport, type TransportOptions } from '#io/http/transport.ts'
import { selfSigned } from '../../support/certificates.ts'
import { refusalCode } from '../../support/coded.ts'
import { startStubRegistry } from '../../support/stub-registry.ts'
import { missing, titled } from '../../support/tools.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closing.splice(0).reverse()) await close()
})

function transport(options: Partial<TransportOptions>) {
  const made = createTransport({ userAgent: 'sealward/test', ...options })
  closing.push(() => made.close())
  return made
}

/** A proxy that sends every tunnel to one place, and answers other requests itself. */
async function startProxy(target?: string): Promise<{ url: string; asked: string[]; headers: unknown[] }> {
  const asked: string[] = []
  const headers: unknown[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    headers.push(request.headers)
    response.end('by the proxy')
  })
  server.on('connect', (request, socket: Socket) => {
    asked.push(`CONNECT ${request.url}`)
    headers.push(request.headers)
    const [host = '', port] = (target ?? '').split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    for (const each of [socket, onward]) each.on('error', () => each.destroy())
    sockets.add(socket).add(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => {
    for (const socket of sockets) socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, asked, headers }
}

const get = (url: string) =>
  ({ method: 'GET', url: new URL(url), headers: {}, maxBytes: 100, signal: AbortSignal.timeout(10_000) }) as const

describe('the settings of the environment', () => {
  it('are read, lower case before upper case', async () => {
    const environment = {
      HTTPS_PROXY: 'http://upper:1',
      https_proxy: 'http://lower:1',
      NO_PROXY: '.svc',
      HTTP_PROXY: '',
    }
    expect(await loadNetworkSettings(environment)).toEqual({ httpsProxy: 'http://lower:1', noProxy: '.svc' })
    expect(await loadNetworkSettings({ ALL_PROXY: 'proxy:3128' })).toEqual({
      httpProxy: 'http://proxy:3128',
      httpsProxy: 'http://proxy:3128',
    })
    expect(await loadNetworkSettings({})).toEqual({})
  })

  it.each([
    ['socks5://proxy:1080', 'usage'],
    ['http://:0:0', 'usage'],
  ])('are refused with the proxy %s', async (proxy, code) => {
    expect(await refusalCode(loadNetworkSettings({ HTTPS_PROXY: proxy }))).toBe(code)
  })

  it('name a certificate file that must be there', async () => {
    expect(await refusalCode(loadNetworkSettings({ SSL_CERT_FILE: '/no/such/file' }))).toBe('file-unreadable')
  })

  it('name a certificate file that is read to the end, and no larger one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealward-network-'))
    closing.push(() => rm(folder, { recursive: true }))
    const file = join(folder, 'ca.pem')
    await writeFile(file, 'x'.repeat(4 * 1024 * 1024))
    expect((await loadNetworkSettings({ SSL_CERT_FILE: file })).ca?.length).toBe(4 * 1024 * 1024)
    await writeFile(file, 'x'.repeat(4 * 1024 * 1024 + 1))
    expect(await refusalCode(loadNetworkSettings({ SSL_CERT_FILE: file }))).toBe('input-too-large')
  })

  it('never send loopback to a proxy', () => {
    const network = { httpProxy: 'http://p:1', httpsProxy: 'http://q:1' }
    for (const host of ['localhost', '127.0.0.1', '127.8.8.8', '[::1]']) {
      expect(proxyFor(new URL(`http://${host}:5000/`), network)).toBeUndefined()
    }
    expect(proxyFor(new URL('http://r.example/'), network)).toBe('http://p:1')
    expect(proxyFor(new URL('https://r.example/'), network)).toBe('http://q:1')
    expect(proxyFor(new URL('https://r.example/'), { httpProxy: 'http://p:1' })).toBeUndefined()
  })
})

describe('a proxy', () => {
  it('gets plain requests whole, with its own credentials', async () => {
    const proxy = await startProxy()
    const httpProxy = proxy.url.replace('//', '//me:secret@')
    const answer = await transport({ network: { httpProxy } }).send(get('http://registry.test/v2/x'))
    expect(Buffer.from(answer.body).toString()).toBe('by the proxy')
    expect(proxy.asked).toEqual(['GET http://registry.test/v2/x'])
    expect(proxy.headers[0]).toMatchObject({ 'proxy-authorization': `Basic ${btoa('me:secret')}` })
  })

  it('is left out for hosts that say so', async () => {
    const proxy = await startProxy()
    const network = { httpProxy: proxy.url, noProxy: '.invalid' }
    expect(await refusalCode(transport({ network }).send(get('http://registry.invalid/x')))).toBe(
      'registry-unreachable',
    )
    expect(proxy.asked).toEqual([])
  })

  it('is not a way to a metadata service', async () => {
    const proxy = await startProxy()
    const sender = transport({ network: { httpProxy: proxy.url } })
    for (const host of ['169.254.169.254', '2852039166', 'metadata.google.internal']) {
      expect(await refusalCode(sender.send(get(`http://${host}/`)))).toBe('address-refused')
    }
    expect(proxy.asked).toEqual([])
  })

  it('that is away makes the registry unreachable', async () => {
    const network = { httpsProxy: 'http://127.0.0.1:1' }
    expect(await refusalCode(transport({ network }).send(get('https://registry.test/x')))).toBe('registry-unreachable')
  })
})

describe.skipIf(missing('openssl'))(titled('a proxy and TLS', 'openssl'), () => {
  it('gets a tunnel, and the registry is judged by its own certificate', async () => {
    const files = await selfSigned(['DNS:registry.test'])
    const stub = await startStubRegistry(files)
    closing.push(() => stub.close())
    stub.on('GET', '/x', { body: 'by the registry' })
    const proxy = await startProxy(stub.host)
    const network = { httpsProxy: proxy.url }
    const tlsFor = (host: string) => (host.startsWith('registry.test') ? { ca: files.certificate } : undefined)
    const answer = await transport({ network, tlsFor }).send(get('https://registry.test/x'))
    expect(Buffer.from(answer.body).toString()).toBe('by the registry')
    expect(proxy.asked).toEqual(['CONNECT registry.test:443'])
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    expect(await refusalCode(transport({ network }).send(get('https://registry.test/x')))).toBe('registry-unreachable')
    expect(await refusalCode(transport({ network, tlsFor }).send(get('https://other.test/x')))).toBe(
      'registry-unreachable',
    )
  })
})
