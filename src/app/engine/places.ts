// How many questions a registry is asked at a time, and whose is the next one: one of each request in turn.

import { FairQueue } from './fair-queue.ts'

/** What the registry client keeps connections for: more would wait there, where nobody knows whose turn it is. */
const atOnce = 64

/** A wish to ask a registry. It is granted once, as soon as it is the turn of anybody who waits for it. */
export interface Ticket {
  readonly host: string
  readonly granted: Promise<void>
  state: 'waiting' | 'granted' | 'returned'
  readonly grant: () => void
}

interface Host {
  busy: number
  readonly waiting: FairQueue<Ticket>
}

export class Places {
  readonly #hosts = new Map<string, Host>()

  /** @param owner the request on whose behalf it is */
  ask(hostName: string, owner: object): Ticket {
    const { promise, resolve } = Promise.withResolvers<void>()
    const ticket: Ticket = { host: hostName, granted: promise, state: 'waiting', grant: resolve }
    const host = this.#hosts.get(hostName) ?? { busy: 0, waiting: new FairQueue() }
    this.#hosts.set(hostName, host)
    if (host.busy < atOnce) grant(host, ticket)
    else host.waiting.push(owner, ticket)
    return ticket
  }

  /** Somebody else waits for the same answer: it comes when it is the turn of either. */
  join(ticket: Ticket, owner: object): void {
    if (ticket.state === 'waiting') this.#hosts.get(ticket.host)?.waiting.push(owner, ticket)
  }

  /** After use; or where nobody waits for it any more. */
  giveBack(ticket: Ticket): void {
    const host = this.#hosts.get(ticket.host)
    const { state } = ticket
    ticket.state = 'returned'
    if (state === 'waiting') ticket.grant()
    if (state !== 'granted' || host === undefined) return
    host.busy -= 1
    while (host.busy < atOnce && !host.waiting.isEmpty) {
      const next = host.waiting.shift()
      if (next?.state === 'waiting') grant(host, next)
    }
    if (host.busy === 0) this.#hosts.delete(ticket.host)
  }
}

function grant(host: Host, ticket: Ticket): void {
  host.busy += 1
  ticket.state = 'granted'
  ticket.grant()
}
