// Connections to one origin through a proxy, by undici: plain requests whole, TLS through a tunnel. Loaded only where a
// proxy is set: the library takes longer to load than a whole `sealward verify`.

import type { Socket } from 'node:net'
import { buildConnector, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'
import { isProxyFailure, proxyFailure } from './failure.ts'
import type { HttpRequest } from './message.ts'
import type { Wire, WireListener, WireOptions } from './wire.ts'

export interface ProxySettings {
  readonly proxy: string
  /** Hosts that are reached directly. */
  readonly noProxy: string
  /** PEM of the authorities for a proxy that speaks TLS itself. */
  readonly ca: string | undefined
}

export function openByProxy({ proxy, noProxy, ca }: ProxySettings, options: WireOptions): Wire {
  // As for direct connections: verified whatever the environment says, and each of them anew.
  const verified = { rejectUnauthorized: true, maxCachedSessions: 0 }
  const requestTls = { ...verified, ...(options.secureContext && { secureContext: options.secureContext }) }
  const { connections, lookup, timeouts } = options
  const connect = buildConnector({ ...requestTls, lookup, timeout: timeouts.connect, allowH2: false })
  const remember =
    (done: buildConnector.Callback): buildConnector.Callback =>
    (...outcome) => {
      if (outcome[0] === null) options.connected((outcome[1] as Socket).remoteAddress ?? '')
      done(...outcome)
    }
  const proxyUrl = new URL(proxy)
  const failedAtProxy = new WeakSet<Error>()
  const poolTo = (origin: URL | string, given: Pool.Options) =>
    new Pool(origin, String(origin) === proxyUrl.href ? noting(given, failedAtProxy) : given)
  const dispatcher = new EnvHttpProxyAgent({
    clientFactory: poolTo,
    factory: poolTo,
    connections,
    connectTimeout: timeouts.connect,
    headersTimeout: timeouts.silence,
    bodyTimeout: timeouts.silence,
    keepAliveTimeout: timeouts.keepAlive,
    allowH2: false,
    connect: (target, done) => connect(target, remember(done)),
    requestTls,
    proxyTls: { ...verified, ...(ca !== undefined && { ca }) },
    // Every value is given, if only as an empty text: else the library would look into the environment by itself.
    httpProxy: proxy,
    httpsProxy: proxy,
    noProxy,
  })
  return {
    send: (request, listener) => {
      const named = (error: Error) =>
        failedAtProxy.has(error) || isProxyFailure(error) ? proxyFailure(error, proxyUrl, request.url.host) : error
      void dispatcher.dispatch(optionsOf(request), handlerOf(listener, named))
    },
    // The library does not tell, nor close some.
    idle: () => 0,
    closeIdle: () => {},
    // A dispatcher that is already destroyed says so, which is what was wanted.
    retire: () => void dispatcher.close().catch(() => {}),
    destroy: () => dispatcher.destroy(),
  }
}

/** Notes what fails on the way to the proxy: the error alone does not say whose name or address it is about. */
function noting(given: Pool.Options, failures: WeakSet<Error>): Pool.Options {
  const { connect } = given
  if (typeof connect !== 'function') return given
  return {
    ...given,
    connect: (target, done) =>
      connect(target, (...outcome) => {
        if (outcome[0] !== null) failures.add(outcome[0])
        done(...outcome)
      }),
  }
}

function optionsOf({ method, url, headers, body }: HttpRequest): Dispatcher.DispatchOptions {
  return {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method,
    headers,
    // After a HEAD the library closes the connection unless told otherwise; the next request would pay a handshake.
    ...(method === 'HEAD' && { reset: false }),
    ...(body !== undefined && { body }),
  }
}

function handlerOf(listener: WireListener, named: (error: Error) => Error): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller) => listener.start(() => controller.abort(new Error('no longer wanted'))),
    onResponseStart: (_controller, status, headers) => {
      if (status >= 200) listener.head(status, headers)
    },
    onResponseData: (_controller, chunk) => listener.data(chunk),
    onResponseEnd: () => listener.end(),
    onResponseError: (_controller, error) => listener.fail(named(error)),
  }
}
