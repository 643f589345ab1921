// What `transport.ts` needs of the connections to one origin. Two libraries provide it: Node's own client for direct
// connections (`direct-wire.ts`), and undici where a proxy is in between (`proxy-wire.ts`).

import type { LookupFunction } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { HttpRequest, HttpResponse } from './message.ts'

export interface Wire {
  /** Sends, and tells the listener what comes; whatever fails is told there, too. */
  send(request: HttpRequest, listener: WireListener): void
  /** How many connections wait for their next request, as far as that can be known. */
  idle(): number
  closeIdle(): void
  /** Lets running requests end. */
  retire(): void
  /** Ends everything at once. */
  destroy(): Promise<void>
}

/** Called in this order; after `end` or `fail` never again. */
export interface WireListener {
  /** The request is about to be written; from now on it can be given up. */
  start(abort: () => void): void
  /** Of the answer itself; what precedes it (1xx) is not told. */
  head(status: number, headers: HttpResponse['headers']): void
  data(chunk: Uint8Array): void
  end(): void
  fail(error: Error): void
}

export interface WireOptions {
  readonly connections: number
  readonly timeouts: Timeouts
  /** Judges every address that the host's name gives. */
  readonly lookup: LookupFunction
  readonly secureContext: SecureContext | undefined
  /** Told of every new connection. */
  readonly connected: (address: string) => void
}

export interface Timeouts {
  /** Of TCP and TLS together. */
  readonly connect: number
  /** From the sent request to the whole head of the answer, and between two pieces of its body. */
  readonly silence: number
  /** For how long a connection waits for its next request. */
  readonly keepAlive: number
}

export const timeouts: Timeouts = {
  // A TCP and TLS handshake across the world takes under a second; admission gives up after 10 s at the latest.
  connect: 5_000,
  // Silence longer than this is a dead connection; callers' own deadlines are usually shorter.
  silence: 10_000,
  // Longer than a burst of admissions, shorter than what load balancers keep (60 s and more).
  keepAlive: 30_000,
}
