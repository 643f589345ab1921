// How connections are shared out among hosts that do not answer, those that do, and those that come.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CodedError } from '#core/errors.ts'
import type { Standing } from '#io/http/message.ts'
import { Outgoing, type Outlet, type Passage } from '#io/http/outgoing.ts'
import { refusal, refusalCode } from '../../support/coded.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const inAll = 256
const connections = 64
const { signal } = new AbortController()

/** A host with so many connections that wait for a request. */
function host(name: string, idle = 0): Outlet & { readonly unused: () => number } {
  let unused = idle
  const closeIdle = () => {
    unused = 0
  }
  return { origin: `https://${name}`, connections, wire: { idle: () => unused, closeIdle }, unused: () => unused }
}

/** Requests under way, and what became of them. */
class Traffic {
  readonly outgoing = new Outgoing()
  readonly ended: string[] = []

  /** Sends at once; an error where it would have to wait. */
  send(outlet: Outlet, times = 1): readonly Passage[] {
    return Array.from({ length: times }, () => {
      const entered = this.outgoing.enter(outlet, { signal })
      if (entered instanceof Promise) throw new Error(`${outlet.origin} has to wait`)
      return this.#start(entered)
    })
  }

  /** Sends, whenever it is its turn. */
  async wait(outlet: Outlet, more: { signal?: AbortSignal; standing?: Standing } = {}): Promise<Passage> {
    return this.#start(await this.outgoing.enter(outlet, { signal, ...more }))
  }

  /** Four hosts that have been asked all that they can be, and do not answer. */
  fill(prefix = 'silent'): readonly Passage[] {
    return Array.from({ length: inAll / connections }, (_, at) => this.send(host(`${prefix}${at}`), connections)).flat()
  }

  /** A host that has answered before. */
  known(name: string): Outlet {
    const outlet = host(name)
    for (const passage of this.send(outlet)) {
      this.outgoing.answered(passage)
      this.outgoing.leave(passage)
    }
    return outlet
  }

  #start(passage: Passage): Passage {
    passage.end = ({ code }) => this.ended.push(`${passage.outlet.origin}: ${code}`)
    return passage
  }
}

const isSettled = (work: Promise<unknown>) =>
  Promise.race([work.then(() => true), new Promise((resolve) => setImmediate(resolve, false))])

describe('room for a request', () => {
  test('is there for 256 to all hosts together; the next one waits until one of them has ended', async () => {
    const traffic = new Traffic()
    const [first] = traffic.fill()
    const next = traffic.wait(host('registry'))
    expect(await isSettled(next)).toBe(false)
    if (first !== undefined) traffic.outgoing.leave(first)
    expect(await isSettled(next)).toBe(true)
  })

  test('neighbour: is given back once, however often it is said', async () => {
    const traffic = new Traffic()
    const [first] = traffic.fill()
    const waiting = [traffic.wait(host('a')), traffic.wait(host('b'))]
    for (let time = 0; time < 2; time++) if (first !== undefined) traffic.outgoing.leave(first)
    expect(await Promise.all(waiting.map(isSettled))).toEqual([true, false])
  })

  test('is not needed by who finds a connection that is there, or waits for one of its own host', () => {
    const traffic = new Traffic()
    const [first] = traffic.fill()
    expect(() => traffic.send(host('new'))).toThrow('has to wait')
    traffic.send(host('idle', 1))
    if (first !== undefined) traffic.send(first.outlet)
  })

  test('is given to who waits with the connection of its own host, and no other is closed for it', async () => {
    const traffic = new Traffic()
    const [first] = traffic.fill()
    if (first === undefined) throw new Error('nothing is under way')
    let isFree = false
    let closed = 0
    const wire = { idle: () => (isFree ? 1 : 0), closeIdle: () => (closed += 1) }
    const registry: Outlet = { origin: 'https://registry', connections, wire }
    traffic.outgoing.leave(first)
    const [asked] = traffic.send(registry)
    const next = traffic.wait(registry)
    const afterNext = traffic.wait(registry)
    isFree = true
    if (asked !== undefined) traffic.outgoing.leave(asked)
    expect([await isSettled(next), await isSettled(afterNext), closed]).toEqual([true, false, 0])
  })

  test('is made by closing what waits for its next request, of the host that was asked the longest ago', async () => {
    const traffic = new Traffic()
    const hosts = ['a', 'b', 'c'].map((name) => host(name, 10))
    for (const each of hosts) traffic.send(each)
    const [first] = hosts
    if (first !== undefined) traffic.send(first)
    for (const at of [1, 2, 3]) traffic.send(host(`silent${at}`), connections)
    expect(hosts.map((each) => each.unused())).toEqual([10, 10, 10])
    traffic.send(host('silent4'), 31)
    expect(hosts.map((each) => each.unused())).toEqual([10, 0, 10])
  })
})

describe('NW-11: who waits', () => {
  test('goes before the hosts that have not answered yet, if it has', async () => {
    const traffic = new Traffic()
    const honest = traffic.known('registry')
    const [first] = traffic.fill()
    const waiting = [traffic.wait(host('new')), traffic.wait(honest)]
    if (first !== undefined) traffic.outgoing.leave(first)
    expect(await Promise.all(waiting.map(isSettled))).toEqual([false, true])
  })

  test('gets the place of what has not been answered for a second, by the host that has most', async () => {
    const traffic = new Traffic()
    for (const at of [1, 2, 3]) traffic.send(host(`other${at}`), connections - 1)
    traffic.send(host('silent'), connections)
    traffic.send(host('few'), 3)
    const next = traffic.wait(host('registry'))
    await vi.advanceTimersByTimeAsync(999)
    expect(traffic.ended).toEqual([])
    await vi.advanceTimersByTimeAsync(100)
    expect([await isSettled(next), traffic.ended]).toEqual([true, ['https://silent: overloaded']])
  })

  test('neighbour: not that of a host that has no more than its own', async () => {
    const traffic = new Traffic()
    for (let at = 0; at < inAll; at++) traffic.send(host(`silent${at}`))
    const registry = host('registry')
    const first = traffic.wait(registry)
    const second = refusalCode(traffic.wait(registry))
    await vi.advanceTimersByTimeAsync(4_000)
    expect([await isSettled(first), await second]).toEqual([true, 'overloaded'])
    expect(traffic.ended).toEqual(['https://silent0: overloaded'])
  })

  test('leaves sixteen to a host that has answered before; neighbour: who has answered, too, may have them', async () => {
    const traffic = new Traffic()
    const few = traffic.known('registry')
    const other = traffic.known('other registry')
    traffic.send(few, 16)
    for (let at = 0; at < inAll - 16; at++) traffic.send(host(`silent${at}`))
    // As long as the new ones have nothing to give.
    const first = Array.from({ length: inAll - 16 }, (_, at) => traffic.wait(host(`new${at}`)))
    await vi.advanceTimersByTimeAsync(1_100)
    expect((await Promise.all(first.map(isSettled))).every(Boolean)).toBe(true)
    expect(traffic.ended.every((each) => each.startsWith('https://silent'))).toBe(true)
    const late = [traffic.wait(host('newer')), traffic.wait(other)]
    await vi.advanceTimersByTimeAsync(200)
    expect(await Promise.all(late.map(isSettled))).toEqual([false, true])
    expect(traffic.ended.at(-1)).toBe('https://registry: overloaded')
    traffic.outgoing.close()
    await refusal(late[0] ?? Promise.resolve())
  })

  test('hears after four seconds that it was the crowd and not a registry, and is seen waiting until then', async () => {
    const traffic = new Traffic()
    for (const passage of traffic.fill()) passage.end = undefined
    const standing: Standing = { inLine: false }
    const late = refusal(traffic.wait(host('registry'), { standing }))
    expect(standing.behind?.inLine).toBe(true)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(await late).toMatchObject({ code: 'overloaded', message: expect.stringContaining('registry') })
    expect(standing.behind?.inLine).toBe(false)
  })

  test.each([
    [undefined, 'overloaded'],
    [new CodedError('judged-too-late', 'no time'), 'judged-too-late'],
  ])('leaves with its caller, and takes no place then (reason: %s)', async (reason, code) => {
    const traffic = new Traffic()
    const [first] = traffic.fill()
    const caller = new AbortController()
    const given = refusalCode(traffic.wait(host('registry'), { signal: caller.signal }))
    const next = traffic.wait(host('next'))
    caller.abort(reason)
    expect(await given).toBe(code)
    if (first !== undefined) traffic.outgoing.leave(first)
    expect(await isSettled(next)).toBe(true)
  })

  test('is told when all connections are closed', async () => {
    const traffic = new Traffic()
    traffic.fill()
    const given = refusalCode(traffic.wait(host('registry')))
    traffic.outgoing.close()
    expect(await given).toBe('registry-unreachable')
    expect(vi.getTimerCount()).toBe(0)
  })
})
