// Appends to the chain: one batch, one transaction. Synchronous; it runs in a thread of its own.

import { statSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { DamageMark, PrunedMark, StartMark } from '#core/decision/chain-entry.ts'
import { recordText } from '#core/decision/record.ts'
import { CodedError } from '#core/errors.ts'
import type { EntryHead, EntryParts } from './chain.ts'
import { anchorSeal, entryHash } from './chain.ts'
import type { DamagedLog } from './damaged-log.ts'
import { keepDamagedLog } from './damaged-log.ts'
import { openForWriting, unusable } from './database.ts'
import { migrate } from './schema.ts'

/** Who writes. */
export interface RunFacts {
  readonly run: string
  readonly version: string
  readonly host: string
}

/** A part of the batch; see `app/decisions/writer.ts`. */
export interface Batch {
  readonly entries: string
  readonly last: number
  readonly judgements: readonly string[]
  readonly named: readonly (string | number)[]
}

/**
 * A judgement's `last` is an entry that names it, at most this far behind the last one that does. So whoever removes
 * entries knows which judgements nobody names any more, without a count that each record would have to change.
 */
export const judgementWindow = 50_000

/** What is known of judgements in the file: a name is 64 characters, so 100,000 take some 15 MB. */
const maxKnown = 100_000

export class ChainWriter {
  /** What could not be read any more when the store was opened. */
  readonly damage: DamagedLog | undefined
  readonly #database: DatabaseSync
  readonly #file: string
  readonly #inode: number
  readonly #facts: RunFacts
  readonly #statements: Record<'head' | 'entry' | 'judgement' | 'touch', StatementSync>
  /** Judgements in the file, with a `last` that is there or older. */
  readonly #known = new Map<string, number>()
  readonly #chain: string
  #written: number

  /** @throws CodedError `store-unusable`, `store-newer`, `store-foreign`, `store-malformed` */
  constructor(file: string, facts: RunFacts, now: number) {
    this.#file = file
    this.#facts = facts
    this.damage = damageBeforeOpening(file)
    this.#database = openForWriting(file)
    try {
      migrate(this.#database)
      this.#inode = statSync(file).ino
      this.#statements = {
        head: this.#database.prepare('SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1'),
        entry: this.#database.prepare(
          'INSERT INTO entries (seq, kind, at, id, content, hash) VALUES (?, ?, ?, ?, ?, ?)',
        ),
        judgement: this.#database.prepare(
          'INSERT INTO judgements (hash, content, last) VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET last = excluded.last',
        ),
        touch: this.#database.prepare('UPDATE judgements SET last = ? WHERE hash = ?'),
      }
      this.#chain = textOf(this.#database.prepare('SELECT id FROM chain').get(), 'id')
      this.#written = this.#writtenBefore()
      this.#begin(now)
    } catch (error) {
      this.#database.close()
      throw unusable(file, error)
    }
  }

  /** @returns `missing`: a judgement is neither in the file nor in the batch, and nothing was written */
  append(batch: Batch): 'written' | 'missing' {
    this.#checkFile()
    const result = this.#transaction(() => this.#appendAll(batch))
    // What a transaction that was taken back has touched is not touched.
    if (result === 'missing') this.#known.clear()
    return result
  }

  /** Removes the oldest entries. @returns how many; fewer than there are, so that nobody waits for long */
  prune(upTo: number, now: number): number {
    return this.#transaction(() => {
      const anchor = this.#anchor()
      const head = this.#head()
      // The newest entry stays, whatever its age: the chain must go on from something.
      const end = Math.min(upTo, head.seq - 1)
      if (end <= anchor.seq) return 0
      const hash = textOf(this.#database.prepare('SELECT hash FROM entries WHERE seq = ?').get(end), 'hash')
      this.#database.prepare('DELETE FROM entries WHERE seq <= ?').run(end)
      this.#database.prepare('DELETE FROM judgements WHERE last <= ?').run(end - judgementWindow)
      const seal = anchorSeal(this.#chain, { seq: end, hash })
      this.#database.prepare('UPDATE chain SET anchor_seq = ?, anchor_hash = ?, seal = ?').run(end, hash, seal)
      const count = end - anchor.seq
      const mark: PrunedMark = { run: this.#facts.run, upTo: end, hash, count }
      this.#mark('pruned', mark, now)
      return count
    })
  }

  /** The last of the oldest entries that are too old or too many, at most `atMost` of them. */
  outdated(
    keep: { readonly since?: number | undefined; readonly records?: number | undefined },
    atMost: number,
  ): number {
    const anchor = this.#anchor().seq
    const head = this.#head().seq
    const tooMany = keep.records === undefined ? anchor : head - keep.records
    let tooOld = anchor
    if (keep.since !== undefined) {
      const row = this.#database
        .prepare('SELECT min(seq) AS seq FROM (SELECT seq, at FROM entries ORDER BY seq LIMIT ?) WHERE at >= ?')
        .get(atMost, keep.since)
      const first = row?.['seq']
      tooOld = typeof first === 'number' ? first - 1 : anchor + atMost
    }
    return Math.min(Math.max(tooMany, tooOld), anchor + atMost, head)
  }

  /** Brings what stands in the log into the database, unless a reader needs it there. */
  emptyLog(): void {
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  }

  close(): void {
    this.#database.close()
  }

  #appendAll({ entries, last, judgements, named }: Batch): 'written' | 'missing' {
    // The writer before this one in the same process had come so far, and could not say so any more.
    if (last <= this.#written) return 'written'
    let { seq, hash } = this.#head()
    if (!this.#keepJudgements(judgements, named, seq + 1)) return 'missing'
    for (const line of entries.split('\n')) {
      seq += 1
      hash = this.#insert(hash, entryOf(line, seq))
    }
    this.#written = last
    return 'written'
  }

  #keepJudgements(judgements: Batch['judgements'], named: Batch['named'], first: number): boolean {
    const texts = new Map<string, string>()
    for (let at = 0; at < judgements.length; at += 2) texts.set(judgements[at] ?? '', judgements[at + 1] ?? '')
    if (this.#known.size > maxKnown) this.#known.clear()
    for (let at = 0; at < named.length; at += 2) {
      const hash = String(named[at])
      const last = first + Number(named[at + 1])
      const known = this.#known.get(hash)
      if (known !== undefined && last - known < judgementWindow / 2) continue
      const text = texts.get(hash)
      if (text !== undefined) this.#statements.judgement.run(hash, text, last)
      else if (this.#statements.touch.run(last, hash).changes === 0) return false
      this.#known.set(hash, last)
    }
    return true
  }

  #begin(now: number): void {
    const isNew = this.#written < 0
    if (!isNew && this.damage === undefined) return
    this.#transaction(() => {
      if (isNew) this.#mark('start', this.#startMark(), now)
      if (this.damage === undefined) return
      const { frames, transactions } = this.damage
      const mark: DamageMark = { run: this.#facts.run, frames, transactions }
      this.#mark('damaged', mark, now)
    })
    if (isNew) this.#written = 0
    // Else what is left of the damaged frames would be found, and told, again.
    if (this.damage !== undefined) this.emptyLog()
  }

  #startMark(): StartMark {
    const last = this.#lastStart()
    const { run, version, host } = this.#facts
    return {
      run,
      version,
      host,
      previous: last === undefined ? 'none' : last.isStopped ? 'clean' : 'unclean',
      previousRun: last?.run,
    }
  }

  #lastStart(): { readonly run: string; readonly isStopped: boolean } | undefined {
    const marks = this.#database
      .prepare("SELECT kind, content FROM entries WHERE kind <> 'decision' ORDER BY seq DESC")
      .iterate()
    const stopped = new Set<string>()
    let last: string | undefined
    for (const { kind, content } of marks) {
      const { run = '' } = placeOf(content)
      last ??= run
      if (kind === 'stop') stopped.add(run)
      if (kind === 'start') return { run, isStopped: stopped.has(run) }
    }
    // Retention has removed the start mark, and left a mark of its own that names the run.
    return last === undefined ? undefined : { run: last, isStopped: stopped.has(last) }
  }

  /** The number of the last entry of this run; -1 where the run has none, not even its start. */
  #writtenBefore(): number {
    const { run } = this.#facts
    const marks = this.#database.prepare("SELECT content FROM entries WHERE kind <> 'decision' ORDER BY seq DESC")
    let isStarted = false
    for (const { content } of marks.iterate()) {
      isStarted = placeOf(content).run === run
      if (isStarted) break
    }
    if (!isStarted) return -1
    for (const { content } of this.#database.prepare('SELECT content FROM entries ORDER BY seq DESC').iterate()) {
      const place = placeOf(content)
      if (place.run === run && place.n !== undefined) return place.n
    }
    return 0
  }

  #mark(kind: string, mark: object, at: number): void {
    const { seq, hash } = this.#head()
    this.#insert(hash, { seq: seq + 1, kind, at, id: '', content: recordText(mark) })
  }

  #insert(before: string, parts: EntryParts & { readonly content: string }): string {
    const hash = entryHash(before, parts)
    this.#statements.entry.run(parts.seq, parts.kind, parts.at, parts.id, parts.content, hash)
    return hash
  }

  #head(): EntryHead {
    const row = this.#statements.head.get()
    return row === undefined ? this.#anchor() : headOf(row, 'seq', 'hash')
  }

  #anchor(): EntryHead {
    return headOf(
      this.#database.prepare('SELECT anchor_seq, anchor_hash FROM chain').get(),
      'anchor_seq',
      'anchor_hash',
    )
  }

  /** A file that was removed or replaced would still take all that is written, and nobody would ever read it. */
  #checkFile(): void {
    if (statSync(this.#file).ino !== this.#inode) {
      throw new CodedError('store-unusable', `the store ${this.#file} was replaced by another file`)
    }
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#database.exec(result === 'missing' ? 'ROLLBACK' : 'COMMIT')
      return result
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }
}

function damageBeforeOpening(file: string): DamagedLog | undefined {
  try {
    return keepDamagedLog(file)
  } catch (error) {
    throw unusable(file, error)
  }
}

/** `number kind time id content`: the first of them only the queue needs. */
function entryOf(line: string, seq: number): EntryParts & { readonly content: string } {
  const kind = line.indexOf(' ') + 1
  const at = line.indexOf(' ', kind) + 1
  const id = line.indexOf(' ', at) + 1
  const content = line.indexOf(' ', id) + 1
  return {
    seq,
    kind: line.slice(kind, at - 1),
    at: Number(line.slice(at, id - 1)),
    id: line.slice(id, content - 1),
    content: line.slice(content),
  }
}

type Row = Readonly<Record<string, unknown>> | undefined

function textOf(row: Row, name: string): string {
  const value = row?.[name]
  if (typeof value === 'string') return value
  throw new CodedError('store-malformed', `the store lacks the ${name} that its chain goes on from`)
}

function headOf(row: Row, seq: string, hash: string): EntryHead {
  const value = row?.[seq]
  if (typeof value === 'number' && Number.isSafeInteger(value)) return { seq: value, hash: textOf(row, hash) }
  throw new CodedError('store-malformed', 'the store lacks the number that its chain goes on from')
}

/** Run and number of an entry, if it has them; what is broken has none, and is told by whoever verifies. */
function placeOf(content: unknown): { readonly run?: string; readonly n?: number } {
  try {
    const value: unknown = JSON.parse(String(content))
    if (typeof value !== 'object' || value === null) return {}
    const run = 'run' in value && typeof value.run === 'string' ? value.run : undefined
    const n = 'n' in value && typeof value.n === 'number' ? value.n : undefined
    return { ...(run === undefined ? {} : { run }), ...(n === undefined ? {} : { n }) }
  } catch {
    return {}
  }
}
