import { Agent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { AdmissionContext } from '#app/server/handlers.ts'
import { allowed, denied } from '#core/admission/answer.ts'
import { ask, dial, exchange, reviewOf, start, type TestServer } from './harness.ts'

let server: TestServer | undefined

afterEach(async () => {
  await server?.close()
  server = undefined
})

async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const from = performance.now()
  return { value: await work, ms: performance.now() - from }
}

const untilAborted = ({ signal }: AdmissionContext) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

describe('the deadline of the API server', () => {
  test('a handler that hangs is answered for, in half of a short time-out', async () => {
    server = await start({ mutate: () => new Promise(() => {}) })
    const { value, ms } = await timed(ask(server, reviewOf('u-1'), '/mutate?timeout=1s'))
    expect(value).toMatchObject({ uid: 'u-1', allowed: false })
    expect(JSON.stringify(value)).toContain('code: overloaded')
    expect(ms).toBeGreaterThan(350)
    expect(ms).toBeLessThan(900)
  })

  test('a second is left of a longer one', async () => {
    server = await start({ mutate: (_, context) => untilAborted(context) })
    const { ms } = await timed(ask(server, reviewOf('u-1'), '/mutate?timeout=2500ms'))
    expect(ms).toBeGreaterThan(1_000)
    expect(ms).toBeLessThan(1_700)
  })

  test('the handler knows its time, is told when it is over, and may still say why', async () => {
    const left: number[] = []
    server = await start({
      mutate: async (_, context) => {
        left.push(context.deadline - performance.now())
        await untilAborted(context).catch(() => undefined)
        left.push(context.deadline - performance.now())
        return denied('registry-timeout', 'registry.example.com did not answer')
      },
    })
    const given = await ask(server, reviewOf('u-1'), '/mutate?timeout=1s')
    expect(given).toMatchObject({ status: { message: 'registry.example.com did not answer' } })
    expect(left[0]).toBeGreaterThan(300)
    expect(left[0]).toBeLessThan(500)
    expect(Math.abs(left[1] ?? 999)).toBeLessThan(100)
  })

  test('the signal is left alone where the answer was in time', async () => {
    const signals: AbortSignal[] = []
    server = await start({
      mutate: async (_, { signal }) => {
        signals.push(signal)
        return allowed()
      },
    })
    await ask(server, reviewOf('u-1'), '/mutate?timeout=1s')
    await sleep(700)
    expect(signals.map((signal) => signal.aborted)).toEqual([false])
  })

  test('a sender that goes away ends the work for it', async () => {
    const ended: boolean[] = []
    server = await start({
      mutate: async (_, context) => {
        await untilAborted(context).catch(() => ended.push(true))
        return allowed()
      },
    })
    const socket = await dial(server)
    const body = JSON.stringify(reviewOf('u-1'))
    const head = `POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
    socket.write(`${head}\r\n\r\n${body}`)
    await sleep(100)
    expect(ended).toEqual([])
    socket.destroy()
    await expect.poll(() => ended).toEqual([true])
  })
})

describe('too much at once', () => {
  test('waits its turn, is denied when its time is over or too many wait, and frees its place', async () => {
    let inside = 0
    let most = 0
    const release: (() => void)[] = []
    server = await start(
      {
        mutate: async () => {
          most = Math.max(most, ++inside)
          await new Promise<void>((resolve) => release.push(resolve))
          inside--
          return allowed()
        },
      },
      { concurrent: 2, waiting: 1 },
    )
    const held = [ask(server, reviewOf('u-1')), ask(server, reviewOf('u-2'))]
    await expect.poll(() => inside).toBe(2)
    const third = ask(server, reviewOf('u-3'), '/mutate?timeout=1s')
    await sleep(50)
    expect(JSON.stringify(await ask(server, reviewOf('u-4')))).toContain('Too many requests')
    expect(JSON.stringify(await third)).toContain('code: overloaded')
    const fifth = ask(server, reviewOf('u-5'))
    await sleep(50)
    for (let count = 0; count < 3; count++) {
      await expect.poll(() => release.length).toBeGreaterThan(0)
      release.shift()?.()
    }
    for (const given of await Promise.all([...held, fifth])) expect(given).toMatchObject({ allowed: true })
    expect(most).toBe(2)
  })

  test('a handler that hangs does not keep its place for ever', async () => {
    let calls = 0
    server = await start(
      { mutate: () => (++calls === 1 ? new Promise(() => {}) : Promise.resolve(allowed())) },
      { concurrent: 1 },
    )
    const hanging = ask(server, reviewOf('u-1'), '/mutate?timeout=400ms')
    const next = ask(server, reviewOf('u-2'))
    expect(await hanging).toMatchObject({ allowed: false })
    expect(await next).toMatchObject({ uid: 'u-2', allowed: true })
  })

  test('connections above the bound are refused, and the others live on', async () => {
    server = await start({}, { connections: 2 })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ping = { method: 'GET', path: '/healthz', agent }
    expect((await exchange(server, ping)).status).toBe(200)
    const second = await dial(server)
    await expect(dial(server)).rejects.toThrow()
    expect((await exchange(server, ping)).status).toBe(200)
    second.destroy()
    agent.destroy()
  })
})
