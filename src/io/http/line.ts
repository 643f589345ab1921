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

  /** The next one whose lane `hasRoom`; that lane goes to the end. */
  take(hasRoom: (lane: string) => boolean = () => true): T | undefined {
    for (const [lane, items] of this.#lanes) {
      const [item] = items
      if (item === undefined || !hasRoom(lane)) continue
      this.#lanes.delete(lane)
      items.delete(item)
      if (items.size > 0) this.#lanes.set(lane, items)
      return item
    }
    return undefined
  }
}
