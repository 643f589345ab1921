// Inside of a test process: which mutant is switched on, which places a test comes by, and an end to loops that a mutant made
// endless. Time would be a poor judge of those on a busy machine; the number of places passed is the same on all.

import { switchName } from './instrument.ts'

export interface Switchboard {
  /** The mutant that is switched on; -1 for the code as it is. */
  active: number
  /** Places passed since the last `begin`. */
  passed: number
  /** More than this many is an endless loop. */
  limit: number
  /** The limit was hit; kept, because the code under test may catch what is thrown there. */
  overrun: boolean
  /** By mutant: has its place been passed while none was switched on? */
  readonly seen: Set<number>
}

class EndlessLoop extends Error {}

/** One a process, however often this module is loaded in it. */
const place = Symbol.for('sealward.switchboard')

export const switchboard: Switchboard = theOnlyOne()

function theOnlyOne(): Switchboard {
  const world: Record<symbol, unknown> = globalThis as unknown as Record<symbol, unknown>
  world[place] ??= { active: -1, passed: 0, limit: 0, overrun: false, seen: new Set<number>() }
  return world[place] as Switchboard
}

Object.defineProperty(globalThis, switchName, {
  configurable: true,
  value: (id: number): boolean => {
    switchboard.passed += 1
    if (switchboard.active < 0) {
      switchboard.seen.add(id)
      return false
    }
    if (switchboard.passed > switchboard.limit) {
      switchboard.overrun = true
      throw new EndlessLoop('the mutant loops without end')
    }
    return id === switchboard.active
  },
})

/** A mutant may well take longer ways; twenty times as long, and a share for short tests, is no longer way. */
export function limitFor(passedBefore: number): number {
  return 20 * passedBefore + 100_000
}

export function begin(active: number, limit: number): void {
  switchboard.active = active
  switchboard.limit = limit
  switchboard.passed = 0
  switchboard.overrun = false
}
