// The one place that opens outgoing HTTP connections: pools per origin, address guard, TLS by host, proxies, caps and
// deadlines. It follows no redirect, repeats nothing and knows no credentials.

import { isIP, type LookupFunction } from 'node:net'
import type { SecureContext } from 'node:tls'
import { CodedError, messageOf } from '#core/errors.ts'
import { createCache } from '#io/cache.ts'
import { type AddressKind, addressKind, hostKind } from './address.ts'
import { openDirect } from './direct-wire.ts'
import { exchange } from './exchange.ts'
import { requestFailure } from './failure.ts'
import { guardedLookup, guardHost, type Resolve } from './guard.ts'
import { Lookups } from './lookups.ts'
import type { HttpRequest, Reach, Transport } from './message.ts'
import { type NetworkSettings, proxyFor } from './network.ts'
import { Outgoing, type Outlet } from './outgoing.ts'
import { timeouts, type Wire, type WireOptions } from './wire.ts'

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
  /** Default: the system's. */
  readonly resolve?: Resolve
}

/** One Pod with 32 images needs two requests for each: 64 lets them all run at once; more only helps a flood. */
const connectionsPerHost = 64
/** Hosts come out of image names: no more than this many are kept connected. */
const maxOrigins = 256

interface Origin extends Outlet {
  readonly wire: Wire
  /** What has to be looked up before a connection; `undefined` where that is a proxy's business, or nobody's. */
  readonly name: string | undefined
  reached: AddressKind | undefined
}

export function createTransport(options: TransportOptions): Transport {
  const origins = createCache<Origin>({ max: maxOrigins, ttl: 0, onDrop: ({ wire }) => wire.retire() })
  const lookups = new Lookups(options.resolve ?? systemResolve)
  const outgoing = new Outgoing()
  const originKey = (url: URL, reach: Reach) => `${url.origin} ${reach}`

  const originOf = async (url: URL, reach: Reach): Promise<Origin> => {
    const key = originKey(url, reach)
    return origins.get(key) ?? keep(key, await connectOrigin(url, guardedLookup(reach, lookups.resolve), options))
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
      // Here and not by the socket alone, where nobody would know for whom and how long.
      if (origin.name !== undefined && origin.wire.idle() === 0) await lookUp(lookups, origin.name, request)
      const entered = outgoing.enter(origin, request)
      const passage = entered instanceof Promise ? await entered : entered
      try {
        const answer = await exchange(origin.wire, withUserAgent(request, options.userAgent), (end) => {
          passage.end = end
        })
        outgoing.answered(passage)
        return answer
      } finally {
        outgoing.leave(passage)
      }
    },
    reached: (url) =>
      hostKind(url.hostname) ??
      origins.get(originKey(url, 'any'))?.reached ??
      origins.get(originKey(url, 'public'))?.reached,
    async close() {
      outgoing.close()
      const open = [...origins.values()]
      await Promise.all(open.map((origin) => origin.wire.destroy()))
      origins.clear()
    },
  }
}

function withUserAgent(request: HttpRequest, userAgent: string): HttpRequest {
  // A gzip answer would be a way around the caps; nothing that is read here is worth compressing.
  return { ...request, headers: { ...request.headers, 'user-agent': userAgent, 'accept-encoding': 'identity' } }
}

/** Taken on use: a host that is an address needs no resolver. */
const systemResolve: Resolve = (hostname, options, done) =>
  process.getBuiltinModule('node:dns').lookup(hostname, options, done)

async function lookUp(lookups: Lookups, name: string, request: HttpRequest): Promise<void> {
  try {
    await lookups.find(name, request)
  } catch (error) {
    throw requestFailure(error, request.url, 'head')
  }
}

async function connectOrigin(url: URL, lookup: LookupFunction, options: TransportOptions): Promise<Origin> {
  const connections = options.connectionsPerHost ?? connectionsPerHost
  const settings: WireOptions = {
    connections,
    timeouts,
    lookup,
    secureContext: secureContextFor(url, options),
    connected: (address) => {
      origin.reached = addressKind(address)
    },
  }
  const { network } = options
  const proxy = network === undefined ? undefined : proxyFor(url, network)
  const origin: Origin = {
    origin: url.origin,
    connections,
    wire: proxy === undefined ? openDirect(url, settings) : await wireByProxy(proxy, settings, network),
    name: proxy === undefined && !isAddress(url.hostname) ? url.hostname : undefined,
    reached: undefined,
  }
  return origin
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || isIP(hostname) !== 0
}

async function wireByProxy(proxy: string, settings: WireOptions, network: NetworkSettings | undefined): Promise<Wire> {
  const { openByProxy } = await import('./proxy-wire.ts')
  return openByProxy({ proxy, noProxy: network?.noProxy ?? '', ca: network?.ca }, settings)
}

function secureContextFor(url: URL, options: TransportOptions): SecureContext | undefined {
  if (url.protocol !== 'https:') return undefined
  const own = options.tlsFor?.(url.host)
  const ca = own?.ca ?? options.network?.ca
  if (ca === undefined && own === undefined) return undefined
  try {
    // On use: a command that speaks plain HTTP needs no TLS.
    return process.getBuiltinModule('node:tls').createSecureContext({
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
