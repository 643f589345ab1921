// Reads the body of a request into one buffer, within the cap of one body and the budget of all. Does not parse.

import type { IncomingMessage } from 'node:http'
import { crumbCounter } from '#core/crumbs.ts'
import { CodedError } from '#core/errors.ts'

/** The bytes of all bodies that are being read. */
export interface BodyBudget {
  readonly limit: number
  used: number
  readonly readers: Set<BodyReader>
}

export interface BodyReader {
  readonly length: number
  readonly started: number
  fail(error: CodedError): void
}

export interface BodyLimits {
  readonly bodyBytes: number
  readonly smallBodyBytes: number
  readonly budget: BodyBudget
}

/** A body, and the way to give its bytes back to the budget once it has been parsed. */
export interface Body {
  readonly bytes: Buffer
  release(): void
}

export function createBudget(limit: number): BodyBudget {
  return { limit, used: 0, readers: new Set() }
}

/**
 * The whole body.
 *
 * @throws CodedError `input-too-large` at the cap, at once if the length is declared; `overloaded` if all bodies
 *   together are too many and this one comes slowest; `http-timeout` if it is not there in time; `http-request` if it comes
 *   in crumbs, or its sender goes away
 */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Body> {
  const { bodyBytes, smallBodyBytes, budget } = limits
  return new Promise((resolve, reject) => {
    let gathered: Buffer = empty
    const isCrumbled = crumbCounter()
    const reader = { length: 0, started: performance.now(), fail }
    const release = () => {
      budget.used -= reader.length
      reader.length = 0
    }
    function stop() {
      budget.readers.delete(reader)
      request.off('data', take).off('end', finish).off('error', gone).off('close', gone)
    }
    function fail(error: CodedError) {
      stop()
      request.pause()
      release()
      gathered = empty
      reject(error)
    }
    function take(chunk: Buffer) {
      const length = reader.length + chunk.length
      if (length > bodyBytes) return fail(tooLarge(bodyBytes))
      if (isCrumbled(chunk)) return fail(crumbled())
      gathered = append(gathered, reader.length, chunk)
      budget.used += chunk.length
      reader.length = length
      if (length > smallBodyBytes && budget.used > budget.limit) endSlowest(budget, smallBodyBytes)
    }
    function finish() {
      stop()
      resolve({ bytes: gathered.subarray(0, reader.length), release })
    }
    function gone() {
      fail(
        isTimedOut(request)
          ? late()
          : new CodedError('http-request', 'the sender went away before the end of its request'),
      )
    }
    if (Number(request.headers['content-length'] ?? 0) > bodyBytes) return fail(tooLarge(bodyBytes))
    budget.readers.add(reader)
    request.on('data', take).on('end', finish).on('error', gone).on('close', gone)
  })
}

/** Node has then answered 408 and closed the connection by itself. */
function isTimedOut({ socket }: IncomingMessage): boolean {
  return socket.errored !== null && 'code' in socket.errored && socket.errored.code === 'ERR_HTTP_REQUEST_TIMEOUT'
}

const empty = Buffer.alloc(0)

/** One chunk stays as it is. Of several no object is kept: the buffer that they are copied into is up to twice their size. */
function append(gathered: Buffer, length: number, chunk: Buffer): Buffer {
  if (length === 0) return chunk
  let buffer = gathered
  if (length + chunk.length > buffer.length) {
    buffer = Buffer.allocUnsafe(2 * (length + chunk.length))
    gathered.copy(buffer, 0, 0, length)
  }
  chunk.copy(buffer, length)
  return buffer
}

/** Whoever sends a large body a few bytes at a time must not keep the room from those who send theirs in one go. */
function endSlowest(budget: BodyBudget, smallBodyBytes: number): void {
  const now = performance.now()
  const speed = ({ length, started }: BodyReader) => length / Math.max(now - started, 1)
  let slowest: BodyReader | undefined
  for (const reader of budget.readers) {
    if (reader.length <= smallBodyBytes) continue
    if (slowest === undefined || speed(reader) < speed(slowest)) slowest = reader
  }
  slowest?.fail(new CodedError('overloaded', 'too many large requests at once, and this one came slowest'))
}

function late(): CodedError {
  return new CodedError('http-timeout', 'the body did not come to its end in the time that a request has')
}

function crumbled(): CodedError {
  return new CodedError('http-request', 'the body comes in very many very small pieces')
}

function tooLarge(cap: number): CodedError {
  return new CodedError('input-too-large', `the body is larger than ${cap} bytes`)
}
