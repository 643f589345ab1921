// `--store` and what belongs to it: where `serve` keeps records of its decisions, and for how long.

import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { Worker } from 'node:worker_threads'
import { DecisionRecords } from '#app/decisions/records.ts'
import { createTelling, tellDamage } from '#app/decisions/telling.ts'
import type { Log } from '#app/log.ts'
import type { Metrics } from '#app/server/metrics.ts'
import { CodedError } from '#core/errors.ts'
import { startWriter } from '#io/store/writer-handle.ts'
import type { Keep, ThreadData } from '#io/store/writer-loop.ts'
import type { Args } from './command.ts'
import { newDecisionId } from './judging.ts'
import { storeOf } from './store-path.ts'

export interface StoreFlags {
  readonly file: string
  readonly keep: Keep
}

/** @throws CodedError `usage` */
export function storeFlags(args: Args): StoreFlags | undefined {
  const file = storeOf(args)
  const keep = keepOf(args)
  if (file !== undefined) return { file, keep }
  for (const name of ['store-keep', 'store-keep-records']) {
    if (args.all(name).length > 0) throw new CodedError('usage', `--${name} is about a store; name it with --store`)
  }
  return undefined
}

/**
 * Opens the store and begins a run in it; nothing is served before that is done.
 *
 * @throws CodedError `store-unusable`, `store-newer`, `store-foreign`, `store-malformed`
 */
export async function openRecords(
  flags: StoreFlags,
  { version, log, metrics }: { readonly version: string; readonly log: Log; readonly metrics: Metrics },
): Promise<DecisionRecords> {
  const run = randomBytes(8).toString('hex')
  const data: ThreadData = { ...flags, facts: { run, version, host: hostname() } }
  const writer = await startWriter(
    () => spawnThread(data),
    (damage) => tellDamage(damage, log),
  )
  const tell = createTelling({ log, metrics }, () => records.report().waiting)
  const records = new DecisionRecords({ run, writer, observe: tell, now: Date.now, newId: newDecisionId })
  return records
}

export function spawnThread(data: ThreadData): Worker {
  // In the bundle all files lie beside each other.
  const name = import.meta.url.endsWith('.ts') ? '../../records-thread.ts' : './records-thread.js'
  return new Worker(new URL(name, import.meta.url), { workerData: data, name: 'decision records' })
}

const day = 24 * 60 * 60 * 1000
const units: Readonly<Record<string, number>> = { h: day / 24, d: day, w: 7 * day }

function keepOf(args: Args): Keep {
  const age = args.text('store-keep') ?? ''
  const count = args.text('store-keep-records')
  const [, amount, unit = ''] = /^(\d{1,6})([hdw])$/.exec(age) ?? []
  const ageMs = Number(amount) * (units[unit] ?? Number.NaN)
  if (age !== 'forever' && !(ageMs > 0)) {
    throw new CodedError('usage', '--store-keep takes a time (12h, 90d, 52w) or "forever"')
  }
  if (count !== undefined && !/^[1-9]\d{0,11}$/.test(count)) {
    throw new CodedError('usage', '--store-keep-records takes a number, 1 or more')
  }
  return {
    ...(age === 'forever' ? {} : { ageMs }),
    ...(count === undefined ? {} : { records: Number(count) }),
  }
}
