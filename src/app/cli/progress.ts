// Tells on standard error what a command waits for, if it waits longer than a second. Says nothing about results.

import type { Stream } from './command.ts'

/** Below a second nobody wonders; then a sign of life every few. */
const firstAfterMs = 1_000
const thenEveryMs = 5_000

/** Runs `work`; `what` completes "still …": "asking 127.0.0.1:5000". */
export async function withProgress<T>(stderr: Stream, what: string, work: () => Promise<T>): Promise<T> {
  // Not `performance`, which a command would have to load for this alone.
  const started = Date.now()
  const tell = () => stderr.line(`… still ${what} (${Math.round((Date.now() - started) / 1000)} s)`)
  let timer = setTimeout(function again() {
    tell()
    timer = setTimeout(again, thenEveryMs)
  }, firstAfterMs)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
  }
}
