// How soon something is tried again that does not last. An API server that takes connections and ends them must not be asked
// as fast as it answers, by anybody.

import { setTimeout as sleep } from 'node:timers/promises'

export interface Timing {
  /** Milliseconds on a clock that does not jump. */
  readonly now: () => number
  /** Ends with the signal, too; never rejects. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Between 0 and 1. */
  readonly random: () => number
}

export const realTiming: Timing = {
  now: () => performance.now(),
  pause: (ms, signal) => sleep(ms, undefined, { signal, ref: false }).catch(() => undefined),
  random: Math.random,
}

const firstPauseMs = 200
/** Whatever was changed while the API server was away is felt within five seconds of its return. */
const longestPauseMs = 4_000
/** What went on for so long has not failed at once: a watch lasts for minutes. */
const lastingMs = 10_000

export class Pace {
  readonly #timing: Timing
  #failures = 0
  #since = Number.POSITIVE_INFINITY

  constructor(timing: Timing) {
    this.#timing = timing
  }

  /** How often in a row it has not lasted. */
  get failures(): number {
    return this.#failures
  }

  /** What shall last begins. */
  begun(): void {
    this.#since = this.#timing.now()
  }

  /** It is over. @param hasFailed or it has ended as it should */
  ended(hasFailed: boolean): void {
    const hasLasted = this.#timing.now() - this.#since >= lastingMs
    this.#since = Number.POSITIVE_INFINITY
    if (hasLasted) this.#failures = hasFailed ? 1 : 0
    else this.#failures += 1
  }

  /** Before it is tried again; replicas do not go on in step. @param leastMs no sooner than after about so long */
  async pause(signal: AbortSignal, leastMs = 0): Promise<void> {
    if ((this.#failures === 0 && leastMs === 0) || signal.aborted) return
    const growing = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(Math.max(this.#failures - 1, 0), 10))
    const longest = Math.max(leastMs, growing)
    await this.#timing.pause(longest * (0.5 + this.#timing.random() / 2), signal)
  }
}
