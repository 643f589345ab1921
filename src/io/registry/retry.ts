// Repeats a request that failed by bad luck, a few times and politely: broken connections, server errors, "too many
// requests". Everything sent to a registry is idempotent in effect, so writes are repeated as well.

import { CodedError } from '#core/errors.ts'
import { createCache } from '#io/cache.ts'
import { pause } from '#io/http/deadline.ts'
import { isBrokenConnection, showUrl } from '#io/http/failure.ts'
import { type HttpRequest, type HttpResponse, singleHeader, type Transport } from '#io/http/message.ts'

export interface Patience {
  /** When the caller's signal will fire, in milliseconds of `now()`; a wait that ends later is not begun. */
  readonly deadline?: number
  /** Who asks: a registry that throttles one customer does not throttle the next. */
  readonly scope: string
}

/** Sends like a transport, but never answers 429 or a server error that may be repeated. */
export type PatientSend = (request: HttpRequest, patience: Patience) => Promise<HttpResponse>

export interface RetryOptions {
  /** Between 0 and 1. */
  readonly random: () => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Three tries outlive a restarting replica behind a balancer; more would only add load to what is failing. */
const attempts = 3
const firstDelay = 100
/** Without a known deadline: what an admission of 10 s can spare. */
const longestWait = 3_000
/** A registry that wants us away for longer is asked again after this, so that no header locks it out for a day. */
const longestGrudge = 60_000

export function createPatientSend(transport: Transport, options: RetryOptions): PatientSend {
  const throttled = createCache<{ readonly until: number }>({ max: 1_000, ttl: longestGrudge })

  return async (request, patience) => {
    const key = `${request.url.host} ${patience.scope}`
    const wait = async (milliseconds: number, failure: CodedError) => {
      const end = options.now() + milliseconds
      const tooLate = patience.deadline === undefined ? milliseconds > longestWait : end >= patience.deadline
      if (tooLate || request.signal.aborted) throw failure
      await pause(milliseconds, request.signal)
      if (request.signal.aborted) throw failure
    }
    const known = throttled.get(key)
    const left = Math.min((known?.until ?? 0) - options.now(), longestGrudge)
    if (left > 0) await wait(left, throttledBy(request.url, left))

    for (let attempt = 1; ; attempt++) {
      const outcome = await tryOnce(transport, request, options.now)
      if (outcome.kind === 'answer') return outcome.response
      if (outcome.retryAfter !== undefined && outcome.failure.code === 'registry-throttled') {
        const grudge = Math.min(outcome.retryAfter, longestGrudge)
        // Forgotten by the cache's clock, too, which cannot be set back.
        if (grudge > 0) throttled.set(key, { until: options.now() + grudge }, grudge)
      }
      if (attempt >= attempts) throw outcome.failure
      const backOff = firstDelay * 2 ** (attempt - 1) * (0.5 + options.random())
      await wait(Math.max(outcome.retryAfter ?? 0, backOff), outcome.failure)
    }
  }
}

type Outcome =
  | { readonly kind: 'answer'; readonly response: HttpResponse }
  | { readonly kind: 'again'; readonly failure: CodedError; readonly retryAfter: number | undefined }

async function tryOnce(transport: Transport, request: HttpRequest, now: () => number): Promise<Outcome> {
  let response: HttpResponse
  try {
    response = await transport.send(request)
  } catch (error) {
    if (error instanceof CodedError && isBrokenConnection(error))
      return { kind: 'again', failure: error, retryAfter: undefined }
    throw error
  }
  const { status } = response
  // 501 says that a route does not exist; asking again would not make it.
  if (status !== 429 && (status < 500 || status === 501)) return { kind: 'answer', response }
  const retryAfter = parseRetryAfter(singleHeader(response, 'retry-after'), now())
  const failure = status === 429 ? throttledBy(request.url, retryAfter) : failing(request.url, status)
  return { kind: 'again', failure, retryAfter }
}

/** Milliseconds to wait by a `Retry-After` header: seconds or an HTTP date (RFC 9110 section 10.2.3). */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  const trimmed = text.trim()
  if (/^\d{1,9}$/.test(trimmed)) return Number(trimmed) * 1000
  // Only the one form of date that senders must write; `Date.parse` alone would take almost anything.
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(trimmed)) return undefined
  const at = Date.parse(trimmed)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

function throttledBy(url: URL, retryAfter: number | undefined): CodedError {
  const when = retryAfter === undefined ? '' : `, for another ${Math.ceil(retryAfter / 1000)} s`
  return new CodedError('registry-throttled', `${url.host} refuses because of too many requests (429)${when}`, {
    where: showUrl(url),
  })
}

function failing(url: URL, status: number): CodedError {
  return new CodedError('registry-failing', `${url.host} answered with a server error (${status})`, {
    where: showUrl(url),
  })
}
