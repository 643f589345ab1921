// A registry that does what a test says: routes with handlers, every request recorded. It knows no rules of its own, so
// it can lie, stall and break off; the real registry is in `docker-registry.ts`.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server, Socket } from 'node:net'

export interface Recorded {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array
}

/** `count` is 1 for the first request of this route. `response` is for answers that no `Reply` can express. */
export type Handler = (
  request: Recorded,
  count: number,
  response: ServerResponse,
) => Reply | 'handled' | Promise<Reply | 'handled'>

export interface StubRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string
  readonly url: string
  readonly requests: readonly Recorded[]
  /** TCP connections accepted so far. */
  connections(): number
  /** `METHOD path`, without the query, in order. */
  seen(): readonly string[]
  /** A later route for the same request wins. A path that ends in `*` stands for everything that begins so. */
  on(method: string, path: string, handler: Handler | Reply): void
  forget(): void
  close(): Promise<void>
}

interface Route {
  readonly method: string
  readonly path: string
  readonly handler: Handler
  count: number
}

export async function startStubRegistry(
  tls?: { readonly certificate: string; readonly key: string },
  address = '127.0.0.1',
): Promise<StubRegistry> {
  const requests: Recorded[] = []
  const routes: Route[] = []
  const sockets = new Set<Socket>()
  let accepted = 0

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void answer(request, response, requests, routes)
  }
  const server: Server =
    tls === undefined ? createServer(listener) : createTlsServer({ cert: tls.certificate, key: tls.key }, listener)
  server.on('connection', (socket: Socket) => {
    accepted++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the stub has no port')
  const host = `${address.includes(':') ? `[${address}]` : address}:${bound.port}`

  return {
    host,
    url: `${tls === undefined ? 'http' : 'https'}://${host}`,
    requests,
    connections: () => accepted,
    seen: () => requests.map(({ method, path }) => `${method} ${path.split('?', 1)[0]}`),
    on(method, path, handler) {
      routes.unshift({ method, path, handler: typeof handler === 'function' ? handler : () => handler, count: 0 })
    },
    forget() {
      requests.length = 0
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  requests: Recorded[],
  routes: readonly Route[],
): Promise<void> {
  const chunks: Buffer[] = []
  // A client that gives up in the middle is what some tests are about.
  response.on('error', () => {})
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer)
  } catch {
    return
  }
  const { method = '', url: path = '', headers } = request
  const recorded: Recorded = { method, path, headers, body: Buffer.concat(chunks) }
  requests.push(recorded)
  const plain = path.split('?', 1)[0] ?? ''
  const route = routes.find((each) => each.method === method && matches(each.path, plain))
  if (route !== undefined) route.count++
  const reply = route === undefined ? notFound : await route.handler(recorded, route.count, response)
  if (reply === 'handled') return
  const body = Buffer.from(reply.body ?? '')
  const length = { 'content-length': String(body.length) }
  response.writeHead(reply.status ?? 200, { ...length, ...reply.headers } as Record<string, string | string[]>)
  response.end(method === 'HEAD' ? undefined : body)
}

function matches(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path
}

const notFound: Reply = {
  status: 404,
  headers: { 'content-type': 'application/json' },
  body: '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}',
}
