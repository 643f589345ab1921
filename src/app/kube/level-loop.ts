// Does something whenever it may be needed: one run at a time, again with growing pauses while it fails, and with growing
// pauses between writes while somebody keeps undoing them.

import { setTimeout as sleep } from 'node:timers/promises'

export interface LevelLoop {
  /** Something has changed: look again. */
  nudge(): void
  /** After the run that is under way. */
  close(): Promise<void>
}

export interface LevelLoopOptions {
  /**
   * Brings the state to where it shall be, seen from where it is; a rejection is tried again.
   *
   * @returns whether it had to write
   */
  readonly act: () => Promise<boolean>
  readonly failed: (error: unknown) => void
  /** Milliseconds that only go forward. */
  readonly now?: () => number
  /** Between 0 and 1. */
  readonly random?: () => number
}

const firstPauseMs = 200
/** Whoever removes a policy, or puts the API server back, should feel it within some seconds. */
const longestPauseMs = 4_000
/** Writes longer ago are no quarrel. */
const quarrelMs = 60_000
/** In a roll-out, two replicas that want something else write a few times each. */
const freeWrites = 3

export function createLevelLoop({ act, failed, now = () => performance.now(), random }: LevelLoopOptions): LevelLoop {
  const ending = new AbortController()
  let isDue = false
  let running: Promise<void> | undefined
  let failures = 0
  let writes: readonly number[] = []

  const round = async () => {
    isDue = false
    try {
      if (await act()) writes = [...writes.filter((at) => now() - at < quarrelMs), now()]
      failures = 0
    } catch (error) {
      failures++
      isDue = true
      failed(error)
    }
    const pause = pauseAfter(Math.max(failures, writes.filter((at) => now() - at < quarrelMs).length - freeWrites))
    if (pause > 0) await sleep(pause * jitter(random), undefined, { signal: ending.signal, ref: false }).catch(() => {})
  }
  const run = async () => {
    while (isDue && !ending.signal.aborted) await round()
    running = undefined
  }
  return {
    nudge() {
      isDue = true
      running ??= run()
    },
    async close() {
      ending.abort()
      await running
    },
  }
}

function pauseAfter(times: number): number {
  return times <= 0 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(times - 1, 10))
}

/** So that two replicas do not go on in step. */
function jitter(random: () => number = Math.random): number {
  return 0.5 + random() / 2
}
