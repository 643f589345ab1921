// An OCI registry for the demo and for tests: distribution-spec 1.1 with the referrers API, in memory, bounded, and gone
// when it is closed. It is not for production: no storage, no garbage collection, nothing shared with `src/io`.

import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import { type Access, createGate, type Gate } from './registry-access.ts'
import { type Answer, type Ask, BodyTooLarge, quoted, refuse } from './registry-answer.ts'
import { answerBlob, answerUpload, startUpload } from './registry-blobs.ts'
import { answerManifest, answerReferrers, answerTags } from './registry-manifests.ts'
import { createStore, type Store } from './registry-store.ts'

export interface DemoRegistryOptions {
  /** 127.0.0.1 unless told. */
  readonly host?: string
  /** 0, any free one, unless told. */
  readonly port?: number
  /** PEM texts: then it speaks TLS only. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** `false`: as registries without the referrers API (404, no `OCI-Subject`). */
  readonly referrers?: boolean
  /** Most entries on one page of tags or referrers; 100 unless told. */
  readonly pageSize?: number
  /** Every answer waits this long: a registry far away. */
  readonly delayMs?: number
  readonly access?: Access
}

export interface SeenRequest {
  readonly method: string
  /** Path and query, at most 512 characters. */
  readonly path: string
  readonly status: number
}

export interface DemoRegistry {
  /** `127.0.0.1:PORT`, as it is written in front of an image's name. */
  readonly host: string
  readonly url: string
  /** The latest requests, oldest first, at most 10,000. */
  readonly requests: readonly SeenRequest[]
  forgetRequests(): void
  /** Ends open connections too. */
  close(): Promise<void>
}

/** Enough for any test or bench to count in, and about a megabyte. */
const maxSeen = 10_000

interface Context {
  readonly store: Store
  readonly gate: Gate | undefined
  readonly referrers: boolean
  readonly pageSize: number
}

/** distribution-spec 1.1, "Pulling manifests": the form of a repository's name; 255 is the length other registries take. */
function isName(name: string): boolean {
  return name.length <= 255 && name.split('/').every((part) => /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(part))
}

interface Route {
  readonly pattern: RegExp
  readonly answer: (context: Context, ask: Ask, name: string, reference: string) => Answer | Promise<Answer>
}

const routes: readonly Route[] = [
  {
    pattern: /^\/v2\/(.+)\/blobs\/uploads\/?$/s,
    answer: ({ store, gate }, ask, name) => startUpload(store, ask, name, gate === undefined),
  },
  {
    pattern: /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/s,
    answer: ({ store }, ask, name, id) => answerUpload(store, ask, name, id),
  },
  {
    pattern: /^\/v2\/(.+)\/blobs\/([^/]+)$/s,
    answer: ({ store }, ask, name, reference) => answerBlob(store, ask, name, reference),
  },
  {
    pattern: /^\/v2\/(.+)\/manifests\/([^/]+)$/s,
    answer: ({ store, referrers }, ask, name, reference) => answerManifest(store, ask, { name, reference, referrers }),
  },
  {
    pattern: /^\/v2\/(.+)\/tags\/list$/s,
    answer: ({ store, pageSize }, ask, name) => answerTags(store, ask, name, pageSize),
  },
  {
    pattern: /^\/v2\/(.+)\/referrers\/([^/]+)$/s,
    answer: ({ store, referrers, pageSize }, ask, name, reference) =>
      referrers ? answerReferrers(store, ask, { name, reference, pageSize }) : notFound(),
  },
]

function notFound(): Answer {
  return { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '404 page not found\n' }
}

async function route(context: Context, ask: Ask): Promise<Answer> {
  if (ask.path === '/token') return context.gate?.token(ask) ?? notFound()
  if (ask.path === '/v2' || ask.path === '/v2/') {
    const root = { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' }
    return context.gate?.refusal(ask, undefined) ?? root
  }
  for (const { pattern, answer } of routes) {
    const match = pattern.exec(ask.path)
    if (match === null) continue
    const [, name = '', reference = ''] = match
    if (!isName(name)) return refuse(400, 'NAME_INVALID', `${quoted(name)} is no repository name`)
    return context.gate?.refusal(ask, name) ?? (await answer(context, ask, name, reference))
  }
  return notFound()
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > maxBytes) throw new BodyTooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Not by `URL`: it would resolve `..` segments, and a name with dots must be refused, not become another one. */
function toAsk(request: IncomingMessage): Ask | undefined {
  const [path = '', ...query] = (request.url ?? '').split('?')
  try {
    if (!path.startsWith('/')) return undefined
    return {
      method: request.method ?? '',
      path: decodeURIComponent(path),
      query: new URLSearchParams(query.join('?')),
      header: (name) => request.headersDistinct[name]?.[0],
      body: (maxBytes) => readBody(request, maxBytes),
    }
  } catch {
    return undefined
  }
}

async function answerRequest(context: Context, request: IncomingMessage): Promise<Answer> {
  const ask = toAsk(request)
  if (ask === undefined) return refuse(400, 'UNSUPPORTED', 'the request names no path')
  try {
    return await route(context, ask)
  } catch (error) {
    if (error instanceof BodyTooLarge) return refuse(413, 'SIZE_INVALID', error.message, { connection: 'close' })
    return refuse(500, 'UNSUPPORTED', 'the demo registry failed to answer', { connection: 'close' })
  }
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : (answer.body ?? new Uint8Array())
  // 204 has no length by RFC 9110 section 8.6.
  const length = answer.status === 204 ? {} : { 'content-length': String(body.length) }
  response.writeHead(answer.status, { 'docker-distribution-api-version': 'registry/2.0', ...answer.headers, ...length })
  response.end(request.method === 'HEAD' || answer.status === 204 ? undefined : body)
  // What was not read of a body must not hold up the next request on this connection.
  if (!request.complete) request.resume()
}

function createServer(options: DemoRegistryOptions, answer: (request: IncomingMessage) => Promise<Answer>): Server {
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    request.on('error', () => response.destroy())
    response.on('error', () => request.destroy())
    answer(request).then(
      (value) => send(request, response, value),
      () => response.destroy(),
    )
  }
  // A push of 64 MiB over loopback takes a second; a minute is for machines under load.
  const limits = { requestTimeout: 60_000, headersTimeout: 10_000, keepAliveTimeout: 30_000 }
  if (options.tls === undefined) return createHttpServer(limits, listener)
  return createHttpsServer({ ...limits, cert: options.tls.certificate, key: options.tls.key }, listener)
}

async function listen(server: Server, options: DemoRegistryOptions): Promise<{ host: string; url: string }> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the demo registry listens on no TCP port')
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  const host = `${name}:${address.port}`
  return { host, url: `${options.tls === undefined ? 'http' : 'https'}://${host}` }
}

/** Starts it and answers when it listens. @throws the system's error when the address cannot be had */
export async function startDemoRegistry(options: DemoRegistryOptions = {}): Promise<DemoRegistry> {
  const requests: SeenRequest[] = []
  const closing = new AbortController()
  let context: Context | undefined
  const server = createServer(options, async (request) => {
    if (context === undefined) return refuse(503, 'UNSUPPORTED', 'starting')
    if (options.delayMs !== undefined && options.delayMs > 0) {
      await pause(options.delayMs, undefined, { signal: closing.signal })
    }
    const answer = await answerRequest(context, request)
    if (requests.length >= maxSeen) requests.shift()
    requests.push({ method: request.method ?? '', path: (request.url ?? '').slice(0, 512), status: answer.status })
    return answer
  })
  const { host, url } = await listen(server, options)
  context = {
    store: createStore(),
    gate: createGate(options.access, url),
    referrers: options.referrers ?? true,
    pageSize: options.pageSize ?? 100,
  }
  return {
    host,
    url,
    requests,
    forgetRequests: () => {
      requests.length = 0
    },
    close: async () => {
      closing.abort()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
