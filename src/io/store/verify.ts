// Walks a chain from its anchor to its head and says what does not fit: which entry was changed, is missing or names a
// judgement that is not there any more. In one snapshot, so that somebody may go on writing; in bounded memory.

import type { DatabaseSync } from 'node:sqlite'
import { messageOf } from '#core/errors.ts'
import type { EntryHead } from './chain.ts'
import { anchorSeal, entryHash } from './chain.ts'
import { isStoreFailure, sqliteProblem } from './database.ts'
import type { ChainFinding } from './findings.ts'
import { Findings } from './findings.ts'
import { damageOfLog, logOf } from './log-damage.ts'
import type { RawEntry } from './raw-entry.ts'
import { rawColumns, rawEntry } from './raw-entry.ts'
import type { StoredEntry } from './stored-record.ts'
import { readEntry } from './stored-record.ts'
import { JudgementCheck } from './verify-judgements.ts'

export interface ChainReport {
  readonly chain: string
  readonly head: EntryHead
  /** Entries that were removed from the front, as the chain itself says. */
  readonly removed: number
  readonly entries: number
  readonly records: number
  readonly judgements: number
  /** That any entry is of. */
  readonly runs: number
  /** Runs without a stop mark; the last one may still be writing. */
  readonly unended: readonly string[]
  readonly gaps: { readonly marks: number; readonly records: number }
  /** Starts that found the end of the record damaged, and said so. */
  readonly damages: { readonly marks: number; readonly transactions: number }
  /** Of a head that was noted elsewhere: `removed` is older than what is kept, and cannot be compared. */
  readonly noted?: 'found' | 'differs' | 'beyond' | 'removed'
  readonly findings: readonly ChainFinding[]
  /** Including those that are too many to name. */
  readonly findingCount: number
}

/** Read at once: some megabyte of records. */
const pageSize = 500

export function verifyChain(database: DatabaseSync, noted?: EntryHead): ChainReport {
  database.exec('BEGIN')
  try {
    return new ChainWalk(database, noted).report()
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK')
  }
}

class ChainWalk {
  readonly #database: DatabaseSync
  readonly #noted: EntryHead | undefined
  readonly #findings = new Findings()
  readonly #judgements: JudgementCheck
  /** By name: has it ended? Any entry names its run: the start mark may be gone. */
  readonly #runs = new Map<string, boolean>()
  #entries = 0
  #records = 0
  #gaps = { marks: 0, records: 0 }
  #damages = { marks: 0, transactions: 0 }
  #pruned: EntryHead | undefined
  #notedHash: string | undefined

  constructor(database: DatabaseSync, noted: EntryHead | undefined) {
    this.#database = database
    this.#noted = noted
    this.#judgements = new JudgementCheck(database, this.#findings)
  }

  report(): ChainReport {
    const { chain, anchor } = this.#anchor()
    this.#try('the file', () => this.#checkFile())
    this.#try('its log', () => this.#checkLog())
    let head = anchor
    this.#try('the entries', () => {
      this.#checkOutside(anchor)
      head = this.#walk(anchor)
    })
    this.#checkPruned(anchor)
    let judgements = 0
    this.#try('the judgements', () => {
      judgements = this.#judgements.walk(anchor.seq, head.seq)
    })
    const noted = this.#noted === undefined ? undefined : this.#compare(this.#noted, anchor, head)
    return {
      chain,
      head,
      removed: anchor.seq,
      entries: this.#entries,
      records: this.#records,
      judgements,
      runs: this.#runs.size,
      unended: [...this.#runs].flatMap(([run, isEnded]) => (isEnded ? [] : [run])),
      gaps: this.#gaps,
      damages: this.#damages,
      ...(noted === undefined ? {} : { noted }),
      findings: this.#findings.named,
      findingCount: this.#findings.count,
    }
  }

  /** A page that cannot be read ends the part, and the others are still looked at. */
  #try(part: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!isStoreFailure(error) && !isOutOfRange(error)) throw error
      this.#findings.add({ kind: 'file', message: `${part} cannot be read further: ${sqliteProblem(error)}` })
    }
  }

  #checkFile(): void {
    for (const row of this.#database.prepare('PRAGMA integrity_check(10)').iterate()) {
      const said = String(row['integrity_check'])
      if (said !== 'ok') this.#findings.add({ kind: 'file', message: `SQLite says of the file: ${said.slice(0, 200)}` })
    }
  }

  /** SQLite passes over what it cannot read there, and the chain before it is whole. */
  #checkLog(): void {
    const file = this.#database.location()
    const damage = file === null ? undefined : damageOfLog(file)
    if (file === null || damage === undefined) return
    const { frames, transactions } = damage
    const message = `${logOf(file)} is damaged: ${frames} frames of it, with at least ${transactions} batches of records, cannot be read`
    this.#findings.add({ kind: 'log', message })
  }

  #anchor(): { readonly chain: string; readonly anchor: EntryHead } {
    const row = this.#database.prepare('SELECT id, CAST(anchor_seq AS TEXT) AS seq, anchor_hash, seal FROM chain').get()
    const chain = String(row?.['id'] ?? '')
    const anchor = { seq: Number(row?.['seq'] ?? 0), hash: String(row?.['anchor_hash'] ?? '') }
    if (row === undefined || anchorSeal(chain, anchor) !== row['seal']) {
      this.#findings.add({ kind: 'anchor', message: 'the row that says where the chain begins was changed' })
    }
    return { chain, anchor }
  }

  /** What retention removed is gone; an entry that lies there was put in, and nothing covers it. */
  #checkOutside(anchor: EntryHead): void {
    const rows = this.#database
      .prepare('SELECT CAST(seq AS TEXT) AS number, id FROM entries WHERE seq <= ? ORDER BY seq')
      .iterate(anchor.seq)
    for (const { number, id } of rows) {
      const seq = Number(number)
      const message = `${nameOf(seq, String(id))} lies before entry ${anchor.seq + 1}, with which the chain begins`
      this.#findings.add({ kind: 'outside', seq, id: String(id), message })
    }
  }

  #walk(anchor: EntryHead): EntryHead {
    const page = this.#database.prepare(
      `SELECT ${rawColumns} FROM entries WHERE seq > ? ORDER BY seq LIMIT ${pageSize}`,
    )
    let head = anchor
    // What the next entry may go on from; two where it is open which of them was changed.
    let before: readonly string[] = [anchor.hash]
    for (;;) {
      const rows = page.all(head.seq)
      for (const row of rows) {
        const entry = rawEntry(row)
        before = this.#step(entry, head.seq, before)
        head = { seq: entry.seq, hash: entry.hash }
      }
      if (rows.length < pageSize) return head
    }
  }

  #step(entry: RawEntry, last: number, before: readonly string[]): readonly string[] {
    const { seq, id, hash } = entry
    this.#entries += 1
    if (seq === this.#noted?.seq) this.#notedHash = hash
    const isAdjacent = seq === last + 1
    if (!isAdjacent) this.#findings.missing(last + 1, seq - 1)
    const made = before.map((each) => entryHash(each, entry))
    const fits = made.includes(hash)
    // After a hole there is nothing to compare with.
    if (isAdjacent && !fits) this.#findings.add({ kind: 'changed', seq, id, message: `${nameOf(seq, id)} was changed` })
    this.#look(entry, !isAdjacent || fits)
    return isAdjacent && !fits ? [hash, ...made.slice(0, 1)] : [hash]
  }

  #look(entry: RawEntry, isWhole: boolean): void {
    const { seq, id, kind, content } = entry
    try {
      this.#count(seq, readEntry(kind, content.toString('utf8'), `entry ${seq}`))
    } catch (error) {
      // What was changed is told already.
      if (isWhole) this.#findings.add({ kind: 'unreadable', seq, id, message: messageOf(error) })
    }
  }

  #count(seq: number, entry: StoredEntry): void {
    const { run } = entry.kind === 'decision' ? entry.record : entry.mark
    if (entry.kind === 'stop') this.#runs.set(run, true)
    else if (!this.#runs.has(run)) this.#runs.set(run, false)
    switch (entry.kind) {
      case 'decision':
        this.#records += 1
        for (const { judgement } of entry.record.uses ?? []) {
          if (judgement !== undefined) this.#judgements.named(seq, judgement)
        }
        return
      case 'gap':
        this.#gaps = { marks: this.#gaps.marks + 1, records: this.#gaps.records + entry.mark.count }
        return
      case 'damaged': {
        const { marks, transactions } = this.#damages
        this.#damages = { marks: marks + 1, transactions: transactions + entry.mark.transactions }
        return
      }
      case 'pruned':
        this.#pruned = { seq: entry.mark.upTo, hash: entry.mark.hash }
    }
  }

  /** Removed entries are in order if an entry further on says so. */
  #checkPruned(anchor: EntryHead): void {
    const { seq, hash } = this.#pruned ?? { seq: 0, hash: anchor.seq === 0 ? anchor.hash : '' }
    if (seq === anchor.seq && hash === anchor.hash) return
    const message = `the chain begins after entry ${anchor.seq}, but its own entries say that it begins after ${seq}`
    this.#findings.add({ kind: 'anchor', message })
  }

  #compare(noted: EntryHead, anchor: EntryHead, head: EntryHead): ChainReport['noted'] {
    const { seq } = noted
    if (seq < anchor.seq) return 'removed'
    const hash = seq === anchor.seq ? anchor.hash : this.#notedHash
    if (hash === noted.hash) return 'found'
    const isBeyond = seq > head.seq
    const message = isBeyond
      ? `the chain ends with entry ${head.seq}, and entry ${seq} was noted: what came after ${head.seq} was cut off`
      : `entry ${seq} is not the one that was noted`
    this.#findings.add({ kind: 'head', seq, message })
    return isBeyond ? 'beyond' : 'differs'
  }
}

function nameOf(seq: number, id: string): string {
  return /^[0-9A-Z]{26}$/.test(id) ? `entry ${seq} (decision ${id})` : `entry ${seq}`
}

/** A number so large that it is none of ours. */
function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE'
}
