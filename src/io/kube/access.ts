// How the API server is reached and by whom: a kubeconfig, or what a Pod finds in itself. The official client reads both,
// runs credential plugins and reads tokens again when they change; requests are ours (see docs/decisions).

import { Agent, type RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node/dist/config.js'
import { printable } from '#core/encoding/printable.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import { namespaceName } from '#core/policy/text-formats.ts'

export interface KubeAccess {
  /** `https://…`, without a path where the API server has none. */
  readonly server: URL
  /** Where the process itself runs, or what the context names; `sealward` where it names none. */
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
  /** A file; absent: `KUBECONFIG`, then `~/.kube/config`, then the service account of the Pod. */
  readonly kubeconfig?: string | undefined
  /** The root of a file system in which the service account of a Pod lies: then nothing else is looked for. */
  readonly podRoot?: string | undefined
}

/** Requests at a time, so that the start in a large cluster is not a storm. */
const maxSockets = 32
/** One for each kind that is followed whole, and for each object that is followed by its name: keys and pull secrets. */
const maxWatches = 600
/** The API server closes a connection that was idle for 90 s; a request that is sent at that moment would be lost. */
const idleMs = 60_000
/** One line of a log. */
const maxShown = 300

/** @throws CodedError `kube-config` */
export async function openKubeAccess({ kubeconfig, podRoot }: KubeAccessOptions = {}): Promise<KubeAccess> {
  const config = new KubeConfig()
  const options = await described(async () => {
    if (podRoot !== undefined) config.loadFromCluster(podRoot)
    else if (kubeconfig !== undefined) config.loadFromFile(kubeconfig)
    else config.loadFromDefault()
    return { server: serverOf(config), ...(await tlsAndHeaders(config)) }
  })
  const { server } = options
  const { ca, cert, key, servername, rejectUnauthorized } = options
  if (rejectUnauthorized === false)
    throw refused('insecure-skip-tls-verify is not accepted: name the authority instead')
  const tls = {
    keepAlive: true,
    ca,
    cert,
    key,
    // Whatever the environment says.
    rejectUnauthorized: true,
    ...(servername !== undefined && { servername }),
  }
  return {
    server,
    agent: new Agent({ ...tls, maxSockets, timeout: idleMs }),
    watching: new Agent({ ...tls, maxSockets: maxWatches }),
    isInside: config.getCurrentCluster()?.name === 'inCluster',
    namespace: namespaceOf(config),
    headers: async () => headersOf(await described(() => tlsAndHeaders(config))),
  }
}

/**
 * The own namespace is exempt from policies, so it is none by accident: kubeconfigs name one seldom, and `default`, which
 * kubectl would take, is where people's Pods are.
 */
const ownNamespace = 'sealward'

function namespaceOf(config: KubeConfig): string {
  const namespace: unknown = config.getContextObject(config.getCurrentContext())?.namespace ?? ownNamespace
  if (typeof namespace === 'string' && namespaceName.problem?.(namespace) === undefined) return namespace
  throw refused('the namespace of the context cannot be one')
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

/** What the library makes up where it finds nothing. */
const nobodysServer = 'http://localhost:8080'

function serverOf(config: KubeConfig): URL {
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw refused('the context names no cluster')
  if (cluster.proxyUrl != null) throw refused('proxy-url is not supported: the API server is reached directly')
  if (cluster.server === nobodysServer)
    throw refused('there is none: no --kubeconfig, no KUBECONFIG, no ~/.kube/config and no service account of a Pod')
  const server = URL.parse(cluster.server)
  if (server?.protocol !== 'https:') throw refused('the API server must be reached by https')
  return server
}

async function described<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    throw error instanceof CodedError ? error : refused(whyNot(error))
  }
}

/** What cannot be read is quoted by messages of its readers, and it holds keys and tokens. */
function whyNot(error: unknown): string {
  if (error instanceof TypeError || error instanceof SyntaxError) return 'what it says is not what belongs there'
  const [line = ''] = messageOf(error).split('\n', 1)
  if (error instanceof Error && error.name === 'YAMLException')
    return `it is no YAML${/ \(\d+:\d+\)/.exec(line)?.[0] ?? ''}`
  return printable(line, maxShown)
}

function refused(why: string): CodedError {
  return new CodedError('kube-config', `access to the API server: ${why}`)
}
