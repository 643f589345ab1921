// Connections to one origin by Node's own HTTP client: HTTP/1.1, one request a connection at a time, which keeps caps and
// broken connections apart from each other. The modules are taken on use and not imported: an import evaluates all that
// they could export, which takes longer than all the rest of `sealward verify`, and plain HTTP needs no TLS.

import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { AgentOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { HttpRequest, HttpResponse } from './message.ts'
import type { Wire, WireListener, WireOptions } from './wire.ts'

/** A head is a dozen lines; tokens and signed addresses in it take a few kilobytes. */
const maxHeadBytes = 16 * 1024

export function openDirect(origin: URL, options: WireOptions): Wire {
  const isTls = origin.protocol === 'https:'
  const { Agent, request: open } = isTls
    ? process.getBuiltinModule('node:https')
    : process.getBuiltinModule('node:http')
  const agent = new Agent({
    keepAlive: true,
    maxSockets: options.connections,
    // Of a connection that waits for its next request; `send` sets another for those that work.
    timeout: options.timeouts.keepAlive,
    lookup: options.lookup,
    ...(isTls && tlsOptions(options)),
  })
  const target: RequestOptions = {
    agent,
    // Node wants IPv6 without the brackets of a URL.
    hostname: origin.hostname.replace(/^\[|\]$/g, ''),
    ...(origin.port !== '' && { port: origin.port }),
    timeout: options.timeouts.silence,
    // Said here, so that no option of the process makes the parser lenient or the head longer.
    insecureHTTPParser: false,
    maxHeaderSize: maxHeadBytes,
  }
  const running = new Map<ClientRequest, WireListener>()
  let state: 'open' | 'retired' | 'destroyed' = 'open'
  const ended = (sent: ClientRequest) => {
    running.delete(sent)
    if (state !== 'open' && running.size === 0) agent.destroy()
  }
  return {
    send(request, listener) {
      if (state === 'destroyed') return listener.fail(coded('ERR_DESTROYED', 'the connections are closed'))
      let sent: ClientRequest
      try {
        sent = open({ ...target, ...lineOf(request) })
      } catch (error) {
        // What Node refuses to write: a header or path with characters that have no place there.
        return listener.fail(error instanceof Error ? error : new Error(String(error)))
      }
      running.set(sent, listener)
      sent.on('close', () => ended(sent))
      follow(sent, listener, options, isTls)
      sent.end(request.body)
    },
    idle: () => unusedOf(agent).length,
    closeIdle() {
      for (const socket of unusedOf(agent)) socket.destroy()
    },
    retire() {
      if (state === 'open') state = 'retired'
      if (running.size === 0) agent.destroy()
    },
    async destroy() {
      state = 'destroyed'
      // Those that wait for a connection, too: the agent would open one for each of them.
      for (const listener of running.values()) listener.fail(coded('ERR_DESTROYED', 'the connections are closed'))
      agent.destroy()
    },
  }
}

/** The agent forgets what has been closed a moment later. */
function unusedOf({ freeSockets }: Agent): readonly Socket[] {
  return Object.values(freeSockets).flatMap((sockets = []) => sockets.filter(({ destroyed }) => !destroyed))
}

function tlsOptions({ secureContext }: WireOptions): AgentOptions {
  return {
    // Said here, so that no environment variable turns it off.
    rejectUnauthorized: true,
    // A resumed session is not asked for its name again, and one may be kept before the first asking has ended.
    maxCachedSessions: 0,
    ...(secureContext !== undefined && { secureContext }),
  }
}

function lineOf({ method, url, headers }: HttpRequest): RequestOptions {
  return { method, path: `${url.pathname}${url.search}`, headers }
}

/** By `on` and not by `once`, which costs more: nothing of this happens twice. */
function follow(sent: ClientRequest, listener: WireListener, options: WireOptions, isTls: boolean): void {
  const timedOut = () => {
    listener.fail(coded('ETIMEDOUT', 'no answer in time'))
    sent.destroy()
  }
  sent.on('error', (error) => listener.fail(error))
  sent.on('timeout', timedOut)
  limitHead(sent, timedOut, options.timeouts.silence)
  sent.on('socket', (socket) => {
    if (socket.connecting) followConnecting(socket, isTls ? 'secureConnect' : 'connect', timedOut, options)
  })
  // Unheard, it would leave the request without an end.
  sent.on('upgrade', (_answer, socket) => {
    listener.fail(coded('HPE_UPGRADE', 'the server switches to another protocol'))
    socket.destroy()
  })
  sent.on('response', (answer) => {
    answer.on('error', (error) => listener.fail(error))
    answer.on('data', (chunk: Uint8Array) => listener.data(chunk))
    answer.on('end', () => listener.end())
    listener.head(answer.statusCode ?? 0, headersOf(answer))
  })
  // Without a reason: where the answer was there already, nobody listens any more to the error that it would become, and
  // an error that nobody listens to ends the process.
  listener.start(() => sent.destroy())
}

function followConnecting(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  late: () => void,
  { timeouts, connected }: WireOptions,
): void {
  const timer = setTimeout(late, timeouts.connect)
  socket.once('close', () => clearTimeout(timer))
  socket.once(event, () => {
    clearTimeout(timer)
    connected(socket.remoteAddress ?? '')
  })
}

/** A head that comes in drops is never silent for long. */
function limitHead(sent: ClientRequest, late: () => void, milliseconds: number): void {
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const end = () => {
    isOver = true
    clearTimeout(timer)
  }
  sent.on('finish', () => {
    if (!isOver) timer = setTimeout(late, milliseconds)
  })
  sent.on('response', end)
  sent.on('close', end)
}

/** A header that stands twice is told twice: Node's own record of them would drop one. */
function headersOf({ rawHeaders }: IncomingMessage): HttpResponse['headers'] {
  // Without a prototype, that a name could hit.
  const headers: Record<string, string | string[]> = Object.create(null)
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    const value = rawHeaders[at + 1] ?? ''
    const before = headers[name]
    if (before === undefined) headers[name] = value
    else if (typeof before === 'string') headers[name] = [before, value]
    else before.push(value)
  }
  return headers
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
