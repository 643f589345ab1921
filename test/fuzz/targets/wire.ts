// Raw bytes into the running webhook: in place of TLS, and inside of it in place of HTTP. Whatever comes, the server says
// nothing but HTTP of its own making, logs no defect, and answers the next one who asks.

import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { bytesOf, type Parts, partsOf, textOf } from '../case.ts'
import { reviewSeeds } from '../review-seeds.ts'
import { must, type Target } from '../target.ts'
import { startWebhook, type WebhookServer } from '../webhook-server.ts'

/** Beyond what the server of the fuzzer gives a request that does not end. */
const patienceMs = 600

const body = textOf(Object.values(reviewSeeds)[0]?.['body'])
const length = bytesOf(body).length
const head = (path: string, ...lines: readonly string[]) =>
  [`POST ${path} HTTP/1.1`, 'host: sealward', 'content-type: application/json', ...lines, '', ''].join('\r\n')

const whole = `${head('/mutate', `content-length: ${length}`)}${body}`
const chunked = `${head('/validate', 'transfer-encoding: chunked')}${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`

const seeds: Readonly<Record<string, Parts>> = {
  'a review': partsOf({ inside: whole, end: 'close' }),
  'in chunks': partsOf({ inside: chunked, end: 'close' }),
  'two in a row': partsOf({ inside: `${whole}${chunked}`, end: 'close' }),
  'half a review': partsOf({ inside: whole.slice(0, -40), end: 'wait' }),
  'half a head': partsOf({ inside: whole.slice(0, 60), end: 'wait' }),
  'two lengths': partsOf({
    inside: `${head('/mutate', `content-length: ${length}`, 'content-length: 3')}${body}`,
    end: 'close',
  }),
  'length and chunks': partsOf({
    inside: `${head('/mutate', 'content-length: 3', 'transfer-encoding: chunked')}0\r\n\r\n`,
    end: 'close',
  }),
  'asks first': partsOf({
    inside: `${head('/mutate', `content-length: ${length}`, 'expect: 100-continue')}${body}`,
    end: 'close',
  }),
  'health and metrics': partsOf({
    inside: 'GET /healthz HTTP/1.1\r\nhost: a\r\n\r\nHEAD /metrics HTTP/1.1\r\nhost: a\r\n\r\n',
    end: 'close',
  }),
  'other protocols': partsOf({ inside: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', end: 'reset' }),
  'a greeting of TLS': partsOf({
    outside: '\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001\u0003',
    end: 'close',
  }),
  'HTTP without TLS': partsOf({ outside: 'GET /healthz HTTP/1.1\r\n\r\n', end: 'wait' }),
}

export const wire: Target = {
  name: 'wire',
  about: 'raw bytes into the running webhook',
  syntax: { inside: 'lines', outside: 'bytes', end: 'text' },
  dictionary: [
    '\r\n',
    '\r\n\r\n',
    '\n\n',
    '\0',
    'GET / HTTP/1.1\r\n',
    'POST /mutate HTTP/1.0\r\n',
    'HTTP/9.9',
    'content-length: 18446744073709551616\r\n',
    'content-length: -1\r\n',
    'content-length: 0x10\r\n',
    'transfer-encoding: chunked\r\n',
    'transfer-encoding: identity, chunked\r\n',
    ' chunked\r\n',
    'content-encoding: gzip\r\n',
    'connection: upgrade\r\nupgrade: h2c\r\n',
    'expect: 100-continue\r\n',
    `x-injected: ${'1'.repeat(9_000)}\r\n`,
    '%0d%0ax-injected:%201',
    '?timeout=1ns',
    'ffffffffffffffff\r\n',
    'close',
    'wait',
    'reset',
  ],
  isSlow: true,
  // The server works in this thread, too: handshakes are most of it.
  cpuMs: 500,
  open: async () => {
    const server = await startWebhook()
    return { seeds, run: (parts) => judgeWire(server, parts), close: () => server.close() }
  },
}

async function judgeWire(server: WebhookServer, parts: Parts): Promise<string> {
  const end = textOf(parts['end'])
  const { inside, outside = new Uint8Array() } = parts
  const said =
    inside === undefined || inside.length === 0
      ? await outsideOf(server, outside, end)
      : await insideOf(server, inside, end)
  const errors = server.errors()
  must(errors.length === 0, 'the server logged a defect of its own', () => errors.join('\n').slice(0, 1_500))
  const answers = statuses(said)
  must(!answers.includes('500'), 'the server answered 500', () => said.slice(0, 500))
  must(!/^x-injected/im.test(said), 'a header of the request came back as one of the answer')
  if (inside !== undefined && inside.length > 0)
    must(said === '' || /^HTTP\/1\.1 \d{3} /.test(said), 'the server said something that is not HTTP', () =>
      said.slice(0, 500),
    )
  await mustLive(server)
  return `${end.slice(0, 5)} ${answers.slice(0, 4).join(' ')}`
}

function statuses(said: string): readonly string[] {
  return [...said.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status = '']) => status)
}

/** A stranger who behaves is served at once, whatever came before. */
async function mustLive(server: WebhookServer): Promise<void> {
  const said = await insideOf(server, bytesOf('GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'), 'close')
  must(statuses(said)[0] === '200', 'the server does not answer any more', () => said.slice(0, 500))
}

function outsideOf(server: WebhookServer, bytes: Uint8Array, end: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: server.port })
    socket.once('connect', () => speak(socket, bytes, end))
    collect(socket, resolve)
  })
}

function insideOf(server: WebhookServer, bytes: Uint8Array, end: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ host: '127.0.0.1', port: server.port, ca: server.caPem ?? '' })
    socket.once('secureConnect', () => speak(socket, bytes, end))
    collect(socket, resolve)
  })
}

/** `wait`: says nothing more, and lets the server lose its patience. `reset`: goes away in the middle. */
function speak(socket: Socket, bytes: Uint8Array, end: string): void {
  if (end === 'wait') socket.write(bytes)
  else if (end === 'reset') socket.write(bytes, () => socket.destroy())
  else socket.end(bytes)
}

function collect(socket: Socket, done: (said: string) => void): void {
  const chunks: Buffer[] = []
  // A sender who is never answered goes away by himself.
  const timer = setTimeout(() => socket.destroy(), patienceMs)
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.on('close', () => {
    clearTimeout(timer)
    done(Buffer.concat(chunks).toString('latin1'))
  })
}
