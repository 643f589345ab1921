// Knows the connections of a server and what each is doing, so that draining can tell idle ones from busy ones.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'

export interface Connections {
  readonly count: number
  /** Closes those that carry no request whose headers have come. */
  closeIdle(): void
  closeAll(): void
}

export function trackConnections(server: HttpsServer): Connections {
  const raw = new Set<Socket>()
  /** TLS connections → requests that have no answer yet. */
  const requests = new Map<Socket, number>()
  server.on('connection', (socket: Socket) => {
    raw.add(socket)
    socket.once('close', () => raw.delete(socket))
  })
  server.on('secureConnection', (socket) => {
    requests.set(socket, 0)
    socket.once('close', () => requests.delete(socket))
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    requests.set(socket, (requests.get(socket) ?? 0) + 1)
    response.once('close', () => {
      const count = requests.get(socket)
      if (count !== undefined) requests.set(socket, count - 1)
    })
  })
  return {
    get count() {
      return raw.size
    },
    closeIdle() {
      for (const [socket, count] of requests) if (count === 0) socket.destroy()
    },
    closeAll() {
      for (const socket of raw) socket.destroy()
    },
  }
}
