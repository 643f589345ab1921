// The entries of a chain of records besides the decisions themselves: when a process began and ended to write, what was
// lost, what was removed. Without them a record that is missing could not be told from one that never was.

import type { RecordPlace } from './record.ts'

export interface StartMark {
  /** Names one life of one process. */
  readonly run: string
  readonly version: string
  readonly host: string
  /** Of the run before: did it write its stop mark? */
  readonly previous: 'none' | 'clean' | 'unclean'
  readonly previousRun?: string | undefined
}

export type StopMark = RecordPlace

/** Decisions that were made and answered, and of which no record could be kept. */
export interface GapMark extends RecordPlace {
  readonly count: number
  readonly why: GapReason
  /** Milliseconds since the epoch: the first and the last of them. */
  readonly from: number
  readonly until: number
}

/** `full`: the queue for the writer had no room. `refused`: a record could not be made or written, by a fault of ours. */
export type GapReason = 'full' | 'refused'

/** What the file held behind here could not be read any more when this run began; nobody knows how many records it was. */
export interface DamageMark {
  readonly run: string
  /** Of SQLite's log. */
  readonly frames: number
  /** A batch of records each; at least so many. */
  readonly transactions: number
}

/** Entries up to here were removed, because they were old or too many. */
export interface PrunedMark {
  readonly run: string
  readonly upTo: number
  /** Of the last entry that was removed: the next one goes on from it. */
  readonly hash: string
  readonly count: number
}

export type EntryKind = 'decision' | 'start' | 'stop' | 'gap' | 'damaged' | 'pruned'
