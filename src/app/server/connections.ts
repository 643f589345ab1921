// Knows the connections of a server and what each is doing: to make room when there are too many, and so that draining
// can tell idle ones from busy ones.

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

export interface ConnectionEvents {
  /** A connection had to go, so that a new one finds room. */
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
  readonly requests: Set<IncomingMessage>
}

/** @param limit so many are kept open */
export function trackConnections(server: HttpsServer, limit: number, events: ConnectionEvents): Connections {
  const all = new Set<Connection>()
  const byPeer = new Map<string, Connection>()
  const bySocket = new WeakMap<Socket, Connection>()

  server.on('connection', (raw: Socket) => {
    if (all.size >= limit && !makeRoom(all, limit, events)) {
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
      requests: new Set(),
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
    connection.requests.add(request)
    connection.since = performance.now()
    response.once('close', () => {
      connection.requests.delete(request)
      connection.since = performance.now()
    })
  }
  server.on('request', follow)
  server.on('checkContinue', follow)
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
  const candidates = [...all].map((connection): Candidate & { connection: Connection } => {
    const { address, since } = connection
    return { connection, address, since, doing: doingOf(connection) }
  })
  const victim = chooseVictim(candidates, limit, performance.now())
  if (victim === undefined) return false
  // Its `close` event comes later.
  all.delete(victim.connection)
  victim.connection.raw.destroy()
  events.evicted(victim.doing)
  return true
}

function doingOf({ isSecure, requests }: Connection): Doing {
  if (!isSecure) return 'handshake'
  if (requests.size === 0) return 'idle'
  for (const request of requests) if (!request.complete) return 'sending'
  return 'answering'
}
