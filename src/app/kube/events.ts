// Writes Events (events.k8s.io/v1), behind everything else: a few at a time, the same one once with a count, and never more
// than a cluster bears. What is not written is counted.

import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { printable } from '#core/encoding/printable.ts'
import { type CodedError, codeOf } from '#core/errors.ts'
import type { Kube } from '#io/kube/kube.ts'

export interface Regarding {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly namespace: string
  readonly uid?: string
}

export interface KubeEvent {
  readonly namespace: string
  readonly regarding: Regarding
  readonly reason: string
  readonly note: string
}

export interface EventsOptions {
  readonly kube: Pick<Kube, 'send'>
  readonly signal: AbortSignal
  /** Which of the replicas this is. */
  readonly instance: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onWritten: () => void
  /** @param error absent where there was no room */
  readonly onLost: (error?: CodedError) => void
  /** Default: what is in `defaultPace`. */
  readonly pace?: Pace
}

export interface Pace {
  /** Events a second, on average, and how many at once. */
  readonly perSecond: number
  readonly burst: number
  /** The same event again is counted for so long before the count is written. */
  readonly countMs: number
}

/** As client-go bounds the events of one source (25 at once, then one in five minutes for each object), for the whole cluster. */
export const defaultPace: Pace = { perSecond: 5, burst: 50, countMs: 30_000 }

/** Events of the last minutes that may come again. */
const remembered = 2_000
/** As long as kubectl shows several lines of one cause together. */
const rememberedMs = 10 * 60_000
const writtenAtOnce = 2
const maxWaiting = 500
/** events.k8s.io/v1: "note ... should be less than 1kB". */
const maxNote = 1_000

interface Known {
  readonly path: string
  count: number
  timer: NodeJS.Timeout | undefined
}

export class Events {
  readonly #options: EventsOptions
  readonly #pace: Pace
  readonly #known = new LRUCache<string, Known>({ max: remembered, ttl: rememberedMs })
  readonly #waiting: (() => Promise<void>)[] = []
  #busy = 0
  #tokens: number
  #filledAt: number

  constructor(options: EventsOptions) {
    this.#options = options
    this.#pace = options.pace ?? defaultPace
    this.#tokens = this.#pace.burst
    this.#filledAt = options.now()
  }

  /** Never throws. */
  tell(event: KubeEvent): void {
    const key = JSON.stringify([event.regarding, event.reason, event.note])
    const known = this.#known.get(key)
    if (known !== undefined) this.#again(known)
    else if (this.#mayWrite()) this.#first(key, event)
    else this.#options.onLost()
  }

  #first(key: string, event: KubeEvent): void {
    const name = `${event.regarding.name.slice(0, 200)}.${randomBytes(8).toString('hex')}`
    const path = `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(event.namespace)}/events`
    this.#known.set(key, { path: `${path}/${encodeURIComponent(name)}`, count: 1, timer: undefined })
    this.#enqueue(async () => {
      await this.#options.kube.send({ method: 'POST', path, body: this.#bodyOf(event, name) })
    })
  }

  #again(known: Known): void {
    known.count += 1
    known.timer ??= setTimeout(() => {
      known.timer = undefined
      const series = { count: known.count, lastObservedTime: this.#time() }
      this.#enqueue(async () => {
        const contentType = 'application/merge-patch+json'
        await this.#options.kube.send({ method: 'PATCH', path: known.path, body: { series }, contentType })
      })
    }, this.#pace.countMs).unref()
  }

  #bodyOf({ namespace, regarding, reason, note }: KubeEvent, name: string): object {
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name, namespace },
      eventTime: this.#time(),
      reportingController: 'sealward.dev/admission',
      reportingInstance: this.#options.instance.slice(0, 128),
      action: 'Admission',
      type: 'Warning',
      reason,
      regarding,
      note: printable(note, maxNote),
    }
  }

  #enqueue(write: () => Promise<void>): void {
    if (this.#options.signal.aborted) return
    if (this.#waiting.length < maxWaiting) {
      this.#waiting.push(write)
      this.#work()
    } else {
      this.#options.onLost()
    }
  }

  #work(): void {
    while (this.#busy < writtenAtOnce) {
      const write = this.#waiting.shift()
      if (write === undefined) return
      this.#busy += 1
      write()
        .then(this.#options.onWritten, (error: CodedError) => this.#failed(error))
        .finally(() => {
          this.#busy -= 1
          this.#work()
        })
    }
  }

  /** An event that is gone has been seen for an hour; a namespace that is going away takes none. */
  #failed(error: CodedError): void {
    if (codeOf(error) === 'kube-not-found') this.#options.onLost()
    else this.#options.onLost(error)
  }

  #mayWrite(): boolean {
    const now = this.#options.now()
    const filled = this.#tokens + (Math.max(0, now - this.#filledAt) / 1_000) * this.#pace.perSecond
    this.#filledAt = now
    this.#tokens = Math.min(this.#pace.burst, filled)
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** A MicroTime: six digits, though only three are known. */
  #time(): string {
    return new Date(this.#options.now()).toISOString().replace(/Z$/, '000Z')
  }
}
