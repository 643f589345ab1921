// What was read of the objects of a cluster. One of thousands is edited, and the others are not read again.

import { isObject } from './problem.ts'
import type { Attestor, Policy } from './words.ts'

/** Objects are told apart by identity: the same value must stand for the same content. */
export class ReadMemo {
  readonly #policies = new WeakMap<object, { readonly policy: Policy; readonly named: ReadonlyMap<string, Attestor> }>()
  readonly #attestors = new WeakMap<object, Attestor>()

  /** The same value as before if it says the same: policies are read again where their attestors are others. */
  attestor(source: unknown, attestor: Attestor): Attestor {
    if (!isObject(source)) return attestor
    const known = this.#attestors.get(source)
    if (known?.revision === attestor.revision) return known
    this.#attestors.set(source, attestor)
    return attestor
  }

  /** As long as the attestors that it names are the same values. */
  policy(source: unknown, attestors: ReadonlyMap<string, Attestor | undefined>): Policy | undefined {
    const kept = isObject(source) ? this.#policies.get(source) : undefined
    if (kept === undefined) return undefined
    for (const [name, attestor] of kept.named) if (attestors.get(name) !== attestor) return undefined
    return kept.policy
  }

  keepPolicy(source: unknown, policy: Policy, named: ReadonlyMap<string, Attestor>): void {
    if (isObject(source)) this.#policies.set(source, { policy, named })
  }
}
