// The API server's side of the demo: one kept-alive TLS connection to the webhook, which must show a certificate of the
// given authority.

import { Agent, request } from 'node:https'
import type { Send } from './play.ts'

/** Longer than the webhook's own deadline for a caller that names none. */
const answerMs = 15_000

export function createPost(url: string, caPem: string): { readonly send: Send; close(): void } {
  const agent = new Agent({ ca: caPem, keepAlive: true, maxSockets: 1 })
  const send: Send = (path, body) =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      const post = request(
        `${url}${path}?timeout=10s`,
        { method: 'POST', agent, headers, timeout: answerMs },
        (response) => {
          const parts: Buffer[] = []
          response.on('data', (part: Buffer) => parts.push(part))
          response.on('end', () => resolve(Buffer.concat(parts).toString('utf8')))
          response.on('error', reject)
        },
      )
      post.on('timeout', () => post.destroy(new Error('the webhook did not answer')))
      post.on('error', reject)
      post.end(body)
    })
  return { send, close: () => agent.destroy() }
}
