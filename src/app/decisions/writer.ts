// What the queue of records needs from whoever writes them down: batches in, one answer each.

import type { EntryKind } from '#core/decision/chain-entry.ts'

/** Flat lists: copied to another thread, they cost a fraction of what objects do. */
export interface EntryBatch {
  /** For each entry: number within the run, kind, time, id (empty for a mark), text. */
  readonly entries: readonly (number | EntryKind | string)[]
  /** Judgements that may not be there yet: hash, text. */
  readonly judgements: readonly string[]
  /** For each judgement that an entry names: hash, and which entry of the batch (from 0) is the last to name it. */
  readonly named: readonly (string | number)[]
}

/** How many members of `entries` one entry is. */
export const entryWidth = 5

export type WriteOutcome =
  /** All of it, or what of it was not there yet. */
  | { readonly kind: 'written' }
  /** A judgement that an entry names is not in the store, nor in the batch: nothing was written. */
  | { readonly kind: 'missing' }
  /** The store is away; the same batch may be tried again. */
  | { readonly kind: 'away'; readonly problem: string }
  /** The batch itself cannot be written: a fault of ours. */
  | { readonly kind: 'refused'; readonly problem: string }

export interface RecordWriter {
  /** One batch at a time. Never rejects. */
  write(batch: EntryBatch): Promise<WriteOutcome>
  /** Releases the store. */
  close(): Promise<void>
}
