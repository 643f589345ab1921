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

/** More than the kernels between two processes of one machine buffer. */
const long = 'x'.repeat(24 * 1024 * 1024)

/** Asks for an answer that is too long to leave unread, and never reads. */
async function deaf(on: TestServer): Promise<TLSSocket> {
  const socket = await dial(on)
  socket.on('error', () => {})
  sockets.push(socket)
  socket.pause()
  socket.write('GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n')
  return socket
}

const text = JSON.stringify(reviewOf('u-1'))
const post = [
  'POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json',
  `content-length: ${text.length}\r\n\r\n${text}`,
].join('\r\n')
const longAnswers = { ready: () => ({ ready: true, body: { long } }) }

describe('AD-16: answers that nobody takes', () => {
  test('cost their connection when their time is over, and it is counted', async () => {
    const on = await started(longAnswers, { unreadMs: 100 })
    const socket = await deaf(on)
    const closed = once(socket, 'close')
    await expect
      .poll(async () => (await exchange(on, { ...probe, path: '/metrics' })).text, { timeout: 10_000 })
      .toContain('sealward_connections_evicted_total{doing="unread"} 1')
    socket.resume()
    await closed
  })

  test('do not keep others out, however long they may wait', async () => {
    const on = await started(longAnswers, { connections: 3, unreadMs: 60_000 })
    for (let count = 0; count < 3; count++) await deaf(on)
    await expect.poll(() => exchange(on, probe).then(({ status }) => status, String), { timeout: 10_000 }).toBe(200)
  })

  test('neighbour: the same answer is whole for who reads it', async () => {
    const on = await started(longAnswers, { unreadMs: 5_000 })
    const { text } = await exchange(on, { ...probe, path: '/readyz' })
    expect(text.length).toBeGreaterThan(long.length)
  })

  test('neighbour: one that waits behind an image that is still judged is not unread', async () => {
    let release = () => {}
    const judging = new Promise<void>((resolve) => {
      release = resolve
    })
    const on = await started({ mutate: () => judging.then(() => allowed()) }, { unreadMs: 20 })
    const socket = await dial(on)
    sockets.push(socket)
    let given = ''
    socket.on('data', (part: Buffer) => {
      given += part.toString()
    })
    socket.write(`${post}GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n`)
    await sleep(150)
    release()
    await expect.poll(() => given).toMatch(/"allowed":true.*"status":"ok"/s)
  })
})

describe('connections that are new', () => {
  test('are counted once each, when their handshake is done, however many requests they carry', async () => {
    const on = await started()
    await idle(on, 2)
    await mute(on)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let count = 0; count < 3; count++) await exchange(on, { ...probe, agent })
    const { text } = await exchange(on, { ...probe, path: '/metrics', agent })
    agent.destroy()
    expect(text).toContain('\nsealward_tls_connections_total 3\n')
  })
})

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
