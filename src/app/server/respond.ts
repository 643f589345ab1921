// Writes whole answers: one string, its length declared, once.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { crumbCounter } from '#core/crumbs.ts'
import { CodedError, type ErrorCode } from '#core/errors.ts'

export const json = 'application/json'

/** The connection is closed after the answer if `isLast`, so that a draining server loses nobody. */
export interface Reply {
  readonly status: number
  readonly body: string
  readonly contentType?: string
  readonly allow?: string
  readonly isLast: boolean
}

/** How long a sender may go on with a body that was refused, so that it gets to read the answer. */
const patienceMs = 1_000

export function reply(response: ServerResponse, given: Reply): void {
  response.writeHead(given.status, headersOf(given))
  response.end(given.body)
}

/**
 * An answer to a request whose body was not read to its end. Closing at once would reset the connection under a sender
 * that is still sending, and the answer would be lost with it: the rest is thrown away for a moment first, unless it
 * comes in crumbs.
 */
export function replyEarly(request: IncomingMessage, response: ServerResponse, given: Reply): void {
  response.writeHead(given.status, headersOf({ ...given, isLast: true }))
  response.write(given.body)
  const timer = setTimeout(finish, patienceMs)
  const isCrumbled = crumbCounter()
  function discard(piece: Buffer) {
    if (isCrumbled(piece)) finish()
  }
  function finish() {
    clearTimeout(timer)
    request.off('data', discard).off('end', finish).off('close', finish).pause()
    response.end()
  }
  request.on('end', finish).on('close', finish).on('data', discard).resume()
}

/** The JSON of a refused request. */
export function problem(code: ErrorCode, message: string): string {
  return `${JSON.stringify({ code, message })}\n`
}

/** The HTTP status of a request that could not be read. */
export function statusOf(error: unknown): number {
  if (!(error instanceof CodedError)) return 500
  switch (error.code) {
    case 'input-too-large':
      return 413
    case 'http-timeout':
      return 408
    case 'overloaded':
      return 503
    case 'internal-error':
      return 500
    default:
      return 400
  }
}

function headersOf(given: Reply): Record<string, string | number> {
  const headers: Record<string, string | number> = {
    'content-type': given.contentType ?? json,
    'content-length': Buffer.byteLength(given.body),
  }
  if (given.allow !== undefined) headers['allow'] = given.allow
  if (given.isLast) headers['connection'] = 'close'
  return headers
}
