// The one source of chance of a fuzz run: everything that is drawn comes from a text, so that the text draws it again.

import { createHash } from 'node:crypto'

export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** Equal texts draw equal numbers. */
  constructor(seed: string) {
    const bytes = createHash('sha256').update(seed).digest()
    this.#a = bytes.readUInt32LE(0)
    this.#b = bytes.readUInt32LE(4)
    this.#c = bytes.readUInt32LE(8)
    for (let warmUp = 0; warmUp < 12; warmUp++) this.next()
  }

  /** 32 bits: the generator sfc32 of PractRand, small and good enough for choosing. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  /** 0 … below - 1; 0 where there is nothing to choose from. */
  below(below: number): number {
    return below <= 0 ? 0 : Math.floor((this.next() / 2 ** 32) * below)
  }

  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  /** @throws Error for an empty list: a mistake of the caller */
  pick<T>(list: readonly T[]): T {
    const found = list[this.below(list.length)]
    if (found === undefined) throw new Error('nothing to pick from')
    return found
  }

  /** 1, 2, … `most`, each half as often as the one before. */
  few(most: number): number {
    let count = 1
    while (count < most && this.oneIn(2)) count++
    return count
  }

  /** A range of `length` places: short ones mostly, all of it rarely. */
  range(length: number): { readonly start: number; readonly end: number } {
    const start = this.below(length)
    const longest = this.oneIn(8) ? length : Math.min(length, 1 << this.below(8))
    return { start, end: Math.min(length, start + 1 + this.below(longest)) }
  }
}
