// Writes the status of policy objects, a few at a time, and again where it fails. What is not written yet is overtaken by
// what became of the object since.

import { CodedError, codeOf, messageOf } from '#core/errors.ts'
import { apiVersion } from '#core/policy/schema.ts'
import type { Kube } from '#io/kube/kube.ts'
import type { JudgedObject } from './policy-objects.ts'
import { statusPatch } from './policy-status.ts'
import { readStatus } from './status-of.ts'

export interface StatusWriterOptions {
  readonly kube: Pick<Kube, 'send'>
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onFailure: (object: string, error: CodedError) => void
}

/** A policy by `name`, or `namespace/name` of a TrustPolicy. */
export type Judge = { readonly policy: string } | { readonly attestor: string }

/** What was judged by a policy, or vouched for by an attestor, since it was last written. */
interface Use {
  images: number
  lastError: { readonly code: string; readonly message: string; readonly at: string } | undefined
}

/** A thousand policies after an upgrade are written within seconds, and the API server has room for others. */
const writtenAtOnce = 4
const retryMs = 5_000
/** Counts are for people; each costs the API server a write. */
const countEveryMs = 60_000
/** Two replicas that are not of one mind, as while a new version is rolled out, do not contradict each other in a circle. */
const insistAfterMs = 60_000

export class StatusWriter {
  readonly #options: StatusWriterOptions
  readonly #wanted = new Map<string, JudgedObject>()
  #objects = new Map<string, JudgedObject>()
  readonly #uses = new Map<string, Use>()
  #uids = new Map<string, unknown>()
  /** What was last written of each object, and when. */
  readonly #written = new Map<string, { readonly text: string; readonly at: number }>()
  #busy = 0
  #isCounting = false

  constructor(options: StatusWriterOptions) {
    this.#options = options
    const counting = setInterval(() => {
      void this.#count()
      // Whatever was overtaken or overwritten meanwhile.
      this.#wantAll()
    }, countEveryMs)
    counting.unref()
    options.signal.addEventListener('abort', () => clearInterval(counting), { once: true })
  }

  /** What became of all objects. */
  tell(objects: readonly JudgedObject[]): void {
    this.#objects = new Map(objects.map((judged) => [pathOf(judged), judged]))
    this.#forgetOthers(objects)
    for (const known of [this.#wanted, this.#written])
      for (const path of known.keys()) if (!this.#objects.has(path)) known.delete(path)
    this.#wantAll()
  }

  /** What was counted for an object that is gone is not that of another one of the same name. */
  #forgetOthers(objects: readonly JudgedObject[]): void {
    const uids = new Map(objects.map((judged) => [keyOfObject(judged), judged.object.metadata['uid']]))
    for (const [key, uid] of this.#uids) if (uids.get(key) !== uid) this.#uses.delete(key)
    this.#uids = uids
  }

  /** An image was judged by a policy, or vouched for by an attestor. @param refusal why the policy did not let it pass */
  used(by: Judge, refusal?: { readonly code: string; readonly message: string }): void {
    const key = keyOf(by)
    const use = this.#uses.get(key) ?? { images: 0, lastError: undefined }
    this.#uses.set(key, use)
    use.images += 1
    if (refusal !== undefined)
      use.lastError = { ...refusal, message: refusal.message.slice(0, 1_024), at: this.#time() }
  }

  #wantAll(): void {
    for (const [path, judged] of this.#objects) this.#wanted.set(path, judged)
    this.#work()
  }

  #work(): void {
    for (const [path, judged] of this.#wanted) {
      if (this.#busy >= writtenAtOnce || this.#options.signal.aborted) return
      this.#wanted.delete(path)
      const status = statusPatch(judged, this.#time())
      if (status === undefined || this.#hasSaid(path, textOf(judged, status))) continue
      this.#busy += 1
      void this.#write(path, judged, status).finally(() => {
        this.#busy -= 1
        this.#work()
      })
    }
  }

  /** It was written a moment ago, and somebody else has written something else since. */
  #hasSaid(path: string, text: string): boolean {
    const last = this.#written.get(path)
    return last?.text === text && this.#options.now() - last.at < insistAfterMs
  }

  async #write(path: string, judged: JudgedObject, status: StatusPatch): Promise<void> {
    const { uid } = judged.object.metadata
    try {
      await this.#patch(path, { metadata: { uid }, status })
      this.#written.set(path, { text: textOf(judged, status), at: this.#options.now() })
    } catch (error) {
      // Gone, or overtaken: what became of it is told in its own time.
      if (codeOf(error) === 'kube-not-found' || codeOf(error) === 'kube-conflict') return
      if (this.#options.signal.aborted) return
      this.#options.onFailure(path, asCoded(error))
      // The same will not be accepted in a moment either; of another object with this name it is not to be.
      if (codeOf(error) === 'kube-rejected') return
      setTimeout(() => this.#again(path, judged), retryMs).unref()
    }
  }

  #again(path: string, judged: JudgedObject): void {
    if (this.#objects.get(path) !== judged) return
    this.#wanted.set(path, judged)
    this.#work()
  }

  /** Replicas add to one number: whoever was overtaken adds the next time. One at a time; others have requests, too. */
  async #count(): Promise<void> {
    if (this.#isCounting) return
    this.#isCounting = true
    const known = new Set<string>()
    for (const judged of this.#objects.values()) {
      const key = keyOfObject(judged)
      known.add(key)
      const use = this.#uses.get(key)
      if (use !== undefined && !this.#options.signal.aborted) await this.#addTo(judged, key, use)
    }
    for (const key of this.#uses.keys()) if (!known.has(key)) this.#uses.delete(key)
    this.#isCounting = false
  }

  async #addTo(judged: JudgedObject, key: string, { images, lastError }: Use): Promise<void> {
    const { resourceVersion, uid } = judged.object.metadata
    const status = { images: readStatus(judged.object).images + images, ...(lastError && { lastError }) }
    try {
      await this.#patch(pathOf(judged), { metadata: { uid, resourceVersion }, status })
      this.#counted(key, images)
    } catch (error) {
      if (codeOf(error) === 'kube-conflict' || codeOf(error) === 'kube-not-found') return
      this.#options.onFailure(pathOf(judged), asCoded(error))
    }
  }

  #counted(key: string, images: number): void {
    const use = this.#uses.get(key)
    if (use === undefined) return
    use.images -= images
    if (use.images <= 0) this.#uses.delete(key)
  }

  async #patch(path: string, body: object): Promise<void> {
    const contentType = 'application/merge-patch+json'
    await this.#options.kube.send({ method: 'PATCH', path: `${path}/status`, body, contentType })
  }

  #time(): string {
    return new Date(this.#options.now()).toISOString()
  }
}

type StatusPatch = NonNullable<ReturnType<typeof statusPatch>>

/** Without when: that is another one each time. */
function textOf({ object }: JudgedObject, { conditions: _, ...status }: StatusPatch): string {
  return JSON.stringify([object.metadata['uid'], status])
}

function keyOf(by: Judge): string {
  return 'policy' in by ? `policy ${by.policy}` : `attestor ${by.attestor}`
}

function keyOfObject({ kind, object: { metadata } }: JudgedObject): string {
  const { namespace, name } = metadata
  if (kind.kind === 'Attestor') return keyOf({ attestor: name })
  return kind.kind.endsWith('TrustPolicy')
    ? keyOf({ policy: typeof namespace === 'string' ? `${namespace}/${name}` : name })
    : ''
}

function pathOf({ kind, object }: JudgedObject): string {
  const { namespace, name } = object.metadata
  const inside = typeof namespace === 'string' ? `namespaces/${namespace}/` : ''
  return `/apis/${apiVersion}/${inside}${kind.plural}/${name}`
}

function asCoded(error: unknown): CodedError {
  return error instanceof CodedError ? error : new CodedError('internal-error', messageOf(error), { cause: error })
}
