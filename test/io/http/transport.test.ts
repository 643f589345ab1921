import { createServer, type Server } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CodedError } from '#core/errors.ts'
import type { HttpRequest } from '#io/http/message.ts'
import { createTransport, type TransportOptions } from '#io/http/transport.ts'
import { type CertificateFiles, selfSigned } from '../../support/certificates.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
import { freePort } from '../../support/free-port.ts'
import { type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'
import { missing, titled } from '../../support/tools.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
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
    ['claims more than the cap', 'HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n', 'content-too-large'],
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
