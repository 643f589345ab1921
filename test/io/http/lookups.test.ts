// Look-ups by a system that answers when the test says so.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CodedError } from '#core/errors.ts'
import type { Resolve } from '#io/http/guard.ts'
import { type LookupCaller, Lookups } from '#io/http/lookups.ts'
import type { Standing } from '#io/http/message.ts'
import { refusal, refusalCode } from '../../support/coded.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Those whom the system is asked about, and what it says when it is told to. */
class System {
  readonly asked: string[] = []
  readonly #running = new Map<string, Parameters<Resolve>[2]>()
  readonly #lookups = new Lookups((name, _options, done) => {
    this.asked.push(name)
    this.#running.set(name, done)
  })

  get running(): readonly string[] {
    return [...this.#running.keys()]
  }

  async find(name: string, caller?: LookupCaller): Promise<readonly string[]> {
    return (await this.#lookups.find(name, caller)).map(({ address }) => address)
  }

  answer(name: string, address = '203.0.113.1'): void {
    this.#take(name)(null, [{ address, family: 4 }])
  }

  fail(name: string, code: string): void {
    this.#take(name)(Object.assign(new Error(code), { code }), [])
  }

  #take(name: string): Parameters<Resolve>[2] {
    const done = this.#running.get(name)
    if (done === undefined) throw new Error(`${name} is not being looked up`)
    this.#running.delete(name)
    return done
  }

  /** Makes it a name that is in use, whose addresses are no longer fresh. */
  async use(name: string): Promise<void> {
    const found = this.find(name)
    this.answer(name)
    await found
    vi.advanceTimersByTime(freshMs)
  }

  /** Names of as many domains, which will not be answered. */
  async flood(count: number): Promise<void> {
    for (let at = 0; at < count; at++) void this.find(`slow${at}.example`).catch(() => {})
    await Promise.resolve()
  }
}

const freshMs = 10_000
const graceMs = 500
const patienceMs = 4_000
const hourMs = 3_600_000
const honest = 'registry.test'

describe('a name', () => {
  test('is looked up once for all who ask meanwhile', async () => {
    const system = new System()
    const found = Promise.all([system.find(honest), system.find(honest)])
    system.answer(honest)
    expect([await found, system.asked]).toEqual([[['203.0.113.1'], ['203.0.113.1']], [honest]])
  })

  test('keeps its addresses for some seconds, and then gets new ones', async () => {
    const system = new System()
    const first = system.find(honest)
    system.answer(honest)
    await first
    vi.advanceTimersByTime(freshMs - 1)
    expect([await system.find(honest), system.asked.length]).toEqual([['203.0.113.1'], 1])
    vi.advanceTimersByTime(1)
    const second = system.find(honest)
    system.answer(honest, '203.0.113.2')
    expect([await second, system.asked.length]).toEqual([['203.0.113.2'], 2])
  })

  test.each(['ENOTFOUND', 'EAI_AGAIN'])(
    'that fails with %s says so, and is looked up anew for the next one',
    async (code) => {
      const system = new System()
      for (const count of [1, 2]) {
        const found = system.find(honest)
        system.fail(honest, code)
        await expect(found).rejects.toMatchObject({ code })
        expect(system.asked.length).toBe(count)
      }
    },
  )

  test('that is not answered is a time-out of the registry', async () => {
    const system = new System()
    const late = refusalCode(system.find(honest))
    await vi.advanceTimersByTimeAsync(patienceMs)
    expect(await late).toBe('registry-timeout')
  })

  test('neighbour: whose answer comes at the last moment is found', async () => {
    const system = new System()
    const found = system.find(honest)
    await vi.advanceTimersByTimeAsync(patienceMs - 1)
    system.answer(honest)
    expect(await found).toEqual(['203.0.113.1'])
  })
})

describe('a name that was answered before', () => {
  test('keeps its addresses where new ones do not come in time, and takes them when they come', async () => {
    const system = new System()
    await system.use(honest)
    const found = system.find(honest)
    await vi.advanceTimersByTimeAsync(graceMs)
    expect(await found).toEqual(['203.0.113.1'])
    // The look-up is known to be slow by now.
    const next = system.find(honest)
    await vi.advanceTimersByTimeAsync(1)
    expect(await next).toEqual(['203.0.113.1'])
    system.answer(honest, '203.0.113.2')
    expect([await system.find(honest), system.asked.length]).toEqual([['203.0.113.2'], 2])
  })

  test('is not forgotten for a thousand names of another domain; neighbour: one of that domain is', async () => {
    const system = new System()
    await system.use('registry.example.com')
    await system.use('first.example.org')
    for (let at = 0; at < 1_000; at++) {
      const found = system.find(`n${at}.example.org`)
      system.answer(`n${at}.example.org`)
      await found
    }
    await system.flood(4)
    const known = system.find('registry.example.com')
    const forgotten = refusalCode(system.find('first.example.org'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await known).toEqual(['203.0.113.1'])
    expect(await forgotten).toBe('overloaded')
  })

  test('keeps them while the name server fails; neighbour: not when it says that there is no such name', async () => {
    const system = new System()
    await system.use(honest)
    const kept = system.find(honest)
    system.fail(honest, 'EAI_AGAIN')
    expect(await kept).toEqual(['203.0.113.1'])
    const gone = system.find(honest)
    system.fail(honest, 'ENOTFOUND')
    await expect(gone).rejects.toMatchObject({ code: 'ENOTFOUND' })
    const after = system.find(honest)
    system.fail(honest, 'EAI_AGAIN')
    await expect(after).rejects.toMatchObject({ code: 'EAI_AGAIN' })
  })

  test.each([
    ['within the hour', hourMs - freshMs - 1, ['203.0.113.1']],
    ['no longer', hourMs - freshMs, 'EAI_AGAIN'],
  ])('keeps them %s', async (_when, ms, outcome) => {
    const system = new System()
    await system.use(honest)
    vi.advanceTimersByTime(ms)
    const found = system.find(honest).catch((error: NodeJS.ErrnoException) => error.code)
    system.fail(honest, 'EAI_AGAIN')
    expect(await found).toEqual(outcome)
  })
})

describe('slow names that somebody brings along', () => {
  test('are looked up two at a time, one of each domain in turn', async () => {
    const system = new System()
    await system.flood(40)
    expect(system.running).toEqual(['slow0.example', 'slow1.example'])
    system.answer('slow0.example')
    expect(system.running).toEqual(['slow1.example', 'slow2.example'])
  })

  test('of one domain leave room for another; neighbour: of two domains they leave none', async () => {
    const system = new System()
    for (let at = 0; at < 40; at++) void system.find(`host${at}.slow.example`).catch(() => {})
    void system.find(honest)
    expect(system.running).toEqual(['host0.slow.example', honest])
    system.answer(honest)
    void system.find('slow.test')
    void system.find('other.example.org')
    expect(system.running).toEqual(['host0.slow.example', 'slow.test'])
  })

  test('come after names that are in use', async () => {
    const system = new System()
    await system.use(honest)
    await system.flood(40)
    void system.find(honest)
    system.answer('slow0.example')
    expect(system.running).toEqual(['slow1.example', honest])
  })

  test('make others wait, who then hear that it was the crowd and not a registry', async () => {
    const system = new System()
    await system.flood(2)
    const late = refusal(system.find(honest))
    await vi.advanceTimersByTimeAsync(patienceMs)
    expect(await late).toMatchObject({ code: 'overloaded', message: expect.stringContaining(honest) })
    expect(system.asked).not.toContain(honest)
  })

  test.each([
    ['of a caller who gave no reason', undefined, 'overloaded'],
    ['of a caller who gave one', new CodedError('judged-too-late', 'no time'), 'judged-too-late'],
  ])('are not looked up for nobody: the wait ends with the time %s', async (_whose, reason, code) => {
    const system = new System()
    await system.flood(2)
    const caller = new AbortController()
    const late = refusalCode(system.find(honest, { signal: caller.signal }))
    caller.abort(reason)
    expect(await late).toBe(code)
    system.answer('slow0.example')
    system.answer('slow1.example')
    expect(system.asked).toEqual(['slow0.example', 'slow1.example'])
  })

  test('neighbour: one that somebody else waits for is looked up', async () => {
    const system = new System()
    await system.flood(2)
    const caller = new AbortController()
    const given = refusalCode(system.find(honest, { signal: caller.signal }))
    void system.find(honest)
    caller.abort()
    await given
    system.answer('slow0.example')
    expect(system.running).toContain(honest)
  })

  test('leave it to be seen who waits for them, as long as that is so', async () => {
    const system = new System()
    await system.flood(2)
    const standing: Standing = { inLine: false }
    const found = system.find(honest, { standing })
    expect(standing.behind?.inLine).toBe(true)
    system.answer('slow0.example')
    expect(standing.behind?.inLine).toBe(false)
    system.answer(honest)
    await found
    expect(standing.behind).toBeUndefined()
  })
})
