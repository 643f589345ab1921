// Objects that are followed by their names: read when they are first asked for, and watched from then on, so that asking
// again costs nothing and a change is known within moments. Only ever one object is asked for, never what else is in its
// namespace: a Role that names it is enough. Their number and size are bounded; what leaves is read again when it is wanted.

import type { CodedError } from '#core/errors.ts'
import type { KubeObject } from './follow.ts'
import type { Kube } from './kube.ts'
import type { ReadingPlaces } from './reading-places.ts'
import type { Lodger, SharedRoom } from './shared-room.ts'

export type NamedState<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'absent' }
  /** No Role lets us read it. */
  | { readonly kind: 'forbidden' }
  /** The API server has not told. */
  | { readonly kind: 'unread' }

export interface NamedObjects<T> {
  /** What is known now; `undefined` while it is being read for the first time. */
  look(namespace: string, name: string): NamedState<T> | undefined
  /** Resolves when `look` has something to tell, or may have. Never rejects. */
  news(namespace: string, name: string): Promise<void>
  close(): Promise<void>
}

export interface NamedObjectsOptions<T> {
  readonly kube: Pick<Kube, 'follow'>
  /** Of the core group: `secrets`. */
  readonly resource: string
  readonly read: (object: KubeObject) => { readonly value: T; readonly bytes: number }
  readonly room: SharedRoom
  readonly places: ReadingPlaces
  /** How long a watch lasts; when one begins, the API server looks whether we may. */
  readonly watchSeconds: number
  /** Milliseconds; must not jump. */
  readonly now: () => number
}

/** Whoever has just been granted a right tries again within this; until then, nobody's request asks anew. */
export const forbiddenMs = 30_000
/** What was known keeps while the API server restarts; of one that is away for longer, nothing is known. */
export const awayMs = 60_000

export function createNamedObjects<T>(options: NamedObjectsOptions<T>): NamedObjects<T> {
  const followed = new Map<string, FollowedObject<T>>()
  const ended: Set<Promise<void>> = new Set()

  const follow = (namespace: string, name: string, key: string): FollowedObject<T> => {
    const forget = () => {
      if (followed.get(key) === object) followed.delete(key)
    }
    const object: FollowedObject<T> = new FollowedObject(namespace, name, options, forget)
    followed.set(key, object)
    options.room.keep(object, 0)
    const running = object.run()
    ended.add(running)
    void running.then(() => ended.delete(running))
    return object
  }
  const objectOf = (namespace: string, name: string): FollowedObject<T> => {
    const key = `${namespace}/${name}`
    const known = followed.get(key)
    if (known !== undefined && !known.isOver()) return known
    known?.leave()
    return follow(namespace, name, key)
  }
  return {
    look: (namespace, name) => objectOf(namespace, name).look(),
    news: (namespace, name) => objectOf(namespace, name).news(),
    async close() {
      for (const object of [...followed.values()]) {
        options.room.remove(object)
        object.leave()
      }
      await Promise.all(ended)
    },
  }
}

class FollowedObject<T> implements Lodger {
  readonly namespace: string
  readonly #name: string
  readonly #options: NamedObjectsOptions<T>
  readonly #forget: () => void
  readonly #ending = new AbortController()
  readonly #waiting: (() => void)[] = []
  #state: NamedState<T> | undefined
  #bytes = 0
  #failingSince: number | undefined
  /** Of a refusal: until when it is not asked again. */
  #until = Number.POSITIVE_INFINITY

  constructor(namespace: string, name: string, options: NamedObjectsOptions<T>, forget: () => void) {
    this.namespace = namespace
    this.#name = name
    this.#options = options
    this.#forget = forget
  }

  /** It must be asked for anew. */
  isOver(): boolean {
    return this.#options.now() >= this.#until
  }

  look(): NamedState<T> | undefined {
    this.#options.room.keep(this, this.#bytes)
    const { now } = this.#options
    const isAway = this.#failingSince !== undefined && now() - this.#failingSince >= awayMs
    return isAway ? { kind: 'unread' } : this.#state
  }

  news(): Promise<void> {
    if (this.look() !== undefined) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Nobody is left waiting: who asks again has it read anew. */
  leave(): void {
    this.#forget()
    this.#options.room.remove(this)
    this.#ending.abort()
    this.#wake()
  }

  async run(): Promise<void> {
    const { kube, resource, places, watchSeconds } = this.#options
    const { namespace } = this
    await places.take(namespace)
    const giveBack = once(() => places.giveBack(namespace))
    const { signal } = this.#ending
    if (!signal.aborted) {
      await kube.follow(
        {
          listed: (objects) => this.#tell(objects.find((each) => this.#isIt(each))),
          changed: (object) => this.#isIt(object) && this.#tell(object),
          deleted: (object) => this.#isIt(object) && this.#tell(undefined),
          heard: () => {
            giveBack()
            this.#failingSince = undefined
          },
          failed: (error) => {
            giveBack()
            this.#fail(error)
          },
        },
        {
          path: `/api/v1/namespaces/${namespace}/${resource}`,
          fieldSelector: `metadata.name=${this.#name}`,
          watchSeconds,
          signal,
        },
      )
    }
    giveBack()
  }

  #isIt({ metadata }: KubeObject): boolean {
    return metadata.name === this.#name && metadata['namespace'] === this.namespace
  }

  #tell(object: KubeObject | undefined): void {
    if (this.#ending.signal.aborted) return
    const read = object && this.#options.read(object)
    this.#state = read === undefined ? { kind: 'absent' } : { kind: 'found', value: read.value }
    this.#bytes = read?.bytes ?? 0
    this.#options.room.keep(this, this.#bytes)
    this.#wake()
  }

  #fail({ code }: CodedError): void {
    const { now } = this.#options
    this.#failingSince ??= now()
    if (code !== 'kube-forbidden' || this.#ending.signal.aborted) return
    this.#failingSince = undefined
    this.#until = now() + forbiddenMs
    this.#state = { kind: 'forbidden' }
    this.#bytes = 0
    this.#ending.abort()
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

function once(work: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    work()
  }
}
