// What the thread that writes does by itself, on a clock of its own.

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
