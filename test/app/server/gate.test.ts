import { describe, expect, test } from 'vitest'
import { createGate } from '#app/server/gate.ts'

const never = new AbortController().signal

describe('a gate', () => {
  test('lets in as many as fit, at once', () => {
    const gate = createGate(2, 10)
    expect([gate.enter(never), gate.enter(never)]).toEqual([true, true])
    expect(gate.inside).toBe(2)
  })

  test('lets the others in by order of arrival as soon as one leaves', async () => {
    const gate = createGate(1, 10)
    void gate.enter(never)
    const order: number[] = []
    const waits = [1, 2, 3].map(async (number) => {
      if (await gate.enter(never)) order.push(number)
    })
    for (let left = 0; left < 3; left++) {
      gate.leave()
      await Promise.resolve()
      expect(gate.inside).toBe(1)
    }
    await Promise.all(waits)
    expect(order).toEqual([1, 2, 3])
    gate.leave()
    expect(gate.inside).toBe(0)
  })

  test('turns away whoever finds the queue full', () => {
    const gate = createGate(1, 1)
    void gate.enter(never)
    expect(gate.enter(never)).toBeInstanceOf(Promise)
    expect(gate.enter(never)).toBe(false)
  })

  test('turns away whoever gives up, who then takes no place', async () => {
    const gate = createGate(1, 10)
    void gate.enter(never)
    const impatient = new AbortController()
    const first = gate.enter(impatient.signal)
    const second = gate.enter(never)
    impatient.abort()
    expect(await first).toBe(false)
    gate.leave()
    expect(await second).toBe(true)
    expect([gate.inside, gate.waiting]).toEqual([1, 0])
    expect(gate.enter(AbortSignal.abort())).toBe(false)
  })
})
