// What the objects of one namespace may take of us, and those of all together: whoever may write policies in a namespace of
// their own must not be able to fill the memory, or the time, that everybody needs. An object that does not fit is known by its
// name alone.

import type { KubeObject } from '#io/kube/follow.ts'

export interface BudgetLimits {
  /** Characters of JSON. */
  readonly ofOne: number
  readonly ofAll: number
}

/**
 * A hundred policies as people write them, for a namespace: reading the keys of as much takes about a second, once. And ten
 * thousand namespaces with a few of them.
 */
export const defaultBudget: BudgetLimits = { ofOne: 256 * 1024, ofAll: 32 * 1024 * 1024 }

export class NamespaceBudget {
  readonly #limits: BudgetLimits
  readonly #sizes = new Map<string, { readonly namespace: string; readonly size: number }>()
  readonly #taken = new Map<string, number>()
  #inAll = 0

  constructor(limits: BudgetLimits = defaultBudget) {
    this.#limits = limits
  }

  /** Does the object fit, beside the others? One that does not is charged as it was before: that may still be in force. */
  take(key: string, { metadata: { namespace }, spec }: KubeObject & { readonly spec?: unknown }): boolean {
    if (typeof namespace !== 'string') return true
    const before = this.#sizes.get(key)?.size ?? 0
    const size = JSON.stringify(spec ?? null).length
    const here = (this.#taken.get(namespace) ?? 0) - before + size
    if (here > this.#limits.ofOne || this.#inAll - before + size > this.#limits.ofAll) return false
    this.#sizes.set(key, { namespace, size })
    this.#taken.set(namespace, here)
    this.#inAll += size - before
    return true
  }

  giveBack(key: string): void {
    const known = this.#sizes.get(key)
    if (known === undefined) return
    this.#sizes.delete(key)
    this.#inAll -= known.size
    const left = (this.#taken.get(known.namespace) ?? 0) - known.size
    if (left > 0) this.#taken.set(known.namespace, left)
    else this.#taken.delete(known.namespace)
  }
}
