import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { AdmissionContext } from '#app/server/handlers.ts'
import { allowed, denied } from '#core/admission/answer.ts'
import { ask, dial, reviewOf, start, type TestServer } from './harness.ts'

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

describe('FT-06: too much at once', () => {
  const hang = () => {
    const release: (() => void)[] = []
    const wait = () => new Promise<void>((resolve) => release.push(resolve))
    return { release, wait }
  }
  const inNamespace = (uid: string, namespace: string) => reviewOf(uid, { namespace })

  test('neighbour: memory answers while every place is taken by those who wait for a registry', async () => {
    const { release, wait } = hang()
    server = await start(
      {
        mutate: async (request) => {
          if (request.namespace === 'flood') await wait()
          return allowed()
        },
      },
      { judged: 4 },
    )
    const flood = Array.from({ length: 4 }, (_, index) => ask(server as TestServer, inNamespace(`f-${index}`, 'flood')))
    await expect.poll(() => release.length).toBe(4)
    for (const uid of ['1', '2', '3']) {
      expect(await ask(server, inNamespace(uid, 'prod'))).toMatchObject({ uid, allowed: true })
    }
    for (const go of release) go()
    for (const given of await Promise.all(flood)) expect(given).toMatchObject({ allowed: true })
  })

  test('a flood gives up a place to another namespace, and not to more of itself; both are told why', async () => {
    const { release, wait } = hang()
    const ended: string[] = []
    server = await start(
      {
        mutate: async (request, { signal }) => {
          signal.addEventListener('abort', () => ended.push(request.uid))
          await Promise.race([wait(), new Promise<never>((_, reject) => signal.addEventListener('abort', reject))])
          return allowed()
        },
      },
      { judged: 4, momentMs: 20 },
    )
    const flood: Promise<Record<string, unknown>>[] = []
    for (let index = 0; index < 4; index++) {
      flood.push(ask(server, inNamespace(`f-${index}`, 'flood')))
      await expect.poll(() => release.length).toBe(index + 1)
    }
    expect(JSON.stringify(await ask(server, inNamespace('f-5', 'flood')))).toContain('code: overloaded')
    const other = ask(server, inNamespace('p-1', 'prod'))
    expect(JSON.stringify(await flood[0])).toContain('code: overloaded')
    expect(ended).toEqual(['f-5', 'f-0'])
    for (const go of release) go()
    expect(await other).toMatchObject({ uid: 'p-1', allowed: true })
    for (const given of await Promise.all(flood.slice(1))) expect(given).toMatchObject({ allowed: true })
  })

  test('a handler that hangs does not keep its place for ever', async () => {
    let calls = 0
    server = await start(
      { mutate: () => (++calls === 1 ? new Promise(() => {}) : Promise.resolve(allowed())) },
      { judged: 1 },
    )
    const hanging = ask(server, reviewOf('u-1'), '/mutate?timeout=400ms')
    expect(await hanging).toMatchObject({ allowed: false })
    expect(await ask(server, reviewOf('u-2'))).toMatchObject({ uid: 'u-2', allowed: true })
  })
})
