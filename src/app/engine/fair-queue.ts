// A queue in which everybody has a lane: one of each is served in turn, so that who brings thousands waits for those,
// and nobody else does.

export class FairQueue<T> {
  /** The lane that is served next stands first. */
  readonly #lanes = new Map<object, T[]>()

  push(owner: object, item: T): void {
    const lane = this.#lanes.get(owner)
    if (lane === undefined) this.#lanes.set(owner, [item])
    else lane.push(item)
  }

  shift(): T | undefined {
    const [next] = this.#lanes
    if (next === undefined) return undefined
    const [owner, lane] = next
    const item = lane.shift()
    this.#lanes.delete(owner)
    if (lane.length > 0) this.#lanes.set(owner, lane)
    return item
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0
  }
}
