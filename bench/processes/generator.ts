// Loads a webhook over kept TLS connections and looks at every answer. It writes requests that were made beforehand and
// reads no more HTTP than it needs, so that one processor drives what another one serves.

import type { TLSSocket } from 'node:tls'
import { connect } from 'node:tls'
import { answerCalls } from './channel.ts'

/** One request and what its answer must and must not hold. */
export interface Shot {
  readonly path: string
  readonly body: Uint8Array
  readonly holds: readonly string[]
  readonly lacks: readonly string[]
}

export interface Aim {
  readonly port: number
  readonly ca: string
  readonly connections: number
  /** Each connection sends them in this order, each beginning at a place of its own. */
  readonly shots: readonly Shot[]
}

/** For so long, or so many requests in all. */
export interface Burst {
  readonly milliseconds?: number
  readonly count?: number
  /** Between the requests of a connection. */
  readonly pauseMs?: number
}

export interface Loaded {
  readonly count: number
  /** Answers other than 200, or without what they must hold. */
  readonly wrong: number
  /** The first of them. */
  readonly complaint: string
  readonly seconds: number
  /** In milliseconds, one a request. */
  readonly latencies: Float64Array
}

interface Target {
  readonly bytes: Buffer
  readonly holds: readonly Buffer[]
  readonly lacks: readonly Buffer[]
}

const maxCounted = 4_000_000
const headEnd = Buffer.from('\r\n\r\n')
const ok = Buffer.from('HTTP/1.1 200 ')

let targets: readonly Target[] = []
let lanes: readonly Lane[] = []

/** What one connection is doing. */
interface Lane {
  readonly socket: TLSSocket
  next: number
  started: number
  received: Buffer[]
  length: number
  /** Of head and body; 0 while the head is not whole. */
  expected: number
  take: (answer: Buffer) => void
  fail: (error: Error) => void
}

async function aim({ port, ca, connections, shots }: Aim): Promise<void> {
  for (const { socket } of lanes) socket.destroy()
  targets = shots.map(targetOf)
  const each = Math.floor(targets.length / connections)
  lanes = await Promise.all(Array.from({ length: connections }, (_, lane) => open(port, ca, lane * each)))
}

function targetOf({ path, body, holds, lacks }: Shot): Target {
  const head =
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-apiserver-admission\r\n` +
    `Accept: application/json, */*\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  const bytesOf = (text: string) => Buffer.from(text)
  return { bytes: Buffer.concat([bytesOf(head), body]), holds: holds.map(bytesOf), lacks: lacks.map(bytesOf) }
}

function open(port: number, ca: string, next: number): Promise<Lane> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost', ALPNProtocols: ['http/1.1'] })
    const lane: Lane = { socket, next, started: 0, received: [], length: 0, expected: 0, take: () => {}, fail: reject }
    socket.setNoDelay(true)
    socket.once('secureConnect', () => resolve(lane))
    socket.on('data', (chunk: Buffer) => receive(lane, chunk))
    socket.on('error', (error) => lane.fail(error))
    socket.on('close', () => lane.fail(new Error('the server closed a connection')))
  })
}

function receive(lane: Lane, chunk: Buffer): void {
  lane.received.push(chunk)
  lane.length += chunk.length
  if (lane.expected === 0) lane.expected = wholeLength(lane)
  if (lane.expected === 0 || lane.length < lane.expected) return
  const answer = lane.received.length === 1 ? chunk : Buffer.concat(lane.received)
  lane.received = []
  lane.length = 0
  lane.expected = 0
  lane.take(answer)
}

function wholeLength({ received }: Lane): number {
  const bytes = received.length === 1 && received[0] !== undefined ? received[0] : Buffer.concat(received)
  const end = bytes.indexOf(headEnd)
  if (end < 0) return 0
  const length = /\r\ncontent-length: (\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1]
  if (length === undefined) throw new Error('an answer without a length')
  return end + headEnd.length + Number(length)
}

function isRight(answer: Buffer, { holds, lacks }: Target): boolean {
  if (answer.compare(ok, 0, ok.length, 0, ok.length) !== 0) return false
  return holds.every((part) => answer.includes(part)) && !lacks.some((part) => answer.includes(part))
}

function fire({ milliseconds = Number.POSITIVE_INFINITY, count = maxCounted, pauseMs = 0 }: Burst): Promise<Loaded> {
  return new Promise((resolve, reject) => {
    const latencies = new Float64Array(count)
    let [sent, answered, wrong, open, complaint] = [0, 0, 0, lanes.length, '']
    const begun = performance.now()
    const isOver = () => sent >= count || performance.now() - begun >= milliseconds
    const send = (lane: Lane, target: Target) => {
      sent++
      lane.started = performance.now()
      lane.socket.write(target.bytes)
    }
    const finish = () => {
      if (--open > 0) return
      const seconds = (performance.now() - begun) / 1_000
      resolve({ count: answered, wrong, complaint, seconds, latencies: latencies.slice(0, answered) })
    }
    const step = (lane: Lane) => {
      const target = targets[lane.next % targets.length]
      if (target === undefined || isOver()) return finish()
      lane.next++
      lane.take = (answer) => {
        latencies[answered++] = performance.now() - lane.started
        if (!isRight(answer, target)) {
          wrong++
          complaint ||= answer.toString('utf8', 0, 2_000)
        }
        if (pauseMs > 0) setTimeout(() => step(lane), pauseMs)
        else step(lane)
      }
      send(lane, target)
    }
    for (const lane of lanes) lane.fail = reject
    for (const lane of lanes) step(lane)
  })
}

answerCalls({ aim, fire })
