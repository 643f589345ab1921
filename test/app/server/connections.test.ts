// Too many connections: whoever holds them, a new one finds room, and nobody who is being answered loses its own.

import { once } from 'node:events'
import { Agent } from 'node:https'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { allowed } from '#core/admission/answer.ts'
import { ask, dial, exchange, reviewOf, start, type TestServer } from './harness.ts'

let server: TestServer | undefined
const sockets: Socket[] = []

async function started(...given: Parameters<typeof start>): Promise<TestServer> {
  server = await start(...given)
  return server
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server?.close()
  server = undefined
})

async function idle(on: TestServer, count: number): Promise<TLSSocket[]> {
  const open: TLSSocket[] = []
  for (let index = 0; index < count; index++) {
    const socket = await dial(on)
    socket.on('error', () => {}).resume()
    open.push(socket)
  }
  sockets.push(...open)
  return open
}

/** A connection that never says a word of TLS. */
async function mute(on: TestServer): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: on.port })
  socket.on('error', () => {})
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

const probe = { method: 'GET', path: '/healthz' }
const half = 'POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{'

describe('connections above the bound', () => {
  test('take the place of the longest idle', async () => {
    const on = await started({}, { connections: 3 })
    const [first, second, third] = await idle(on, 3)
    expect((await exchange(on, probe)).status).toBe(200)
    await expect.poll(() => first?.closed).toBe(true)
    expect([second?.closed, third?.closed]).toEqual([false, false])
    const { text } = await exchange(on, { method: 'GET', path: '/metrics' })
    expect(text).toContain('sealward_connections_evicted_total{doing="idle"}')
  })

  test('leave alone who idled more recently, because it was answered in between', async () => {
    const on = await started({}, { connections: 2 })
    const [first, second] = await idle(on, 2)
    first?.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n')
    if (first !== undefined) await once(first, 'data')
    expect((await exchange(on, probe)).status).toBe(200)
    await expect.poll(() => second?.closed).toBe(true)
    expect(first?.closed).toBe(false)
  })

  test('that never begin their handshake do not keep others out', async () => {
    const on = await started({}, { connections: 20, handshakeMs: 60_000 })
    for (let count = 0; count < 60; count++) await mute(on)
    expect((await exchange(on, probe)).status).toBe(200)
    expect(await ask(on, reviewOf('u-1'))).toMatchObject({ allowed: true })
  })

  test('that send a byte of their body and wait do not keep others out', async () => {
    const on = await started({}, { connections: 4, bodyMs: 60_000 })
    for (const socket of await idle(on, 4)) socket.write(half)
    await sleep(50)
    expect((await exchange(on, probe)).status).toBe(200)
    expect(await ask(on, reviewOf('u-1'))).toMatchObject({ allowed: true })
  })

  test('are refused while every other is being answered, and those get their answers', async () => {
    const release: (() => void)[] = []
    const on = await started(
      {
        mutate: async () => {
          await new Promise<void>((resolve) => release.push(resolve))
          return allowed()
        },
      },
      { connections: 2 },
    )
    const judged = [ask(on, reviewOf('u-1')), ask(on, reviewOf('u-2'))]
    await expect.poll(() => release.length).toBe(2)
    await expect(dial(on)).rejects.toThrow()
    for (const go of release) go()
    for (const given of await Promise.all(judged)) expect(given).toMatchObject({ allowed: true })
    expect((await exchange(on, probe)).status).toBe(200)
  })

  test('1,000 idle ones keep neither reviews nor probes out, and none of those is lost', async () => {
    const on = await started()
    for (let batch = 0; batch < 10; batch++) await Promise.all(Array.from({ length: 10 }, () => idle(on, 10)))
    const agent = new Agent({ keepAlive: true, maxSockets: 4 })
    for (let count = 0; count < 20; count++) {
      const { status } = await exchange(on, { body: JSON.stringify(reviewOf(`u-${count}`)), agent })
      expect(status).toBe(200)
      expect((await exchange(on, probe)).status).toBe(200)
    }
    agent.destroy()
  }, 60_000)
})
