import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createGate, type Gate, type Place } from '#app/server/gate.ts'
import { defaultLimits } from '#app/server/limits.ts'

const limits = { judged: 4, judgedBytes: 1_000, momentMs: 10 }

/** Enters, and tells the names of those who had to go. Time passes only where a test says so, but for the moment of a newcomer. */
function crowd() {
  let now = 0
  const gate: Gate = createGate(limits, () => now)
  const gone: string[] = []
  const from = (peer: string, name: string, namespace = 'a', hosts = 'stalled', bytes = 0): Place | undefined =>
    gate.enter({ flow: () => ({ peer, namespace, hosts }), bytes, end: () => gone.push(name) })
  const enter = (name: string, namespace = 'a', hosts = 'stalled', bytes = 0) =>
    from('api', name, namespace, hosts, bytes)
  const pass = (ms: number) => {
    now += ms
  }
  return { gate, gone, enter, from, pass, moment: () => sleep(40) }
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

  test.each(['attacker', 'api'])(
    'AD-16: namespaces that are made up, one for each request, shut nobody out (from the address "%s")',
    async (peer) => {
      const { gone, enter, from, pass, moment } = crowd()
      for (const name of ['x1', 'x2', 'x3']) from(peer, name, name)
      pass(5_000)
      enter('honest')
      pass(100)
      enter('another')
      await moment()
      expect(gone).toEqual(['x1'])
    },
  )

  test('AD-16: neighbour: an API server with many short requests does not lose places to a sender with a few long ones', async () => {
    const { gone, enter, from, pass, moment } = crowd()
    from('attacker', 'x1', 'x1')
    pass(5_000)
    for (const name of ['1', '2', '3']) enter(name)
    pass(100)
    from('attacker', 'x2', 'x1')
    await moment()
    expect(gone).toEqual(['x2'])
  })

  test('ends, of the peer that takes most, one of the namespace that takes most', async () => {
    const { gone, enter, from, moment } = crowd()
    enter('b', 'b')
    for (const name of ['a1', 'a2']) enter(name, 'a')
    from('other', 'c', 'c')
    from('other', 'newcomer', 'a')
    await moment()
    expect(gone).toEqual(['a1'])
  })

  test('lets in what takes no bytes, however many all others take', async () => {
    const { gone, enter, moment } = crowd()
    enter('large', 'a', 'stalled', 1_000)
    enter('larger', 'a', 'stalled', 900)
    for (const name of ['1', '2']) enter(name, 'a', 'stalled')
    await moment()
    expect(gone).toEqual(['larger'])
  })

  test('AD-16: turns away at once what would make all take twice the bytes, on trial or not', () => {
    const { enter } = crowd()
    enter('1', 'a', 'stalled', 900)
    expect(enter('2', 'b', 'stalled', 1_101)).toBeUndefined()
    expect(enter('3', 'c', 'stalled', 1_100)).toBeDefined()
  })

  test('leaves connections over for probes, however many are judged and on trial', () => {
    expect(defaultLimits.judged * 1.25).toBeLessThan(defaultLimits.connections)
  })
})
