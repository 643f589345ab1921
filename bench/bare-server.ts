// The yardstick server, with a certificate like our own.

import { loadTls } from '#app/server/tls.ts'
import { type ChildOptions, startChild } from './child.ts'
import type { Place } from './pinning.ts'
import type { Listening } from './processes/bare-server.ts'
import type { Bench } from './scenario.ts'

export interface BareServer {
  readonly pid: number
  readonly port: number
  readonly ca: string
  /** Handshakes so far. */
  connections(): Promise<number>
}

/** What it pins every image to. */
export const bareDigest = `sha256:${'a'.repeat(64)}`

export async function startBareServer(
  bench: Bench,
  { place = 'server', ...options }: ChildOptions & { readonly place?: Place } = {},
): Promise<BareServer> {
  const pair = await loadTls({ kind: 'self-made', names: ['127.0.0.1', 'localhost'] }, Date.now())
  const child = startChild('bare-server', place, options)
  bench.closing(() => child.stop())
  const { cert, key } = pair
  const port = await child.call<number>('listen', { cert, key, digest: bareDigest } satisfies Listening)
  return { pid: child.pid, port, ca: pair.caPem ?? '', connections: () => child.call<number>('connections') }
}
