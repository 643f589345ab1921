// What a hostile registry may answer instead of the truth. Each is a handler for a route of the stub.

import type { ServerResponse } from 'node:http'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { Handler, Reply } from './stub-registry.ts'

/** Takes the request and never says a word. */
export const stall: Handler = () => 'handled'

/** The head of an answer, and then silence. */
export const headOnly =
  (headers: Readonly<Record<string, string>> = {}): Handler =>
  (_request, _count, response) => {
    response.writeHead(200, headers)
    response.flushHeaders()
    return 'handled'
  }

/** A byte at a time, more slowly than anybody can wait for the whole. */
export const trickle =
  (body: Uint8Array, everyMs: number, headers: Readonly<Record<string, string>> = {}): Handler =>
  (_request, _count, response) => {
    response.writeHead(200, { 'content-length': String(body.length), ...headers })
    let at = 0
    const timer = setInterval(() => {
      if (at === body.length) response.end()
      else response.write(body.subarray(at, ++at))
    }, everyMs)
    response.once('close', () => clearInterval(timer))
    return 'handled'
  }

/** Breaks off after the first `kept` bytes of what was announced. */
export const truncated =
  (body: Uint8Array, kept: number, headers: Readonly<Record<string, string>> = {}): Handler =>
  (_request, _count, response) => {
    response.writeHead(200, { 'content-length': String(body.length), ...headers })
    response.write(body.subarray(0, kept), () => response.destroy())
    return 'handled'
  }

/** Announces another length than the body has; too short a length makes the rest look like another answer. */
export const announcing =
  (body: Uint8Array, length: number, headers: Readonly<Record<string, string>> = {}): Handler =>
  (_request, _count, response) => {
    const lines = Object.entries({ 'content-length': String(length), ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    response.socket?.write(`HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\n\r\n`)
    response.socket?.end(body)
    return 'handled'
  }

export interface Flood {
  readonly handler: Handler
  /** Bytes that the other side has let come. */
  sent(): number
}

/** Sends as long as the other side reads. */
export function flood(headers: Readonly<Record<string, string>> = {}, start: Uint8Array = Buffer.alloc(0)): Flood {
  const chunk = Buffer.alloc(64 * 1024, 0x20)
  let sent = 0
  const pour = (response: ServerResponse): void => {
    while (!response.destroyed) {
      sent += chunk.length
      if (response.write(chunk)) continue
      response.once('drain', () => pour(response))
      return
    }
  }
  return {
    sent: () => sent,
    handler: (_request, _count, response) => {
      response.writeHead(200, headers)
      response.write(start)
      pour(response)
      return 'handled'
    },
  }
}

const compressors = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
} as const

export type Encoding = keyof typeof compressors
export const encodings = Object.keys(compressors) as readonly Encoding[]

/** A body under an encoding that nobody asked for; zeros shrink to a thousandth. */
export function encoded(encoding: Encoding, body: Uint8Array, headers: Readonly<Record<string, string>> = {}): Reply {
  return { headers: { ...headers, 'content-encoding': encoding }, body: compressors[encoding](body) }
}

export function redirect(location: string, status = 307): Reply {
  return { status, headers: { location } }
}

/** The truth for `times` requests, and another answer from then on. */
export const flipping =
  (times: number, truth: Reply, lie: Reply): Handler =>
  (_request, count) =>
    count <= times ? truth : lie

/** Asks for a token of this realm; whoever brings any authorization is served. */
export const challenging =
  (challenge: string, served: Reply): Handler =>
  ({ headers }) =>
    headers['authorization'] === undefined ? { status: 401, headers: { 'www-authenticate': challenge } } : served
