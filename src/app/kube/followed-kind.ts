// All objects of a kind as they are now, as far as the API server has told.

import type { CodedError } from '#core/errors.ts'
import type { Follower, KubeObject } from '#io/kube/follow.ts'
import type { NamespaceBudget } from './namespace-budget.ts'

export interface FollowedKindOptions {
  /** Something is other than it was. */
  readonly onChange: () => void
  /** It cannot be followed at the moment. */
  readonly onFailure: (error: CodedError) => void
  /** Of a namespaced kind that tenants write. */
  readonly budget?: NamespaceBudget
  /** Milliseconds on a clock that does not jump. */
  readonly now?: () => number
}

export class FollowedKind implements Follower {
  readonly #options: FollowedKindOptions
  readonly #now: () => number
  readonly #objects = new Map<string, KubeObject>()
  /** Objects that do not fit into their budget, of which nothing is kept but the name. */
  readonly #tooLarge = new Set<string>()
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

  isTooLarge(object: KubeObject): boolean {
    return this.#tooLarge.has(keyOfObject(object))
  }

  listed(objects: readonly KubeObject[]): void {
    const there = new Set(objects.map(keyOfObject))
    for (const key of this.#objects.keys()) if (!there.has(key)) this.#remove(key)
    for (const object of objects) this.#set(object)
    this.#isLoaded = true
    this.#options.onChange()
  }

  changed(object: KubeObject): void {
    this.#set(object)
    this.#options.onChange()
  }

  deleted(object: KubeObject): void {
    this.#remove(keyOfObject(object))
    this.#options.onChange()
  }

  #set(object: KubeObject): void {
    const key = keyOfObject(object)
    const fits = this.#options.budget?.take(key, object) ?? true
    if (fits) this.#tooLarge.delete(key)
    else this.#tooLarge.add(key)
    const { managedFields: _, annotations: __, ...metadata } = object.metadata
    // What nobody reads takes as much as what is read.
    this.#objects.set(key, { ...object, metadata, ...(!fits && { spec: undefined }) })
  }

  #remove(key: string): void {
    this.#objects.delete(key)
    this.#tooLarge.delete(key)
    this.#options.budget?.giveBack(key)
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
