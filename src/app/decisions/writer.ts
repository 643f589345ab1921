// What the queue of records needs from whoever writes them down: batches in, one answer each.

/**
 * One text and two flat lists: copied to another thread, they cost a fraction of what objects do, or a text for each.
 */
export interface EntryBatch {
  /** A line for each entry: `number kind time id content`; the id of a mark is empty, JSON has no line ends. */
  readonly entries: string
  /** The number of the last entry within the run. */
  readonly last: number
  /** Judgements that may not be there yet: hash, text. */
  readonly judgements: readonly string[]
  /** For each judgement that an entry names: hash, and which entry of the batch (from 0) is the last to name it. */
  readonly named: readonly (string | number)[]
}

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
