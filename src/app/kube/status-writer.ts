// Writes the status of policy objects, a few at a time, and again where it fails. What is not written yet is overtaken by
// what became of the object since.

import { setTimeout as sleep } from 'node:timers/promises'
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

/** What was judged by a policy since it was last written. */
interface Use {
  images: number
  lastError: { readonly code: string; readonly message: string; readonly at: string } | undefined
}

/** A thousand policies after an upgrade are written within seconds, and the API server has room for others. */
const writtenAtOnce = 4
const retryMs = 5_000
/** Counts are for people; each costs the API server a write. */
const countEveryMs = 60_000

export class StatusWriter {
  readonly #options: StatusWriterOptions
  readonly #wanted = new Map<string, JudgedObject>()
  #objects = new Map<string, JudgedObject>()
  readonly #uses = new Map<string, Use>()
  #busy = 0

  constructor(options: StatusWriterOptions) {
    this.#options = options
    const counting = setInterval(() => this.#count(), countEveryMs)
    counting.unref()
    options.signal.addEventListener('abort', () => clearInterval(counting), { once: true })
  }

  /** What became of all objects. */
  tell(objects: readonly JudgedObject[]): void {
    this.#objects = new Map(objects.map((judged) => [pathOf(judged), judged]))
    for (const path of this.#wanted.keys()) if (!this.#objects.has(path)) this.#wanted.delete(path)
    for (const [path, judged] of this.#objects) this.#wanted.set(path, judged)
    this.#work()
  }

  /** @param policy `name`, or `namespace/name` of a TrustPolicy */
  used(policy: string, refusal: { readonly code: string; readonly message: string } | undefined): void {
    const use = this.#uses.get(policy) ?? { images: 0, lastError: undefined }
    this.#uses.set(policy, use)
    use.images += 1
    if (refusal !== undefined)
      use.lastError = { ...refusal, message: refusal.message.slice(0, 1_024), at: this.#time() }
  }

  #work(): void {
    for (const [path, judged] of this.#wanted) {
      if (this.#busy >= writtenAtOnce || this.#options.signal.aborted) return
      this.#wanted.delete(path)
      const status = statusPatch(judged, this.#time())
      if (status === undefined) continue
      this.#busy += 1
      void this.#write(path, judged, status).finally(() => {
        this.#busy -= 1
        this.#work()
      })
    }
  }

  async #write(path: string, judged: JudgedObject, status: object): Promise<void> {
    const { uid } = judged.object.metadata
    try {
      await this.#patch(path, { metadata: { uid }, status })
    } catch (error) {
      // Gone, or another one of the same name: its own status is told in its own time.
      if (codeOf(error) === 'kube-not-found' || codeOf(error) === 'kube-conflict') return
      this.#options.onFailure(path, asCoded(error))
      await sleep(retryMs, undefined, { signal: this.#options.signal, ref: false }).catch(() => undefined)
      if (!this.#wanted.has(path) && this.#objects.get(path) === judged) this.#wanted.set(path, judged)
    }
  }

  /** Replicas add to one number: whoever was overtaken adds the next time. */
  #count(): void {
    for (const judged of this.#objects.values()) {
      const { namespace, name, resourceVersion, uid } = judged.object.metadata
      const policy = typeof namespace === 'string' ? `${namespace}/${name}` : name
      const use = judged.kind.kind.endsWith('TrustPolicy') ? this.#uses.get(policy) : undefined
      if (use === undefined) continue
      const { images, lastError } = use
      const status = { images: readStatus(judged.object).images + images, ...(lastError && { lastError }) }
      this.#patch(pathOf(judged), { metadata: { uid, resourceVersion }, status }).then(
        () => this.#counted(policy, images),
        (error: unknown) => {
          if (codeOf(error) !== 'kube-conflict' && codeOf(error) !== 'kube-not-found')
            this.#options.onFailure(pathOf(judged), asCoded(error))
        },
      )
    }
    for (const policy of this.#uses.keys()) if (!this.#isKnown(policy)) this.#uses.delete(policy)
  }

  #counted(policy: string, images: number): void {
    const use = this.#uses.get(policy)
    if (use === undefined) return
    use.images -= images
    if (use.images <= 0) this.#uses.delete(policy)
  }

  #isKnown(policy: string): boolean {
    for (const { object } of this.#objects.values()) {
      const { namespace, name } = object.metadata
      if ((typeof namespace === 'string' ? `${namespace}/${name}` : name) === policy) return true
    }
    return false
  }

  async #patch(path: string, body: object): Promise<void> {
    const contentType = 'application/merge-patch+json'
    await this.#options.kube.send({ method: 'PATCH', path: `${path}/status`, body, contentType })
  }

  #time(): string {
    return new Date(this.#options.now()).toISOString()
  }
}

function pathOf({ kind, object }: JudgedObject): string {
  const { namespace, name } = object.metadata
  const inside = typeof namespace === 'string' ? `namespaces/${namespace}/` : ''
  return `/apis/${apiVersion}/${inside}${kind.plural}/${name}`
}

function asCoded(error: unknown): CodedError {
  return error instanceof CodedError ? error : new CodedError('internal-error', messageOf(error), { cause: error })
}
