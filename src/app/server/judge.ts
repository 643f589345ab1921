// One admission request in, one answer out, in time and whatever happens: the gate, the deadline, and the denials that
// the server itself makes. Knows nothing about HTTP.

import type { AtOnce } from '#app/at-once.ts'
import { errorFields, type Log } from '#app/log.ts'
import { type AdmissionAnswer, denied } from '#core/admission/answer.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { CodedError, codeOf, type ErrorCode, errorTable } from '#core/errors.ts'
import { flowOfRequest, weightOfImages } from './flow.ts'
import { createGate, type Gate, type Place } from './gate.ts'
import type { AdmissionContext, AdmissionPath, Handlers } from './handlers.ts'
import type { ServerLimits } from './limits.ts'

export interface Judge {
  /** The answer of the handler, or a denial: never rejects, never later than `withinMs`. */
  judge(path: AdmissionPath, request: AdmissionRequest, withinMs: number, origin?: Origin): Judging
  /** Ends everything that is being judged, each with a denial. */
  cutOff(): void
  readonly gate: Gate
}

/** What is known of a request beside what it says itself. */
export interface Origin {
  /** The address that it came from. */
  readonly peer: string
  /** Of its body; 0 for a small one. */
  readonly bytes: number
}

/** An answer on its way. */
export interface Judging {
  readonly answer: AtOnce<AdmissionAnswer>
  /** Nobody waits any more: the handler may stop. */
  abandon(): void
}

export function createJudge(handlers: Handlers, limits: ServerLimits, log: Log): Judge {
  const gate = createGate(limits)
  const shop: Shop = { handlers, limits, log, gate, running: new Set() }
  return {
    gate,
    judge: (path, request, withinMs, { peer, bytes } = { peer: '', bytes: 0 }) =>
      start(shop, path, request, { withinMs, peer, bytes }),
    cutOff() {
      for (const end of shop.running) end()
    },
  }
}

interface Shop {
  readonly handlers: Handlers
  readonly limits: ServerLimits
  readonly log: Log
  readonly gate: Gate
  readonly running: Set<() => void>
}

interface Given extends Origin {
  readonly withinMs: number
}

function start(shop: Shop, path: AdmissionPath, request: AdmissionRequest, given: Given): Judging {
  const { withinMs, peer, bytes } = given
  const controller = new AbortController()
  const grace = Math.min(shop.limits.cutOffGraceMs, withinMs / 10)
  const deadline = performance.now() + withinMs - grace
  const abandon = () => controller.abort(new CodedError('http-request', 'the sender went away'))
  // Nobody waits for more than this.
  if (withinMs <= 0) return { answer: tooLate(), abandon }
  // Whoever is answered at once is displaced by nobody.
  let displace = () => {}
  const flow = () => flowOfRequest(peer, request)
  const place = shop.gate.enter({
    bytes: bytes + weightOfImages(request, shop.handlers.alsoJudged),
    flow,
    end: () => displace(),
  })
  if (place === undefined) return { answer: tooMany(), abandon }
  const answering = answerOf(shop, path, request, { signal: controller.signal, deadline })
  // Which needs no deadline.
  if (!(answering instanceof Promise)) {
    place.leave()
    return { answer: answering, abandon }
  }
  const waiting = awaitInTime(shop, answering, { controller, deadline, grace, place })
  displace = waiting.displace
  return { answer: waiting.answer, abandon }
}

interface InTime {
  readonly controller: AbortController
  readonly deadline: number
  readonly grace: number
  readonly place: Place
}

function awaitInTime(
  shop: Shop,
  answering: Promise<AdmissionAnswer>,
  { controller, deadline, grace, place }: InTime,
): { readonly answer: Promise<AdmissionAnswer>; readonly displace: () => void } {
  const { promise: answer, resolve } = Promise.withResolvers<AdmissionAnswer>()
  let graceTimer: NodeJS.Timeout | undefined
  let hungTimer: NodeJS.Timeout | undefined
  const endBecause = (code: ErrorCode, reason: string) => {
    controller.abort(new CodedError(code, reason))
    graceTimer ??= setTimeout(() => {
      finish(tooLate())
      hungTimer = setTimeout(leave, shop.limits.hungMs).unref()
    }, grace)
  }
  const cutOff = () => endBecause('judged-too-late', 'the time for an answer is over')
  const displace = () => endBecause('overloaded', 'too many requests like this one wait; another got its place')
  const timer = setTimeout(cutOff, deadline - performance.now())
  // Not when the answer is given, but when the handler has come back: until then it takes what it took.
  const leave = () => {
    clearTimeout(hungTimer)
    place.leave()
  }
  const finish = (given: AdmissionAnswer) => {
    clearTimeout(timer)
    clearTimeout(graceTimer)
    shop.running.delete(cutOff)
    resolve(given)
  }
  shop.running.add(cutOff)
  void answering.then((given) => {
    leave()
    finish(given)
  })
  return { answer, displace }
}

/** Never throws or rejects. */
function answerOf(
  shop: Shop,
  path: AdmissionPath,
  request: AdmissionRequest,
  context: AdmissionContext,
): AtOnce<AdmissionAnswer> {
  const failed = (error: unknown) => faultOf(error, context.signal, shop.log)
  try {
    const given = shop.handlers[path](request, context)
    return given instanceof Promise ? given.catch(failed) : given
  } catch (error) {
    return failed(error)
  }
}

function faultOf(error: unknown, signal: AbortSignal, log: Log): AdmissionAnswer {
  if (error instanceof CodedError) return denial(error.code, error.message)
  // What a cut off handler throws is mostly an AbortError: no defect.
  if (signal.aborted) return tooLate()
  log.error('a judge failed; the request was denied', errorFields(error))
  return denial(codeOf(error), errorTable['internal-error'].meaning)
}

function tooLate(): AdmissionAnswer {
  return denial('overloaded', 'The images could not be judged before the API server stops waiting.')
}

function tooMany(): AdmissionAnswer {
  return denial('overloaded', 'Too many requests wait to be judged.')
}

/** The denials of the server itself, about a request as a whole: what, what next, the code. */
export function denial(code: ErrorCode, message: string): AdmissionAnswer {
  return denied(code, `${message}\n\nNext step: ${errorTable[code].next}\ncode: ${code}`)
}
