// A registry in memory that answers what it was given, after a delay, and counts what it was asked. Reading only; it
// knows the referrers API if it is told to.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerCalls } from './channel.ts'

export interface Stored {
  /** `/v2/app/manifests/v1` */
  readonly path: string
  readonly mediaType: string
  readonly bytes: Uint8Array
  /** `Docker-Content-Digest` */
  readonly digest?: string
}

export interface Asked {
  readonly requests: number
  /** The most that were open at one time. */
  readonly together: number
  /** `GET /v2/…`, in order of arrival; only while they are few. */
  readonly lines: readonly string[]
}

const maxLines = 10_000

/** Whether there is a registry at all, which cosign asks first. */
const presence: Stored = { path: '/v2/', mediaType: 'application/json', bytes: Buffer.from('{}') }

const content = new Map<string, Stored>([[presence.path, presence]])
let delayMs = 0
let hasReferrersApi = false
let [requests, open, together] = [0, 0, 0]
let lines: string[] = []

function serve(request: IncomingMessage, response: ServerResponse): void {
  requests++
  together = Math.max(together, ++open)
  if (lines.length < maxLines) lines.push(`${request.method} ${request.url}`)
  response.once('close', () => open--)
  if (delayMs === 0) answer(request, response)
  else setTimeout(() => answer(request, response), delayMs)
}

function answer({ method, url = '' }: IncomingMessage, response: ServerResponse): void {
  const stored = content.get(url.split('?', 1)[0] ?? '') ?? emptyReferrers(url)
  if (stored === undefined) {
    const body = '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
    response.writeHead(404, { 'content-type': 'application/json', 'content-length': body.length })
    response.end(method === 'HEAD' ? undefined : body)
    return
  }
  const { mediaType, bytes, digest } = stored
  const named = digest === undefined ? {} : { 'docker-content-digest': digest }
  response.writeHead(200, { 'content-type': mediaType, 'content-length': bytes.length, ...named })
  response.end(method === 'HEAD' ? undefined : bytes)
}

function emptyReferrers(url: string): Stored | undefined {
  if (!hasReferrersApi || !url.includes('/referrers/')) return undefined
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  return { path: url, mediaType, bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [] })) }
}

answerCalls({
  listen: (): Promise<number> =>
    new Promise((resolve) => {
      const server = createServer({ keepAliveTimeout: 95_000 }, serve)
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    }),
  store: (stored: readonly Stored[]) => {
    for (const each of stored) content.set(each.path, each)
  },
  behave: (how: { readonly delayMs?: number; readonly hasReferrersApi?: boolean }) => {
    delayMs = how.delayMs ?? delayMs
    hasReferrersApi = how.hasReferrersApi ?? hasReferrersApi
  },
  /** What was asked since the last call. */
  asked: (): Asked => {
    const seen = { requests, together, lines }
    requests = 0
    together = open
    lines = []
    return seen
  },
})
