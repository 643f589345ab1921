// The HTTPS server: listens, shows its certificate and changes it, bounds its connections, and leaves without losing a
// request. What it answers is in `routes.ts`; what it decides is none of its business.

import { createServer, type ServerOptions as HttpsOptions, type Server as HttpsServer } from 'node:https'
import { Server as TlsServer } from 'node:tls'
import { getHeapStatistics } from 'node:v8'
import { Turns } from '#app/engine/turns.ts'
import { errorFields, type Log } from '#app/log.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import { createBudget } from './body.ts'
import { type Connections, trackConnections } from './connections.ts'
import type { Handlers } from './handlers.ts'
import { createJudge } from './judge.ts'
import { limitsFor, type ServerLimits } from './limits.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { openFilesLimit } from './open-files.ts'
import { type Routing, route, routeExpecting } from './routes.ts'
import { loadTls, logTlsChange, type TlsOptions, type TlsPair, warnOfExpiry, watchTls } from './tls.ts'

export interface ServerOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly tls: TlsOptions
  readonly handlers: Handlers
  readonly log: Log
  readonly metrics?: Metrics
  readonly limits?: Partial<ServerLimits>
}

export interface RunningServer {
  /** `https://127.0.0.1:8443` */
  readonly url: string
  readonly port: number
  /** The self-made authority, if there is one. */
  readonly caPem?: string
  /** Answers what has arrived, then closes; within `drainMs`. Called twice, it is the same end. */
  close(): Promise<void>
}

/**
 * @throws CodedError `listen-failed`, and what `loadTls` throws
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, log, handlers, metrics = createMetrics() } = options
  const resources = { heapBytes: getHeapStatistics().heap_size_limit, openFiles: openFilesLimit() }
  const limits = { ...limitsFor(resources), ...options.limits }
  const pair = await loadTls(options.tls, Date.now())
  const server = createServer({ ...tlsOptions(pair, limits), ...httpOptions(limits) })
  const connections = trackConnections(server, limits, {
    evicted: (doing) => metrics.record({ kind: 'evicted', doing }),
    dropped: () => metrics.record({ kind: 'dropped' }),
  })
  const judge = createJudge(handlers, limits, log)
  const budget = createBudget(limits.bodiesBytes)
  const turns = new Turns()
  const routing: Routing = { handlers, judge, limits, metrics, log, budget, connections, turns, isDraining: false }
  const unwritten = (error: unknown) => log.error('no answer could be written', errorFields(error))
  server.on('request', (request, response) => route(routing, request, response).catch(unwritten))
  server.on('checkContinue', (request, response) => routeExpecting(routing, request, response).catch(unwritten))
  server.on('secureConnection', () => metrics.record({ kind: 'tls-connected' }))
  server.on('tlsClientError', (error) => {
    metrics.record({ kind: 'tls-failed' })
    log.debug('a TLS handshake failed', { error: messageOf(error) })
  })
  const stopWatching = keepCertificate(server, pair, { options: options.tls, limits, metrics, log })
  const port = await listen(server, host, options.port)
  metrics.watch(() => ({ judging: judge.gate.inside, connections: connections.count }))
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  log.info('listening', { url })
  let closing: Promise<void> | undefined
  return {
    url,
    port,
    ...(pair.caPem !== undefined && { caPem: pair.caPem }),
    close() {
      stopWatching()
      closing ??= drain(server, connections, routing)
      return closing
    },
  }
}

function tlsOptions(pair: TlsPair, limits: ServerLimits): HttpsOptions {
  return {
    cert: pair.cert,
    key: pair.key,
    minVersion: 'TLSv1.2',
    // The API server speaks HTTP/2 only where it is offered, and one connection of it would serialise the admissions.
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: limits.handshakeMs,
  }
}

function httpOptions(limits: ServerLimits): HttpsOptions {
  return {
    keepAliveTimeout: limits.keepAliveMs,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.bodyMs,
    // How late a slow sender may be noticed.
    connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
    // The API server sends some 500 bytes of headers.
    maxHeaderSize: 16 * 1024,
  }
}

interface Certificates {
  readonly options: TlsOptions
  readonly limits: ServerLimits
  readonly metrics: Metrics
  readonly log: Log
}

function keepCertificate(server: HttpsServer, first: TlsPair, about: Certificates): () => void {
  const { options, limits, metrics, log } = about
  const taken = (pair: TlsPair) => {
    metrics.record({ kind: 'certificate', outcome: 'loaded', expiresAt: pair.expiresAt })
    warnOfExpiry(pair, Date.now(), log)
  }
  taken(first)
  if (options.kind === 'self-made') return () => undefined
  return watchTls(options, first, limits.reloadMs, (change) => {
    logTlsChange(change, log)
    if ('error' in change) return metrics.record({ kind: 'certificate', outcome: 'refused' })
    // Connections that are open keep theirs; nobody is disturbed.
    server.setSecureContext(tlsOptions(change.pair, limits))
    taken(change.pair)
  })
}

function listen(server: HttpsServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      reject(new CodedError('listen-failed', `cannot listen on ${host}:${port}: ${messageOf(error)}`, { cause: error }))
    }
    server.once('error', fail)
    server.listen({ host, port }, () => {
      server.off('error', fail)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

/** While draining: a connection may become idle, or finish its handshake, at any time. */
const sweepMs = 100

/**
 * No new connections; those that are open get `connection: close` with their next answer. Idle ones stay for a moment,
 * because a request may be on its way; whoever is still judged shortly before the end gets a denial, not silence.
 */
async function drain(server: HttpsServer, connections: Connections, routing: Routing): Promise<void> {
  const { limits, log, judge } = routing
  routing.isDraining = true
  log.info('shutting down', { connections: connections.count, judging: judge.gate.inside })
  const closed = new Promise<void>((resolve) => server.once('close', resolve))
  // The HTTP server's own `close` would close idle connections at once.
  TlsServer.prototype.close.call(server)
  const ends = [
    setTimeout(() => ends.push(setInterval(() => connections.closeIdle(), sweepMs)), limits.lingerMs),
    setTimeout(() => judge.cutOff(), Math.max(limits.drainMs - 2 * limits.cutOffGraceMs - 500, 0)),
    setTimeout(() => connections.closeAll(), limits.drainMs),
  ]
  await closed
  for (const end of ends) clearTimeout(end)
  // Ends the HTTP server's own timer; it has no connections left to close.
  server.close(() => undefined)
  log.info('shut down')
  await log.flush()
}
