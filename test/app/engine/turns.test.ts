// Slices of work, and whose turn is next: by a clock that only the work itself moves.

import { describe, expect, test } from 'vitest'
import { FairQueue } from '#app/engine/fair-queue.ts'
import { Turns } from '#app/engine/turns.ts'

function world() {
  const clock = { now: 0 }
  return { clock, turns: new Turns(() => clock.now) }
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('work in slices', () => {
  test('is done at once where it fits into one', () => {
    const { clock, turns } = world()
    const done: number[] = []
    const later = turns.each({}, numbers(100), (item) => {
      clock.now += 0.05
      done.push(item)
    })
    expect(later).toBeUndefined()
    expect(done).toEqual(numbers(100))
  })

  test('that is too much lets the event loop turn, and leaves nothing out', async () => {
    const { clock, turns } = world()
    const done: number[] = []
    let loops = 0
    let isDone = false
    const count = () => {
      loops += 1
      if (!isDone) setImmediate(count)
    }
    setImmediate(count)
    await turns.each({}, numbers(1_000), (item) => {
      clock.now += 1
      done.push(item)
    })
    isDone = true
    expect(done).toEqual(numbers(1_000))
    // A thousand milliseconds of work, in slices of less than twenty.
    expect(loops).toBeGreaterThan(50)
  })

  test('a few pieces are never put off, however long the turn has lasted', () => {
    const { clock, turns } = world()
    expect(turns.isOver()).toBe(false)
    clock.now += 1_000
    expect(turns.isOver()).toBe(true)
    expect(turns.each({}, numbers(7), () => {})).toBeUndefined()
  })

  test('a turn of the event loop begins anew', async () => {
    const { clock, turns } = world()
    turns.isOver()
    clock.now += 1_000
    expect(turns.isOver()).toBe(true)
    await new Promise((resolve) => setImmediate(resolve))
    expect(turns.isOver()).toBe(false)
  })

  test('so does one that was waited for', async () => {
    const { clock, turns } = world()
    await turns.next({})
    clock.now += 1_000
    expect(turns.isOver()).toBe(true)
    await new Promise((resolve) => setImmediate(resolve))
    expect(turns.isOver()).toBe(false)
  })

  test('of two that have much to do, both get on', async () => {
    const { clock, turns } = world()
    const order: string[] = []
    const work = (who: string) => (item: number) => {
      clock.now += 10
      if (item % 50 === 0) order.push(who)
    }
    await Promise.all([turns.each({}, numbers(400), work('a')), turns.each({}, numbers(400), work('b'))])
    const first = order.slice(0, 8)
    expect(first).toContain('a')
    expect(first).toContain('b')
  })

  test('what fails in the middle is told', async () => {
    const { clock, turns } = world()
    const work = turns.each({}, numbers(100), (item) => {
      clock.now += 10
      if (item === 50) throw new Error('broken')
    })
    await expect(work).rejects.toThrow('broken')
  })
})

describe('a fair queue', () => {
  test('serves one of each in turn, and each in its own order', () => {
    const queue = new FairQueue<string>()
    const [many, few, one] = [{}, {}, {}]
    for (const item of ['m1', 'm2', 'm3', 'm4']) queue.push(many, item)
    for (const item of ['f1', 'f2']) queue.push(few, item)
    queue.push(one, 'o1')
    const served: (string | undefined)[] = []
    while (!queue.isEmpty) served.push(queue.shift())
    expect(served).toEqual(['m1', 'f1', 'o1', 'm2', 'f2', 'm3', 'm4'])
    expect(queue.shift()).toBeUndefined()
  })

  test('who comes late waits for one of each, not for all', () => {
    const queue = new FairQueue<string>()
    const [many, late] = [{}, {}]
    for (let index = 0; index < 1_000; index += 1) queue.push(many, `m${index}`)
    queue.shift()
    queue.push(late, 'late')
    expect([queue.shift(), queue.shift()]).toContain('late')
  })
})
