// What may arrive on a socket that is no honest HTTP request. Each is refused or ignored, and the server serves on.

import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allowed, denied } from '#core/admission/answer.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { ask, dial, exchange, restOf, reviewOf, start, type TestServer } from './harness.ts'

let server: TestServer
const judged: AdmissionRequest[] = []

beforeAll(async () => {
  server = await start(
    {
      mutate: async (request) => {
        judged.push(request)
        await sleep(20)
        return request.namespace === 'bad' ? denied('signature-missing', 'no') : allowed()
      },
    },
    { bodyBytes: 100_000, headersMs: 1_000, bodyMs: 1_500 },
  )
})

afterAll(() => server.close())

const body = JSON.stringify(reviewOf('u-1'))
const post = (headers: readonly string[], rest: string, line = 'POST /mutate HTTP/1.1') =>
  [line, 'host: a', 'content-type: application/json', ...headers, '', rest].join('\r\n')
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

/** Sends bytes, and gives all that comes until the server closes or nothing comes any more. */
async function raw(bytes: string, quietMs = 2_500): Promise<string> {
  const socket = await dial(server)
  socket.on('error', () => {})
  socket.write(bytes, 'latin1')
  return Promise.race([
    restOf(socket),
    sleep(quietMs)
      .then(() => socket.destroy())
      .then(() => restOf(socket)),
  ])
}

async function serves(): Promise<void> {
  expect(await ask(server, reviewOf('after'))).toMatchObject({ uid: 'after', allowed: true })
}

describe('AD-16: a request that two readers could cut differently', () => {
  test.each([
    ['both a length and chunks', post(['content-length: 4', 'transfer-encoding: chunked'], `${chunk(body)}0\r\n\r\n`)],
    ['chunks before a length', post(['transfer-encoding: chunked', `content-length: ${body.length}`], body)],
    ['two lengths', post(['content-length: 4', `content-length: ${body.length}`], body)],
    ['two lengths in one header', post([`content-length: 4, ${body.length}`], body)],
    ['a length with a sign', post([`content-length: +${body.length}`], body)],
    ['a negative length', post(['content-length: -1'], body)],
    ['a length in hexadecimal', post(['content-length: 0x10'], body)],
    ['an endless length', post([`content-length: ${'9'.repeat(30)}`], body)],
    ['an unknown transfer encoding', post(['transfer-encoding: xchunked'], `${chunk(body)}0\r\n\r\n`)],
    ['chunked, but not last', post(['transfer-encoding: chunked, identity'], `${chunk(body)}0\r\n\r\n`)],
    ['a size of chunks that is none', post(['transfer-encoding: chunked'], `zz\r\n${body}\r\n0\r\n\r\n`)],
    ['a size of chunks that overflows', post(['transfer-encoding: chunked'], `${'f'.repeat(20)}\r\n${body}`)],
    ['a header that is continued', post(['x: a', ' b: c', `content-length: ${body.length}`], body)],
    ['a space before the colon', post([`content-length : ${body.length}`], body)],
    ['a bare carriage return in a header', post([`x: a\rcontent-length: ${body.length}`], body)],
    ['a NUL in a header', post(['x: a\0b', `content-length: ${body.length}`], body)],
    ['no host', `POST /mutate HTTP/1.1\r\ncontent-length: ${body.length}\r\n\r\n${body}`],
  ])('%s is refused, and nothing is judged', async (_, bytes) => {
    judged.length = 0
    const given = await raw(bytes)
    expect(given).toMatch(/^HTTP\/1\.1 (400|408|413|501) /)
    expect(given).not.toContain('"allowed":true')
    expect(judged).toEqual([])
    await serves()
  })

  test('neighbour: the same review with one length, and in well-formed chunks, is answered', async () => {
    const last = ['connection: close']
    expect(await raw(post([...last, `content-length: ${body.length}`], body))).toContain('"allowed":true')
    const chunks = `${chunk(body.slice(0, 10))}${chunk(body.slice(10))}0\r\n\r\n`
    expect(await raw(post([...last, 'transfer-encoding: chunked'], chunks))).toContain('"allowed":true')
  })
})

describe('AD-16: bodies and headers beyond every bound', () => {
  test('a body that is announced too large is refused before it is sent', async () => {
    const given = await raw(post(['expect: 100-continue', 'content-length: 67108864'], ''))
    expect(given).toMatch(/^HTTP\/1\.1 413 /)
    expect(given).not.toContain('100 Continue')
  })

  test('a review whose sender waits to be told, and never is sent, is given up', async () => {
    expect(await raw(post(['expect: 100-continue', 'content-length: 100'], ''), 5_000)).toMatch(/100 Continue.* 408 /s)
  })

  test('another expectation is refused', async () => {
    expect(await raw(post(['expect: miracles', 'connection: close', `content-length: ${body.length}`], body))).toMatch(
      /^HTTP\/1\.1 417 /,
    )
  })

  test.each([
    ['one that is too long', ['x: '.padEnd(20_000, 'y')]],
    ['thousands of them', Array.from({ length: 5_000 }, (_, index) => `x-${index}: y`)],
  ])('headers: %s', async (_, headers) => {
    expect(await raw(post(headers, ''))).toMatch(/^HTTP\/1\.1 431 /)
    await serves()
  })

  test('a URL of 20 KB', async () => {
    const line = `POST /mutate?timeout=${'9'.repeat(20_000)}s HTTP/1.1`
    expect(await raw(post([`content-length: ${body.length}`], body, line))).toMatch(/^HTTP\/1\.1 (414|431) /)
    await serves()
  })

  test('headers that come a byte at a time are given up, and others are served meanwhile', async () => {
    const socket = await dial(server)
    socket.on('error', () => {})
    const from = performance.now()
    const drip = setInterval(() => socket.write('x'), 50)
    socket.write('POST /mutate HTTP/1.1\r\nx: ')
    const given = restOf(socket)
    // A byte that comes after the end is answered with a reset, which may take what was said before it.
    socket.once('data', () => clearInterval(drip))
    await serves()
    expect(await given).toMatch(/^HTTP\/1\.1 408 /)
    clearInterval(drip)
    expect(performance.now() - from).toBeLessThan(4_000)
  })

  test('neighbour: a sender that waits to be told to send is told, and answered', async () => {
    const socket = await dial(server)
    socket.write(post(['expect: 100-continue', 'connection: close', `content-length: ${body.length}`], ''))
    expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 100 Continue/)
    socket.write(body)
    expect(await restOf(socket)).toContain('"allowed":true')
  })
})

describe('AD-16: many requests at once on one connection', () => {
  const one = (uid: string) => {
    const text = JSON.stringify(reviewOf(uid))
    return post([`content-length: ${text.length}`], text)
  }

  async function send(socket: TLSSocket, count: number): Promise<string> {
    socket.on('error', () => {})
    socket.write(Array.from({ length: count }, (_, index) => one(`p-${index}`)).join(''))
    return restOf(socket)
  }

  test('more than a few are refused, and the connection is closed', async () => {
    judged.length = 0
    const given = await send(await dial(server), 12)
    expect(given.match(/"allowed":true/g)).toHaveLength(8)
    expect(given).toMatch(/HTTP\/1\.1 429 /)
    expect(judged).toHaveLength(8)
    await serves()
  })

  test('hundreds are not even refused one by one: the connection is closed at once', async () => {
    judged.length = 0
    const socket = await dial(server)
    let given = ''
    socket.on('data', (part: Buffer) => {
      given += part.toString()
    })
    await send(socket, 300).catch(() => '')
    expect([socket.closed, given]).toEqual([true, ''])
    expect(judged.length).toBeLessThanOrEqual(8)
    await serves()
  })

  /** Longer than what one turn of the event loop may be used for. */
  const spin = () => {
    const until = performance.now() + 20
    while (performance.now() < until) {}
  }
  const eight = Array.from({ length: 8 }, (_, index) => one(`p-${index}`)).join('')

  test('are not read any more when their sender has gone while they waited for their turn', async () => {
    const seen: string[] = []
    const own = await start({
      mutate: async ({ uid }) => {
        seen.push(uid)
        socket.destroy()
        spin()
        return allowed()
      },
    })
    const socket = await dial(own)
    socket.write(eight)
    await once(socket, 'close')
    // Draining ends when the last connection is gone, and what waited has had its turn by then or never will.
    await own.close()
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toContain('p-0')
    expect(seen.length).toBeLessThan(8)
  })

  test('are read in turns of the event loop, so that others are served in between', async () => {
    let turn = 0
    let counting = setImmediate(count)
    function count() {
      turn += 1
      counting = setImmediate(count)
    }
    const seen: number[] = []
    const own = await start({
      mutate: async () => {
        seen.push(turn)
        spin()
        return allowed()
      },
    })
    const socket = await dial(own)
    socket.write(eight)
    await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(8)
    clearImmediate(counting)
    socket.destroy()
    await own.close()
    expect(new Set(seen).size).toBe(8)
  })

  test('neighbour: a few are answered in the order in which they came', async () => {
    const socket = await dial(server)
    setTimeout(() => socket.end(), 500)
    const given = await send(socket, 8)
    expect(given.match(/p-\d/g)).toEqual(['p-0', 'p-1', 'p-2', 'p-3', 'p-4', 'p-5', 'p-6', 'p-7'])
  })
})

describe('AD-15: a request in another shape', () => {
  const length = `content-length: ${body.length}`

  test.each([
    ['GET /mutate', 405],
    ['HEAD /mutate', 405],
    ['OPTIONS /mutate', 405],
    ['PUT /validate', 405],
    ['DELETE /validate', 405],
    ['TRACE /mutate', 405],
    ['POST /readyz', 405],
    ['POST //mutate', 404],
    ['POST /mutate/../validate', 404],
    ['POST /%6dutate', 404],
    ['POST /Mutate', 404],
    ['POST *', 404],
    ['POST http://a/mutate', 404],
  ])('%s is refused with %d', async (line, status) => {
    judged.length = 0
    const given = await raw(post(['connection: close', length], body, `${line} HTTP/1.1`))
    expect(given).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(judged).toEqual([])
  })

  test.each([
    ['text/json'],
    ['application/json-patch+json'],
    ['application/yaml'],
    ['application/vnd.kubernetes.protobuf'],
    ['multipart/form-data; boundary=x'],
    ['application/json, text/plain'],
    [' '],
  ])('as %j it is refused with 415', async (type) => {
    judged.length = 0
    const { status } = await exchange(server, { headers: { 'content-type': type }, body })
    expect([status, judged]).toEqual([415, []])
  })

  test.each(['gzip', 'deflate', 'br', 'zstd', 'identity, gzip', 'x'])(
    'encoded with %s it is refused',
    async (encoding) => {
      const headers = { 'content-type': 'application/json', 'content-encoding': encoding }
      expect((await exchange(server, { headers, body })).status).toBe(415)
    },
  )

  test.each([
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['HTTP/3.7', 'GET /healthz HTTP/3.7\r\nhost: a\r\n\r\n'],
    ['a method that nobody knows', 'FETCH /mutate HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['bytes', `\x00\xff\x16\x03\x01${'\x80'.repeat(2_000)}`],
  ])('%s is refused with 400 and the connection closed', async (_, bytes) => {
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 (400|505) /)
    await serves()
  })

  test('CONNECT and an upgrade lead nowhere', async () => {
    expect(await raw('CONNECT 169.254.169.254:80 HTTP/1.1\r\nhost: a\r\n\r\n')).not.toMatch(/ 200 /)
    const upgrade = ['connection: upgrade', 'upgrade: websocket']
    expect(await raw(post([...upgrade, length], body), 300)).not.toMatch(/ 101 /)
    await serves()
  })

  test.each([
    '',
    '?timeout=',
    '?timeout=-5s',
    '?timeout=1e9s',
    '?timeout=NaN',
    '?timeout=99999h',
    '?timeout=%00',
    '?timeout=5s&timeout=1ns',
    '?TIMEOUT=1ns',
    `?timeout=${'1h'.repeat(1_000)}`,
    '?a[timeout]=1ns&__proto__=x',
  ])('neighbour: with the query %j the review is judged all the same', async (query) => {
    const given = await ask(server, reviewOf('u-1', { namespace: 'bad' }), `/mutate${query}`)
    expect(given).toMatchObject({ uid: 'u-1', allowed: false, status: { message: 'no' } })
  })

  test('no time at all is a denial, and not silence', async () => {
    const given = await ask(server, reviewOf('u-1'), '/mutate?timeout=1ns')
    expect(given).toMatchObject({ uid: 'u-1', allowed: false })
  })
})
