// What the figures were taken on.

import { cpus, loadavg, totalmem } from 'node:os'
import process from 'node:process'
import { canPin } from './pinning.ts'

export interface Machine {
  readonly processors: string
  readonly memory: string
  readonly node: string
  readonly openssl: string
  readonly pinned: boolean
  /** Of the last minute, when the run began: other work on the machine. */
  readonly load: number
  readonly date: string
}

export function thisMachine(): Machine {
  const all = cpus()
  return {
    processors: `${all.length} × ${all[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    openssl: process.versions.openssl,
    pinned: canPin,
    load: Math.round((loadavg()[0] ?? Number.NaN) * 10) / 10,
    date: new Date().toISOString().slice(0, 10),
  }
}

export function describeMachine(machine: Machine): string {
  const { processors, memory, node, openssl, pinned, load, date } = machine
  const place = pinned
    ? 'server on the first processor, load and registry on the second'
    : 'NOT pinned to processors: req/s and latencies say little here'
  return `${processors}, ${memory}; Node ${node}, OpenSSL ${openssl}; ${place}; load ${load} at the start; ${date}`
}
