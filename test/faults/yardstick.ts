// Asks a bare HTTPS server beside the webhook all the while, each time on a new connection: a machine that lets that one
// wait says nothing about the webhook.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:https'
import { fileURLToPath } from 'node:url'
import { makeServingCertificate } from '#app/server/certificate.ts'

export interface Yardstick {
  /** Milliseconds of the slowest answer, of those that have not come yet, too. */
  slowest(): number
  stop(): void
}

const everyMs = 250

export async function startYardstick(): Promise<Yardstick> {
  const { certPem: cert, keyPem: key, caPem: ca } = makeServingCertificate(['127.0.0.1'], Date.now())
  const child = fork(fileURLToPath(new URL('./bare-server.ts', import.meta.url)))
  child.send({ cert, key })
  const [{ port }] = await once(child, 'message')
  const waiting = new Set<number>()
  let slowest = 0
  const ask = () => {
    const begun = performance.now()
    waiting.add(begun)
    const done = () => {
      waiting.delete(begun)
      slowest = Math.max(slowest, performance.now() - begun)
    }
    get({ host: '127.0.0.1', port, ca, agent: new Agent() }, (response) => response.resume().on('close', done)).on(
      'error',
      done,
    )
  }
  const timer = setInterval(ask, everyMs)
  return {
    slowest: () => Math.max(slowest, ...[...waiting].map((begun) => performance.now() - begun)),
    stop() {
      clearInterval(timer)
      child.kill('SIGKILL')
    },
  }
}
