// Direct connections under servers that behave as no honest one does: what is kept, what is given up, and when.

import { execFile } from 'node:child_process'
import { lookup } from 'node:dns'
import { createServer, type Server, type Socket } from 'node:net'
import process from 'node:process'
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls'
import { promisify } from 'node:util'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openDirect } from '#io/http/direct-wire.ts'
import { exchange } from '#io/http/exchange.ts'
import { isBrokenConnection } from '#io/http/failure.ts'
import { guardedLookup, type Resolve } from '#io/http/guard.ts'
import type { HttpRequest } from '#io/http/message.ts'
import { createTransport } from '#io/http/transport.ts'
import { type Timeouts, timeouts, type Wire, type WireOptions } from '#io/http/wire.ts'
import { type CertificateFiles, selfSigned } from '../../support/certificates.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
import { missing, titled } from '../../support/tools.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
  for (const close of closing.splice(0).reverse()) await close()
})

interface RawServer {
  readonly port: number
  readonly url: URL
  readonly sockets: readonly Socket[]
}

/** `serve` gets every connection; nothing is read or answered but by it. */
async function raw(serve: (socket: Socket, count: number) => void, tls?: TlsOptions): Promise<RawServer> {
  const sockets: Socket[] = []
  const accept = (socket: Socket) => {
    socket.on('error', () => {})
    sockets.push(socket)
    serve(socket, sockets.length)
  }
  const server: Server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept)
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { port, url: new URL(`http${tls === undefined ? '' : 's'}://127.0.0.1:${port}/x`), sockets }
}

function wire(url: URL, more: Partial<Omit<WireOptions, 'timeouts'>> & { timeouts?: Partial<Timeouts> } = {}): Wire {
  const made = openDirect(url, {
    connections: 4,
    lookup: guardedLookup('any', lookup),
    secureContext: undefined,
    connected: () => {},
    ...more,
    timeouts: { ...timeouts, ...more.timeouts },
  })
  closing.push(() => made.destroy())
  return made
}

function get(url: URL, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url, headers: {}, maxBytes: 1000, signal: AbortSignal.timeout(10_000), ...more }
}

const said = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`
const gone = (socket: Socket | undefined) =>
  new Promise<void>((resolve) => {
    if (socket === undefined || socket.destroyed) resolve()
    else socket.resume().once('close', () => resolve())
  })
const textOf = async (answer: ReturnType<typeof exchange>) => Buffer.from((await answer).body).toString()

function answerOnce(socket: Socket): void {
  socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nanswer'))
}

describe('a connection', () => {
  it.each([
    ['before the head', ''],
    ['in the middle of the head', 'HTTP/1.1 200 OK\r\nX: '],
    ['in the middle of the body', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
  ])('is closed when the caller gives up %s', async (_when, sent) => {
    const given = new AbortController()
    const server = await raw((socket) => socket.once('data', () => socket.write(sent, () => given.abort())))
    expect(await refusalCode(exchange(wire(server.url), get(server.url, { signal: given.signal })))).toBe(
      'registry-timeout',
    )
    await gone(server.sockets[0])
  })

  it.each([
    ['a body over the cap', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n${'x'.repeat(1024)}\r\n`],
    ['a claim over the cap', 'HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n'],
    ['an encoding that was not asked for', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
  ])('is closed after %s', async (_what, sent) => {
    const server = await raw((socket) => socket.once('data', () => socket.write(sent)))
    await refusal(exchange(wire(server.url), get(server.url)))
    await gone(server.sockets[0])
  })

  const inPieces = (count: number, length: number) =>
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${`${length.toString(16)}\r\n${'x'.repeat(length)}\r\n`.repeat(count)}`

  it('is closed when the content comes in thousands of pieces of a byte', async () => {
    const server = await raw((socket) => socket.once('data', () => socket.write(inPieces(1_001, 1))))
    const refused = await refusal(exchange(wire(server.url), get(server.url, { maxBytes: 1_000_000 })))
    expect([refused.code, refused.message]).toEqual(['registry-protocol', expect.stringContaining('very small pieces')])
    await gone(server.sockets[0])
  })

  it.each([
    ['as many pieces as a network makes of it', 1_001, 300],
    ['a thousand bytes, each by itself', 1_000, 1],
  ])('neighbour: brings %s', async (_what, count, length) => {
    const server = await raw((socket) => socket.once('data', () => socket.write(`${inPieces(count, length)}0\r\n\r\n`)))
    const { body } = await exchange(wire(server.url), get(server.url, { maxBytes: 1_000_000 }))
    expect(body.length).toBe(count * length)
  })

  it('is not used again once it brought something that nobody asked for', async () => {
    const server = await raw((socket, count) =>
      socket.on('data', () => socket.write(said(`of connection ${count}`), () => socket.write(said('of nobody')))),
    )
    const client = wire(server.url)
    expect(await textOf(exchange(client, get(server.url)))).toBe('of connection 1')
    await gone(server.sockets[0])
    expect(await textOf(exchange(client, get(server.url)))).toBe('of connection 2')
  })

  it.each(['GET', 'HEAD'] as const)('that ends under a %s, before an answer, may be tried again', async (method) => {
    const server = await raw((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
        socket.once('data', () => socket.resetAndDestroy())
      }),
    )
    const client = wire(server.url)
    await exchange(client, get(server.url, { method }))
    expect(isBrokenConnection(await refusal(exchange(client, get(server.url, { method }))))).toBe(true)
    expect(server.sockets.length).toBe(1)
  })
})

it('reads as strictly where the process was told to be lenient', async () => {
  const lenient = await raw((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\nContent-Length: 0\n\n')))
  const long = await raw((socket) =>
    socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`)),
  )
  const script = `
    import { createTransport } from '#io/http/transport.ts'
    const transport = createTransport({ userAgent: 'sealward/test' })
    for (const text of ${JSON.stringify([lenient.url, long.url])}) {
      const request = { method: 'GET', url: new URL(text), headers: {}, maxBytes: 9, signal: AbortSignal.timeout(9000) }
      console.log(await transport.send(request).then(() => 'read', (error) => error.code))
    }`
  const flags = ['--insecure-http-parser', '--max-http-header-size=100000', '--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, flags)
  expect(stdout).toBe('registry-protocol\nregistry-protocol\n')
})

describe('the end of all connections', () => {
  const oneAnswer = (socket: Socket) => void socket.once('data', () => socket.write(said('answer')))

  it('closes those that wait, those that work, and opens none for requests that were waiting', async () => {
    const server = await raw((socket, count) => (count === 1 ? oneAnswer(socket) : undefined))
    const idle = wire(server.url, { connections: 1 })
    await exchange(idle, get(server.url))
    const busy = wire(server.url, { connections: 1 })
    const outcomes = Array.from({ length: 3 }, () => refusal(exchange(busy, get(server.url))))
    while (server.sockets.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    await Promise.all([idle.destroy(), busy.destroy()])
    for (const outcome of outcomes) expect((await outcome).code).toBe('registry-unreachable')
    await Promise.all(server.sockets.map(gone))
    expect(await refusalCode(exchange(busy, get(server.url)))).toBe('registry-unreachable')
    // One more at most: the agent may replace a connection before it learns that nobody wants it any more.
    expect(server.sockets.length).toBeLessThanOrEqual(3)
  })

  it('comes after the requests that run, when they are no longer kept', async () => {
    const server = await raw(oneAnswer)
    const client = wire(server.url)
    const running = exchange(client, get(server.url))
    client.retire()
    expect(await textOf(running)).toBe('answer')
    await gone(server.sockets[0])
  })

  it('comes at once where none runs', async () => {
    const server = await raw(oneAnswer)
    const client = wire(server.url)
    await exchange(client, get(server.url))
    client.retire()
    await gone(server.sockets[0])
  })
})

describe('time', () => {
  const short = 60
  /** Of a caller who would wait for ever. */
  const { signal } = new AbortController()
  it.each([
    ['no answer', (socket: Socket) => void socket.resume()],
    ['half a head', (socket: Socket) => void socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nX: '))],
    ['half a body', (socket: Socket) => void socket.once('data', () => socket.write(said('answer').slice(0, -1)))],
  ])('ends %s', async (_what, serve) => {
    const server = await raw(serve)
    const client = wire(server.url, { timeouts: { silence: short } })
    expect(await refusalCode(exchange(client, get(server.url, { signal })))).toBe('registry-timeout')
    await gone(server.sockets[0])
  })

  describe('of a head that comes in drops', () => {
    /** Only the timers of the module stand still: those of sockets are Node's own. */
    const clock = { toFake: ['setTimeout', 'clearTimeout'] } satisfies Parameters<typeof vi.useFakeTimers>[0]
    /** Of one request: for the whole of it, and for its head. */
    const pending = async (count: number) => {
      while (vi.getTimerCount() !== count) await new Promise(setImmediate)
    }

    it('ends', async () => {
      vi.useFakeTimers(clock)
      const server = await raw((socket) => void socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nX: ')))
      const outcome = refusalCode(exchange(wire(server.url), get(server.url, { signal })))
      while (server.sockets[0]?.bytesWritten !== 20) await new Promise(setImmediate)
      await pending(2)
      server.sockets[0]?.write('one more drop')
      vi.advanceTimersByTime(timeouts.silence)
      expect(await outcome).toBe('registry-timeout')
      await gone(server.sockets[0])
    })

    it('neighbour: is over once the head is there, however long the body keeps coming', async () => {
      vi.useFakeTimers(clock)
      const server = await raw((socket) => socket.resume())
      const text = textOf(exchange(wire(server.url), get(server.url, { signal })))
      while (server.sockets[0]?.bytesRead === undefined || server.sockets[0].bytesRead === 0) {
        await new Promise(setImmediate)
      }
      await pending(2)
      server.sockets[0].write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nans')
      await pending(1)
      vi.advanceTimersByTime(timeouts.silence + 1)
      server.sockets[0].write('wer')
      expect(await text).toBe('answer')
    })
  })

  it('ends a handshake that nobody answers', async () => {
    const server = await raw((socket) => void socket.resume())
    const url = new URL(server.url.href.replace('http:', 'https:'))
    const client = wire(url, { timeouts: { connect: short, silence: 60_000 } })
    expect(await refusalCode(exchange(client, get(url, { signal })))).toBe('registry-timeout')
    await gone(server.sockets[0])
  })

  it('ends a connection that waits for its next request', async () => {
    const server = await raw((socket) => socket.on('data', () => socket.write(said('answer'))))
    const client = wire(server.url, { timeouts: { keepAlive: short } })
    await exchange(client, get(server.url, { signal }))
    await gone(server.sockets[0])
  })
})

describe('NW-01: a name that resolves to another address for each connection', () => {
  function named(port: number, answers: readonly string[], reach: 'any' | 'public') {
    let asked = 0
    const resolve: Resolve = (_name, _options, done) => {
      asked += 1
      done(null, [{ address: answers[asked - 1] ?? '169.254.169.254', family: 4 }])
    }
    const url = new URL(`http://rebinding.example:${port}/x`)
    const client = wire(url, { lookup: guardedLookup(reach, resolve) })
    return { ask: () => exchange(client, get(url)), asked: () => asked }
  }
  it('neighbour: is asked at the address that was judged', async () => {
    const server = await raw(answerOnce)
    const { ask, asked } = named(server.port, ['127.0.0.1', '127.0.0.1'], 'any')
    expect([await textOf(ask()), await textOf(ask()), asked()]).toEqual(['answer', 'answer', 2])
  })

  it('is refused at a forbidden address, although the one before was good', async () => {
    const server = await raw(answerOnce)
    const { ask, asked } = named(server.port, ['127.0.0.1', '169.254.169.254'], 'any')
    expect(await textOf(ask())).toBe('answer')
    expect(await refusalCode(ask())).toBe('address-refused')
    expect([asked(), server.sockets.length]).toEqual([2, 1])
  })

  it('is refused at a local address where only public ones may be reached', async () => {
    const server = await raw(answerOnce)
    expect(await refusalCode(named(server.port, ['127.0.0.1'], 'public').ask())).toBe('address-refused')
    expect(server.sockets.length).toBe(0)
  })
})

describe.skipIf(missing('openssl'))(titled('TLS of a connection', 'openssl'), () => {
  let own: CertificateFiles
  beforeAll(async () => {
    own = await selfSigned(['IP:127.0.0.1'])
  })

  const serve = (more: TlsOptions = {}) => raw(answerOnce, { cert: own.certificate, key: own.key, ...more })
  const trusting = () => {
    const made = createTransport({ userAgent: 'sealward/test', tlsFor: () => ({ ca: own.certificate }) })
    closing.push(() => made.close())
    return made
  }

  it.each([
    ['TLSv1.2', 'TLSv1.2'],
    ['TLSv1.3', 'TLSv1.3'],
  ] as const)('may be %s', async (minVersion, maxVersion) => {
    const server = await serve({ minVersion, maxVersion })
    expect((await trusting().send(get(server.url))).status).toBe(200)
  })

  it('may not be older, although the server has nothing else', async () => {
    const server = await serve({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    expect(await refusalCode(trusting().send(get(server.url)))).toBe('registry-unreachable')
    expect(server.sockets.length).toBe(0)
  })

  it('is verified whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const server = await serve()
    expect(await refusalCode(exchange(wire(server.url), get(server.url)))).toBe('registry-unreachable')
    expect((await trusting().send(get(server.url))).status).toBe(200)
  })

  it('is made anew for each connection: none is believed because of an earlier one', async () => {
    const reused: boolean[] = []
    const server = await raw(
      (socket) => {
        if (socket instanceof TLSSocket) reused.push(socket.isSessionReused())
        answerOnce(socket)
      },
      { cert: own.certificate, key: own.key },
    )
    const client = trusting()
    for (let turn = 0; turn < 3; turn++) await client.send(get(server.url))
    expect(reused).toEqual([false, false, false])
  })
})
