// What is said of a fault, and how it is brought about.

import type { ErrorCode } from '#core/errors.ts'
import type { Answered } from './load.ts'
import type { World } from './world.ts'

export interface Fault {
  /** What `npm run faults` calls it. */
  readonly id: string
  readonly fault: string
  /** What Sealward does meanwhile. */
  readonly does: string
  /** Signs of it, each of which a run has to find. */
  readonly signs: Signs
  /** What an operator does. */
  readonly remedy: string
  /** Once the fault is over, Pods get right answers again within so many seconds. */
  readonly backWithin: number
  /** Whether all answers are right all the while, and none is "could not find out". */
  readonly isHarmless: boolean
  /** Brings it about, under load. */
  begin(world: World): End | Promise<End>
}

/** Ends a fault. @returns what became of Pods that were part of it */
export type End = () => Promise<readonly Answered[] | undefined> | undefined

export interface Signs {
  /** One of them in denials. */
  readonly codes?: readonly ErrorCode[]
  /** A line of the metrics begins so, and does not say 0; or it is this line. */
  readonly metric?: string
  /** A line of the log holds this. */
  readonly log?: string
}
