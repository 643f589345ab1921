// Clients that ask too much of a webhook: slow ones, and too many.

import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { podReview } from '../../bench/pod-review.ts'
import type { Answered } from './load.ts'
import type { Service } from './service.ts'

const head = 'POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n'

/** So many of each kind: connections without a handshake, and those that stop in their headers or in their body. */
export async function slowClients({ port, authorities }: Service, each: number): Promise<() => undefined> {
  const sockets: Socket[] = []
  const keep = (socket: Socket) => {
    // Being thrown out is what they are here for.
    socket.on('error', () => {})
    sockets.push(socket)
    return socket
  }
  const open = async (text: string) => {
    const socket = keep(connect({ host: '127.0.0.1', port, ca: [...authorities] }))
    await once(socket, 'secureConnect')
    socket.write(text)
  }
  for (let index = 0; index < each; index++) {
    keep(connectPlain({ host: '127.0.0.1', port }))
    await open(head)
    await open(`${head}\r\n{"apiVersion":`)
  }
  return () => {
    for (const socket of sockets) socket.destroy()
    return undefined
  }
}

const connections = 112
/** As many as the server takes on one connection. */
const eachConnection = 8
const floodMs = 8_000

/**
 * 896 Pods of one namespace within 8 s.
 *
 * @param timeoutMs what the API server waits
 * @returns what they were answered, when all were or nobody waits any more
 */
export async function flood(
  { port, authorities }: Service,
  image: string,
  timeoutMs: number,
): Promise<readonly Answered[]> {
  const crowd: Promise<readonly Answered[]>[] = []
  for (let connection = 0; connection < connections; connection++) {
    const socket = connect({ host: '127.0.0.1', port, ca: [...authorities] })
    // What broke has no answer: it counts as lost.
    socket.on('error', () => {})
    crowd.push(eightPods(socket, `flood-${connection}`, image, timeoutMs))
    await sleep(floodMs / connections)
  }
  return (await Promise.all(crowd)).flat()
}

async function eightPods(socket: Socket, name: string, image: string, timeoutMs: number): Promise<readonly Answered[]> {
  const uids = Array.from({ length: eachConnection }, (_each, index) => `${name}-${index}`)
  const sentAt = performance.now()
  socket.write(Buffer.concat(uids.map((uid) => rawPod(uid, image, timeoutMs))))
  const text = await textUntil(socket, uids.length, timeoutMs)
  const ms = performance.now() - sentAt
  return uids.map((uid): Answered => ({ ...answerIn(text, uid), sentAt, ms, again: 0 }))
}

function rawPod(uid: string, image: string, timeoutMs: number): Buffer {
  const { body } = podReview(uid, [image], 'flood')
  const lines = [`POST /mutate?timeout=${timeoutMs}ms HTTP/1.1`, 'host: a', 'content-type: application/json']
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n`), body])
}

async function textUntil(socket: Socket, answers: number, timeoutMs: number): Promise<string> {
  let text = ''
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs)
    socket.on('data', (part: Buffer) => {
      text += part.toString()
      if ((text.match(/"uid":/g)?.length ?? 0) >= answers) socket.end()
    })
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
  socket.destroy()
  return text
}

/** The image's registry never answers: a yes would be one to what nobody has looked at. */
function answerIn(text: string, uid: string): Pick<Answered, 'kind' | 'complaint'> {
  const said = new RegExp(`"uid":"${uid}","allowed":(true|false)`).exec(text)?.[1]
  if (said === undefined) return { kind: 'lost', complaint: `${uid} of the flood has no answer` }
  return said === 'false' ? { kind: 'undetermined' } : { kind: 'wrong', complaint: `${uid} of the flood was allowed` }
}
