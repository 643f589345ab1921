// What the thread that writes does by itself, on a clock of its own.

import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FromThread, Keep, ToThread } from '#io/store/writer-loop.ts'
import { serveWriter } from '#io/store/writer-loop.ts'
import { filledStore, runFacts, tempStore, verified } from '../../support/decision-store.ts'
import { noon } from '../../support/judging.ts'

let store: ReturnType<typeof tempStore>
let told: FromThread[]
let send: (message: ToThread) => void

const minute = 60_000
const hour = 60 * minute

beforeEach(async () => {
  store = tempStore()
  told = []
  // Twelve records, a start and a stop.
  await filledStore(store.file, 12)
  vi.useFakeTimers({ now: noon + minute })
})

afterEach(() => {
  vi.useRealTimers()
  store.remove()
})

function serve(keep: Keep): void {
  serveWriter(
    {
      postMessage: (message) => told.push(message),
      on: (_event, listen) => {
        send = listen
      },
      close: () => told.push({ kind: 'closed' }),
    },
    { file: store.file, facts: runFacts('run2'), keep },
  )
  expect(told).toEqual([{ kind: 'opened' }])
}

const removed = () => verified(store.file).removed

/** One record more. */
function write(n: number): void {
  const entries = `${n} stop ${noon}  ${JSON.stringify({ run: 'run2', n })}`
  send({ kind: 'batch', batch: { entries, last: n, judgements: [], named: [] } })
  expect(told.at(-1)).toEqual({ kind: 'written' })
}

const logBytes = () => statSync(`${store.file}-wal`).size

describe('the log', () => {
  test('is empty a minute later', () => {
    serve({})
    write(1)
    expect(logBytes()).toBeGreaterThan(0)
    vi.advanceTimersByTime(minute)
    expect(logBytes()).toBe(0)
    write(2)
    send({ kind: 'close' })
    expect(verified(store.file)).toMatchObject({ entries: 17, findings: [] })
  })

  test('is used anew after 8 MiB, however much is written within the minute', () => {
    serve({})
    // Two pages at least for each.
    for (let n = 1; n <= 600; n++) write(n)
    expect(logBytes()).toBeLessThan(9 * 1024 * 1024)
    expect(logBytes()).toBeGreaterThan(7 * 1024 * 1024)
    send({ kind: 'close' })
  })

  test('neighbour: that somebody still reads stays, and is written on', () => {
    serve({})
    write(1)
    const reader = new DatabaseSync(store.file, { readOnly: true })
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM entries').get()
    vi.advanceTimersByTime(minute)
    expect(logBytes()).toBeGreaterThan(0)
    write(2)
    reader.close()
    vi.advanceTimersByTime(minute)
    expect(logBytes()).toBe(0)
    send({ kind: 'close' })
    expect(verified(store.file)).toMatchObject({ entries: 17, findings: [] })
  })
})

describe('what is too old', () => {
  test('is removed though nothing is written any more', () => {
    serve({ ageMs: hour })
    vi.advanceTimersByTime(hour - 2 * minute)
    expect(removed()).toBe(0)
    vi.advanceTimersByTime(2 * minute)
    expect(removed()).toBe(14)
    expect(verified(store.file).findings).toEqual([])
    send({ kind: 'close' })
  })

  test('neighbour: stays where all is kept for ever', () => {
    serve({})
    vi.advanceTimersByTime(2 * hour)
    expect(removed()).toBe(0)
    send({ kind: 'close' })
  })

  test('is not looked for after the end', () => {
    serve({ ageMs: hour })
    send({ kind: 'close' })
    vi.advanceTimersByTime(2 * hour)
    expect(removed()).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})
