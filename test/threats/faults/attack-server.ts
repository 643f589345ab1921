// The image of an attack behind the real HTTPS server, which is asked as an API server asks, with its time-out.

import { Agent } from 'node:https'
import type { ServerLimits } from '#app/server/limits.ts'
import { exchange, reviewOf, start } from '../../app/server/harness.ts'
import type { Attack } from '../../support/attack.ts'

export interface Answered {
  readonly allowed: boolean
  /** Of a denial. */
  readonly code: string | undefined
  readonly ms: number
}

export interface AttackServer {
  /** A Pod of this image, for an API server that waits so long. */
  pod(image: string, timeoutMs: number): Promise<Answered>
  get(path: string): Promise<string>
  close(): Promise<void>
}

export async function serveAttack(
  { webhook }: Pick<Attack, 'webhook'>,
  limits: Partial<ServerLimits> = {},
): Promise<AttackServer> {
  const server = await start(
    {
      mutate: (request, { signal }) => webhook.mutate(request, signal),
      validate: (request, { signal }) => webhook.validate(request, signal),
    },
    { lingerMs: 0, ...limits },
  )
  // As the API server does: no handshake for each request.
  const agent = new Agent({ keepAlive: true })
  let pods = 0
  const get = async (path: string) => (await exchange(server, { method: 'GET', path, agent })).text
  await get('/healthz')
  return {
    async pod(image, timeoutMs) {
      const uid = `pod-${++pods}`
      const object = { metadata: {}, spec: { containers: [{ name: 'c', image }] } }
      const body = JSON.stringify(reviewOf(uid, { object }))
      const begun = performance.now()
      const { text } = await exchange(server, { path: `/mutate?timeout=${timeoutMs}ms`, body, agent })
      const ms = performance.now() - begun
      const { response } = JSON.parse(text)
      if (response?.uid !== uid) throw new Error(`no answer to ${uid}: ${text}`)
      return { allowed: response.allowed, code: /code: (\S+)/.exec(response.status?.message ?? '')?.[1], ms }
    },
    get,
    async close() {
      agent.destroy()
      await server.close()
    },
  }
}
