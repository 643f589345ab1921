// The thread that writes: holds the file open, appends batches, removes what is too old. On any failure it closes the
// file and opens it anew for the next batch, so that a store that comes back is taken up as it then is.

import '#hardening.ts'
import { parentPort, workerData } from 'node:worker_threads'
import type { CodedError } from '#core/errors.ts'
import { codeOf, messageOf } from '#core/errors.ts'
import type { Batch, RunFacts } from './chain-writer.ts'
import { ChainWriter } from './chain-writer.ts'
import { isStoreFailure } from './database.ts'

export interface ThreadData {
  readonly file: string
  readonly facts: RunFacts
  readonly keep: Keep
}

/** What stays; absent: everything. */
export interface Keep {
  readonly ageMs?: number
  readonly records?: number
}

export type ToThread = { readonly kind: 'batch'; readonly batch: Batch } | { readonly kind: 'close' }

export type FromThread =
  | { readonly kind: 'opened' }
  | { readonly kind: 'not-opened'; readonly code: CodedError['code']; readonly problem: string }
  | { readonly kind: 'written' | 'missing' | 'closed' }
  | { readonly kind: 'away' | 'refused'; readonly problem: string }

/** So often it is looked whether something is too old; nobody needs a day to end on the minute. */
const pruneEveryMs = 60_000
/** In one transaction, between two batches: some 50 ms. */
const prunedAtOnce = 5_000

const { file, facts, keep } = workerData as ThreadData
const port = parentPort
// A wall clock that jumps would make old what is new: its first value counts, and what has passed since.
const startedAt = Date.now() - performance.now()
let chain: ChainWriter | undefined
let prunedAt = Number.NEGATIVE_INFINITY

function now(): number {
  return Math.round(startedAt + performance.now())
}

function opened(): ChainWriter {
  chain ??= new ChainWriter(file, facts, now())
  return chain
}

function closeAfterFailure(): void {
  try {
    chain?.close()
  } catch {
    // It is given up anyway.
  }
  chain = undefined
}

function write(batch: Batch): FromThread {
  try {
    const kind = opened().append(batch)
    return { kind }
  } catch (error) {
    closeAfterFailure()
    const problem = messageOf(error)
    return isStoreFailure(error) || codeOf(error) !== 'internal-error'
      ? { kind: 'away', problem }
      : { kind: 'refused', problem }
  }
}

/** What cannot be removed now is removed the next time. */
function prune(): void {
  if (keep.ageMs === undefined && keep.records === undefined) return
  if (performance.now() - prunedAt < pruneEveryMs) return
  try {
    const since = keep.ageMs === undefined ? {} : { since: now() - keep.ageMs }
    const records = keep.records === undefined ? {} : { records: keep.records }
    const upTo = opened().outdated({ ...since, ...records }, prunedAtOnce)
    const removed = opened().prune(upTo, now())
    if (removed < prunedAtOnce) prunedAt = performance.now()
  } catch {
    closeAfterFailure()
    prunedAt = performance.now()
  }
}

function answer(message: ToThread): FromThread {
  if (message.kind === 'batch') return write(message.batch)
  closeAfterFailure()
  return { kind: 'closed' }
}

port?.on('message', (message: ToThread) => {
  port.postMessage(answer(message) satisfies FromThread)
  if (message.kind === 'close') port.close()
  else prune()
})

try {
  opened()
  port?.postMessage({ kind: 'opened' } satisfies FromThread)
} catch (error) {
  port?.postMessage({ kind: 'not-opened', code: codeOf(error), problem: messageOf(error) } satisfies FromThread)
}
