// Turns what sockets, TLS and the HTTP parser throw into codes and sentences. Status codes are not looked at here.

import { printable } from '#core/encoding/printable.ts'
import { CodedError, type ErrorCode, messageOf } from '#core/errors.ts'

/** When a request failed: before the head of the answer had come, or in its body. */
export type Phase = 'head' | 'body'

/** Host and path of a URL: the only parts that may be shown. User info, query and fragment can hold secrets. */
export function showUrl(url: URL): string {
  return printable(`${url.protocol}//${url.host}${url.pathname}`, 300)
}

/** A connection that broke: another attempt may find a healthy one. Keep-alive connections die so while idle. */
const broken = new Set([
  'ECONNRESET',
  'EPIPE',
  'ERR_DESTROYED',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
])
const timedOut = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ABORT_ERR',
])
/**
 * The want is ours: no fault of the registry, and no outage either. Whoever may open connections to us can bring it about, and
 * an outage may let images in.
 */
const exhausted = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])
/** OpenSSL's names for "the other side does not speak TLS". */
const notTls = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST']

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'the name cannot be resolved',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  EADDRNOTAVAIL: 'there is no route to the address',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not yet valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed and not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an authority that is not trusted',
}

/** The sentence and code of a failed request. A `CodedError` passes as it is. */
export function requestFailure(error: unknown, url: URL, phase: Phase): CodedError {
  return error instanceof CodedError ? error : failureOf(error, { name: url.host, url, phase })
}

/** Of a request that did not come beyond the proxy: the registry is out of reach, and the proxy is why. */
export function proxyFailure(error: unknown, proxy: URL, registry: string): CodedError {
  const name = `the proxy ${proxy.host}`
  const refusal = refusedTunnel.exec(messageOf(error))
  if (refusal !== null) {
    const text = `${name} makes no connection to ${registry}: it answers ${refusal[1] ?? refusal[2]}`
    return new CodedError('registry-unreachable', text, { where: showUrl(proxy), cause: error })
  }
  const cause = isProxyFailure(error) && error instanceof Error ? error.cause : error
  return failureOf(cause, { name, url: proxy, phase: 'head' })
}

/** Has the library found that the proxy refused, or broke off, what it was asked for? */
export function isProxyFailure(error: unknown): boolean {
  return systemCode(error).startsWith('UND_ERR_PRX') || refusedTunnel.test(messageOf(error))
}

const refusedTunnel = /^Proxy (?:response \((\d{3})\)|Authentication Required \((407)\))/

interface Failing {
  /** The one that failed, for people. */
  readonly name: string
  readonly url: URL
  readonly phase: Phase
}

function failureOf(error: unknown, { name, url, phase }: Failing): CodedError {
  const code = systemCode(error)
  const options = { where: showUrl(url), cause: error }
  const failure = (kind: ErrorCode, text: string) => new CodedError(kind, text, options)
  if (exhausted.has(code)) {
    return failure('overloaded', `${name} was not asked: this process can open no more connections (${code})`)
  }
  if (timedOut.has(code)) return failure('registry-timeout', `${name} did not answer in time`)
  if (broken.has(code) || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || code === 'HPE_INVALID_EOF_STATE') {
    return phase === 'body'
      ? failure('content-truncated', `${name} closed the connection in the middle of ${showUrl(url)}`)
      : failure('registry-unreachable', `${name} closed the connection without an answer`)
  }
  if (notTls.includes(code) || (code === 'EPROTO' && /wrong version|packet length/.test(messageOf(error)))) {
    return failure('plain-http-refused', `${name} does not speak TLS, and plain HTTP is not allowed for it`)
  }
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' || isParserError(error)) {
    return failure('registry-protocol', `${name} does not answer in proper HTTP`)
  }
  const reason = Object.hasOwn(unreachable, code) ? unreachable[code] : undefined
  return failure('registry-unreachable', `${name} cannot be reached: ${reason ?? otherReason(error, code)}`)
}

/** May the same request succeed on another connection? */
export function isBrokenConnection(error: unknown): boolean {
  if (!(error instanceof CodedError)) return false
  return (
    error.code === 'content-truncated' || (error.code === 'registry-unreachable' && broken.has(systemCode(error.cause)))
  )
}

function otherReason(error: unknown, code: string): string {
  const tls = /^(ERR_SSL|ERR_TLS|CERT_|CRL_|EPROTO|INVALID_|UNABLE_TO)/.test(code) ? 'TLS failed: ' : ''
  return `${tls}${code === '' ? printable(messageOf(error)) : code}`
}

/** Its code is missing where the very first bytes are no HTTP. */
function isParserError(error: unknown): boolean {
  return error instanceof Error && error.name === 'HTTPParserError'
}

/** The code of a system or library error; of several attempts (IPv4 and IPv6), the first one's. */
export function systemCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error instanceof AggregateError) return systemCode(error.errors[0])
  return error instanceof Error && error.name === 'TimeoutError' ? 'ETIMEDOUT' : ''
}
