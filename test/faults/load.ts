// A steady stream of Pods to a webhook, each with a known truth: counts what was right, what could not be found out, what
// was wrong, and what was lost.

import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, errorTable, isErrorCode } from '#core/errors.ts'
import { podReview } from '../../bench/pod-review.ts'
import type { Shot } from './images.ts'

/** What became of one Pod. */
export interface Answered {
  /** By `performance.now()`. */
  readonly sentAt: number
  readonly ms: number
  /**
   * `undetermined`: denied because nothing could be found out in time. `wrong`: a yes to an image that nobody trusted
   * signed, another digest pinned, or "unsigned" said of a signed one. `lost`: no answer before the caller stopped waiting.
   */
  readonly kind: 'right' | 'undetermined' | 'wrong' | 'lost'
  /** Of a denial. */
  readonly code?: ErrorCode
  /** What was wrong, or how it was lost. */
  readonly complaint?: string
  /** So often the connection was refused or broke. To an API server that is an answer: the Pod is refused, and tried again. */
  readonly again: number
}

export interface Target {
  readonly port: number
  readonly authorities: readonly string[]
}

export interface Rate {
  readonly perSecond: number
  /** What an API server waits. */
  readonly timeoutMs: number
}

export interface Stream {
  /** Those that were answered so far. */
  readonly answered: readonly Answered[]
  /** Sends no more. Resolves when all are answered, or nobody waits any more. */
  stop(): Promise<void>
}

/** Asks on time, however long answers take: a server that gets slow gets no rest by it. */
export function startStream(target: Target, next: () => Shot, { perSecond, timeoutMs }: Rate): Stream {
  const answered: Answered[] = []
  // One request at a time on a connection, and a few of them kept: as an API server does.
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 32 })
  const asking: Promise<unknown>[] = []
  const begun = performance.now()
  const send = () => {
    // Timers are late on a busy machine: whatever is due by now.
    while (asking.length <= ((performance.now() - begun) * perSecond) / 1_000) {
      const uid = `pod-${asking.length}`
      asking.push(askAbout({ target, agent, timeoutMs }, uid, next()).then((answer) => answered.push(answer)))
    }
  }
  const timer = setInterval(send, 1_000 / perSecond)
  return {
    answered,
    async stop() {
      clearInterval(timer)
      await Promise.all(asking)
      agent.destroy()
    },
  }
}

interface Asking {
  readonly target: Target
  readonly agent: Agent
  readonly timeoutMs: number
}

/** One Pod, until there is an answer or nobody waits any more. */
async function askAbout({ target, agent, timeoutMs }: Asking, uid: string, shot: Shot): Promise<Answered> {
  const sentAt = performance.now()
  const elapsed = () => performance.now() - sentAt
  const { body } = podReview(uid, [shot.image])
  for (let again = 0; ; again++) {
    const lost = (complaint: string): Answered => ({ kind: 'lost', complaint, sentAt, ms: elapsed(), again })
    if (elapsed() >= timeoutMs) return lost(`${shot.image}: nobody listened for ${timeoutMs} ms`)
    try {
      const answer = await send(target, agent, body, timeoutMs - elapsed())
      return { ...weigh(shot, uid, JSON.parse(answer).response), sentAt, ms: elapsed(), again }
    } catch (error) {
      if (!isBroken(error)) return lost(`${shot.image}: ${error}`)
      await sleep(250)
    }
  }
}

interface Response {
  readonly uid: string
  readonly allowed: boolean
  readonly patch?: string
  readonly status?: { readonly message: string }
}

function weigh(shot: Shot, uid: string, response: Response): Pick<Answered, 'kind' | 'code' | 'complaint'> {
  const wrong = (what: string) =>
    ({ kind: 'wrong', complaint: `${shot.image}, ${shot.isSigned ? 'signed' : 'unsigned'}: ${what}` }) as const
  if (response.uid !== uid) return wrong(`the answer to ${response.uid}`)
  if (response.allowed) {
    const patch = Buffer.from(response.patch ?? '', 'base64').toString()
    if (!shot.isSigned) return wrong('allowed')
    return shot.isTagged && !patch.includes(`@${shot.digest}"`) ? wrong(`pinned by ${patch}`) : { kind: 'right' }
  }
  const code = /code: (\S+)/.exec(response.status?.message ?? '')?.[1] ?? ''
  if (!isErrorCode(code)) return wrong(`denied with the code "${code}"`)
  if (errorTable[code].kind === 'undetermined') return { kind: 'undetermined', code }
  return shot.isSigned ? wrong(`denied with the code ${code}`) : { kind: 'right', code }
}

function isBroken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(String(code))
}

function send({ port, authorities }: Target, agent: Agent, body: Buffer, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const path = `/mutate?timeout=${Math.round(timeoutMs)}ms`
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const options = { host: '127.0.0.1', port, ca: [...authorities], method: 'POST', path, headers, agent }
    const sent = request(options, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(parts).toString())
        else reject(new Error(`HTTP status ${response.statusCode}`))
      })
    })
    const timer = setTimeout(() => sent.destroy(new Error('no answer in time')), timeoutMs)
    sent.on('error', reject)
    sent.on('close', () => clearTimeout(timer))
    sent.end(body)
  })
}
