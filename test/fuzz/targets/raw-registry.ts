// Raw bytes from a registry into the client: in place of HTTP. Whatever comes, the client ends in time, with a code, or
// with bytes that are what their digest says.

import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { parseDigest } from '#core/image/digest.ts'
import { createRegistryClient } from '#io/registry/client.ts'
import { bytesOf, type Parts, partsOf, textOf } from '../case.ts'
import { must, readingLater, type Target } from '../target.ts'
import { digestOf } from '../template.ts'

const manifest =
  '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"a","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}'
const digest = digestOf(bytesOf(manifest))
const type = 'content-type: application/vnd.oci.image.manifest.v1+json'
const answer = (status: string, body: string, ...lines: readonly string[]) =>
  [`HTTP/1.1 ${status}`, type, ...lines, '', body].join('\r\n')
const sized = (body: string) => `content-length: ${bytesOf(body).length}`

const seeds: Readonly<Record<string, Parts>> = {
  'a manifest': partsOf({
    first: answer('200 OK', manifest, sized(manifest)),
    second: answer('200 OK', '', `docker-content-digest: ${digest}`, 'content-length: 0'),
    end: 'stay',
  }),
  'in chunks': partsOf({
    first: answer(
      '200 OK',
      `${manifest.length.toString(16)}\r\n${manifest}\r\n0\r\n\r\n`,
      'transfer-encoding: chunked',
    ),
    second: '',
    end: 'stay',
  }),
  'until the end': partsOf({ first: answer('200 OK', manifest, 'connection: close'), second: '', end: 'close' }),
  'cut off': partsOf({ first: answer('200 OK', manifest.slice(0, 50), sized(manifest)), second: '', end: 'close' }),
  'never ends': partsOf({ first: answer('200 OK', manifest.slice(0, 50), sized(manifest)), second: '', end: 'stay' }),
  'two answers at once': partsOf({
    first: `${answer('200 OK', manifest, sized(manifest))}${answer('200 OK', 'x', sized('x'))}`,
    second: answer('404 Not Found', '', 'content-length: 0'),
    end: 'stay',
  }),
  'first of all, wait': partsOf({
    first: `HTTP/1.1 103 Early Hints\r\n\r\n${answer('200 OK', manifest, sized(manifest))}`,
    second: '',
    end: 'stay',
  }),
  'a challenge': partsOf({
    first: answer('401 Unauthorized', '', 'www-authenticate: Basic realm="x"', 'content-length: 0'),
    second: answer('200 OK', manifest, sized(manifest)),
    end: 'stay',
  }),
  'a server error': partsOf({
    first: answer('503 Unavailable', '', 'retry-after: 0', 'content-length: 0'),
    second: answer('200 OK', manifest, sized(manifest)),
    end: 'stay',
  }),
  'no HTTP': partsOf({ first: '\u0015\u0003\u0003\u0000\u0002\u0002\u0028', second: 'SSH-2.0-x\r\n', end: 'close' }),
}

/** Admission waits for 10 s at most; an answer that never ends takes all of this. */
const patienceMs = 250

export const rawRegistry: Target = {
  name: 'raw-registry',
  about: 'raw bytes from a registry, through the real client',
  syntax: { first: 'lines', second: 'lines', end: 'text' },
  dictionary: [
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\0',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.0 200\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\n\r\n',
    'content-length: 18446744073709551616\r\n',
    'content-length: -1\r\n',
    'transfer-encoding: chunked\r\n',
    'transfer-encoding: gzip, chunked\r\n',
    'content-encoding: br\r\n',
    'connection: upgrade\r\nupgrade: h2c\r\n',
    'location: //\r\n',
    'docker-content-digest: sha256:0\r\n',
    'ffffffffffffffff\r\n',
    '0\r\n\r\n',
    `x: ${'1'.repeat(20_000)}\r\n`,
    'stay',
    'close',
    'reset',
  ],
  isSlow: true,
  cpuMs: 500,
  open: async () => {
    const registry = await startRawRegistry()
    return { seeds, run: (parts) => judgeRaw(registry, parts), close: registry.close }
  },
}

interface RawRegistry {
  readonly host: string
  /** Says these bytes to one request after another, the last of them to all that follow. */
  say(answers: readonly Uint8Array[], end: string): void
  close(): Promise<void>
}

async function startRawRegistry(): Promise<RawRegistry> {
  const sockets = new Set<Socket>()
  let answers: readonly Uint8Array[] = []
  let end = ''
  let asked = 0
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    // Requests of the client have no bodies and come in one piece.
    socket.on('data', () => {
      const bytes = answers[Math.min(asked++, answers.length - 1)] ?? new Uint8Array()
      if (end === 'reset') socket.write(bytes, () => socket.resetAndDestroy())
      else if (end === 'close') socket.end(bytes)
      else socket.write(bytes)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    say(given, how) {
      for (const socket of sockets) socket.destroy()
      answers = given
      end = how
      asked = 0
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function judgeRaw(registry: RawRegistry, parts: Parts): Promise<string> {
  const { first = new Uint8Array(), second = new Uint8Array() } = parts
  registry.say([first, second], textOf(parts['end']))
  const client = createRegistryClient({ version: '0', insecure: () => true, random: () => 0 })
  const at = { registry: registry.host, repository: 'team/app' }
  const started = performance.now()
  try {
    const signal = AbortSignal.timeout(patienceMs)
    const fetched = await readingLater(() => client.manifest(at, parseDigest(digest), { signal, scope: 'fuzz' }))
    if (fetched.code === undefined)
      must(digestOf(fetched.value.bytes) === digest, 'bytes came through that are not what their digest says')
    const resolved = await readingLater(() => client.resolve(at, 'v1', { signal, scope: 'fuzz' }))
    if (resolved.code === undefined)
      must(/^sha(256|384|512):[0-9a-f]+$/.test(resolved.value.digest), 'a tag was resolved to what is no digest')
    const waited = performance.now() - started
    must(waited < 20 * patienceMs, 'the client went on long after its time', () => `${Math.round(waited)} ms`)
    return `${fetched.code ?? 'read'} ${resolved.code ?? 'resolved'}`
  } finally {
    await client.close()
  }
}
