import { createServer, type Server } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { CodedError } from '#core/errors.ts'
import type { Resolve } from '#io/http/guard.ts'
import type { HttpRequest } from '#io/http/message.ts'
import { createTransport, type TransportOptions } from '#io/http/transport.ts'
import { type CertificateFiles, selfSigned } from '../../support/certificates.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
import { freePort } from '../../support/free-port.ts'
import { type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'
import { missing, titled } from '../../support/tools.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const close of closing.splice(0).reverse()) await close()
})

function transport(options: Partial<TransportOptions> = {}) {
  const made = createTransport({ userAgent: 'sealward/test', ...options })
  closing.push(() => made.close())
  return made
}

async function stubbed(tls?: CertificateFiles): Promise<StubRegistry> {
  const stub = await startStubRegistry(tls)
  closing.push(() => stub.close())
  return stub
}

/** A server that answers every connection with the same bytes, and then closes or stays. */
async function rawServer(answer: string, end: boolean): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => (end ? socket.end(answer) : socket.write(answer)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => void server.close())
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/x`
}

function get(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url: new URL(url), headers: {}, maxBytes: 1000, signal: AbortSignal.timeout(10_000), ...more }
}

describe('one exchange', () => {
  let stub: StubRegistry
  beforeEach(async () => {
    stub = await stubbed()
  })

  it('returns status, headers and body, and sends what it was given', async () => {
    stub.on('POST', '/x', { status: 202, headers: { location: '/y' }, body: 'answer' })
    const answer = await transport().send(get(`${stub.url}/x?a=b`, { method: 'POST', body: 'asked' }))
    expect(answer.status).toBe(202)
    expect(answer.headers['location']).toBe('/y')
    expect(Buffer.from(answer.body).toString()).toBe('answer')
    expect(stub.requests[0]).toMatchObject({ path: '/x?a=b', body: Buffer.from('asked') })
  })

  it.each(['', 'a', 'a'.repeat(900)])('returns a body in memory of its own size (%j)', async (body) => {
    stub.on('GET', '/x', { body })
    const answer = await transport().send(get(`${stub.url}/x`))
    expect(Buffer.from(answer.body).toString()).toBe(body)
    expect(answer.body.buffer.byteLength).toBe(body.length)
  })

  it('follows nothing', async () => {
    stub.on('GET', '/x', { status: 307, headers: { location: '/y' } })
    expect((await transport().send(get(`${stub.url}/x`))).status).toBe(307)
  })

  it('reuses the connection from one request to the next', async () => {
    stub.on('GET', '/x', { body: 'answer' })
    const sender = transport()
    for (let turn = 0; turn < 5; turn++) await sender.send(get(`${stub.url}/x`))
    expect(stub.connections()).toBe(1)
  })

  it.each(['HEAD', 'POST', 'PUT'] as const)('reuses it after %s, too', async (method) => {
    stub.on(method, '/x', { status: 201 })
    const sender = transport()
    for (let turn = 0; turn < 3; turn++) await sender.send(get(`${stub.url}/x`, { method }))
    expect(stub.connections()).toBe(1)
    expect(stub.requests.map(({ headers }) => headers['content-length'])).toEqual(
      Array(3).fill(method === 'HEAD' ? undefined : '0'),
    )
  })

  it('tells a header that stands twice twice, so that nobody takes one of two for the only one', async () => {
    stub.on('GET', '/x', { headers: { location: ['/a', '/b', '/c'], etag: 'e' } })
    const { headers } = await transport().send(get(`${stub.url}/x`))
    expect(headers['location']).toEqual(['/a', '/b', '/c'])
    expect(headers['etag']).toBe('e')
  })

  it('has no header that the server did not send, whatever it is called', async () => {
    const url = await rawServer('HTTP/1.1 200 OK\r\n__proto__: a\r\nConstructor: b\r\nContent-Length: 0\r\n\r\n', true)
    const { headers } = await transport().send(get(url))
    expect(Object.entries(headers)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['content-length', '0'],
    ])
    expect(headers['location']).toBeUndefined()
  })

  it('waits for the answer itself where the server sends something before it', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
    const url = await rawServer(`${early}${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`, true)
    const { status, body, headers } = await transport().send(get(url))
    expect([status, Buffer.from(body).toString(), headers['link']]).toEqual([200, 'ok', undefined])
  })

  it('is refused what HTTP does not allow to be written', async () => {
    const request = get(`${stub.url}/x`, { headers: { authorization: 'Bearer a\r\nhost: b' } })
    expect(await refusalCode(transport().send(request))).toBe('registry-unreachable')
    expect(stub.requests).toEqual([])
  })

  it('is not asked any more once the transport is closed', async () => {
    stub.on('GET', '/silent', () => 'handled')
    stub.on('GET', '/x', {})
    const sender = transport()
    const work = refusalCode(sender.send(get(`${stub.url}/silent`)))
    while (stub.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await sender.close()
    expect(await work).toBe('registry-unreachable')
  })

  it('ends a request that waits for a connection with its deadline, and the next one gets the connection', async () => {
    const answers: (() => void)[] = []
    stub.on('GET', '/x', () => new Promise((resolve) => answers.push(() => resolve({ body: 'answer' }))))
    const sender = transport({ connectionsPerHost: 1 })
    const first = sender.send(get(`${stub.url}/x`))
    const late = refusalCode(sender.send(get(`${stub.url}/x`, { signal: AbortSignal.timeout(100) })))
    const last = sender.send(get(`${stub.url}/x`))
    expect(await late).toBe('registry-timeout')
    answers[0]?.()
    expect((await first).status).toBe(200)
    while (answers.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    answers[1]?.()
    expect((await last).status).toBe(200)
    expect(stub.requests.length).toBe(2)
  })

  it('looks a name up for a connection, and not for a request that finds one', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    stub.on('GET', '/x', {})
    stub.on('GET', '/last', { headers: { connection: 'close' } })
    const asked: string[] = []
    const resolve: Resolve = (name, _options, done) => {
      asked.push(name)
      done(null, [{ address: '127.0.0.1', family: 4 }])
    }
    const sender = transport({ resolve })
    const lookupsAfter: number[] = []
    for (const path of ['/x', '/last', '/x']) {
      await sender.send(get(`http://registry.test:${stub.host.split(':')[1]}${path}`))
      lookupsAfter.push(asked.length)
      vi.advanceTimersByTime(60_000)
    }
    expect([lookupsAfter, stub.connections()]).toEqual([[1, 1, 2], 2])
  })

  it('gives its room back, however a request ended', async () => {
    stub.on('GET', '/x', { headers: { connection: 'close' } })
    const broken = await rawServer('', true)
    const sender = transport({ connectionsPerHost: 1000 })
    // More than there is room for at a time.
    for (let turn = 0; turn < 260; turn++) {
      expect(await refusalCode(sender.send(get(broken)))).toBe('registry-unreachable')
    }
    for (let turn = 0; turn < 260; turn++) await sender.send(get(`${stub.url}/x`))
  })

  it('opens no more connections than it may', async () => {
    stub.on('GET', '/x', async () => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      return { body: 'answer' }
    })
    const sender = transport({ connectionsPerHost: 3 })
    const answers = await Promise.all(Array.from({ length: 12 }, () => sender.send(get(`${stub.url}/x`))))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(stub.connections()).toBe(3)
  })

  it('cuts the body of an error instead of refusing it', async () => {
    stub.on('GET', '/x', { status: 404, body: 'e'.repeat(200 * 1024) })
    const answer = await transport().send(get(`${stub.url}/x`))
    expect(answer.status).toBe(404)
    expect(answer.body.length).toBeLessThanOrEqual(64 * 1024)
  })

  it('ends with the deadline of the caller, also in the middle of a body', async () => {
    stub.on('GET', '/silent', () => 'handled')
    stub.on('GET', '/drip', (_request, _count, response) => {
      response.writeHead(200, { 'content-length': '100' })
      const drip = setInterval(() => response.write('.'), 20)
      response.once('close', () => clearInterval(drip))
      return 'handled'
    })
    for (const path of ['/silent', '/drip']) {
      const work = transport().send(get(`${stub.url}${path}`, { signal: AbortSignal.timeout(150) }))
      expect(await refusalCode(work)).toBe('registry-timeout')
    }
  })

  it('ends with the reason that the caller gave', async () => {
    stub.on('GET', '/silent', () => 'handled')
    const stopped = new AbortController()
    const work = transport().send(get(`${stub.url}/silent`, { signal: stopped.signal }))
    stopped.abort(new CodedError('overloaded', 'too much to do'))
    expect(await refusalCode(work)).toBe('overloaded')
    expect(await refusalCode(transport().send(get(`${stub.url}/x`, { signal: stopped.signal })))).toBe('overloaded')
  })

  it('knows what kind of address it reached', async () => {
    stub.on('GET', '/x', {})
    const sender = transport()
    const url = new URL(`http://localhost:${stub.host.split(':')[1]}/x`)
    await sender.send(get(url.href))
    expect(sender.reached(url)).toBe('local')
    expect(sender.reached(new URL('https://nobody.example/'))).toBeUndefined()
  })
})

describe('a broken server', () => {
  it.each([
    ['closes in the middle of a body', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', 'content-truncated'],
    [
      'closes in the middle of a chunk',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf',
      'content-truncated',
    ],
    ['closes without an answer', '', 'registry-unreachable'],
    ['speaks something else', 'SSH-2.0-OpenSSH_9.2\r\n', 'registry-protocol'],
    ['sends a head without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n`, 'registry-protocol'],
    ['sends a head of many lines', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(9000)}\r\n`, 'registry-protocol'],
    ['closes in the middle of the head', 'HTTP/1.1 200 OK\r\nContent-Le', 'registry-unreachable'],
    ['ends lines in its own way', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', 'registry-protocol'],
    ['gives two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc', 'registry-protocol'],
    [
      'gives a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      'registry-protocol',
    ],
    ['claims more than the cap', 'HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n', 'content-too-large'],
    ['sends a whole body over the cap at once', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1001)}`, 'content-too-large'],
    [
      'switches protocols',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'registry-protocol',
    ],
    ['compresses', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx', 'registry-protocol'],
  ])('that %s', async (_what, answer, code) => {
    expect(await refusalCode(transport().send(get(await rawServer(answer, true))))).toBe(code)
  })

  it('that is not there is unreachable, and the message says so', async () => {
    const error = await refusal(transport().send(get(`http://127.0.0.1:${await freePort()}/x`)))
    expect(error.code).toBe('registry-unreachable')
    expect(error.message).toContain('refused')
  })

  it('that has no name is unreachable, and the message says so', async () => {
    const error = await refusal(transport().send(get('https://registry.invalid/x')))
    expect(error.code).toBe('registry-unreachable')
    expect(error.message).toContain('cannot be resolved')
  })

  it.each(['http://169.254.169.254/', 'https://[fe80::1]/', 'http://100.100.100.200/'])(
    'is never asked at %s',
    async (url) => {
      expect(await refusalCode(transport().send(get(url)))).toBe('address-refused')
    },
  )

  it('is not asked at a private address where only public ones may be reached', async () => {
    const stub = await stubbed()
    const sender = transport()
    expect(await refusalCode(sender.send(get(`${stub.url}/x`, { reach: 'public' })))).toBe('address-refused')
    expect(stub.requests).toEqual([])
  })
})

describe.skipIf(missing('openssl'))(titled('TLS', 'openssl'), () => {
  let own: CertificateFiles
  let expired: CertificateFiles
  beforeAll(async () => {
    own = await selfSigned(['IP:127.0.0.1'])
    expired = await selfSigned(['IP:127.0.0.1'], ['20200101000000Z', '20200102000000Z'])
  })
  const trusting = (files: CertificateFiles) =>
    transport({ tlsFor: (host) => (host.startsWith('127.0.0.1') ? { ca: files.certificate } : undefined) })

  it('is trusted by the authority given for the host', async () => {
    const stub = await stubbed(own)
    stub.on('GET', '/x', { body: 'answer' })
    expect((await trusting(own).send(get(`${stub.url}/x`))).status).toBe(200)
  })

  it('is not trusted by an authority given for another host', async () => {
    const stub = await stubbed(own)
    const error = await refusal(transport({ tlsFor: () => undefined }).send(get(`${stub.url}/x`)))
    expect(error.code).toBe('registry-unreachable')
    expect(error.message).toContain('certificate')
    expect(stub.requests).toEqual([])
  })

  it('is refused with a certificate for another name', async () => {
    const other = await selfSigned(['DNS:registry.test'])
    const stub = await stubbed(other)
    const error = await refusal(trusting(other).send(get(`${stub.url}/x`)))
    expect(error.code).toBe('registry-unreachable')
    expect(error.message).toContain('another name')
  })

  it('is refused with an expired certificate', async () => {
    const stub = await stubbed(expired)
    const error = await refusal(trusting(expired).send(get(`${stub.url}/x`)))
    expect(error.code).toBe('registry-unreachable')
    expect(error.message).toContain('expired')
  })

  it('is not replaced by plain HTTP: the message says how to allow that', async () => {
    const stub = await stubbed()
    expect(await refusalCode(transport().send(get(`https://${stub.host}/x`)))).toBe('plain-http-refused')
  })

  it('uses the authorities of the settings for every host', async () => {
    const stub = await stubbed(own)
    stub.on('GET', '/x', {})
    expect((await transport({ network: { ca: own.certificate } }).send(get(`${stub.url}/x`))).status).toBe(200)
  })

  it('names the host whose certificates are unusable', async () => {
    const error = await refusal(
      transport({ tlsFor: () => ({ cert: 'x', key: 'y' }) }).send(get('https://127.0.0.1:1/x')),
    )
    expect(error.code).toBe('pem-malformed')
    expect(error.message).toContain('127.0.0.1:1')
  })
})
