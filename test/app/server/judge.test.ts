// What the judge does with places: they are held as long as the work, and not only until the answer. What a handler says
// at once, and what it promises: both are the answer, both give their place back.

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createLog } from '#app/log.ts'
import type { Handlers } from '#app/server/handlers.ts'
import { createJudge } from '#app/server/judge.ts'
import { defaultLimits, type ServerLimits } from '#app/server/limits.ts'
import { allowed } from '#core/admission/answer.ts'
import { CodedError } from '#core/errors.ts'
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

function judgeBy(mutate: Handlers['mutate']) {
  const lines: string[] = []
  const loud = createLog({ level: 'debug', destination: { write: (line) => lines.push(line) } })
  const judge = createJudge({ ...readyHandlers, mutate }, { ...defaultLimits, judged: 1, cutOffGraceMs: 20 }, loud)
  return { judge, lines, ask: () => judge.judge('mutate', podRequest(['a']), 1_000).answer }
}

describe('a handler that answers at once', () => {
  test('is not asked when the time is over', () => {
    const judge = createJudge({ ...readyHandlers, mutate: () => allowed() }, defaultLimits, log)
    expect(judge.judge('mutate', podRequest(['a']), 0).answer).toMatchObject({ code: 'overloaded' })
    expect(judge.judge('mutate', podRequest(['a']), 1).answer).toMatchObject({ outcome: 'allowed' })
    expect(judge.gate.inside).toBe(0)
  })

  test('is heard at once, and leaves its place', () => {
    const { judge, ask } = judgeBy(() => allowed())
    for (let index = 0; index < 3; index++) expect(ask()).toMatchObject({ outcome: 'allowed' })
    expect(judge.gate.inside).toBe(0)
  })

  test('has a place while it works', () => {
    const inside: number[] = []
    const { judge, ask } = judgeBy(() => {
      inside.push(judge.gate.inside)
      return allowed()
    })
    void ask()
    expect(inside).toEqual([1])
  })

  test('is not asked where there is no place', () => {
    const hanging = judgeBy(() => new Promise(() => {}))
    void hanging.ask()
    // The moment of one newcomer, who is on trial.
    void hanging.ask()
    expect(hanging.ask()).toMatchObject({ outcome: 'denied', code: 'overloaded' })
    expect(hanging.judge.gate.inside).toBe(2)
  })

  test.each([
    ['with a code of its own', new CodedError('registry-timeout', 'no answer'), 'registry-timeout'],
    ['for no known reason', new TypeError('x is not a function'), 'internal-error'],
  ])('and fails %s is answered for with a denial, and leaves its place', (_, error, code) => {
    const { judge, ask } = judgeBy(() => {
      throw error
    })
    expect(ask()).toMatchObject({ outcome: 'denied', code })
    expect(judge.gate.inside).toBe(0)
  })
})

describe('a handler that promises an answer', () => {
  test('keeps its place until it is there', async () => {
    const { judge, ask } = judgeBy(async () => allowed())
    const answer = ask()
    expect(judge.gate.inside).toBe(1)
    expect(await answer).toMatchObject({ outcome: 'allowed' })
    expect(judge.gate.inside).toBe(0)
  })

  test('and fails is answered for', async () => {
    const { judge, ask, lines } = judgeBy(() => Promise.reject(new TypeError('x is not a function')))
    expect(await ask()).toMatchObject({ outcome: 'denied', code: 'internal-error' })
    expect(judge.gate.inside).toBe(0)
    expect(lines.join('')).toContain('x is not a function')
  })
})
