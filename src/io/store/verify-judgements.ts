// Checks the judgements of a store: each is what its name says, each that an entry names is there, and the note of who
// used it last is true, because what is removed goes by that note.

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { messageOf } from '#core/errors.ts'
import { sha256 } from './chain.ts'
import { judgementWindow } from './chain-writer.ts'
import type { Findings } from './findings.ts'
import { readJudgement } from './stored-record.ts'

const pageSize = 200
/** Judgements by name, looked up before: a bound on memory, not on the store. */
const maxLooked = 50_000

export class JudgementCheck {
  readonly #database: DatabaseSync
  readonly #findings: Findings
  readonly #lookup: StatementSync
  readonly #last = new Map<string, number>()

  constructor(database: DatabaseSync, findings: Findings) {
    this.#database = database
    this.#findings = findings
    this.#lookup = database.prepare('SELECT last FROM judgements WHERE hash = ?')
  }

  /** Of the entry `seq`. */
  named(seq: number, hash: string): void {
    const last = this.#lastOf(hash)
    if (last === undefined) {
      this.#last.set(hash, Number.POSITIVE_INFINITY)
      this.#add(hash, seq, 'is not there')
    } else if (last <= seq - judgementWindow) {
      this.#last.set(hash, Number.POSITIVE_INFINITY)
      this.#add(hash, seq, `says that entry ${last} was the last to name it`)
    }
  }

  /** @returns how many there are */
  walk(anchor: number, head: number): number {
    const page = this.#database.prepare(
      `SELECT hash, CAST(content AS BLOB) AS content, last FROM judgements WHERE hash > ? ORDER BY hash LIMIT ${pageSize}`,
    )
    let [after, count] = ['', 0]
    for (;;) {
      const rows = page.all(after)
      for (const row of rows) {
        after = String(row['hash'])
        this.#check(after, row, { anchor, head })
      }
      count += rows.length
      if (rows.length < pageSize) return count
    }
  }

  #check(
    hash: string,
    { content, last }: Readonly<Record<string, unknown>>,
    { anchor, head }: { readonly anchor: number; readonly head: number },
  ): void {
    const bytes = content instanceof Uint8Array ? content : new Uint8Array()
    if (sha256(bytes) !== hash) {
      this.#add(hash, this.#firstNaming(hash), 'was changed')
      return
    }
    try {
      readJudgement(Buffer.from(bytes).toString('utf8'), `judgement ${hash}`)
    } catch (error) {
      this.#findings.add({ kind: 'judgement', message: messageOf(error) })
    }
    const isOld = typeof last === 'number' && last <= anchor
    if (typeof last === 'number' && (isOld || (last <= head && this.#names(last, hash)))) return
    this.#add(hash, undefined, `says that entry ${String(last)} was the last to name it, which does not`)
  }

  #add(hash: string, seq: number | undefined, problem: string): void {
    const where = seq === undefined ? '' : `, which entry ${seq} names,`
    this.#findings.add({
      kind: 'judgement',
      ...(seq === undefined ? {} : { seq }),
      message: `the judgement ${hash.slice(0, 16)}…${where} ${problem}`,
    })
  }

  #lastOf(hash: string): number | undefined {
    const known = this.#last.get(hash)
    if (known !== undefined) return known
    const last = this.#lookup.get(hash)?.['last']
    if (typeof last !== 'number') return undefined
    if (this.#last.size >= maxLooked) this.#last.clear()
    this.#last.set(hash, last)
    return last
  }

  #names(seq: number, hash: string): boolean {
    const row = this.#database.prepare('SELECT instr(content, ?) AS at FROM entries WHERE seq = ?').get(hash, seq)
    return typeof row?.['at'] === 'number' && row['at'] > 0
  }

  /** A search through all entries: only for as many as are named. */
  #firstNaming(hash: string): number | undefined {
    if (this.#findings.isFull) return undefined
    const row = this.#database.prepare('SELECT min(seq) AS seq FROM entries WHERE instr(content, ?)').get(hash)
    return typeof row?.['seq'] === 'number' ? row['seq'] : undefined
  }
}
