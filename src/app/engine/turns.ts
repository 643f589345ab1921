// Long work in slices: the event loop gets its turn in between, and so does everybody who has less to do. No work is
// put off that fits into a slice.

import { FairQueue } from './fair-queue.ts'

/** Work of one turn of the event loop. Connections, health checks and small requests are held up for no longer. */
const sliceMs = 8

/** Looking at the clock costs as much as the smallest pieces of work; and so many are never put off. */
const unlooked = 8

export class Turns {
  readonly #waiting = new FairQueue<() => void>()
  readonly #clock: () => number
  #isComing = false
  #began: number | undefined

  /** @param clock milliseconds that only ever grow */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** Has this turn of the event loop been used up? */
  isOver(): boolean {
    const now = this.#clock()
    this.#began ??= this.#begin(now)
    return now - this.#began >= sliceMs
  }

  /** Until the event loop comes by again. */
  #begin(now: number): number {
    setImmediate(() => {
      this.#began = undefined
    })
    return now
  }

  /** A turn of the event loop that nobody else who waits here has begun. */
  next(owner: object): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(owner, resolve)
      this.#come()
    })
  }

  /**
   * Does the work for each item, in slices; where all of it fits into this one, at once.
   * @returns `undefined` if it is done
   */
  each<T>(owner: object, items: readonly T[], work: (item: T) => void): Promise<void> | undefined {
    for (const [at, item] of items.entries()) {
      if (at % unlooked === unlooked - 1 && this.isOver()) return this.#later(owner, items.slice(at), work)
      work(item)
    }
    return undefined
  }

  async #later<T>(owner: object, items: readonly T[], work: (item: T) => void): Promise<void> {
    await this.next(owner)
    for (const [at, item] of items.entries()) {
      if (at % unlooked === unlooked - 1 && this.isOver()) await this.next(owner)
      work(item)
    }
  }

  #come(): void {
    if (this.#isComing) return
    this.#isComing = true
    setImmediate(() => {
      this.#isComing = false
      this.#began = this.#begin(this.#clock())
      this.#waiting.shift()?.()
      if (!this.#waiting.isEmpty) this.#come()
    })
  }
}
