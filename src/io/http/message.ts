// What one HTTP exchange is made of, as plain values. Nothing here touches a socket.

import { CodedError } from '#core/errors.ts'
import type { AddressKind } from './address.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** Cap of the body of an answer with a 2xx status; more is `content-too-large`. */
  readonly maxBytes: number
  readonly signal: AbortSignal
  /** `public` refuses loopback and private addresses. Forbidden addresses are refused always. */
  readonly reach?: Reach
  /** Told while the request waits; for a caller whose time may be over first. */
  readonly standing?: Standing
}

/** Where a piece of work stands. Nobody can say that a registry did not answer while it was not asked yet. */
export interface Standing {
  /** It waits for room on our side, which others have. */
  readonly inLine: boolean
  /** What it waits for, if that stands somewhere by itself. */
  behind?: Standing | undefined
}

export type Reach = 'any' | 'public'

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Whole for 2xx; of any other status the first `maxErrorBytes`. */
  readonly body: Uint8Array
}

export interface Transport {
  /**
   * One request, one answer; no redirect, no retry. Whatever the status, an answer is returned.
   *
   * @throws CodedError `registry-unreachable`, `registry-timeout`, `plain-http-refused`, `address-refused`,
   *   `content-truncated`, `content-too-large`, `registry-protocol`, `overloaded`
   */
  send(request: HttpRequest): Promise<HttpResponse>
  /** The kind of address that the last direct connection to this origin had. */
  reached(url: URL): AddressKind | undefined
  close(): Promise<void>
}

/** A text that names an error fits; nothing longer is ever shown or parsed. */
export const maxErrorBytes = 64 * 1024

/**
 * The value of a header that may stand only once.
 *
 * @throws CodedError `registry-protocol` where it is repeated: two readers would see two values
 */
export function singleHeader(response: HttpResponse, name: string): string | undefined {
  const value = response.headers[name]
  if (value === undefined || typeof value === 'string') return value
  if (value.length === 1) return value[0]
  throw new CodedError('registry-protocol', `the answer has the header ${name} ${value.length} times`)
}

export function allHeaders(response: HttpResponse, name: string): readonly string[] {
  const value = response.headers[name]
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}
