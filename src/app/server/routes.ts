// Path and method → what answers. Everything that is said over HTTP is said here: reviews, health, metrics, refusals.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AtOnce } from '#app/at-once.ts'
import type { Turns } from '#app/engine/turns.ts'
import { errorFields, type Log } from '#app/log.ts'
import { type AdmissionAnswer, answer } from '#core/admission/answer.ts'
import type { ReviewId } from '#core/admission/review.ts'
import { codeOf, type ErrorCode, errorTable, messageOf } from '#core/errors.ts'
import { type BodyBudget, readBody } from './body.ts'
import type { Connections } from './connections.ts'
import type { AdmissionPath, AnsweredReview, Handlers } from './handlers.ts'
import { denial, type Judge } from './judge.ts'
import type { ServerLimits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import { type Asked, readReview } from './reading.ts'
import { problem, reply, replyEarly, statusOf } from './respond.ts'
import { answerWithin } from './timeout.ts'

/** What all requests share. */
export interface Routing {
  readonly handlers: Handlers
  readonly judge: Judge
  readonly limits: ServerLimits
  readonly metrics: Metrics
  readonly log: Log
  readonly budget: BodyBudget
  readonly connections: Connections
  readonly turns: Turns
  /** Shutting down: every answer is the last one of its connection. */
  isDraining: boolean
}

type Route = (routing: Routing, request: IncomingMessage, response: ServerResponse) => Promise<void> | void

interface RouteOfPath {
  readonly method: 'GET' | 'POST'
  readonly run: Route
}

function reviewRoute(path: AdmissionPath): RouteOfPath {
  return { method: 'POST', run: (routing, request, response) => review(routing, { path, request, response }) }
}

const routes: ReadonlyMap<string, RouteOfPath> = new Map([
  ['/mutate', reviewRoute('mutate')],
  ['/validate', reviewRoute('validate')],
  ['/healthz', { method: 'GET', run: health }],
  ['/readyz', { method: 'GET', run: readiness }],
  ['/metrics', { method: 'GET', run: metrics }],
])

/** Answers one request; never throws, and rejects only if the answer itself cannot be written. */
export async function route(routing: Routing, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = pathOf(request)
  const { pipelined } = routing.limits
  const open = routing.connections.requestsOf(request)
  if (open > 2 * pipelined) {
    request.socket.destroy()
    return
  }
  if (open > pipelined) {
    const message = `no more than ${pipelined} requests at a time on one connection`
    return refuse(routing, request, response, { status: 429, message, isLast: true })
  }
  const found = routes.get(path)
  if (found === undefined) return refuse(routing, request, response, { status: 404, message: 'there is no such path' })
  const isRead = found.method === 'GET' && request.method === 'HEAD'
  if (request.method !== found.method && !isRead) {
    const allow = found.method === 'GET' ? 'GET, HEAD' : found.method
    return refuse(routing, request, response, { status: 405, message: `${path} takes ${allow} only`, allow })
  }
  if (found.method === 'GET' && hasBody(request)) {
    return refuse(routing, request, response, { status: 400, message: `${path} takes no body`, isLast: true })
  }
  try {
    await found.run(routing, request, response)
  } catch (error) {
    routing.log.error('a request could not be answered', { path, ...errorFields(error) })
    if (response.headersSent) response.destroy()
    else refuse(routing, request, response, { status: 500, code: 'internal-error', message: 'a defect of the server' })
  }
}

interface Exchange {
  readonly path: AdmissionPath
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

async function review(routing: Routing, exchange: Exchange): Promise<void> {
  const started = performance.now()
  const { path, request, response } = exchange
  const encoding = request.headers['content-encoding']
  if (!isJson(request.headers['content-type']) || (encoding !== undefined && encoding !== 'identity')) {
    const message = `/${path} takes application/json without a content encoding only`
    return refuse(routing, request, response, { status: 415, message })
  }
  try {
    const body = await readBody(request, { ...routing.limits, budget: routing.budget })
    const reading = readReview(body, request.socket, routing)
    const asked = reading instanceof Promise ? await reading : reading
    const judging = asked.refusal ?? judge(routing, exchange, { asked, started })
    const given = judging instanceof Promise ? await judging : judging
    const text = finish(routing, { path, started, id: asked.request ?? asked.id }, given)
    reply(response, { status: 200, body: text, isLast: routing.isDraining })
  } catch (error) {
    const status = statusOf(error)
    if (status === 500) throw error
    refuse(routing, request, response, { status, code: codeOf(error), message: messageOf(error) })
  }
}

function judge(
  routing: Routing,
  { path, request, response }: Exchange,
  { asked, started }: { readonly asked: Asked & { readonly refusal?: undefined }; readonly started: number },
): AtOnce<AdmissionAnswer> {
  const within = answerWithin(/[?&]timeout=([^&#]*)/.exec(request.url ?? '')?.[1])
  const withinMs = Math.max(started + within - performance.now(), 0)
  const peer = request.socket.remoteAddress ?? ''
  const { answer: judging, abandon } = routing.judge.judge(path, asked.request, withinMs, { peer, bytes: asked.bytes })
  if (!(judging instanceof Promise)) return judging
  response.once('close', abandon)
  return judging.finally(() => response.off('close', abandon))
}

/** The one place where an answer becomes bytes. What cannot be written becomes a denial. */
function finish(
  routing: Routing,
  { path, started, id }: { path: AdmissionPath; started: number; id: ReviewId },
  given: AdmissionAnswer,
): string {
  try {
    // The types forbid it; the API server would refuse it, with a text that helps nobody.
    if (path === 'validate' && given.outcome === 'patched') throw new Error('a validating answer holds a patch')
    const text = JSON.stringify(answer(id, given))
    const seconds = (performance.now() - started) / 1_000
    const code = given.outcome === 'denied' ? given.code : ''
    routing.metrics.record({ kind: 'answered', path, outcome: given.outcome, code, seconds })
    tell(routing, { path, request: id, answer: given })
    return text
  } catch (error) {
    routing.log.error('an answer could not be written; the request was denied', errorFields(error))
    const instead = denial('internal-error', errorTable['internal-error'].meaning)
    tell(routing, { path, request: id, answer: instead })
    return JSON.stringify(answer(id, instead))
  }
}

function tell(routing: Routing, answered: AnsweredReview): void {
  try {
    routing.handlers.answered?.(answered)
  } catch (error) {
    routing.log.error('an answer was given, but not told', errorFields(error))
  }
}

function health(routing: Routing, _request: IncomingMessage, response: ServerResponse): void {
  reply(response, { status: 200, body: '{"status":"ok"}\n', isLast: routing.isDraining })
}

function readiness(routing: Routing, _request: IncomingMessage, response: ServerResponse): void {
  const { ready, body } = routing.isDraining
    ? { ready: false, body: { reasons: ['the server is shutting down'] } }
    : routing.handlers.ready()
  const text = `${JSON.stringify({ ready, ...body })}\n`
  reply(response, { status: ready ? 200 : 503, body: text, isLast: routing.isDraining })
}

async function metrics(routing: Routing, _request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { contentType, body } = await routing.metrics.text()
  reply(response, { status: 200, body, contentType, isLast: routing.isDraining })
}

interface Refusal {
  readonly status: number
  readonly code?: ErrorCode
  readonly message: string
  readonly allow?: string
  readonly isLast?: true
}

/** What a request with `Expect: 100-continue` is told before it sends its body: to send it, or why not. */
export function routeExpecting(routing: Routing, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (Number(request.headers['content-length'] ?? 0) <= routing.limits.bodyBytes) response.writeContinue()
  return route(routing, request, response)
}

function refuse(routing: Routing, request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  const { status, code = 'http-request', message, allow } = refusal
  routing.metrics.record({ kind: 'refused', status })
  routing.log.debug('refused an HTTP request', { status, code, error: message, path: pathOf(request) })
  const body = problem(code, message)
  const isLast = routing.isDraining || refusal.isLast === true
  const given = { status, body, isLast, ...(allow !== undefined && { allow }) }
  if (request.complete) reply(response, given)
  else replyEarly(request, response, given)
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? ''
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/** Nobody reads the body of a question: whoever sends one sends it for as long as it may. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function isJson(type: string | undefined): boolean {
  return type !== undefined && /^application\/json\s*(;|$)/i.test(type)
}
