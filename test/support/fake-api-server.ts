// As much of an API server as following and requests need, for what the real one does not show on command: it forgets
// history, ends and cuts watches, and says anything that a test wants said. `test/cluster/api-contract.ts` holds it
// against the real one. Needs openssl; guard the suite with `missing('openssl')`.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeObjects, type Given, isIn, type Stored } from './fake-objects.ts'
import { type LoopbackTls, loopbackTls } from './loopback-tls.ts'

export interface Asked {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
  readonly headers: IncomingMessage['headers']
}

interface Watch {
  readonly asked: Asked
  readonly response: ServerResponse
}

/** @returns `silent`: nobody answers */
export type Lie = (asked: Asked, response: ServerResponse) => unknown

/** Everything is served below these. */
const served = /^\/(?:api\/v1|apis\/sealward\.dev\/v1alpha1)\//

export class FakeApiServer {
  readonly requests: Asked[] = []
  /** Called before anything else; what it does not answer, and does not keep to itself, is answered as it should be. */
  lie: Lie | undefined
  readonly #tls: LoopbackTls
  readonly #folder: string
  readonly #server
  readonly #sockets = new Set<Socket>()
  readonly #watches = new Set<Watch>()
  readonly #objects = new FakeObjects(({ type, collection, object }) => {
    for (const watch of this.#watches) if (isWatched(watch.asked, collection, object)) say(watch, { type, object })
  })

  private constructor(tls: LoopbackTls, folder: string) {
    this.#tls = tls
    this.#folder = folder
    this.#server = createServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
      void this.#answer(request, response)
    })
    this.#server.on('secureConnection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket)).on('error', () => {})
    })
  }

  static async start(): Promise<FakeApiServer> {
    const fake = new FakeApiServer(await loopbackTls(), await mkdtemp(join(tmpdir(), 'sealward-fake-api-')))
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve))
    return fake
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size
  }

  /** Watches that go on now. */
  get watches(): number {
    return this.#watches.size
  }

  /** @returns the path of a kubeconfig with these members of a cluster, a user and a context */
  async kubeconfig(cluster: object = {}, user: object = { token: 'good' }, context: object = {}): Promise<string> {
    const path = join(this.#folder, `${Math.random()}.kubeconfig`)
    const authority = Buffer.from(this.#tls.certificate).toString('base64')
    const config = {
      clusters: [{ name: 'c', cluster: { server: this.url, 'certificate-authority-data': authority, ...cluster } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', ...context } }],
      'current-context': 'x',
    }
    await writeFile(path, JSON.stringify(config))
    return path
  }

  put(collection: string, given: Given): Stored {
    return this.#objects.put(collection, given)
  }

  remove(collection: string, name: string): void {
    this.#objects.remove(collection, name)
  }

  forgetHistory(): void {
    this.#objects.forget()
  }

  /** To every watch that goes on: a line, or a part of one. */
  write(text: string): void {
    for (const { response } of this.#watches) response.write(text)
  }

  bookmark(): void {
    const metadata = { resourceVersion: `${this.#objects.version}` }
    for (const watch of this.#watches) say(watch, { type: 'BOOKMARK', object: { kind: 'Any', metadata } })
  }

  /** As an API server ends them that has had enough of them. */
  endWatches(): void {
    for (const { response } of this.#watches) response.end()
    this.#watches.clear()
  }

  /** As a network ends them. */
  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const { pathname, searchParams } = new URL(request.url ?? '', this.url)
    const text = Buffer.concat(parts).toString('utf8')
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    const { method = '', headers } = request
    const asked = { method, path: pathname, query: searchParams, body, headers }
    this.requests.push(asked)
    if (this.lie?.(asked, response) === 'silent' || response.headersSent || response.destroyed) return
    if (headers.authorization !== 'Bearer good') refuse(response, 401, 'Unauthorized')
    else if (!served.test(pathname)) answerText(response, 404, '404 page not found\n')
    else if (method === 'GET' && searchParams.get('watch') === 'true') this.#watch({ asked, response })
    else if (method === 'GET') this.#read(asked, response)
    else this.#write(asked, response)
  }

  #read({ path, query }: Asked, response: ServerResponse): void {
    const { collection, name } = placeOf(path)
    if (name !== undefined) {
      const object = this.#objects.get(collection, name)
      if (object === undefined) refuse(response, 404, `"${name}" not found`)
      else answerJson(response, 200, object)
      return
    }
    const [from, after] = tokenIn(query) ?? [this.#objects.version, '']
    if (this.#objects.isForgotten(from)) {
      refuse(response, 410, 'The provided continue parameter is too old')
      return
    }
    const left = this.#objects
      .listAt(from, collection)
      .filter((object) => isSelected(query, object) && object.metadata.name > after)
    const limit = Number(query.get('limit') ?? Number.POSITIVE_INFINITY)
    const items = left.slice(0, limit)
    const next = left.length > limit ? tokenFor(from, items.at(-1)?.metadata.name ?? '') : undefined
    answerJson(response, 200, {
      kind: 'List',
      metadata: { resourceVersion: `${from}`, ...(next && { continue: next }) },
      items,
    })
  }

  #watch(watch: Watch): void {
    const { asked, response } = watch
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    const from = Number(asked.query.get('resourceVersion'))
    if (this.#objects.isForgotten(from)) {
      say(watch, { type: 'ERROR', object: status(410, `too old resource version: ${from}`) })
      response.end()
      return
    }
    this.#watches.add(watch)
    response.once('close', () => this.#watches.delete(watch))
    for (const { type, collection, object } of this.#objects.since(from))
      if (isWatched(asked, collection, object)) say(watch, { type, object })
    const seconds = Number(asked.query.get('timeoutSeconds') ?? 0)
    if (seconds === 0) return
    const timer = setTimeout(() => response.end(), seconds * 1_000)
    response.once('close', () => clearTimeout(timer))
  }

  #write({ method, path, body }: Asked, response: ServerResponse): void {
    const given = (body ?? {}) as Partial<Given>
    if (method === 'POST') {
      const name = given.metadata?.name
      if (name === undefined) refuse(response, 422, 'metadata.name: Required value: name or generateName is required')
      else if (this.#objects.get(path, name)) refuse(response, 409, `"${name}" already exists`)
      else answerJson(response, 201, this.#objects.put(path, given as Given))
      return
    }
    const { collection, name = '', isStatus } = placeOf(path)
    const known = this.#objects.get(collection, name)
    const { uid, resourceVersion }: Readonly<Record<string, unknown>> = given.metadata ?? {}
    if (known === undefined) refuse(response, 404, `"${name}" not found`)
    else if (uid !== undefined && uid !== known.metadata.uid) refuse(response, 422, 'metadata.uid: field is immutable')
    else if (resourceVersion !== undefined && resourceVersion !== known.metadata.resourceVersion)
      refuse(response, 409, 'the object has been modified')
    else if (method === 'DELETE') answerJson(response, 200, this.#objects.remove(collection, name))
    else if (method === 'PUT') answerJson(response, 200, this.#objects.put(collection, given as Given))
    else {
      const changed = isStatus ? { status: given['status'] } : given
      answerJson(response, 200, this.#objects.put(collection, merged(known, changed) as Given))
    }
  }
}

/** RFC 7396. */
function merged(before: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const result: Record<string, unknown> = isRecord(before) ? { ...before } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else if (value !== undefined) result[name] = merged(result[name], value)
  }
  return result
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function placeOf(path: string): { collection: string; name?: string; isStatus?: true } {
  const [, prefix = '', inside = '', plural = '', name, sub] =
    /^(\/(?:api|apis\/[^/]+)\/[^/]+)(\/namespaces\/[^/]+(?=\/.))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ??
    []
  const collection = `${prefix}${inside}/${plural}`
  return { collection, ...(name && { name }), ...(sub === 'status' && { isStatus: true }) }
}

function isWatched({ path, query }: Asked, collection: string, object: Stored): boolean {
  return isIn(path, collection) && isSelected(query, object)
}

function isSelected(query: URLSearchParams, { metadata }: Stored): boolean {
  const [, name] = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '') ?? []
  const [, label = '', value] = /^(.+?)=(.+)$/.exec(query.get('labelSelector') ?? '') ?? []
  const labels = metadata['labels']
  return (
    (name === undefined || metadata.name === name) &&
    (value === undefined || (isRecord(labels) && labels[label] === value))
  )
}

function tokenFor(version: number, name: string): string {
  return Buffer.from(JSON.stringify([version, name])).toString('base64url')
}

function tokenIn(query: URLSearchParams): readonly [number, string] | undefined {
  const token = query.get('continue')
  return token === null ? undefined : (JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as [number, string])
}

function say({ response }: Watch, event: unknown): void {
  response.write(`${JSON.stringify(event)}\n`)
}

export function status(code: number, message: string) {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code }
}

export function refuse(response: ServerResponse, code: number, message: string): void {
  answerJson(response, code, status(code, message))
}

export function answerJson(response: ServerResponse, code: number, value: unknown): void {
  answerText(response, code, JSON.stringify(value), 'application/json')
}

export function answerText(response: ServerResponse, code: number, text: string, type = 'text/plain'): void {
  response.writeHead(code, { 'content-type': type }).end(text)
}
