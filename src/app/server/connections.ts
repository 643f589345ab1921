// Knows the connections of a server and what each is doing: to make room when there are too many, to close those that do
// not take their answers, and so that draining can tell idle ones from busy ones.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { type Candidate, chooseVictim, type Doing } from './eviction.ts'

export interface Connections {
  readonly count: number
  /** Requests of this connection that have no answer yet, the present one among them. */
  requestsOf(request: IncomingMessage): number
  /** Closes those that carry no request whose headers have come. */
  closeIdle(): void
  closeAll(): void
}

export interface ConnectionLimits {
  /** So many are kept open. */
  readonly connections: number
  /** So long an answer may lie there until its reader has taken it. */
  readonly unreadMs: number
}

export interface ConnectionEvents {
  /** A connection had to go, so that a new one finds room, or because it did not take its answer. */
  evicted(doing: Doing): void
  /** A new connection was refused: all others are being answered. */
  dropped(): void
}

/** What is known of one TCP connection. */
interface Connection {
  readonly raw: Socket
  readonly address: string
  isSecure: boolean
  /** When it last changed what it does, on a clock that does not jump. */
  since: number
  /** In the order in which they came, which is the one in which they are answered. */
  readonly requests: Map<IncomingMessage, ServerResponse>
  /** The answer that waits for its reader. */
  unread: { readonly answer: ServerResponse; readonly since: number } | undefined
}

export function trackConnections(server: HttpsServer, limits: ConnectionLimits, events: ConnectionEvents): Connections {
  const all = new Set<Connection>()
  const byPeer = new Map<string, Connection>()
  const bySocket = new WeakMap<Socket, Connection>()

  server.on('connection', (raw: Socket) => {
    if (all.size >= limits.connections && !makeRoom(all, limits.connections, events)) {
      raw.destroy()
      events.dropped()
      return
    }
    const { remoteAddress = '', remotePort = 0 } = raw
    const connection: Connection = {
      raw,
      address: remoteAddress,
      isSecure: false,
      since: performance.now(),
      requests: new Map(),
      unread: undefined,
    }
    const peer = `${remoteAddress} ${remotePort}`
    all.add(connection)
    byPeer.set(peer, connection)
    raw.once('close', () => {
      all.delete(connection)
      if (byPeer.get(peer) === connection) byPeer.delete(peer)
    })
  })
  // The TLS connection is another object than the one below it; the two have the same peer.
  server.on('secureConnection', (socket) => {
    const connection = byPeer.get(`${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0}`)
    if (connection === undefined) return
    connection.isSecure = true
    connection.since = performance.now()
    bySocket.set(socket, connection)
  })
  const follow = (request: IncomingMessage, response: ServerResponse) => {
    const connection = bySocket.get(request.socket)
    if (connection === undefined) return
    connection.requests.set(request, response)
    connection.since = performance.now()
    response.once('close', () => {
      connection.requests.delete(request)
      connection.since = performance.now()
    })
  }
  server.on('request', follow)
  server.on('checkContinue', follow)
  const sweep = setInterval(() => closeUnread(all, limits.unreadMs, events), Math.min(limits.unreadMs, maxSweepMs))
  server.once('close', () => clearInterval(sweep))
  return {
    get count() {
      return all.size
    },
    requestsOf: (request) => bySocket.get(request.socket)?.requests.size ?? 0,
    closeIdle() {
      for (const { raw, isSecure, requests } of all) if (isSecure && requests.size === 0) raw.destroy()
    },
    closeAll() {
      for (const { raw } of all) raw.destroy()
    },
  }
}

/** @returns whether there is room now */
function makeRoom(all: Set<Connection>, limit: number, events: ConnectionEvents): boolean {
  const now = performance.now()
  const candidates = [...all].map((connection): Candidate & { connection: Connection } => {
    const unread = unreadOf(connection, now)
    const { address } = connection
    if (unread !== undefined) return { connection, address, since: unread.since, doing: 'unread' }
    return { connection, address, since: connection.since, doing: doingOf(connection) }
  })
  const victim = chooseVictim(candidates, limit, now)
  if (victim === undefined) return false
  evict(all, victim.connection)
  events.evicted(victim.doing)
  return true
}

/** How late an answer that nobody takes may be noticed. */
const maxSweepMs = 1_000

function closeUnread(all: Set<Connection>, unreadMs: number, events: ConnectionEvents): void {
  const now = performance.now()
  for (const connection of all) {
    const unread = unreadOf(connection, now)
    if (unread === undefined || now - unread.since < unreadMs) continue
    evict(all, connection)
    events.evicted('unread')
  }
}

function evict(all: Set<Connection>, connection: Connection): void {
  // Its `close` event comes later.
  all.delete(connection)
  connection.raw.destroy()
}

/**
 * The answer whose turn it is, if it was written and has not left yet, with the time since when that has been known. One
 * behind it does not count: it waits for us.
 */
function unreadOf(connection: Connection, now: number): Connection['unread'] {
  const [answer] = connection.requests.values()
  if (answer === undefined || !answer.writableEnded) connection.unread = undefined
  else if (connection.unread?.answer !== answer) connection.unread = { answer, since: now }
  return connection.unread
}

function doingOf({ isSecure, requests }: Connection): Doing {
  if (!isSecure) return 'handshake'
  if (requests.size === 0) return 'idle'
  for (const request of requests.keys()) if (!request.complete) return 'sending'
  return 'answering'
}
