// All objects of a kind as they are now, as far as the API server has told.

import type { CodedError } from '#core/errors.ts'
import type { Follower, KubeObject } from '#io/kube/follow.ts'

export interface FollowedKindOptions {
  /** Something is other than it was. */
  readonly onChange: () => void
  /** It cannot be followed at the moment. */
  readonly onFailure: (error: CodedError) => void
  /** Milliseconds on a clock that does not jump. */
  readonly now?: () => number
}

export class FollowedKind implements Follower {
  readonly #options: FollowedKindOptions
  readonly #now: () => number
  #objects = new Map<string, KubeObject>()
  #isLoaded = false
  #heardAt = 0
  #problem: CodedError | undefined

  constructor(options: FollowedKindOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** Everything has been told once. */
  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** Why nothing is told at the moment. */
  get problem(): CodedError | undefined {
    return this.#problem
  }

  /** Milliseconds since the API server told everything until then; 0 before it did so for the first time. */
  get silence(): number {
    return this.#isLoaded ? this.#now() - this.#heardAt : 0
  }

  objects(): Iterable<KubeObject> {
    return this.#objects.values()
  }

  get(name: string, namespace = ''): KubeObject | undefined {
    return this.#objects.get(keyOf(namespace, name))
  }

  listed(objects: readonly KubeObject[]): void {
    this.#objects = new Map(objects.map((object) => [keyOfObject(object), object]))
    this.#isLoaded = true
    this.#options.onChange()
  }

  changed(object: KubeObject): void {
    this.#objects.set(keyOfObject(object), object)
    this.#options.onChange()
  }

  deleted(object: KubeObject): void {
    this.#objects.delete(keyOfObject(object))
    this.#options.onChange()
  }

  heard(): void {
    this.#heardAt = this.#now()
    this.#problem = undefined
  }

  failed(error: CodedError): void {
    this.#problem = error
    this.#options.onFailure(error)
  }
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`
}

function keyOfObject({ metadata }: KubeObject): string {
  const { namespace } = metadata
  return keyOf(typeof namespace === 'string' ? namespace : '', metadata.name)
}
