// Reads the body of a request into one buffer, within the cap of one body and the budget of all. Does not parse.

import type { IncomingMessage } from 'node:http'
import { CodedError } from '#core/errors.ts'

/** The bytes of all bodies that are being read or judged. */
export interface BodyBudget {
  readonly limit: number
  used: number
}

export interface BodyLimits {
  readonly bodyBytes: number
  readonly smallBodyBytes: number
  readonly budget: BodyBudget
}

/** A body, and the way to give its bytes back to the budget once the request is answered. */
export interface Body {
  readonly bytes: Buffer
  release(): void
}

/**
 * The whole body.
 *
 * @throws CodedError `input-too-large` at the cap, at once if the length is declared; `overloaded` if all bodies
 *   together are too many; `http-request` if the sender goes away
 */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Body> {
  const { bodyBytes, smallBodyBytes, budget } = limits
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const release = () => {
      budget.used -= length
      length = 0
    }
    const fail = (error: CodedError) => {
      request.off('data', take).off('end', finish).off('error', gone).off('close', gone)
      request.pause()
      release()
      chunks.length = 0
      reject(error)
    }
    const take = (chunk: Buffer) => {
      length += chunk.length
      budget.used += chunk.length
      if (length > bodyBytes) fail(tooLarge(bodyBytes))
      else if (length > smallBodyBytes && budget.used > budget.limit)
        fail(new CodedError('overloaded', 'too many large requests at once'))
      else chunks.push(chunk)
    }
    const finish = () => {
      request.off('close', gone)
      const [only] = chunks
      resolve({ bytes: chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length), release })
    }
    const gone = () => fail(new CodedError('http-request', 'the sender went away before the end of its request'))
    if (Number(request.headers['content-length'] ?? 0) > bodyBytes) return fail(tooLarge(bodyBytes))
    request.on('data', take).on('end', finish).on('error', gone).on('close', gone)
  })
}

function tooLarge(cap: number): CodedError {
  return new CodedError('input-too-large', `the body is larger than ${cap} bytes`)
}
