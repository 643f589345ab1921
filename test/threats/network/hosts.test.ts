// Whose connections are kept, when somebody brings hosts along that take them and say nothing.

import { createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Attack, demanding, layerFor, putClassic, startAttack } from '../../support/attack.ts'

let attack: Attack
/** A server under many names. */
const tarpit = createServer((socket) => {
  socket.on('error', () => {})
  held.add(socket)
  socket.once('close', () => held.delete(socket))
})
const held = new Set<Socket>()

beforeEach(async () => {
  // Nobody becomes slow but by the tests.
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
  await new Promise<void>((resolve) => tarpit.listen(0, '127.0.0.1', resolve))
  attack = await startAttack({
    policies: [{ ...demanding(['Tag']), whenUndetermined: 'InsecureAdmit' }],
    client: {
      insecure: () => true,
      resolve: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    },
  })
})
afterEach(async () => {
  vi.useRealTimers()
  await attack.close()
  for (const socket of held) socket.destroy()
  await new Promise((resolve) => tarpit.close(resolve))
})

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

/** Pods of so many hosts in all, until so many connections are open and no more come. */
async function bring(hosts: number, inAll: number): Promise<number> {
  const address = tarpit.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const images = Array.from({ length: hosts }, (_, at) => `host${at}.test:${port}/team/app@${attack.digest}`)
  for (let at = 0; at < hosts; at += 32) {
    void attack.admit(images.slice(at, at + 32), { signal: AbortSignal.timeout(8_000) })
  }
  while (held.size < inAll) await new Promise(setImmediate)
  await turns()
  return held.size
}

describe('NW-11: Pods whose hosts take connections and say nothing', () => {
  test('get 256 of them in all', async () => {
    expect(await bring(320, 256)).toBe(256)
  })

  test('neighbour: leave a signed image admitted', async () => {
    putClassic(attack.registry, attack.digest, [layerFor(attack.digest)])
    await bring(320, 256)
    const answer = attack.admit()
    await turns()
    vi.advanceTimersByTime(1_100)
    expect(await answer).toMatchObject({ outcome: 'allowed' })
  })

  test('leave an unsigned image denied, when the deadline comes before its turn, though the policy admits in an outage', async () => {
    await bring(320, 256)
    const late = new AbortController()
    const answer = attack.admit(attack.pinned, { signal: late.signal })
    await turns()
    late.abort()
    expect(await answer).toMatchObject({ outcome: 'denied', code: 'judged-too-late' })
  })
})
