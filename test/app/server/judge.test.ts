// What the judge does with places: they are held as long as the work, and not only until the answer.

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createLog } from '#app/log.ts'
import { createJudge } from '#app/server/judge.ts'
import { defaultLimits, type ServerLimits } from '#app/server/limits.ts'
import { allowed } from '#core/admission/answer.ts'
import { podRequest } from '../../support/pods.ts'
import { readyHandlers } from './harness.ts'

const log = createLog({ level: 'error', destination: { write: () => {} } })

/** Judges by a handler that goes on until it is released, whatever its signal says. */
function stubborn(limits: Partial<ServerLimits> = {}) {
  const working = Promise.withResolvers<void>()
  const mutate = () => working.promise.then(() => allowed())
  const judge = createJudge({ ...readyHandlers, mutate }, { ...defaultLimits, momentMs: 10, ...limits }, log)
  return { judge, release: working.resolve }
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `r.example.com/app${index}`)

describe('AD-16: a place', () => {
  test('is held until the handler has come back, though the answer was given', async () => {
    const { judge, release } = stubborn()
    expect(await judge.judge('mutate', podRequest(['a']), 20).answer).toMatchObject({ code: 'overloaded' })
    expect(judge.gate.inside).toBe(1)
    release()
    await expect.poll(() => judge.gate.inside).toBe(0)
  })

  test('is free again at last where a handler hangs', async () => {
    const { judge } = stubborn({ hungMs: 10 })
    expect(await judge.judge('mutate', podRequest(['a']), 20).answer).toMatchObject({ code: 'overloaded' })
    await expect.poll(() => judge.gate.inside).toBe(0)
  })

  test('is not to be had for many images beside many others', async () => {
    const { judge, release } = stubborn({ judgedBytes: 100_000 })
    const first = judge.judge('mutate', podRequest(names(20)), 5_000)
    const second = judge.judge('mutate', podRequest(names(20)), 5_000)
    // It is told so as soon as the handler, or the grace of one, has ended.
    expect(await second.answer).toMatchObject({ code: 'overloaded' })
    release()
    expect(await first.answer).toMatchObject({ outcome: 'allowed' })
  })

  test('neighbour: is to be had for a few images beside many others', async () => {
    const { judge, release } = stubborn({ judgedBytes: 100_000 })
    const all = [20, 16, 16].map((count) => judge.judge('mutate', podRequest(names(count)), 5_000).answer)
    await sleep(50)
    release()
    for (const given of await Promise.all(all)) expect(given).toMatchObject({ outcome: 'allowed' })
  })
})
