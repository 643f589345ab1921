// A quiet cluster: admissions some seconds apart over the one connection that an API server keeps. A server that closes it
// meanwhile, as many do after 5 s, fails what is on its way just then.

import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Shot } from '../processes/generator.ts'
import type { Scenario } from '../scenario.ts'
import { startWarmWorld } from '../warm-world.ts'
import type { BenchWebhook } from '../webhook.ts'

export const keptConnection: Scenario = {
  name: 'kept-connection',
  about: '20 admissions, some seconds (--gap) apart, on one connection: failures and handshakes',
  run: async (bench) => {
    const { webhook, shots } = await startWarmWorld(bench)
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: webhook.ca })
    bench.closing(() => agent.destroy())
    const connections = new Set<unknown>()
    const admissions = bench.smoke ? 2 : 20
    let failures = 0
    for (let index = 0; index < admissions; index++) {
      if (index > 0) await sleep(1_000 * bench.gapSeconds)
      const shot = shots.digest[index % shots.digest.length]
      if (shot === undefined || !(await isAnswered(shot, { webhook, agent, connections }))) failures++
    }
    const apart = `${admissions} admissions ${bench.gapSeconds} s apart`
    return [
      { figure: `${apart}: failures`, value: failures, unit: '', goal: { kind: 'exactly', limit: 0, of: 'value' } },
      {
        figure: `${apart}: handshakes`,
        value: connections.size,
        unit: '',
        goal: { kind: 'exactly', limit: 1, of: 'value' },
      },
    ]
  },
}

interface Way {
  readonly webhook: BenchWebhook
  readonly agent: Agent
  /** Every one that was used. */
  readonly connections: Set<unknown>
}

/** Nothing is sent a second time. */
function isAnswered({ path, body, holds, lacks }: Shot, { webhook, agent, connections }: Way): Promise<boolean> {
  const headers = { 'content-type': 'application/json', 'content-length': body.length }
  const to = { host: '127.0.0.1', port: webhook.port, servername: 'localhost', method: 'POST', path, headers, agent }
  return new Promise((resolve) => {
    const asked = request(to, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => resolve(false))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const isRight = holds.every((part) => text.includes(part)) && !lacks.some((part) => text.includes(part))
        resolve(response.statusCode === 200 && isRight)
      })
    })
    asked.on('socket', (socket) => connections.add(socket))
    asked.on('error', () => resolve(false))
    asked.end(body)
  })
}
