// Those who wait for room, in lanes: one of each lane in turn, so that a lane of thousands waits for itself.

export class Line<T> {
  /** The lane that is served next stands first. */
  readonly #lanes = new Map<string, Set<T>>()

  push(lane: string, item: T): void {
    const items = this.#lanes.get(lane)
    if (items === undefined) this.#lanes.set(lane, new Set([item]))
    else items.add(item)
  }

  withdraw(lane: string, item: T): void {
    const items = this.#lanes.get(lane)
    items?.delete(item)
    if (items?.size === 0) this.#lanes.delete(lane)
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0
  }

  /** The first of a lane that `fits`; that lane goes to the end. */
  take(fits: (item: T) => boolean = () => true): T | undefined {
    for (const [lane, items] of this.#lanes) {
      const [item] = items
      if (item === undefined || !fits(item)) continue
      this.#lanes.delete(lane)
      items.delete(item)
      if (items.size > 0) this.#lanes.set(lane, items)
      return item
    }
    return undefined
  }
}
