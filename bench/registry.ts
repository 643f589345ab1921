// The registry of the scenarios, in a process of its own.

import type { Child } from './child.ts'
import { startChild } from './child.ts'
import type { Place } from './pinning.ts'
import type { Asked, Stored } from './processes/registry.ts'
import type { Bench } from './scenario.ts'

export interface BenchRegistry {
  /** `127.0.0.1:PORT`; plain HTTP. */
  readonly host: string
  store(content: readonly Stored[]): Promise<void>
  behave(how: { readonly delayMs?: number; readonly hasReferrersApi?: boolean }): Promise<void>
  /** What was asked since the last call. */
  asked(): Promise<Asked>
}

export async function startRegistry(bench: Bench, place: Place = 'load'): Promise<BenchRegistry> {
  const child: Child = startChild('registry', place)
  bench.closing(() => child.stop())
  const port = await child.call<number>('listen')
  return {
    host: `127.0.0.1:${port}`,
    store: (content) => child.call('store', content),
    behave: (how) => child.call('behave', how),
    asked: () => child.call<Asked>('asked'),
  }
}
