// One object of the cluster, followed by its name: the only kind of following that a right on a single object allows.

import type { CodedError } from '#core/errors.ts'
import type { KubeObject } from '#io/kube/follow.ts'
import type { Kube } from '#io/kube/kube.ts'

/** What the API server last said of the object. */
export type Seen = { readonly kind: 'there'; readonly object: KubeObject } | { readonly kind: 'absent' }

/** A list is the truth; an event may be late. */
export type SeenBy = 'list' | 'event'

export interface OneObjectOptions {
  readonly kube: Pick<Kube, 'follow'>
  /** Of all objects of the kind: `/api/v1/namespaces/sealward/secrets`. */
  readonly path: string
  readonly name: string
  readonly signal: AbortSignal
  readonly seen: (seen: Seen, by: SeenBy) => void
  /** It cannot be followed just now; what was seen may be old. */
  readonly failed: (error: CodedError) => void
}

/** Until the signal; never rejects. */
export function followOne({ kube, path, name, signal, seen, failed }: OneObjectOptions): Promise<void> {
  const isIt = (object: KubeObject) => object.metadata.name === name
  return kube.follow(
    {
      listed(objects) {
        const object = objects.find(isIt)
        seen(object === undefined ? { kind: 'absent' } : { kind: 'there', object }, 'list')
      },
      changed(object) {
        if (isIt(object)) seen({ kind: 'there', object }, 'event')
      },
      deleted(object) {
        if (isIt(object)) seen({ kind: 'absent' }, 'event')
      },
      heard() {},
      failed,
    },
    { path, fieldSelector: `metadata.name=${name}`, signal },
  )
}

/** Resource versions are compared as the API says they may be: the larger number is the later one. */
export function isOlder(seen: Seen, than: Seen | undefined): boolean {
  if (seen.kind !== 'there' || than?.kind !== 'there') return false
  const [version, other] = [seen, than].map(({ object }) => Number(object.metadata.resourceVersion))
  return version !== undefined && other !== undefined && version < other
}
