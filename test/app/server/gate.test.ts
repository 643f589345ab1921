import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createGate, type Gate, type Place } from '#app/server/gate.ts'
import { defaultLimits } from '#app/server/limits.ts'

const limits = { judged: 4, judgedBytes: 1_000, momentMs: 10 }

/** Enters, and tells the names of those who had to go. */
function crowd(gate: Gate = createGate(limits)) {
  const gone: string[] = []
  const enter = (name: string, namespace = 'a', hosts = 'stalled', bytes = 0): Place | undefined =>
    gate.enter({ flow: () => ({ namespace, hosts }), bytes, end: () => gone.push(name) })
  return { gate, gone, enter, moment: () => sleep(40) }
}

describe('a gate', () => {
  test('lets in as many as fit, and nobody has to go', async () => {
    const { gate, gone, enter, moment } = crowd()
    const places = ['1', '2', '3', '4'].map((name) => enter(name))
    expect(gate.inside).toBe(4)
    await moment()
    expect(gone).toEqual([])
    for (const place of places) place?.leave()
    places[0]?.leave()
    expect(gate.inside).toBe(0)
  })

  test('gives a newcomer to a full house a moment, in which it may be done', async () => {
    const { gate, gone, enter, moment } = crowd()
    for (const name of ['1', '2', '3', '4']) enter(name)
    enter('warm')?.leave()
    await moment()
    expect(gone).toEqual([])
    expect(gate.inside).toBe(4)
  })

  test('turns away the newcomer that would wait with the largest group', async () => {
    const { gate, gone, enter, moment } = crowd()
    for (const name of ['1', '2', '3', '4', '5']) enter(name)
    await moment()
    expect(gone).toEqual(['5'])
    expect(gate.inside).toBe(4)
  })

  test('ends the oldest of the namespace that takes most for a newcomer of another', async () => {
    const { gone, enter, moment } = crowd()
    enter('b1', 'b')
    for (const name of ['a1', 'a2', 'a3']) enter(name)
    enter('b2', 'b')
    await moment()
    expect(gone).toEqual(['a1'])
  })

  test('within the namespace that takes most, ends the oldest of those that wait for the same registries', async () => {
    const { gone, enter, moment } = crowd()
    enter('good', 'a', 'quick')
    for (const name of ['a1', 'a2', 'a3']) enter(name)
    enter('newcomer', 'a', 'quick')
    await moment()
    expect(gone).toEqual(['a1'])
  })

  test('needs nobody to go who has left meanwhile', async () => {
    const { gone, enter, moment } = crowd()
    const [first] = ['1', '2', '3', '4'].map((name) => enter(name))
    enter('b', 'b')
    first?.leave()
    await moment()
    expect(gone).toEqual([])
  })

  test('has room for a few on trial only: the next is turned away at once', () => {
    const { enter } = crowd()
    for (const name of ['1', '2', '3', '4']) enter(name)
    expect(enter('5', 'b')).toBeDefined()
    expect(enter('6', 'c')).toBeUndefined()
  })

  test('has room on trial again for the next as soon as one is done', () => {
    const { enter } = crowd()
    for (const name of ['1', '2', '3', '4']) enter(name)
    enter('5', 'b')?.leave()
    expect(enter('6', 'c')).toBeDefined()
    expect(enter('7', 'd')).toBeUndefined()
  })

  test('counts the bytes of large bodies by whom they are of', async () => {
    const { gate, gone, enter, moment } = crowd()
    enter('small', 'a')
    enter('large', 'a', 'stalled', 900)
    enter('other', 'b', 'quick', 600)
    await moment()
    expect(gone).toEqual(['large'])
    expect(gate.inside).toBe(2)
    enter('more', 'b', 'quick', 600)
    await moment()
    expect(gone).toEqual(['large', 'more'])
  })

  test('leaves connections over for probes, however many are judged and on trial', () => {
    expect(defaultLimits.judged * 1.25).toBeLessThan(defaultLimits.connections)
  })
})
