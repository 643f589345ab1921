// Requests to the Kubernetes API: JSON in, JSON out, each with a cap and a deadline. Knows no kinds.

import type { ClientRequest, IncomingMessage } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import { printable } from '#core/encoding/printable.ts'
import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError, type ErrorCode, messageOf } from '#core/errors.ts'
import type { KubeAccess } from './access.ts'

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

export interface KubeClient {
  /**
   * The object in the answer.
   *
   * @throws CodedError `kube-not-found`, `kube-conflict`, `kube-expired`, `kube-forbidden`, `kube-rejected`, `kube-failing`, `kube-unreachable`
   */
  send(request: KubeRequest): Promise<KubeAnswer>
  /**
   * The lines of an answer that goes on, as they come.
   *
   * @param idleMs after so long without a line, not even a part of one, it counts as broken
   * @throws CodedError as `send`, also in the middle
   */
  lines(
    request: KubeRequest,
    options: { readonly idleMs: number; readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array>
}

export type KubeAnswer = Readonly<Record<string, unknown>>

/** A page of fifty objects of the largest size that etcd takes. */
const maxAnswerBytes = 96 * 1024 * 1024
/** An object of the largest size, and as much again for what a watch says around it. */
const maxLineBytes = 4 * 1024 * 1024
/** The API server gives up a request after 60 s; whoever waits for us has less. */
const deadlineMs = 30_000

export function createKubeClient(access: KubeAccess): KubeClient {
  return {
    async send(asked) {
      const response = await open(access, asked, { agent: access.agent, signal: AbortSignal.timeout(deadlineMs) })
      const answer = objectOf(await wholeBody(response), asked)
      if (isFine(response)) return answer
      throw refusal(response.statusCode ?? 0, answer, asked)
    },
    async *lines(asked, { idleMs, signal }) {
      const response = await open(access, asked, { agent: access.watching, signal })
      if (!isFine(response)) {
        throw refusal(response.statusCode ?? 0, objectOf(await wholeBody(response), asked), asked)
      }
      response.setTimeout(idleMs, () => response.destroy(new Error(`nothing came for ${idleMs} ms`)))
      yield* linesOf(response, asked)
    },
  }
}

async function open(
  access: KubeAccess,
  asked: KubeRequest,
  by: Pick<RequestOptions, 'agent' | 'signal'>,
): Promise<IncomingMessage> {
  const { method, path, query = {}, body, contentType = 'application/json' } = asked
  const url = new URL(access.server)
  url.pathname = `${access.server.pathname.replace(/\/$/, '')}${path}`
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const headers = {
    ...(await access.headers()),
    accept: 'application/json',
    'user-agent': 'sealward',
    ...(bytes !== undefined && { 'content-type': contentType, 'content-length': `${bytes.length}` }),
  }
  try {
    return await new Promise((resolve, reject) => {
      const sent: ClientRequest = request(url, { method, headers, ...by })
      sent.once('response', resolve).once('error', reject)
      sent.end(bytes)
    })
  } catch (error) {
    throw unreachable(asked, error)
  }
}

async function wholeBody(response: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response as AsyncIterable<Uint8Array>) {
    size += part.length
    if (size > maxAnswerBytes)
      throw new CodedError('kube-failing', `an answer of the API server exceeds ${maxAnswerBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

async function* linesOf(response: IncomingMessage, asked: KubeRequest): AsyncIterable<Uint8Array> {
  let parts: Uint8Array[] = []
  let size = 0
  try {
    for await (const part of response as AsyncIterable<Uint8Array>) {
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
  } catch (error) {
    throw unreachable(asked, error)
  }
}

function isFine({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300
}

function objectOf(bytes: Uint8Array, asked: KubeRequest): KubeAnswer {
  try {
    const value = parseStrictJsonBytes(bytes, { maxDepth: 256 })
    if (isObject(value)) return value
  } catch (error) {
    throw new CodedError('kube-failing', `${showRequest(asked)} was answered with something else than JSON`, {
      cause: error,
    })
  }
  throw new CodedError('kube-failing', `${showRequest(asked)} was answered with something else than an object`)
}

function isObject(value: unknown): value is KubeAnswer {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const codes: Readonly<Record<number, ErrorCode>> = {
  401: 'kube-forbidden',
  403: 'kube-forbidden',
  404: 'kube-not-found',
  409: 'kube-conflict',
  410: 'kube-expired',
}

/** What the API server said is wrong, in its own words: they name the verb and the resource, or the member. */
function refusal(status: number, answer: KubeAnswer, asked: KubeRequest): CodedError {
  const said = typeof answer['message'] === 'string' ? printable(answer['message'], 1_000) : ''
  const code = codes[status] ?? (status >= 400 && status < 500 && status !== 429 ? 'kube-rejected' : 'kube-failing')
  return new CodedError(code, `${showRequest(asked)}: ${status} ${said}`.trim())
}

function unreachable(asked: KubeRequest, cause: unknown): CodedError {
  if (cause instanceof CodedError) return cause
  return new CodedError('kube-unreachable', `${showRequest(asked)}: ${messageOf(cause)}`, { cause })
}

function showRequest({ method, path }: KubeRequest): string {
  return `${method} ${path}`
}
