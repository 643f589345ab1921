// Reads a store that somebody may be writing at the same moment: the newest records first, one record by its name.

import type { DatabaseSync } from 'node:sqlite'
import type { Judgement } from '#core/decision/judgement.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import { sha256 } from './chain.ts'
import { openForReading, unusable } from './database.ts'
import type { LogDamage } from './log-damage.ts'
import { damageOfLog } from './log-damage.ts'
import { EntryCheck } from './raw-entry.ts'
import { checkSchema } from './schema.ts'
import type { StoredEntry } from './stored-record.ts'
import { readEntry, readJudgement } from './stored-record.ts'

export interface FoundEntry {
  readonly seq: number
  readonly at: number
  /** Of the decision; empty for a mark. */
  readonly id: string
  readonly hash: string
  readonly entry: StoredEntry
}

/** An entry that no version of ours has written so. */
export interface BrokenEntry {
  readonly seq: number
  readonly problem: string
}

/** What the chain covers. Whatever lies before its beginning was put there by somebody else. */
const inChain = 'seq > (SELECT anchor_seq FROM chain)'

/** Read at once while looking for what fits. */
const pageSize = 200

/** Of several that a prefix fits, so many are named. */
const maxFound = 5

export class RecordsReader {
  readonly database: DatabaseSync
  readonly #file: string
  #check: EntryCheck | undefined

  /** @throws CodedError `store-unusable`, `store-newer`, `store-foreign` */
  constructor(file: string) {
    this.#file = file
    this.database = openForReading(file)
    try {
      checkSchema(this.database)
    } catch (error) {
      this.database.close()
      throw unusable(file, error)
    }
  }

  /** What was written last, and cannot be read any more. */
  damage(): LogDamage | undefined {
    return this.#guarded(() => damageOfLog(this.#file))
  }

  /** All entries, from the newest back. @param holding what the text of an entry must hold: only to read fewer of them */
  *newestFirst(holding: readonly string[] = []): Generator<FoundEntry | BrokenEntry> {
    const filter = holding.map(() => ` AND (kind IN ('gap', 'damaged') OR instr(content, ?) > 0)`).join('')
    const page = this.#guarded(() =>
      this.database.prepare(
        `SELECT seq, kind, at, id, content, hash FROM entries WHERE seq < ? AND ${inChain}${filter} ORDER BY seq DESC LIMIT ${pageSize}`,
      ),
    )
    let before = Number.MAX_SAFE_INTEGER
    for (;;) {
      const rows = this.#guarded(() => page.all(before, ...holding))
      for (const row of rows) {
        before = Number(row['seq'])
        yield toEntry(row)
      }
      if (rows.length < pageSize) return
    }
  }

  /**
   * Records by id, or by the uid of the request; either may be cut short. Several where one uid was sent several times.
   *
   * @throws CodedError `store-malformed`
   */
  find(name: string): readonly FoundEntry[] {
    const byId = this.#guarded(() =>
      this.database
        .prepare(
          `SELECT seq, kind, at, id, content, hash FROM entries WHERE id >= ? AND id < ? AND id <> '' AND ${inChain} ORDER BY seq DESC LIMIT ${maxFound}`,
        )
        .all(name.toUpperCase(), `${name.toUpperCase()}\u{10ffff}`),
    )
    if (byId.length > 0) return byId.map(demandEntry)
    const byUid = this.#guarded(() =>
      this.database
        .prepare(
          `SELECT seq, kind, at, id, content, hash FROM entries WHERE kind = 'decision' AND ${inChain} AND instr(content, ?) > 0 ORDER BY seq DESC LIMIT ${maxFound}`,
        )
        // The member is written by us, right behind others of fixed form: no other text can look like it.
        .all(`,"uid":${JSON.stringify(name).slice(0, -1)}`),
    )
    return byUid.map(demandEntry)
  }

  /** Is this entry what was written? Whoever has changed its hash, too, is found by `verifyChain` alone. */
  isAsWritten({ seq }: FoundEntry): boolean {
    return this.#guarded(() => {
      this.#check ??= new EntryCheck(this.database)
      return this.#check.isAsWritten(seq)
    })
  }

  /** Is this judgement what its name says? */
  isJudgementAsWritten(hash: string): boolean {
    const row = this.#guarded(() =>
      this.database.prepare('SELECT CAST(content AS BLOB) AS content FROM judgements WHERE hash = ?').get(hash),
    )
    const content = row?.['content']
    return content instanceof Uint8Array && sha256(content) === hash
  }

  /** What is read meanwhile is of one moment, whatever somebody writes or removes. */
  atOnce<T>(work: () => T): T {
    this.#guarded(() => this.database.exec('BEGIN'))
    try {
      return work()
    } finally {
      if (this.database.isTransaction) this.database.exec('ROLLBACK')
    }
  }

  /** @throws CodedError `store-malformed` */
  judgements(hashes: Iterable<string>): ReadonlyMap<string, Judgement> {
    const lookup = this.#guarded(() => this.database.prepare('SELECT content FROM judgements WHERE hash = ?'))
    const found = new Map<string, Judgement>()
    for (const hash of hashes) {
      const content = this.#guarded(() => lookup.get(hash))?.['content']
      if (typeof content !== 'string') {
        throw new CodedError('store-malformed', `the judgement ${hash.slice(0, 16)}… is not in the store`)
      }
      found.set(hash, readJudgement(content, `judgement ${hash.slice(0, 16)}…`))
    }
    return found
  }

  close(): void {
    this.database.close()
  }

  #guarded<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw unusable(this.#file, error)
    }
  }
}

type Row = Readonly<Record<string, unknown>>

function toEntry(row: Row): FoundEntry | BrokenEntry {
  try {
    return demandEntry(row)
  } catch (error) {
    return { seq: Number(row['seq']), problem: messageOf(error) }
  }
}

function demandEntry(row: Row): FoundEntry {
  const [seq, at] = [Number(row['seq']), Number(row['at'])]
  if (!Number.isSafeInteger(at) || Math.abs(at) > 8.64e15) {
    throw new CodedError('store-malformed', `entry ${seq}: its time is none`)
  }
  const entry = readEntry(String(row['kind']), String(row['content']), `entry ${seq}`)
  return { seq, at, id: String(row['id']), hash: String(row['hash']), entry }
}
