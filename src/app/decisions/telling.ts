// Tells what becomes of records: metrics each time, the log once for each change, so that a full disk does not fill
// another one.

import type { Log } from '#app/log.ts'
import type { Metrics } from '#app/server/metrics.ts'
import type { DamagedLog } from '#io/store/damaged-log.ts'
import type { RecordsEvent } from './records.ts'

/** A queue that is full for an hour says so sixty times. */
const dropsToldEveryMs = 60_000

/** @param waiting how many records wait now */
export function createTelling(
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
  waiting: () => number,
): (event: RecordsEvent) => void {
  let dropped = 0
  let toldAt = Number.NEGATIVE_INFINITY
  metrics.record({ kind: 'store', isUp: true })
  metrics.watch(() => ({ recordsWaiting: waiting() }))
  return (event) => {
    switch (event.kind) {
      case 'written':
        metrics.record({ kind: 'records', outcome: 'written', count: event.count })
        return
      case 'dropped':
        metrics.record({ kind: 'records', outcome: 'dropped', count: event.count })
        dropped += event.count
        if (performance.now() - toldAt < dropsToldEveryMs) return
        toldAt = performance.now()
        log.error('decision records are lost; the decisions themselves are made as ever', {
          why: event.why,
          lost: dropped,
          error: event.problem,
        })
        return
      case 'away':
        metrics.record({ kind: 'store', isUp: false })
        log.error('the store of decision records is away; records wait, decisions do not', {
          error: event.problem,
          waiting: waiting(),
        })
        return
      case 'back':
        metrics.record({ kind: 'store', isUp: true })
        log.info('the store of decision records is back', { waiting: waiting(), lost: dropped })
    }
  }
}

export function tellDamage({ log: file, frames, transactions, copy }: DamagedLog, log: Log): void {
  log.error('the end of the record of decisions was damaged: what stood there is lost, and the record says so', {
    file,
    frames,
    transactions,
    ...('file' in copy ? { copy: copy.file } : { error: `no copy of it could be kept: ${copy.problem}` }),
  })
}
