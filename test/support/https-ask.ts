// A question to a server of ours over a connection that is kept.

import { type Agent, request } from 'node:https'

/** GET, or POST of JSON where there is a body. @returns the body of the answer, whatever its status */
export function askedOver(url: string, agent: Agent, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const sent = request(url, { method: body === undefined ? 'GET' : 'POST', agent, headers }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => resolve(Buffer.concat(parts).toString()))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
