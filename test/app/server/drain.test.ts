import { Agent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { allowed } from '#core/admission/answer.ts'
import { dial, exchange, restOf, reviewOf, start } from './harness.ts'

async function timed(work: Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work
  return performance.now() - from
}

describe('closing', () => {
  test('under load answers every request that reached the server, whole', async () => {
    const received = new Set<string>()
    const server = await start({
      mutate: async (request) => {
        received.add(request.uid)
        await sleep(20 + Math.random() * 60)
        return allowed({ warnings: [`about ${request.uid}`, 'x'.repeat(200)] })
      },
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 32 })
    const answered = new Map<string, boolean>()
    const failures: string[] = []
    const sends: Promise<void>[] = []
    const afterClose: string[] = []
    let isClosing = false
    let closed: Promise<number> | undefined
    // 200 requests a second for two seconds, closed half-way.
    for (let tick = 0; tick < 400; tick++) {
      const uid = `u-${tick}`
      if (tick === 200) {
        isClosing = true
        closed = timed(server.close())
      }
      const sent = exchange(server, { body: JSON.stringify(reviewOf(uid)), agent })
      const after = isClosing
      sends.push(
        sent.then(
          ({ text, headers }) => {
            const { response } = JSON.parse(text)
            answered.set(uid, response.uid === uid && response.warnings[0] === `about ${uid}`)
            if (after) afterClose.push(String(headers['connection']))
          },
          (error) => {
            failures.push(uid)
            expect(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'], String(error)).toContain(error.code)
          },
        ),
      )
      await sleep(5)
    }
    await Promise.all(sends)
    expect(await closed).toBeLessThan(5_000)
    expect(received.size).toBeGreaterThan(190)
    expect([...received].filter((uid) => answered.get(uid) !== true)).toEqual([])
    expect(failures.filter((uid) => received.has(uid))).toEqual([])
    // Some came over connections that were open; the answer was their last.
    expect(new Set(afterClose)).toEqual(new Set(['close']))
    agent.destroy()
  })

  test('leaves idle connections a moment for what is on its way, then closes them', async () => {
    const server = await start({}, { lingerMs: 400 })
    const idle = await dial(server)
    const late = await dial(server)
    const closed = timed(server.close())
    await sleep(150)
    late.write('GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n')
    const answer = await restOf(late)
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    expect(answer).toMatch(/connection: close/i)
    expect(answer).toContain('shutting down')
    expect(await restOf(idle)).toBe('')
    const ms = await closed
    expect(ms).toBeGreaterThan(350)
    expect(ms).toBeLessThan(2_000)
  })

  test('denies what is still judged shortly before the end, instead of cutting it off', async () => {
    const server = await start(
      { mutate: () => new Promise(() => {}) },
      { lingerMs: 50, drainMs: 1_200, cutOffGraceMs: 100 },
    )
    const hanging = exchange(server, { path: '/mutate?timeout=30s', body: JSON.stringify(reviewOf('u-1')) })
    await sleep(100)
    const closed = timed(server.close())
    const { text } = await hanging
    expect(JSON.parse(text)).toMatchObject({ response: { uid: 'u-1', allowed: false } })
    expect(await closed).toBeLessThan(1_300)
  })

  test('ends in time whatever the other side does', async () => {
    const server = await start({}, { lingerMs: 50, drainMs: 700 })
    const trickling = await dial(server)
    trickling.write(
      'POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    )
    await sleep(50)
    expect(await timed(server.close())).toBeLessThan(1_500)
    await restOf(trickling)
  })

  test('refuses new connections at once, and twice is once', async () => {
    const server = await start({}, { lingerMs: 200 })
    const kept = await dial(server)
    const first = server.close()
    expect(server.close()).toBe(first)
    await expect(dial(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await first
    kept.destroy()
  })
})
