// Requests to the Kubernetes API: JSON in, JSON out, each with a cap and a deadline. Knows no kinds.

import type { ClientRequest, IncomingMessage } from 'node:http'
import { type Agent, request } from 'node:https'
import { printable } from '#core/encoding/printable.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import { systemCode } from '#io/http/failure.ts'
import type { KubeAccess } from './access.ts'
import { type KubeAnswer, maxRefusalBytes, parseAnswer, readRefusal } from './answer.ts'
import { Deadline } from './deadline.ts'

export type KubeMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface KubeRequest {
  readonly method: KubeMethod
  /** From the root: `/api/v1/namespaces`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Becomes JSON. */
  readonly body?: unknown
  /** Of a PATCH. */
  readonly contentType?: string
}

export type { KubeAnswer } from './answer.ts'

export interface KubeClient {
  /**
   * The object in the answer.
   *
   * @param signal of whoever waits; after some seconds it ends by itself
   * @throws CodedError `kube-not-found`, `kube-conflict`, `kube-expired`, `kube-unauthenticated`, `kube-forbidden`,
   *   `kube-rejected`, `kube-failing`, `kube-unreachable`, `kube-config`
   */
  send(request: KubeRequest, signal?: AbortSignal): Promise<KubeAnswer>
  /**
   * The lines of an answer that goes on, as they come. What follows the last end of a line is none.
   *
   * @param idleMs after so long without a line, not even a part of one, it counts as broken
   * @throws CodedError as `send`, also in the middle
   */
  lines(
    request: KubeRequest,
    options: { readonly idleMs: number; readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array>
}

export interface KubeClientOptions {
  /** For a whole answer; of one that goes on, until it begins. */
  readonly deadlineMs?: number
}

/** A page of fifty objects of the largest size that etcd takes. */
const maxAnswerBytes = 96 * 1024 * 1024
/** An object of the largest size, and as much again for what a watch says around it. */
const maxLineBytes = 4 * 1024 * 1024
/** The API server gives up a request after 60 s; whoever waits for us has less. */
const defaultDeadlineMs = 30_000
/** What a certificate says that is not believed may stand in it. */
const maxShown = 500

export function createKubeClient(
  access: KubeAccess,
  { deadlineMs = defaultDeadlineMs }: KubeClientOptions = {},
): KubeClient {
  const late = `no answer within ${deadlineMs} ms`
  return {
    async send(asked, signal) {
      const deadline = new Deadline(signal)
      deadline.within(deadlineMs, late)
      try {
        const response = await open(access, access.agent, asked, deadline)
        return parseAnswer(await bodyOf(response), showRequest(asked))
      } catch (error) {
        throw asCoded(error, asked, deadline)
      } finally {
        deadline.end()
      }
    },
    async *lines(asked, { idleMs, signal }) {
      const deadline = new Deadline(signal)
      const goOn = () => deadline.within(idleMs, `nothing came for ${idleMs} ms`)
      deadline.within(deadlineMs, late)
      try {
        const response = await open(access, access.watching, asked, deadline)
        goOn()
        yield* linesOf(response, goOn)
      } catch (error) {
        throw asCoded(error, asked, deadline)
      } finally {
        deadline.end()
      }
    },
  }
}

/** @throws CodedError for an answer that says no */
async function open(
  access: KubeAccess,
  agent: Agent,
  asked: KubeRequest,
  deadline: Deadline,
): Promise<IncomingMessage> {
  const { method, path, query = {}, body, contentType = 'application/json' } = asked
  const url = new URL(access.server)
  url.pathname = `${access.server.pathname.replace(/\/$/, '')}${path}`
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  // A credential plugin is a program that may take its time.
  const credentials = await deadline.race(access.headers())
  const headers = {
    ...credentials,
    accept: 'application/json',
    'user-agent': 'sealward',
    ...(bytes !== undefined && { 'content-type': contentType, 'content-length': `${bytes.length}` }),
  }
  const { signal } = deadline
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent: ClientRequest = request(url, { method, headers, agent, signal, insecureHTTPParser: false })
    // It stays: what breaks after the answer has begun is told twice.
    sent.once('response', resolve).on('error', reject)
    sent.end(bytes)
  })
  const { statusCode = 0 } = response
  if (statusCode >= 200 && statusCode < 300) return response
  throw readRefusal(statusCode, await firstBytesOf(response, maxRefusalBytes), showRequest(asked))
}

/** All of it, or more than `max` bytes of it. */
async function firstBytesOf(response: IncomingMessage, max: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response as AsyncIterable<Uint8Array>) {
    parts.push(part)
    size += part.length
    if (size > max) break
  }
  return Buffer.concat(parts)
}

async function bodyOf(response: IncomingMessage): Promise<Uint8Array> {
  const bytes = await firstBytesOf(response, maxAnswerBytes)
  if (bytes.length <= maxAnswerBytes) return bytes
  throw new CodedError('kube-failing', `an answer of the API server exceeds ${maxAnswerBytes} bytes`)
}

async function* linesOf(response: IncomingMessage, goOn: () => void): AsyncIterable<Uint8Array> {
  let parts: Uint8Array[] = []
  let size = 0
  for await (const part of response as AsyncIterable<Uint8Array>) {
    goOn()
    let from = 0
    for (let end = part.indexOf(0x0a); end !== -1; end = part.indexOf(0x0a, from)) {
      yield Buffer.concat([...parts, part.subarray(from, end)])
      parts = []
      size = 0
      from = end + 1
    }
    size += part.length - from
    if (size > maxLineBytes) throw new CodedError('kube-failing', `a line of a watch exceeds ${maxLineBytes} bytes`)
    if (from < part.length) parts.push(part.subarray(from))
  }
}

/** Of what was given up: why. */
function asCoded(error: unknown, asked: KubeRequest, { signal }: Deadline): CodedError {
  if (error instanceof CodedError) return error
  const cause: unknown = signal.aborted ? signal.reason : error
  // Nobody listens at any address of a name: then there is a list of reasons, and no message.
  const why = printable(messageOf(cause), maxShown) || systemCode(cause)
  return new CodedError('kube-unreachable', `${showRequest(asked)}: ${why}`, { cause })
}

function showRequest({ method, path }: KubeRequest): string {
  return `${method} ${path}`
}
