// Bounds how many requests are judged at once. Who comes first goes first; who waits too long is turned away.

export interface Gate {
  /** `true` at once or later: go in, and call `leave` afterwards. `false`: too many wait, or the signal was aborted. */
  enter(signal: AbortSignal): Promise<boolean> | boolean
  leave(): void
  readonly inside: number
  readonly waiting: number
}

export function createGate(limit: number, maxWaiting: number): Gate {
  let inside = 0
  // A set keeps the order of arrival, and one who gives up in the middle leaves without a search.
  const queue = new Set<(admitted: boolean) => void>()

  function wait(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const giveUp = () => settle(false)
      const settle = (admitted: boolean) => {
        queue.delete(settle)
        signal.removeEventListener('abort', giveUp)
        resolve(admitted)
      }
      queue.add(settle)
      signal.addEventListener('abort', giveUp)
    })
  }

  return {
    enter(signal) {
      if (signal.aborted) return false
      if (inside < limit) {
        inside++
        return true
      }
      return queue.size < maxWaiting ? wait(signal) : false
    },
    leave() {
      const [next] = queue
      // The place goes over to the next one, so `inside` stays.
      if (next === undefined) inside--
      else next(true)
    },
    get inside() {
      return inside
    },
    get waiting() {
      return queue.size
    },
  }
}
