// What each policy object was when it was last right: remembered here, and, for the next process, in the status of an object
// that is wrong. Objects are told apart by what their author wrote, so that a new status is no change.

import type { InForce, KeptObject } from '#core/policy/last-good.ts'
import { apiVersion } from '#core/policy/schema.ts'
import type { KubeObject } from '#io/kube/follow.ts'
import type { PolicyKind } from './policy-kinds.ts'
import { readStatus } from './status-of.ts'

interface Version {
  readonly uid: string
  readonly generation: number
  /** What the reader reads, the same value as long as nobody has edited the object. */
  readonly value: object
}

interface Kept {
  readonly current: Version
  readonly before: Version | undefined
  readonly wasInForce: boolean
}

export class LastGoodObjects {
  readonly #kept = new Map<string, Kept>()

  nameOf({ kind }: PolicyKind, { metadata: { namespace, name } }: KubeObject): string {
    return typeof namespace === 'string' ? `${kind} ${namespace}/${name}` : `${kind} ${name}`
  }

  kept(kind: PolicyKind, object: KubeObject): KeptObject {
    const name = this.nameOf(kind, object)
    const { current, before, wasInForce } = this.#current(name, kind, object)
    return {
      kind: kind.kind,
      name,
      value: current.value,
      ...(before !== undefined && { before: before.value }),
      wasInForce,
    }
  }

  /** @returns what stands in the place of what is written, if something does */
  settle(kind: PolicyKind, object: KubeObject, inForce: InForce): { generation: number; spec: unknown } | undefined {
    const name = this.nameOf(kind, object)
    const known = this.#kept.get(name)
    if (known === undefined) throw new Error('nothing is known of an object that was read')
    if (inForce === 'written') {
      this.#kept.set(name, { ...known, before: known.current, wasInForce: true })
      return undefined
    }
    const { before } = known
    return before === undefined || before === known.current
      ? undefined
      : { generation: before.generation, spec: Reflect.get(before.value, 'spec') }
  }

  /** Objects that are gone are no longer remembered. */
  forgetOthers(objects: readonly { readonly kind: PolicyKind; readonly object: KubeObject }[]): void {
    const names = new Set(objects.map(({ kind, object }) => this.nameOf(kind, object)))
    for (const name of this.#kept.keys()) if (!names.has(name)) this.#kept.delete(name)
  }

  #current(name: string, kind: PolicyKind, object: KubeObject): Kept {
    const version = versionOf(kind, object)
    const known = this.#kept.get(name)
    if (known?.current.uid === version.uid) {
      if (known.current.generation === version.generation) return known
      const edited = { ...known, current: version }
      this.#kept.set(name, edited)
      return edited
    }
    const first = remembered(version, object)
    this.#kept.set(name, first)
    return first
  }
}

/** What an earlier process has left in the status. */
function remembered(version: Version, object: KubeObject): Kept {
  const { phase, observedGeneration, inForce } = readStatus(object)
  const wasInForce = phase === 'Active' || phase === 'Outdated'
  if (phase === 'Active' && observedGeneration === version.generation)
    return { current: version, before: version, wasInForce }
  const before = inForce && {
    uid: version.uid,
    generation: inForce.generation,
    value: { ...version.value, spec: inForce.spec },
  }
  return { current: version, before: wasInForce ? before : undefined, wasInForce }
}

function versionOf({ kind }: PolicyKind, object: KubeObject): Version {
  const { name, namespace, uid, generation } = object.metadata
  const metadata = typeof namespace === 'string' ? { name, namespace } : { name }
  return {
    uid: String(uid),
    generation: typeof generation === 'number' ? generation : 0,
    value: { apiVersion, kind, metadata, spec: object['spec'] },
  }
}
