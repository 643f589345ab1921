// One admission request in, one answer out, in time and whatever happens: the gate, the deadline, and the denials that
// the server itself makes. Knows nothing about HTTP.

import { errorFields, type Log } from '#app/log.ts'
import { type AdmissionAnswer, denied } from '#core/admission/answer.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { CodedError, codeOf, type ErrorCode, errorTable } from '#core/errors.ts'
import { createGate, type Gate } from './gate.ts'
import type { AdmissionContext, AdmissionPath, Handlers } from './handlers.ts'
import type { ServerLimits } from './limits.ts'

export interface Judge {
  /** The answer of the handler, or a denial: never rejects, never later than `withinMs`. */
  judge(path: AdmissionPath, request: AdmissionRequest, withinMs: number): Judging
  /** Ends everything that is being judged, each with a denial. */
  cutOff(): void
  readonly gate: Gate
}

/** An answer on its way. */
export interface Judging {
  readonly answer: Promise<AdmissionAnswer>
  /** Nobody waits any more: the handler may stop. */
  abandon(): void
}

export function createJudge(handlers: Handlers, limits: ServerLimits, log: Log): Judge {
  const gate = createGate(limits.concurrent, limits.waiting)
  const running = new Set<() => void>()
  return {
    gate,
    judge: (path, request, withinMs) => start({ handlers, limits, log, gate, running }, path, request, withinMs),
    cutOff() {
      for (const end of running) end()
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

function start(shop: Shop, path: AdmissionPath, request: AdmissionRequest, withinMs: number): Judging {
  const controller = new AbortController()
  const grace = Math.min(shop.limits.cutOffGraceMs, withinMs / 10)
  const context = { signal: controller.signal, deadline: performance.now() + withinMs - grace }
  const place = { taken: false }
  let graceTimer: NodeJS.Timeout | undefined
  let isFinished = false
  const answer = new Promise<AdmissionAnswer>((resolve) => {
    const cutOff = () => {
      controller.abort(new CodedError('overloaded', 'the time for an answer is over'))
      graceTimer ??= setTimeout(() => finish(tooLate()), grace)
    }
    const timer = setTimeout(cutOff, withinMs - grace)
    // Also what ends a handler that hangs: its place in the gate is free again.
    const finish = (given: AdmissionAnswer) => {
      if (isFinished) return
      isFinished = true
      clearTimeout(timer)
      clearTimeout(graceTimer)
      shop.running.delete(cutOff)
      if (place.taken) shop.gate.leave()
      resolve(given)
    }
    shop.running.add(cutOff)
    void answerOf(shop, path, request, { context, place }).then(finish)
  })
  return { answer, abandon: () => controller.abort(new CodedError('http-request', 'the sender went away')) }
}

/** Never rejects. */
async function answerOf(
  shop: Shop,
  path: AdmissionPath,
  request: AdmissionRequest,
  { context, place }: { context: AdmissionContext; place: { taken: boolean } },
): Promise<AdmissionAnswer> {
  const { signal } = context
  try {
    // Without `await` where there is room: that is the usual case, and each costs a turn.
    const entered = shop.gate.enter(signal)
    place.taken = entered === true || (entered !== false && (await entered))
    if (!place.taken) return signal.aborted ? tooLate() : tooMany()
    return await shop.handlers[path](request, context)
  } catch (error) {
    return faultOf(error, signal, shop.log)
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
