// The bounded queue between the answering of requests and the writing of records. What has no room is lost, counted, and
// leaves a gap mark at its place. Nothing here can delay or change an answer.

import type { GapReason } from '#core/decision/chain-entry.ts'
import type { UseVerdict } from '#core/decision/decision.ts'
import { recordText } from '#core/decision/record.ts'
import type { JudgementTexts } from './judgement-texts.ts'
import type { EntryBatch } from './writer.ts'

export interface QueueLimits {
  /** Ten seconds of a full load, or a day of a usual one, while the store is away. */
  readonly records: number
  /** Of texts; what hangs on them is about as much again. */
  readonly bytes: number
  /** One transaction: larger ones gain nothing, and hold up whoever else wants to write. */
  readonly batchRecords: number
  readonly batchBytes: number
}

export const defaultQueueLimits: QueueLimits = {
  records: 50_000,
  bytes: 64 * 1024 * 1024,
  batchRecords: 1_000,
  batchBytes: 4 * 1024 * 1024,
}

/** What a queued record costs beside its texts: the values that its judgements hang on. */
const overhead = 500

export interface QueuedRecord {
  readonly at: number
  readonly id: string
  readonly text: string
  readonly verdicts: readonly UseVerdict[]
  /** Of the texts that go with it. */
  readonly bytes: number
}

type Item =
  | ({ readonly kind: 'decision'; readonly n: number } & QueuedRecord)
  | {
      readonly kind: 'gap'
      readonly n: number
      count: number
      readonly why: GapReason
      readonly from: number
      until: number
    }
  | { readonly kind: 'stop'; readonly n: number; readonly at: number }

/** Taken out of the queue, not written yet. */
export interface Taken {
  readonly items: readonly Item[]
  readonly records: number
}

export class RecordQueue {
  readonly #run: string
  readonly #limits: QueueLimits
  #items: Item[] = []
  #records = 0
  #bytes = 0
  #n = 0

  constructor(run: string, limits: QueueLimits) {
    this.#run = run
    this.#limits = limits
  }

  /** Records that wait, those of a batch on its way included. */
  get records(): number {
    return this.#records
  }

  get isEmpty(): boolean {
    return this.#items.length === 0
  }

  /** Asked before a record is made, so that a full queue costs nothing. */
  hasRoom(): boolean {
    return this.#records < this.#limits.records && this.#bytes < this.#limits.bytes
  }

  /** The number of the next record. */
  nextNumber(): number {
    this.#n += 1
    return this.#n
  }

  add(n: number, record: QueuedRecord): void {
    this.#records += 1
    this.#bytes += record.bytes + overhead
    this.#items.push({ kind: 'decision', n, ...record })
  }

  /** A record that is not kept: the mark at the end of the queue grows, or there is a new one. */
  lose(at: number, why: GapReason): void {
    const last = this.#items.at(-1)
    if (last?.kind === 'gap' && last.why === why) {
      last.count += 1
      last.until = at
    } else {
      this.#items.push({ kind: 'gap', n: this.nextNumber(), count: 1, why, from: at, until: at })
    }
  }

  stop(at: number): void {
    this.#items.push({ kind: 'stop', n: this.nextNumber(), at })
  }

  /** The oldest entries, as many as one batch holds. They count until `done`. */
  take(): Taken {
    const { batchRecords, batchBytes } = this.#limits
    let bytes = 0
    const end = this.#items.findIndex((item, index) => {
      if (index === batchRecords || bytes > batchBytes) return true
      bytes += item.kind === 'decision' ? item.bytes : 0
      return false
    })
    const items = this.#items.splice(0, end < 0 ? this.#items.length : end)
    return { items, records: items.filter(({ kind }) => kind === 'decision').length }
  }

  done({ items, records }: Taken): void {
    this.#records -= records
    for (const item of items) if (item.kind === 'decision') this.#bytes -= item.bytes + overhead
  }

  /** What cannot be written is lost where it stood, before everything that came later. */
  replaceByGap(taken: Taken, why: GapReason): void {
    this.done(taken)
    const marks = taken.items.filter((item) => item.kind !== 'decision')
    const lost = taken.items.filter((item) => item.kind === 'decision')
    const [first] = lost
    const last = lost.at(-1)
    // A mark that cannot be written is no history worth trying for ever.
    if (first === undefined || last === undefined) return
    const gap: Item = { kind: 'gap', n: first.n, count: lost.length, why, from: first.at, until: last.at }
    this.#items.unshift(...[gap, ...marks].sort((a, b) => a.n - b.n))
  }

  /** @param all every judgement with its text: the store lacks one that should be there */
  batchOf({ items }: Taken, texts: JudgementTexts, all: boolean): EntryBatch {
    const lines: string[] = []
    const judgements: string[] = []
    const named = new Map<string, number>()
    for (const [index, item] of items.entries()) {
      const { n, kind } = item
      if (kind !== 'decision') {
        lines.push(`${n} ${kind} ${kind === 'gap' ? item.until : item.at}  ${this.#markText(item)}`)
        continue
      }
      lines.push(`${n} ${kind} ${item.at} ${item.id} ${item.text}`)
      for (const { judgement } of item.verdicts) {
        if (judgement === undefined) continue
        const hash = texts.hashOf(judgement)
        const isNew = !named.has(hash)
        named.set(hash, index)
        const text = texts.take(judgement) ?? (all && isNew ? texts.textOf(judgement) : undefined)
        if (text !== undefined) judgements.push(hash, text)
      }
    }
    return { entries: lines.join('\n'), last: items.at(-1)?.n ?? 0, judgements, named: [...named].flat() }
  }

  #markText(item: Exclude<Item, { kind: 'decision' }>): string {
    const place = { run: this.#run, n: item.n }
    if (item.kind === 'stop') return recordText(place)
    const { count, why, from, until } = item
    return recordText({ ...place, count, why, from, until })
  }
}
