import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadNetworkSettings, proxyFor } from '#io/http/network.ts'
import { createTransport, type TransportOptions } from '#io/http/transport.ts'
import { selfSigned } from '../../support/certificates.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
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

interface ProxyParts {
  /** Where every tunnel leads. */
  readonly target?: string
  /** What becomes of tunnels instead. */
  readonly tunnel?: (socket: Socket) => void
  readonly plainStatus?: number
}

/** A proxy that sends every tunnel to one place, and answers other requests itself. */
async function startProxy({
  target = '',
  tunnel,
  plainStatus = 200,
}: ProxyParts = {}): Promise<{ url: string; asked: string[]; headers: unknown[] }> {
  const asked: string[] = []
  const headers: unknown[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    headers.push(request.headers)
    response.writeHead(plainStatus).end('by the proxy')
  })
  server.on('connect', (request, socket: Socket) => {
    asked.push(`CONNECT ${request.url}`)
    headers.push(request.headers)
    if (tunnel !== undefined) return tunnel(socket)
    const [host = '', port] = target.split(':')
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

  it.each([
    ['is away', 'http://me:secret@127.0.0.1:1', 'the proxy 127.0.0.1:1 cannot be reached: the connection was refused'],
    ['has no name', 'http://me:secret@proxy.invalid:3128', 'the proxy proxy.invalid:3128 cannot be reached: the name'],
  ])('that %s makes the registry unreachable, and is named', async (_what, proxy, reason) => {
    const sender = transport({ network: { httpsProxy: proxy, httpProxy: proxy } })
    for (const scheme of ['http', 'https']) {
      const { code, message } = await refusal(sender.send(get(`${scheme}://registry.test/x`)))
      expect([code, message]).toEqual(['registry-unreachable', expect.stringContaining(reason)])
      expect(message).not.toMatch(/secret|registry\.test/)
    }
  })

  it.each(['403 Forbidden', '407 Proxy Authentication Required', '502 Bad Gateway'])(
    'that answers %s makes the registry unreachable, and is named',
    async (status) => {
      const proxy = await startProxy({ tunnel: (socket) => socket.end(`HTTP/1.1 ${status}\r\n\r\n`) })
      const { code, message } = await refusal(
        transport({ network: { httpsProxy: proxy.url } }).send(get('https://registry.test/x')),
      )
      const said = `the proxy ${new URL(proxy.url).host} makes no connection to registry.test: it answers ${status.slice(0, 3)}`
      expect([code, message]).toEqual(['registry-unreachable', said])
    },
  )

  it('that wants to know who asks is named for plain requests, too', async () => {
    const proxy = await startProxy({ plainStatus: 407 })
    const { message } = await refusal(
      transport({ network: { httpProxy: proxy.url } }).send(get('http://registry.test/x')),
    )
    expect(message).toContain(
      `the proxy ${new URL(proxy.url).host} makes no connection to registry.test: it answers 407`,
    )
  })

  it('that closes the tunnel before it is one is named', async () => {
    const proxy = await startProxy({ tunnel: (socket) => socket.destroy() })
    const { code, message } = await refusal(
      transport({ network: { httpsProxy: proxy.url } }).send(get('https://registry.test/x')),
    )
    const said = `the proxy ${new URL(proxy.url).host} closed the connection without an answer`
    expect([code, message]).toEqual(['registry-unreachable', said])
  })

  it('neighbour: a host that is left out fails by its own name', async () => {
    const network = { httpsProxy: 'http://127.0.0.1:1', noProxy: '.invalid' }
    const { code, message } = await refusal(transport({ network }).send(get('https://registry.invalid/x')))
    expect([code, message]).toEqual([
      'registry-unreachable',
      expect.stringContaining('registry.invalid cannot be reached'),
    ])
    expect(message).not.toContain('proxy')
  })
})

describe.skipIf(missing('openssl'))(titled('a proxy and TLS', 'openssl'), () => {
  it('gets a tunnel, and the registry is judged by its own certificate', async () => {
    const files = await selfSigned(['DNS:registry.test'])
    const stub = await startStubRegistry(files)
    closing.push(() => stub.close())
    stub.on('GET', '/x', { body: 'by the registry' })
    const proxy = await startProxy({ target: stub.host })
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
