// Starts the real server on a free port with handlers that a test writes, and speaks to it as the API server does.

import { once } from 'node:events'
import { Agent, request as send } from 'node:https'
import { connect, type TLSSocket } from 'node:tls'
import { createLog } from '#app/log.ts'
import type { Handlers } from '#app/server/handlers.ts'
import type { ServerLimits } from '#app/server/limits.ts'
import { type RunningServer, type ServerOptions, startServer } from '#app/server/server.ts'
import { allowed } from '#core/admission/answer.ts'

export interface TestServer extends RunningServer {
  readonly ca: string
  readonly lines: string[]
}

export const readyHandlers: Handlers = {
  mutate: async () => allowed(),
  validate: async () => allowed(),
  ready: () => ({ ready: true, body: {} }),
}

/** With handlers that allow everything, but for those given. */
export async function start(
  handlers: Partial<Handlers> = {},
  limits: Partial<ServerLimits> = {},
  options: Partial<ServerOptions> = {},
): Promise<TestServer> {
  const lines: string[] = []
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    tls: { kind: 'self-made', names: ['127.0.0.1', 'localhost'] },
    handlers: { ...readyHandlers, ...handlers },
    log: createLog({ level: 'debug', destination: { write: (line) => lines.push(line) } }),
    limits,
    ...options,
  })
  return { ...server, ca: server.caPem ?? '', lines }
}

export interface Received {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  readonly agent?: Agent
}

/** One request; rejects if no whole answer comes. */
export function exchange(server: Pick<TestServer, 'port' | 'ca'>, sent: Sent): Promise<Received> {
  const { method = 'POST', path = '/mutate', body, agent = new Agent({ keepAlive: false }) } = sent
  return new Promise((resolve, reject) => {
    const headers = { ...(body !== undefined && { 'content-type': 'application/json' }), ...sent.headers }
    const options = { host: '127.0.0.1', port: server.port, ca: server.ca, method, path, headers, agent }
    const request = send(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        if (!response.complete) return reject(new Error('the answer was cut off'))
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** The `response` of the AdmissionReview that answers this review. */
export async function ask(server: TestServer, review: unknown, path = '/mutate'): Promise<Record<string, unknown>> {
  const { status, text } = await exchange(server, { path, body: JSON.stringify(review) })
  if (status !== 200) throw new Error(`${status} ${text}`)
  return JSON.parse(text).response
}

export function reviewOf(uid: string, members: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'prod',
      operation: 'CREATE',
      userInfo: { username: 'ann', groups: [] },
      object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [] } },
      ...members,
    },
  }
}

/** A TLS connection for tests that write bytes themselves. */
export async function dial(server: TestServer): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.ca, servername: 'localhost' })
  await once(socket, 'secureConnect')
  return socket
}

/** Everything that comes until the other side closes. */
export async function restOf(socket: TLSSocket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  if (!socket.closed) await once(socket, 'close')
  return text
}
