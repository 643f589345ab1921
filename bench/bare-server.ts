// The yardstick server, with a certificate like our own.

import { loadTls } from '#app/server/tls.ts'
import { type ChildOptions, startChild } from './child.ts'
import type { Bench } from './scenario.ts'

export interface BareServer {
  readonly pid: number
  readonly port: number
  readonly ca: string
}

export async function startBareServer(bench: Bench, options: ChildOptions = {}): Promise<BareServer> {
  const pair = await loadTls({ kind: 'self-made', names: ['127.0.0.1', 'localhost'] }, Date.now())
  const child = startChild('bare-server', 'server', options)
  bench.closing(() => child.stop())
  const port = await child.call<number>('listen', { cert: pair.cert, key: pair.key })
  return { pid: child.pid, port, ca: pair.caPem ?? '' }
}
