// An entry as it stands in the file, whatever anybody wrote there: what its hash is made of.

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { entryHash } from './chain.ts'

export interface RawEntry {
  readonly seq: number
  readonly kind: string
  /** As it stands there, whatever it is. */
  readonly at: string
  readonly id: string
  readonly content: Buffer
  readonly hash: string
}

export const rawColumns =
  'CAST(seq AS TEXT) AS number, kind, CAST(at AS TEXT) AS at, id, CAST(content AS BLOB) AS content, hash'

export function rawEntry(row: Readonly<Record<string, unknown>>): RawEntry {
  const { content } = row
  return {
    seq: Number(row['number']),
    kind: String(row['kind']),
    at: String(row['at']),
    id: String(row['id']),
    content: content instanceof Uint8Array ? Buffer.from(content) : Buffer.alloc(0),
    hash: String(row['hash']),
  }
}

/** Looks at one entry without walking the chain: does its hash follow from the one before? */
export class EntryCheck {
  readonly #entry: StatementSync
  readonly #anchor: StatementSync

  constructor(database: DatabaseSync) {
    this.#entry = database.prepare(`SELECT ${rawColumns} FROM entries WHERE seq = ?`)
    this.#anchor = database.prepare('SELECT anchor_hash FROM chain WHERE anchor_seq = ?')
  }

  /** Not where the entry before is missing: then nothing speaks for it. */
  isAsWritten(seq: number): boolean {
    const entry = this.#at(seq)
    return entry !== undefined && this.#before(seq).some((before) => entryHash(before, entry) === entry.hash)
  }

  /** Two where the entry before was changed: it is open in which part. */
  #before(seq: number): readonly string[] {
    const anchor = this.#anchor.get(seq - 1)?.['anchor_hash']
    if (anchor !== undefined) return [String(anchor)]
    const before = this.#at(seq - 1)
    if (before === undefined) return []
    const hash = this.#anchor.get(seq - 2)?.['anchor_hash'] ?? this.#at(seq - 2)?.hash
    return hash === undefined ? [before.hash] : [before.hash, entryHash(String(hash), before)]
  }

  #at(seq: number): RawEntry | undefined {
    const row = this.#entry.get(seq)
    return row === undefined ? undefined : rawEntry(row)
  }
}
