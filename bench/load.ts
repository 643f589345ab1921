// Load on a webhook, from a process on the other processor, and what it costs the webhook.

import { startChild } from './child.ts'
import type { Place } from './pinning.ts'
import { cpuMicroseconds } from './process-figures.ts'
import type { Aim, Burst, Loaded, Shot } from './processes/generator.ts'
import type { Bench } from './scenario.ts'
import { quantile } from './statistic.ts'

export interface LoadFigures {
  readonly count: number
  readonly perSecond: number
  /** Of the server, user and system, all threads, in microseconds a request. */
  readonly cpu: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly longest: number
}

export interface Generator {
  /** @throws if one answer was wrong: then no figure counts */
  fire(burst: Burst): Promise<LoadFigures>
  /** Other requests, over new connections. */
  aim(shots: readonly Shot[], connections: number): Promise<void>
}

export interface Served {
  readonly pid: number
  readonly port: number
  readonly ca: string
  /** Who asks; absent: nobody is asked for a certificate. */
  readonly client?: Aim['client']
  /** Where the load comes from; the processor that is not the server's if absent. */
  readonly loadFrom?: Place
}

export async function startGenerator(
  bench: Bench,
  server: Served,
  shots: readonly Shot[],
  connections: number,
): Promise<Generator> {
  const { port, ca, client, loadFrom = 'load' } = server
  const child = startChild('generator', loadFrom)
  bench.closing(() => child.stop())
  const aim = (at: readonly Shot[], over: number) =>
    child.call<void>('aim', { port, ca, client, connections: over, shots: at } satisfies Aim)
  await aim(shots, connections)
  return {
    aim,
    async fire(burst) {
      const before = cpuMicroseconds(server.pid)
      const loaded = await child.call<Loaded>('fire', burst)
      return figuresOf(loaded, cpuMicroseconds(server.pid) - before)
    },
  }
}

function figuresOf({ count, wrong, complaint, seconds, latencies }: Loaded, cpu: number): LoadFigures {
  if (wrong > 0)
    throw new Error(`${wrong} of ${count} answers were wrong, so that no figure counts; one is ${complaint}`)
  const times = [...latencies]
  return {
    count,
    perSecond: count / seconds,
    cpu: cpu / count,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    longest: quantile(times, 1),
  }
}
