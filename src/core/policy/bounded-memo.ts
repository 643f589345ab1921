// Keeps what was computed, by a text key, within bounds of number and weight; the oldest goes first. No clock: what is
// kept here never becomes wrong, only too much.

export interface BoundedMemo<T> {
  get(key: string): T | undefined
  set(key: string, value: T): void
  /** How many are kept now. */
  size(): number
}

export interface MemoBounds<T> {
  readonly entries: number
  /** Of all entries together. A single heavier one is kept, alone. */
  readonly weight: number
  readonly weightOf: (value: T) => number
}

export function boundedMemo<T>(bounds: MemoBounds<T>): BoundedMemo<T> {
  const kept = new Map<string, T>()
  let weight = 0
  return {
    get: (key) => kept.get(key),
    set(key, value) {
      const before = kept.get(key)
      if (before !== undefined) {
        kept.delete(key)
        weight -= bounds.weightOf(before)
      }
      kept.set(key, value)
      weight += bounds.weightOf(value)
      for (const [oldest, old] of kept) {
        const fits = kept.size <= bounds.entries && weight <= bounds.weight
        if (fits || oldest === key) break
        kept.delete(oldest)
        weight -= bounds.weightOf(old)
      }
    },
    size: () => kept.size,
  }
}
