// How this machine reaches the network: proxies and certificate authorities, as the usual environment variables say.

import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import { unreadableFile } from '#core/unreadable-file.ts'
import { readBounded } from '#io/bounded-file.ts'

export interface NetworkSettings {
  /** PEM of the authorities that replace the built-in ones. */
  readonly ca?: string
  readonly httpProxy?: string
  readonly httpsProxy?: string
  /** Hosts that are reached directly, separated by commas. */
  readonly noProxy?: string
}

/** The authorities of a whole system take 250 KB. */
const maxAuthorityBytes = 4 * 1024 * 1024

type Environment = Readonly<Record<string, string | undefined>>

/**
 * `SSL_CERT_FILE`, `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; of a proxy variable in both cases, the
 * lower-case one wins, as with curl.
 *
 * @throws CodedError `usage` for a proxy that is no URL, and what `readAuthorities` throws
 */
export async function loadNetworkSettings(environment: Environment): Promise<NetworkSettings> {
  const variable = (name: string) => environment[name.toLowerCase()] || environment[name] || undefined
  const all = variable('ALL_PROXY')
  const httpProxy = checkedProxy('HTTP_PROXY', variable('HTTP_PROXY') ?? all)
  const httpsProxy = checkedProxy('HTTPS_PROXY', variable('HTTPS_PROXY') ?? all)
  const noProxy = variable('NO_PROXY')
  const caFile = environment['SSL_CERT_FILE'] || undefined
  return {
    ...(caFile !== undefined && { ca: readAuthorities(caFile, 'SSL_CERT_FILE') }),
    ...(httpProxy !== undefined && { httpProxy }),
    ...(httpsProxy !== undefined && { httpsProxy }),
    ...(noProxy !== undefined && { noProxy }),
  }
}

/** The proxy for a URL, before `noProxy` is looked at. Loopback is never proxied, as in Go's tools. */
export function proxyFor(url: URL, network: NetworkSettings): string | undefined {
  if (/^(localhost|127\.[0-9.]+|\[::1\])$/.test(url.hostname)) return undefined
  return (url.protocol === 'https:' ? network.httpsProxy : network.httpProxy) || undefined
}

/** Written without a scheme in many places: curl and Go take that as http. */
function checkedProxy(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const withScheme = text.includes('://') ? text : `http://${text}`
  if (!URL.canParse(withScheme)) throw new CodedError('usage', `${name} is not the URL of a proxy`)
  const { protocol } = new URL(withScheme)
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new CodedError(
      'usage',
      `${name} names a proxy of the kind "${printable(protocol, 40)}"; http and https are supported`,
    )
  }
  return withScheme
}

/**
 * The text of a file of certificates. `from` names the flag or variable that names it.
 *
 * @throws CodedError `file-unreadable`, `input-too-large`
 */
export function readAuthorities(file: string, from: string): string {
  let bytes: Buffer | undefined
  try {
    bytes = readBounded(file, maxAuthorityBytes)
  } catch (error) {
    throw unreadableFile(`${from} ${file}`, error)
  }
  if (bytes !== undefined) return bytes.toString('utf8')
  throw new CodedError('input-too-large', `${from} ${file}: larger than ${maxAuthorityBytes} bytes`, { where: file })
}
