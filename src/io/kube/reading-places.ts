// How many objects are read at a time: a few of each namespace, and of all together no more than leaves requests of other
// kinds their connections. Who waits is let in by how little its namespace is reading.

/** Half of the connections to the API server (`access.ts`). */
const inAll = 16
/** A Pod with a few pull secrets has them read at once. */
const ofOneNamespace = 4

interface Waiting {
  readonly namespace: string
  readonly enter: () => void
}

export class ReadingPlaces {
  readonly #reading = new Map<string, number>()
  readonly #waiting = new Set<Waiting>()
  #taken = 0

  /** Resolves when there is a place; it must be given back. */
  async take(namespace: string): Promise<void> {
    if (this.#hasRoom(namespace)) return this.#enter(namespace)
    await new Promise<void>((enter) => this.#waiting.add({ namespace, enter }))
  }

  giveBack(namespace: string): void {
    const left = this.#readingOf(namespace) - 1
    if (left > 0) this.#reading.set(namespace, left)
    else this.#reading.delete(namespace)
    this.#taken -= 1
    const next = this.#next()
    if (next === undefined) return
    this.#waiting.delete(next)
    this.#enter(next.namespace)
    next.enter()
  }

  #next(): Waiting | undefined {
    let least: Waiting | undefined
    for (const each of this.#waiting) {
      if (!this.#hasRoom(each.namespace)) continue
      if (least === undefined || this.#readingOf(each.namespace) < this.#readingOf(least.namespace)) least = each
    }
    return least
  }

  #enter(namespace: string): void {
    this.#reading.set(namespace, this.#readingOf(namespace) + 1)
    this.#taken += 1
  }

  #hasRoom(namespace: string): boolean {
    return this.#taken < inAll && this.#readingOf(namespace) < ofOneNamespace
  }

  #readingOf(namespace: string): number {
    return this.#reading.get(namespace) ?? 0
  }
}
