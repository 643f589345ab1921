// The thread that writes: holds the file open, appends batches, removes what is too old. On any failure it closes the
// file and opens it anew for the next batch, so that a store that comes back is taken up as it then is.

import type { CodedError } from '#core/errors.ts'
import { codeOf, messageOf } from '#core/errors.ts'
import type { Batch, RunFacts } from './chain-writer.ts'
import { ChainWriter } from './chain-writer.ts'
import type { DamagedLog } from './damaged-log.ts'
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
  /** Between the others, whenever the store was opened and its end was damaged. */
  | { readonly kind: 'damaged'; readonly damage: DamagedLog }
  | { readonly kind: 'written' | 'missing' | 'closed' }
  | { readonly kind: 'away' | 'refused'; readonly problem: string }

/**
 * So often, whether anything is written or not, it is looked whether something is too old (nobody needs a day to end on the
 * minute), and the log is emptied, so that damage to it can cost a quiet cluster no more than the last minute.
 */
const tidyEveryMs = 60_000
/** In one transaction, between two batches: some 50 ms. */
const prunedAtOnce = 5_000

export interface Port {
  postMessage(message: FromThread): void
  on(event: 'message', listen: (message: ToThread) => void): unknown
  close(): void
}

/** Opens the store, says so, and serves until it is told to close. */
export function serveWriter(port: Port, data: ThreadData): void {
  const loop = new WriterLoop(data, (damage) => port.postMessage({ kind: 'damaged', damage }))
  const timer = setInterval(() => loop.tidy(), tidyEveryMs)
  port.on('message', (message) => {
    port.postMessage(message.kind === 'batch' ? loop.write(message.batch) : loop.close())
    if (message.kind === 'batch') return loop.prune()
    clearInterval(timer)
    port.close()
  })
  port.postMessage(loop.open())
}

class WriterLoop {
  readonly #data: ThreadData
  readonly #tellDamage: (damage: DamagedLog) => void
  // A wall clock that jumps would make old what is new: its first value counts, and what has passed since.
  readonly #startedAt = Date.now() - performance.now()
  #chain: ChainWriter | undefined
  #isPruneDue = true

  constructor(data: ThreadData, tellDamage: (damage: DamagedLog) => void) {
    this.#data = data
    this.#tellDamage = tellDamage
  }

  open(): FromThread {
    try {
      this.#opened()
      return { kind: 'opened' }
    } catch (error) {
      return { kind: 'not-opened', code: codeOf(error), problem: messageOf(error) }
    }
  }

  write(batch: Batch): FromThread {
    try {
      return { kind: this.#opened().append(batch) }
    } catch (error) {
      this.#giveUp()
      const isStore = isStoreFailure(error) || codeOf(error) !== 'internal-error'
      return { kind: isStore ? 'away' : 'refused', problem: messageOf(error) }
    }
  }

  close(): FromThread {
    this.#giveUp()
    return { kind: 'closed' }
  }

  tidy(): void {
    this.#isPruneDue = true
    this.prune()
    try {
      this.#chain?.emptyLog()
    } catch {
      this.#giveUp()
    }
  }

  /** What cannot be removed now is removed the next time. */
  prune(): void {
    const { ageMs, records } = this.#data.keep
    if ((ageMs === undefined && records === undefined) || !this.#isPruneDue) return
    try {
      const chain = this.#opened()
      const keep = { since: ageMs === undefined ? undefined : this.#now() - ageMs, records }
      const removed = chain.prune(chain.outdated(keep, prunedAtOnce), this.#now())
      this.#isPruneDue = removed === prunedAtOnce
    } catch {
      this.#giveUp()
      this.#isPruneDue = false
    }
  }

  #opened(): ChainWriter {
    if (this.#chain === undefined) {
      this.#chain = new ChainWriter(this.#data.file, this.#data.facts, this.#now())
      if (this.#chain.damage !== undefined) this.#tellDamage(this.#chain.damage)
    }
    return this.#chain
  }

  #giveUp(): void {
    try {
      this.#chain?.close()
    } catch {
      // It is opened anew in any case.
    }
    this.#chain = undefined
  }

  #now(): number {
    return Math.round(this.#startedAt + performance.now())
  }
}
