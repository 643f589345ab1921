// Loads a webhook over kept TLS connections and looks at every answer. It writes requests that were made beforehand and
// reads no more HTTP than it needs, so that one processor drives what another one serves.

import type { TLSSocket } from 'node:tls'
import { connect } from 'node:tls'
import { answerCalls } from './channel.ts'

/** One request and what its answer must and must not hold. */
export interface Shot {
  readonly path: string
  readonly body: Uint8Array
  /** 200 if absent. */
  readonly status?: number
  readonly holds: readonly string[]
  readonly lacks: readonly string[]
}

export interface Aim {
  readonly port: number
  readonly ca: string
  /** The certificate that it shows, in PEM. */
  readonly client?: { readonly cert: string; readonly key: string } | undefined
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
  /** Answers of another status, or without what they must hold. */
  readonly wrong: number
  /** The first of them. */
  readonly complaint: string
  readonly seconds: number
  /** In milliseconds, one a request. */
  readonly latencies: Float64Array
}

interface Target {
  readonly bytes: Buffer
  readonly statusLine: Buffer
  readonly holds: readonly Buffer[]
  readonly lacks: readonly Buffer[]
}

const maxCounted = 4_000_000
const headEnd = Buffer.from('\r\n\r\n')
/** As JSON holds no line break by itself, nothing else looks like it. */
const lastChunk = Buffer.from('\r\n0\r\n\r\n')

let targets: readonly Target[] = []
let lanes: readonly Lane[] = []

/** What one connection is doing. */
interface Lane {
  readonly socket: TLSSocket
  next: number
  started: number
  received: Buffer[]
  length: number
  /** Of head and body; 0 while the head is not whole, and infinite until the last chunk is there. */
  expected: number
  take: (answer: Buffer) => void
  fail: (error: Error) => void
}

async function aim({ connections, shots, ...to }: Aim): Promise<void> {
  for (const { socket } of lanes) socket.destroy()
  targets = shots.map(targetOf)
  const each = Math.floor(targets.length / connections)
  lanes = await Promise.all(Array.from({ length: connections }, (_, lane) => open(to, lane * each)))
}

function targetOf({ path, body, status = 200, holds, lacks }: Shot): Target {
  const head =
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-apiserver-admission\r\n` +
    `Accept: application/json, */*\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  const bytesOf = (text: string) => Buffer.from(text)
  return {
    bytes: Buffer.concat([bytesOf(head), body]),
    statusLine: bytesOf(`HTTP/1.1 ${status} `),
    holds: holds.map(bytesOf),
    lacks: lacks.map(bytesOf),
  }
}

function open({ port, ca, client }: Omit<Aim, 'connections' | 'shots'>, next: number): Promise<Lane> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...{ host: '127.0.0.1', port, ca, ...client },
      ...{ servername: 'localhost', ALPNProtocols: ['http/1.1'] },
    })
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
  if (lane.expected === 0) return
  const isChunked = lane.expected === Number.POSITIVE_INFINITY
  if (isChunked ? !endsWith(lane.received, lastChunk) : lane.length < lane.expected) return
  const whole = lane.received.length === 1 ? chunk : Buffer.concat(lane.received)
  const answer = isChunked ? withoutChunks(whole) : whole
  lane.received = []
  lane.length = 0
  lane.expected = 0
  lane.take(answer)
}

function wholeLength({ received }: Lane): number {
  const bytes = received.length === 1 && received[0] !== undefined ? received[0] : Buffer.concat(received)
  const end = bytes.indexOf(headEnd)
  if (end < 0) return 0
  const head = bytes.toString('latin1', 0, end)
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return Number.POSITIVE_INFINITY
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length === undefined) throw new Error('an answer without a length')
  return end + headEnd.length + Number(length)
}

function endsWith(parts: readonly Buffer[], end: Buffer): boolean {
  const last = parts.at(-1)
  const bytes = last !== undefined && last.length >= end.length ? last : Buffer.concat(parts)
  return bytes.subarray(-end.length).equals(end)
}

/** Head and body, as they would be in one piece. */
function withoutChunks(answer: Buffer): Buffer {
  const start = answer.indexOf(headEnd) + headEnd.length
  const parts = [answer.subarray(0, start)]
  for (let at = start; ; ) {
    const line = answer.indexOf('\r\n', at)
    const length = Number.parseInt(answer.toString('latin1', at, line), 16)
    if (!(length > 0)) return Buffer.concat(parts)
    parts.push(answer.subarray(line + 2, line + 2 + length))
    at = line + 2 + length + 2
  }
}

function isRight(answer: Buffer, { statusLine, holds, lacks }: Target): boolean {
  if (!answer.subarray(0, statusLine.length).equals(statusLine)) return false
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
