// One request over a wire, read under caps and a deadline. No policy about hosts, redirects or retries.

import { crumbCounter } from '#core/crumbs.ts'
import { CodedError } from '#core/errors.ts'
import { requestFailure, showUrl } from './failure.ts'
import { type HttpRequest, type HttpResponse, maxErrorBytes } from './message.ts'
import type { Wire, WireListener } from './wire.ts'

/** For callers whose signal never fires: nothing that is read here is large enough to need more. */
const wholeRequestTimeout = 30_000

/**
 * @param begun told how to end it before its time
 * @throws CodedError as `Transport.send`
 */
export function exchange(
  wire: Wire,
  request: HttpRequest,
  begun?: (end: (error: CodedError) => void) => void,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader(request, resolve, reject)
    begun?.((error) => reader.fail(error))
    if (request.signal.aborted) reader.expire()
    else wire.send(request, reader)
  })
}

class AnswerReader implements WireListener {
  readonly #request: HttpRequest
  readonly #resolve: (response: HttpResponse) => void
  readonly #reject: (error: CodedError) => void
  readonly #timer: NodeJS.Timeout
  readonly #chunks: Uint8Array[] = []
  readonly #isCrumbled = crumbCounter()
  #length = 0
  #cap = 0
  #head: Omit<HttpResponse, 'body'> | undefined
  #abort: (() => void) | undefined
  #settled = false

  constructor(request: HttpRequest, resolve: (response: HttpResponse) => void, reject: (error: CodedError) => void) {
    this.#request = request
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = setTimeout(this.expire, wholeRequestTimeout)
    request.signal.addEventListener('abort', this.expire)
  }

  readonly expire = (): void => {
    const { url, signal } = this.#request
    const reason: unknown = signal.reason
    this.#fail(
      reason instanceof CodedError
        ? reason
        : new CodedError('registry-timeout', `${url.host} did not answer in time`, { where: showUrl(url) }),
    )
  }

  start(abort: () => void): void {
    // The deadline may have passed while the request waited for a connection.
    if (this.#settled) abort()
    else this.#abort = abort
  }

  head(status: number, headers: HttpResponse['headers']): void {
    const success = status < 300
    this.#head = { status, headers }
    this.#cap = success ? this.#request.maxBytes : maxErrorBytes
    if (!success || this.#request.method === 'HEAD') return
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') {
      this.#fail(this.#coded('registry-protocol', 'sent content in an encoding that was not asked for'))
    } else if (Number(headers['content-length'] ?? 0) > this.#cap) {
      this.#fail(this.#tooLarge())
    }
  }

  data(chunk: Uint8Array): void {
    if (this.#settled) return
    if (this.#isCrumbled(chunk)) {
      this.#fail(this.#coded('registry-protocol', 'sends content in very many very small pieces'))
      return
    }
    this.#length += chunk.length
    if (this.#length <= this.#cap) this.#chunks.push(chunk)
    else if (this.#head !== undefined && this.#head.status >= 300) this.#finish()
    else this.#fail(this.#tooLarge())
  }

  end(): void {
    this.#finish()
  }

  fail(error: Error): void {
    this.#fail(requestFailure(error, this.#request.url, this.#head === undefined ? 'head' : 'body'))
  }

  #finish(): void {
    const head = this.#head
    if (head === undefined || this.#settled) return
    this.#settle()
    if (this.#length > this.#cap) this.#abort?.()
    const response = { ...head, body: joined(this.#chunks) }
    // The connection is called free only in the event loop's next turn. A caller who went on before would be given a
    // second connection, and pay for its handshake.
    queueMicrotask(() => setImmediate(this.#resolve, response))
  }

  #fail(error: CodedError): void {
    if (this.#settled) return
    this.#settle()
    this.#abort?.()
    this.#reject(error)
  }

  #settle(): void {
    this.#settled = true
    clearTimeout(this.#timer)
    this.#request.signal.removeEventListener('abort', this.expire)
  }

  #tooLarge(): CodedError {
    return this.#coded('content-too-large', `sent more than the ${this.#cap} bytes that are read of this`)
  }

  #coded(code: 'registry-protocol' | 'content-too-large', what: string): CodedError {
    const { url } = this.#request
    return new CodedError(code, `${url.host} ${what}`, { where: showUrl(url) })
  }
}

/**
 * In memory of its own size. What is kept for long would otherwise hold whatever else came with it over the connection, and
 * the memory pages around that: four to eight kilobytes for each payload of three hundred bytes.
 */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let end = 0
  for (const chunk of chunks) {
    bytes.set(chunk, end)
    end += chunk.length
  }
  return bytes
}
