// How the API server is reached and by whom: a kubeconfig, or what a Pod finds in itself. The official client reads both,
// runs credential plugins and reads tokens again when they change; requests are ours (see docs/decisions).

import { Agent, type RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node/dist/config.js'
import { CodedError, messageOf } from '#core/errors.ts'

export interface KubeAccess {
  /** `https://…`, without a path where the API server has none. */
  readonly server: URL
  /** Where the process itself runs, or what the context names. */
  readonly namespace: string
  /** By the service account of the Pod: the process runs inside of the cluster. */
  readonly isInside: boolean
  /** Of requests that are answered and over. */
  readonly agent: Agent
  /** Of watches, which keep their connections: these must not be what requests wait for. */
  readonly watching: Agent
  /** For one request: tokens are renewed while the process runs. @throws CodedError `kube-config` */
  headers(): Promise<Readonly<Record<string, string>>>
}

export interface KubeAccessOptions {
  /** A file; absent: `KUBECONFIG`, then the service account of the Pod, then `~/.kube/config`. */
  readonly kubeconfig?: string | undefined
}

/** Requests at a time. */
const maxSockets = 32
/** One for each kind that is followed whole, and for each object that is followed by its name: keys and pull secrets. */
const maxWatches = 600

/** @throws CodedError `kube-config` */
export async function openKubeAccess({ kubeconfig }: KubeAccessOptions = {}): Promise<KubeAccess> {
  const config = new KubeConfig()
  const options = await described(async () => {
    if (kubeconfig !== undefined) config.loadFromFile(kubeconfig)
    else config.loadFromDefault()
    return tlsAndHeaders(config)
  })
  const server = serverOf(config)
  const { ca, cert, key, servername, rejectUnauthorized } = options
  if (rejectUnauthorized === false)
    throw refused('insecure-skip-tls-verify is not accepted: name the authority instead')
  const tls = { keepAlive: true, ca, cert, key, ...(servername === undefined ? {} : { servername }) }
  return {
    server,
    agent: new Agent({ ...tls, maxSockets }),
    watching: new Agent({ ...tls, maxSockets: maxWatches }),
    isInside: config.getCurrentCluster()?.name === 'inCluster',
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    headers: async () => headersOf(await described(() => tlsAndHeaders(config))),
  }
}

/** The library fills in what its own requests would have; its agent, which keeps no connection, is left aside. */
async function tlsAndHeaders(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {}
  await config.applyToHTTPSOptions(options)
  return options
}

function headersOf({ headers, auth }: RequestOptions): Readonly<Record<string, string>> {
  if (auth != null) throw refused('a user name with a password is not accepted by any API server of today')
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]))
}

function serverOf(config: KubeConfig): URL {
  const text = config.getCurrentCluster()?.server
  if (text === undefined) throw refused('names no cluster')
  const server = URL.parse(text)
  if (server?.protocol !== 'https:') throw refused('the API server must be reached by https')
  return server
}

async function described<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    throw error instanceof CodedError ? error : refused(messageOf(error), error)
  }
}

function refused(why: string, cause?: unknown): CodedError {
  return new CodedError('kube-config', `access to the API server: ${why}`, { cause })
}
