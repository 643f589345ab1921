// How many connections are open to all hosts together. Hosts come out of images, so that anybody may bring many along that
// take a request and say nothing: there each has a few places, for a second at least, and what answers goes first.

import { CodedError } from '#core/errors.ts'
import { createCache } from '#io/cache.ts'
import { Line } from './line.ts'
import type { HttpRequest, Standing } from './message.ts'
import type { Wire } from './wire.ts'

/** Four registries with all the connections that one may have; a quarter of the 1,024 files that many systems allow. */
const inAll = 256
/** Registries answer within a second: where there is no room, who has waited for longer may have to give way. */
const slowMs = 1_000
/** A host that has answered before keeps as many places against new ones. */
const undisputed = 16
/** Shorter than what an admission has by default, so that the answer says what it waited for. */
const patienceMs = 4_000
/** How often it is looked whether somebody has become slow. */
const lookMs = 100
/** Ten times what a large cluster deploys from. */
const maxAnswered = 1_000
const hasAnswered = {}

/** The connections to one origin. */
export interface Outlet {
  readonly origin: string
  /** So many requests use a connection at a time; more wait for these. */
  readonly connections: number
  readonly wire: Pick<Wire, 'idle' | 'closeIdle'>
}

/** A request under way. */
export interface Passage {
  readonly outlet: Outlet
  readonly begun: number
  /** Ends it, once it can be ended. */
  end: ((error: CodedError) => void) | undefined
}

interface Waiting extends Standing {
  readonly outlet: Outlet
  readonly admit: (passage: Passage) => void
  readonly refuse: (error: CodedError) => void
  inLine: boolean
}

export class Outgoing {
  /** What each has under way, the oldest first; of the outlets, the one that was used last stands last. */
  readonly #outlets = new Map<Outlet, Set<Passage>>()
  readonly #answered = createCache<object>({ max: maxAnswered, ttl: 0 })
  readonly #known = new Line<Waiting>()
  readonly #new = new Line<Waiting>()
  #looking: NodeJS.Timeout | undefined

  /**
   * At once if there is room for one more.
   *
   * @throws CodedError `overloaded` if there is none in time, `registry-unreachable` after the end
   */
  enter(outlet: Outlet, caller: Pick<HttpRequest, 'signal' | 'standing'>): Passage | Promise<Passage> {
    // While others wait there is none, which need not be counted anew.
    const isRoom = this.#hasOwnRoom(outlet) || (this.#isLineEmpty && this.#makeRoom())
    return isRoom ? this.#admit(outlet) : this.#wait(outlet, caller)
  }

  /** However it ended. */
  leave(passage: Passage): void {
    if (this.#outlets.get(passage.outlet)?.delete(passage) === true) this.#serve(passage.outlet)
  }

  /** Whatever the answer is. */
  answered({ outlet }: Passage): void {
    this.#answered.set(outlet.origin, hasAnswered)
  }

  close(): void {
    clearInterval(this.#looking)
    this.#looking = undefined
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      next.refuse(new CodedError('registry-unreachable', 'the connections are closed'))
    }
  }

  #wait(outlet: Outlet, { signal, standing }: Pick<HttpRequest, 'signal' | 'standing'>): Promise<Passage> {
    return new Promise((resolve, reject) => {
      const line = this.#answered.get(outlet.origin) === undefined ? this.#new : this.#known
      const giveUp = () => {
        line.withdraw(outlet.origin, waiting)
        waiting.refuse(lateness(outlet, signal))
      }
      const timer = setTimeout(giveUp, patienceMs)
      const end = () => {
        waiting.inLine = false
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
      }
      const admit = (passage: Passage) => {
        end()
        resolve(passage)
      }
      const refuse = (error: CodedError) => {
        end()
        reject(error)
      }
      const waiting: Waiting = { outlet, admit, refuse, inLine: true }
      if (standing !== undefined) standing.behind = waiting
      signal.addEventListener('abort', giveUp)
      line.push(outlet.origin, waiting)
      this.#looking ??= setInterval(() => this.#look(), lookMs)
      if (signal.aborted) giveUp()
    })
  }

  /** It finds a connection that is there and that nobody has been given yet, or waits for one of its own. */
  #hasOwnRoom(outlet: Outlet): boolean {
    return this.#unused(outlet) > 0 || this.#busy(outlet) >= outlet.connections
  }

  /** Less what those have been given who were let in and are not on their connections yet. */
  #unused(outlet: Outlet): number {
    let unused = outlet.wire.idle()
    for (const { end } of this.#outlets.get(outlet) ?? []) if (end === undefined) unused--
    return Math.max(unused, 0)
  }

  /** If need be at the cost of connections that wait for their next request: those of whoever was asked the longest ago. */
  #makeRoom(): boolean {
    let open = 0
    let idle: Outlet | undefined
    for (const [outlet, underWay] of this.#outlets) {
      const unused = this.#unused(outlet)
      if (underWay.size + unused === 0) this.#outlets.delete(outlet)
      else if (unused > 0) idle ??= outlet
      open += Math.min(underWay.size, outlet.connections) + unused
    }
    if (open < inAll) return true
    idle?.wire.closeIdle()
    return idle !== undefined
  }

  /** @param freed who may have a connection to be used again */
  #serve(freed?: Outlet): void {
    let isRoom = true
    const fits = ({ outlet }: Waiting) => {
      if (outlet === freed && this.#hasOwnRoom(outlet)) return true
      // Where there is none for one, there is none for the others.
      if (isRoom) isRoom = this.#makeRoom()
      return isRoom
    }
    for (let next = this.#take(fits); next !== undefined; next = this.#take(fits)) next.admit(this.#admit(next.outlet))
  }

  #admit(outlet: Outlet): Passage {
    const passage: Passage = { outlet, begun: performance.now(), end: undefined }
    const underWay = this.#outlets.get(outlet) ?? new Set()
    this.#outlets.delete(outlet)
    this.#outlets.set(outlet, underWay.add(passage))
    return passage
  }

  /** Idle connections may have ended meanwhile. Else what has become slow ends for those who wait, as long as these have less. */
  #look(): void {
    this.#serve()
    for (let slow = this.#slowest(); slow !== undefined; slow = this.#slowest()) {
      const weight = this.#weight(slow.outlet)
      const next = this.#take(({ outlet }) => this.#weight(outlet) < weight)
      if (next === undefined) break
      this.#outlets.get(slow.outlet)?.delete(slow)
      slow.end?.(displacement(slow))
      next.admit(this.#admit(next.outlet))
    }
    if (!this.#isLineEmpty) return
    clearInterval(this.#looking)
    this.#looking = undefined
  }

  /** Of whoever has most, the oldest that may have to give way. */
  #slowest(): Passage | undefined {
    const before = performance.now() - slowMs
    let found: Passage | undefined
    for (const [outlet, [oldest]] of this.#outlets) {
      if (oldest?.end === undefined || oldest.begun > before) continue
      const more = found === undefined ? 1 : this.#weight(outlet) - this.#weight(found.outlet)
      if (more > 0 || (more === 0 && found !== undefined && oldest.begun < found.begun)) found = oldest
    }
    return found
  }

  /** How much it has that others may dispute. */
  #weight(outlet: Outlet): number {
    return this.#busy(outlet) - (this.#answered.get(outlet.origin) === undefined ? 0 : undisputed)
  }

  #busy(outlet: Outlet): number {
    return this.#outlets.get(outlet)?.size ?? 0
  }

  get #isLineEmpty(): boolean {
    return this.#known.isEmpty && this.#new.isEmpty
  }

  #take(fits?: (waiting: Waiting) => boolean): Waiting | undefined {
    return this.#known.take(fits) ?? this.#new.take(fits)
  }
}

function displacement({ outlet }: Passage): CodedError {
  return new CodedError('overloaded', `${outlet.origin} was given up after a second: others needed the connection`)
}

function lateness({ origin }: Outlet, signal: AbortSignal): CodedError {
  if (signal.aborted && signal.reason instanceof CodedError) return signal.reason
  return new CodedError('overloaded', `${origin} was not asked in time: all connections were taken`)
}
