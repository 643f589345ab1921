// The bytes of a body → an AdmissionReview, or why it is none. Large ones are read in slices, in turn with others: how
// long reading takes depends on what they hold, and the largest would stop the event loop for a second and more. Small
// ones are read at once, as long as this turn of the event loop has not been used up: Node.js reads up to 2 MiB of one
// connection before it looks at the next, and some dozens of senders could keep everybody else waiting for seconds.

import type { Socket } from 'node:net'
import type { Turns } from '#app/engine/turns.ts'
import type { AdmissionAnswer } from '#core/admission/answer.ts'
import { type AdmissionRequest, parseReview, parseReviewId, type ReviewId } from '#core/admission/review.ts'
import { parseStrictJsonInPieces } from '#core/encoding/json-in-pieces.ts'
import { parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError, codeOf, messageOf } from '#core/errors.ts'
import type { Body } from './body.ts'
import { denial } from './judge.ts'
import type { ServerLimits } from './limits.ts'

type Review =
  | { readonly request: AdmissionRequest; readonly refusal?: undefined }
  | { readonly request?: undefined; readonly id: ReviewId; readonly refusal: AdmissionAnswer }

/** With the size of its body, if that was a large one. */
export type Asked = Review & { readonly bytes: number }

interface Reading {
  readonly turns: Turns
  readonly limits: Pick<ServerLimits, 'jsonDepth' | 'smallBodyBytes'>
}

/**
 * The review that a body holds; the bytes are not needed any more afterwards.
 *
 * @throws CodedError if there is nothing that could be answered by uid, or nobody who waits for it
 */
export function readReview(body: Body, sender: Socket, reading: Reading): Asked | Promise<Asked> {
  if (body.bytes.length > reading.limits.smallBodyBytes) return readLargeReview(body, sender, reading)
  return reading.turns.isOver() ? readSmallLater(body, sender, reading) : readSmallReview(body, reading)
}

function readSmallReview({ bytes, release }: Body, { limits }: Reading): Asked {
  try {
    return { ...reviewOf(parseStrictJsonBytes(bytes, { maxDepth: limits.jsonDepth })), bytes: 0 }
  } finally {
    release()
  }
}

async function readSmallLater(body: Body, sender: Socket, reading: Reading): Promise<Asked> {
  await reading.turns.next(sender)
  if (sender.destroyed) {
    body.release()
    throw gone()
  }
  return readSmallReview(body, reading)
}

async function readLargeReview({ bytes, release }: Body, sender: Socket, { turns, limits }: Reading): Promise<Asked> {
  try {
    const steps = parseStrictJsonInPieces(bytes, { maxDepth: limits.jsonDepth })
    for (;;) {
      if (turns.isOver()) await turns.next(sender)
      if (sender.destroyed) throw gone()
      const { done, value } = steps.next()
      if (done === true) return { ...reviewOf(value), bytes: bytes.length }
    }
  } finally {
    release()
  }
}

function gone(): CodedError {
  return new CodedError('http-request', 'the sender went away before its request was read')
}

/** A review that is broken but has a uid is answered with a denial: the API server then shows why. */
function reviewOf(body: unknown): Review {
  try {
    return { request: parseReview(body) }
  } catch (error) {
    return { id: parseReviewId(body), refusal: denial(codeOf(error), messageOf(error)) }
  }
}
