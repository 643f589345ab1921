// Bounded, expiring memory: what may be forgotten at any time and must not be kept for long. Nothing else imports the
// library, so that every such memory has both bounds.

import { LRUCache } from 'lru-cache'

export interface Cache<V extends object> {
  get(key: string): V | undefined
  /** `ttl` in milliseconds, at most the cache's own. */
  set(key: string, value: V, ttl?: number): void
  delete(key: string): void
  values(): Iterable<V>
  clear(): void
}

export interface CacheLimits<V> {
  readonly max: number
  /** In milliseconds; 0 keeps entries until there are too many. */
  readonly ttl: number
  /** Called once for everything that leaves. */
  readonly onDrop?: (value: V) => void
}

export function createCache<V extends object>(limits: CacheLimits<V>): Cache<V> {
  const { max, ttl, onDrop } = limits
  // By size and not by number, though it is the same here: for a number of entries the library makes room at once, which
  // a short command, that keeps three, would wait for.
  const entries = new LRUCache<string, V>({
    maxSize: max,
    sizeCalculation: () => 1,
    ttl,
    ...(onDrop && { dispose: (value: V) => onDrop(value) }),
  })
  return {
    get: (key) => entries.get(key),
    set: (key, value, own = ttl) => void entries.set(key, value, { ttl: ttl > 0 ? Math.min(own, ttl) : own }),
    delete: (key) => void entries.delete(key),
    values: () => entries.values(),
    clear: () => entries.clear(),
  }
}

/**
 * At most one run per key at a time; who asks meanwhile gets the same promise. Nothing is kept afterwards.
 *
 * @param joinableMs who asks later than this starts a run of their own: the one on its way may hang for ever
 */
export function createSingleFlight<V>(
  joinableMs = Number.POSITIVE_INFINITY,
): (key: string, run: () => Promise<V>) => Promise<V> {
  const flying = new Map<string, { readonly promise: Promise<V>; readonly sentAt: number }>()
  return (key, run) => {
    const flight = flying.get(key)
    const sentAt = performance.now()
    if (flight !== undefined && sentAt - flight.sentAt < joinableMs) return flight.promise
    const promise = run().finally(() => {
      if (flying.get(key)?.promise === promise) flying.delete(key)
    })
    flying.set(key, { promise, sentAt })
    return promise
  }
}
