// Writes lines to a file descriptor, many at a time, behind the back of whoever has something to say. A reader that stands
// still, or a disk that is full, holds nobody up: lines wait up to a bound, are lost then, and are counted.

import { write, writeSync } from 'node:fs'
import process from 'node:process'

export interface LineWriter {
  write(line: string): void
  /** What was written leaves as soon as it can. */
  handOver(): void
  /** Resolves when all lines written so far have left the process, or nobody takes them. */
  flush(): Promise<void>
}

/** Lines are handed over together, once they are this long: each hand-over costs as much as making many lines. */
const batchLength = 64 * 1024
/** What does not fill a batch waits no longer than this. */
const batchMs = 100
/** Some ten thousand lines. */
const maxWaiting = 4 * 1024 * 1024
/** A pipe that is full is looked at again after this. */
const retryMs = 20
/** A reader that stands still does not keep a process from ending. */
const patienceMs = 1_000

/** @param lostLine the line that says how many were lost; it is written before the next one that finds room */
export function lineWriter(descriptor: number, lostLine: (lost: number) => string): LineWriter {
  let waiting = ''
  let waitingLines = 0
  let lost = 0
  let isLeaving = false
  let timer: NodeJS.Timeout | undefined
  const flushing: (() => void)[] = []

  function handOver(): void {
    clearTimeout(timer)
    timer = undefined
    if (isLeaving || waiting === '') return
    isLeaving = true
    send(Buffer.from(waiting), waitingLines)
    waiting = ''
    waitingLines = 0
  }

  function send(bytes: Uint8Array, lines: number): void {
    write(descriptor, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(send, retryMs, bytes, lines)
      else if (error === null && written < bytes.length) send(bytes.subarray(written), lines)
      else left(error === null ? 0 : lines)
    })
  }

  /** The batch has left; or there is no room for it, or nobody to read it, which is no reason to stop. */
  function left(lines: number): void {
    lost += lines
    isLeaving = false
    // Without a timer, what waits was to be handed over meanwhile.
    if (timer === undefined || flushing.length > 0) handOver()
    if (isLeaving) return
    for (const told of flushing.splice(0)) told()
  }

  // A process that breaks off says why in its last lines. A batch that is on its way leaves while the process ends.
  process.once('exit', () => writeNow(descriptor, Buffer.from(waiting)))

  return {
    write(line) {
      if (waiting.length + line.length > maxWaiting) {
        lost += 1
        return
      }
      if (lost > 0) waiting += lostLine(lost)
      lost = 0
      waiting += line
      waitingLines += 1
      if (waiting.length >= batchLength) handOver()
      else timer ??= setTimeout(handOver, batchMs)
    },
    handOver,
    async flush() {
      handOver()
      if (!isLeaving) return
      const { promise, resolve } = Promise.withResolvers<void>()
      flushing.push(resolve)
      const patience = setTimeout(resolve, patienceMs)
      await promise
      clearTimeout(patience)
    },
  }
}

function writeNow(descriptor: number, bytes: Uint8Array): void {
  const end = performance.now() + patienceMs
  let rest = bytes
  while (rest.length > 0 && performance.now() < end) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest))
    } catch (error) {
      // Nobody takes it any more.
      if (!isFull(error)) return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}
