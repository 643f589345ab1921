// The one place that opens outgoing HTTP connections: pools per origin, address guard, TLS by host, proxies, caps and
// deadlines. It follows no redirect, repeats nothing and knows no credentials.
//
// Two inner files of undici are loaded instead of its front door, which also loads fetch, caches, WebSocket and mocks:
// 50 ms instead of 150 ms at the start of every command. Only a proxy needs all of it.

import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { buildConnector as Connectors, Dispatcher } from 'undici'
import buildConnector from 'undici/lib/core/connect.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import { CodedError, messageOf } from '#core/errors.ts'
import { createCache } from '#io/cache.ts'
import { type AddressKind, addressKind, hostKind } from './address.ts'
import { exchange } from './exchange.ts'
import { guardedLookup, guardHost } from './guard.ts'
import type { HttpRequest, Reach, Transport } from './message.ts'
import { type NetworkSettings, proxyFor } from './network.ts'

export interface TlsSettings {
  /** PEM; replaces the public authorities for this host. */
  readonly ca?: string
  /** PEM of a client certificate with its chain, and its key. */
  readonly cert?: string
  readonly key?: string
}

export interface TransportOptions {
  readonly userAgent: string
  readonly network?: NetworkSettings
  readonly connectionsPerHost?: number
  /** By `host` of a URL: with the port unless it is 443. */
  readonly tlsFor?: (host: string) => TlsSettings | undefined
}

/** One Pod with 32 images needs two requests for each: 64 lets them all run at once; more only helps a flood. */
const connectionsPerHost = 64
/** A TCP and TLS handshake across the world takes under a second; admission gives up after 10 s at the latest. */
const connectTimeout = 5_000
/** Silence longer than this is a dead connection; callers' own deadlines are usually shorter. */
const silenceTimeout = 10_000
/** Longer than a burst of admissions, shorter than what load balancers keep (60 s and more). */
const keepAliveTimeout = 30_000
/** Hosts come out of image names: no more than this many are kept connected. */
const maxOrigins = 256

interface Origin {
  readonly dispatcher: Dispatcher
  reached: AddressKind | undefined
}

export function createTransport(options: TransportOptions): Transport {
  const origins = createCache<Origin>({ max: maxOrigins, ttl: 0, onDrop: retire })
  const originKey = (url: URL, reach: Reach) => `${url.origin} ${reach}`

  const originOf = async (url: URL, reach: Reach): Promise<Origin> => {
    const key = originKey(url, reach)
    return origins.get(key) ?? keep(key, await connectOrigin(url, reach, options))
  }
  /** Two first requests may meet here; the first to arrive wins. */
  const keep = (key: string, made: Origin): Origin => {
    const known = origins.get(key)
    if (known !== undefined) return known
    origins.set(key, made)
    return made
  }

  return {
    async send(request) {
      const reach = request.reach ?? 'any'
      guardHost(request.url, reach)
      const origin = await originOf(request.url, reach)
      return exchange(origin.dispatcher, withUserAgent(request, options.userAgent))
    },
    reached: (url) =>
      hostKind(url.hostname) ??
      origins.get(originKey(url, 'any'))?.reached ??
      origins.get(originKey(url, 'public'))?.reached,
    async close() {
      const open = [...origins.values()]
      await Promise.all(open.map((origin) => origin.dispatcher.destroy()))
      origins.clear()
    },
  }
}

/** Lets running requests end. A dispatcher that is already destroyed says so, which is what was wanted. */
function retire(origin: Origin): void {
  origin.dispatcher.close().catch(() => {})
}

function withUserAgent(request: HttpRequest, userAgent: string): HttpRequest {
  // A gzip answer would be a way around the caps; nothing that is read here is worth compressing.
  return { ...request, headers: { ...request.headers, 'user-agent': userAgent, 'accept-encoding': 'identity' } }
}

async function connectOrigin(url: URL, reach: Reach, options: TransportOptions): Promise<Origin> {
  const secureContext = secureContextFor(url, options)
  const tls = secureContext === undefined ? {} : { secureContext }
  const connect = buildConnector({ ...tls, lookup: guardedLookup(reach), timeout: connectTimeout, allowH2: false })
  const settings = {
    connections: options.connectionsPerHost ?? connectionsPerHost,
    connectTimeout,
    headersTimeout: silenceTimeout,
    bodyTimeout: silenceTimeout,
    keepAliveTimeout,
    // HTTP/1.1 only: one request a connection keeps caps and broken connections apart from each other.
    allowH2: false,
    connect: (target: Connectors.Options, done: Connectors.Callback) => connect(target, remember(done)),
  }
  const remember =
    (done: Connectors.Callback): Connectors.Callback =>
    (...outcome) => {
      if (outcome[0] === null) origin.reached = addressKind((outcome[1] as Socket).remoteAddress ?? '')
      done(...outcome)
    }
  const origin: Origin = { dispatcher: await dispatcherFor(url, settings, tls, options.network), reached: undefined }
  return origin
}

async function dispatcherFor(
  url: URL,
  settings: Pool.Options,
  requestTls: { secureContext?: SecureContext },
  network: NetworkSettings | undefined,
): Promise<Dispatcher> {
  const proxy = network === undefined ? undefined : proxyFor(url, network)
  if (proxy === undefined) return new Pool(url.origin, settings)
  // By the front door: proxies need the methods that it adds to every dispatcher.
  const { EnvHttpProxyAgent } = await import('undici')
  const proxyTls = network?.ca === undefined ? {} : { ca: network.ca }
  // Every value is given, if only as an empty text: else the library would look into the environment by itself.
  const noProxy = network?.noProxy ?? ''
  return new EnvHttpProxyAgent({ ...settings, requestTls, proxyTls, httpProxy: proxy, httpsProxy: proxy, noProxy })
}

function secureContextFor(url: URL, options: TransportOptions): SecureContext | undefined {
  if (url.protocol !== 'https:') return undefined
  const own = options.tlsFor?.(url.host)
  const ca = own?.ca ?? options.network?.ca
  if (ca === undefined && own === undefined) return undefined
  try {
    return createSecureContext({
      ...(ca !== undefined && { ca }),
      ...(own?.cert !== undefined && { cert: own.cert }),
      ...(own?.key !== undefined && { key: own.key }),
    })
  } catch (error) {
    throw new CodedError(
      'pem-malformed',
      `the certificates or key given for ${url.host} are unusable: ${messageOf(error)}`,
    )
  }
}
