// Puts every answer on record: makes the record, queues it, and feeds the writer in batches. A store that is away costs
// history and nothing else; it is tried again, told once, and what had to be dropped meanwhile is counted.

import type { GapReason } from '#core/decision/chain-entry.ts'
import type { Answered } from '#core/decision/record.ts'
import { recordOf, recordText } from '#core/decision/record.ts'
import { messageOf } from '#core/errors.ts'
import { JudgementTexts } from './judgement-texts.ts'
import type { QueueLimits, Taken } from './queue.ts'
import { defaultQueueLimits, RecordQueue } from './queue.ts'
import type { RecordWriter, WriteOutcome } from './writer.ts'

export type RecordsEvent =
  | { readonly kind: 'written'; readonly count: number }
  | { readonly kind: 'dropped'; readonly count: number; readonly why: GapReason; readonly problem?: string }
  /** Told once, however often it is tried. */
  | { readonly kind: 'away'; readonly problem: string }
  | { readonly kind: 'back' }

export interface RecordsTiming {
  /** An answer is on its way to the disk after this time at the latest. */
  readonly flushMs: number
  /** Between attempts while the store is away: the first and the longest pause. */
  readonly retryMs: number
  readonly longestRetryMs: number
  /** A writer that has not answered for so long counts as away, though nothing can be done about it. */
  readonly patienceMs: number
}

export const defaultTiming: RecordsTiming = {
  // Large enough batches under load; little enough to lose by a power cut.
  flushMs: 50,
  retryMs: 250,
  longestRetryMs: 5_000,
  // The longest honest wait: a transaction behind somebody else's, on a slow disk.
  patienceMs: 10_000,
}

export interface RecordsOptions {
  readonly run: string
  readonly writer: RecordWriter
  readonly observe: (event: RecordsEvent) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** For an answer that no engine gave an id. */
  readonly newId: (at: number) => string
  readonly limits?: Partial<QueueLimits>
  readonly timing?: Partial<RecordsTiming>
}

export interface RecordsReport {
  readonly state: 'writing' | 'away'
  readonly waiting: number
  readonly dropped: number
  readonly problem?: string
}

export class DecisionRecords {
  readonly #options: RecordsOptions
  readonly #timing: RecordsTiming
  readonly #queue: RecordQueue
  readonly #texts = new JudgementTexts()
  #timer: NodeJS.Timeout | undefined
  /** The batch on its way, until it is written. */
  #taken: Taken | undefined
  #isBusy = false
  #retryMs: number
  #problem: string | undefined
  #dropped = 0
  #isClosed = false
  #onEmpty: () => void = () => {}

  constructor(options: RecordsOptions) {
    this.#options = options
    this.#timing = { ...defaultTiming, ...options.timing }
    this.#queue = new RecordQueue(options.run, { ...defaultQueueLimits, ...options.limits })
    this.#retryMs = this.#timing.retryMs
  }

  /** Never throws: who answers must not care. */
  add(answered: Answered): void {
    const at = answered.decision?.at ?? this.#options.now()
    try {
      if (this.#isClosed || !this.#queue.hasRoom()) this.#lose(at, 'full')
      else this.#enqueue(at, answered)
    } catch (error) {
      this.#lose(at, 'refused', messageOf(error))
    }
    this.#schedule()
  }

  report(): RecordsReport {
    return {
      state: this.#problem === undefined ? 'writing' : 'away',
      waiting: this.#queue.records,
      dropped: this.#dropped,
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    }
  }

  /** Writes what waits and a stop mark, as far as the time reaches. @returns how many records are lost by ending now */
  async close(withinMs: number): Promise<number> {
    if (this.#isClosed) return 0
    this.#isClosed = true
    this.#queue.stop(this.#options.now())
    const isEmpty = await this.#drain(withinMs)
    clearTimeout(this.#timer)
    if (isEmpty) await this.#options.writer.close()
    return this.#queue.records
  }

  #enqueue(at: number, answered: Answered): void {
    const { run, newId } = this.#options
    const n = this.#queue.nextNumber()
    const verdicts = answered.decision?.verdicts ?? []
    const text = recordText(recordOf({ run, n }, answered, (judgement) => this.#texts.hashOf(judgement)))
    let bytes = text.length
    for (const { judgement } of verdicts) if (judgement !== undefined) bytes += this.#texts.newBytes(judgement)
    this.#queue.add(n, { at, id: answered.decision?.id ?? newId(at), text, verdicts, bytes })
  }

  #lose(at: number, why: GapReason, problem?: string): void {
    this.#dropped += 1
    if (!this.#isClosed) this.#queue.lose(at, why)
    this.#tell({ kind: 'dropped', count: 1, why, ...(problem === undefined ? {} : { problem }) })
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#isBusy) return
    this.#timer = setTimeout(() => this.#flush(), this.#timing.flushMs)
  }

  /** Sends one batch, and goes on by itself until nothing waits. */
  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isBusy) return
    this.#taken ??= this.#queue.isEmpty ? undefined : this.#queue.take()
    if (this.#taken === undefined) {
      this.#onEmpty()
      return
    }
    this.#isBusy = true
    void this.#write(this.#taken).then((outcome) => {
      this.#isBusy = false
      this.#settle(outcome)
    })
  }

  async #write(taken: Taken): Promise<WriteOutcome> {
    const { writer } = this.#options
    const slow = setTimeout(
      () => this.#away(`nothing was written for ${this.#timing.patienceMs / 1_000} seconds`),
      this.#timing.patienceMs,
    )
    try {
      const outcome = await writer.write(this.#queue.batchOf(taken, this.#texts, this.#problem !== undefined))
      if (outcome.kind !== 'missing') return outcome
      const again = await writer.write(this.#queue.batchOf(taken, this.#texts, true))
      return again.kind === 'missing' ? { kind: 'refused', problem: 'a judgement has no text' } : again
    } catch (error) {
      return { kind: 'refused', problem: messageOf(error) }
    } finally {
      clearTimeout(slow)
    }
  }

  #settle(outcome: WriteOutcome): void {
    const taken = this.#taken
    if (taken === undefined) return
    if (outcome.kind === 'away') {
      this.#away(outcome.problem)
      this.#timer = setTimeout(() => this.#flush(), this.#retryMs)
      this.#retryMs = Math.min(this.#retryMs * 2, this.#timing.longestRetryMs)
      return
    }
    this.#taken = undefined
    if (outcome.kind === 'refused') {
      this.#queue.replaceByGap(taken, 'refused')
      this.#dropped += taken.records
      this.#tell({ kind: 'dropped', count: taken.records, why: 'refused', problem: outcome.problem })
    } else {
      this.#queue.done(taken)
      this.#back()
      if (taken.records > 0) this.#tell({ kind: 'written', count: taken.records })
    }
    if (this.#isClosed || this.#queue.isEmpty) this.#flush()
    else this.#schedule()
  }

  #away(problem: string): void {
    const isNews = this.#problem === undefined
    this.#problem = problem
    if (isNews) this.#tell({ kind: 'away', problem })
  }

  #back(): void {
    this.#retryMs = this.#timing.retryMs
    if (this.#problem === undefined) return
    this.#problem = undefined
    this.#tell({ kind: 'back' })
  }

  #drain(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), withinMs)
      this.#onEmpty = () => {
        clearTimeout(timer)
        resolve(true)
      }
      if (!this.#isBusy) this.#flush()
    })
  }

  /** Whoever listens cannot stop the writing. */
  #tell(event: RecordsEvent): void {
    try {
      this.#options.observe(event)
    } catch {}
  }
}
