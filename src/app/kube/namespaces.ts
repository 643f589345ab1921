// The labels of namespaces as they are now, for `namespaceSelector`. One that has only just been made is asked for by name.

import { codeOf } from '#core/errors.ts'
import type { Labels } from '#core/policy/selector.ts'
import type { KubeObject } from '#io/kube/follow.ts'
import type { Kube } from '#io/kube/kube.ts'
import { FollowedKind, type FollowedKindOptions } from './followed-kind.ts'

const path = '/api/v1/namespaces'

export interface Namespaces {
  readonly followed: FollowedKind
  labelsOf(name: string): Labels | undefined
  /** Asks the API server; `undefined` if it does not know the namespace or does not answer. */
  find(name: string, signal: AbortSignal): Promise<Labels | undefined>
}

/** Until the signal. */
export function followNamespaces(
  kube: Pick<Kube, 'follow' | 'send'>,
  signal: AbortSignal,
  options: FollowedKindOptions,
): Namespaces {
  const followed = new FollowedKind(options)
  void kube.follow(followed, { path, signal })
  return {
    followed,
    labelsOf: (name) => {
      const object = followed.get(name)
      return object && labelsOf(object)
    },
    async find(name, waiting) {
      try {
        const { metadata } = await within(
          kube.send({ method: 'GET', path: `${path}/${encodeURIComponent(name)}` }),
          waiting,
        )
        return labelsIn(metadata)
      } catch (error) {
        if (codeOf(error).startsWith('kube-')) return undefined
        throw error
      }
    },
  }
}

/** Asked for with every request. */
const kept = new WeakMap<KubeObject, Labels>()

function labelsOf(object: KubeObject): Labels {
  const known = kept.get(object)
  if (known !== undefined) return known
  const labels = labelsIn(object.metadata) ?? {}
  kept.set(object, labels)
  return labels
}

function labelsIn(metadata: unknown): Labels | undefined {
  if (typeof metadata !== 'object' || metadata === null) return undefined
  const labels: unknown = Reflect.get(metadata, 'labels')
  if (typeof labels !== 'object' || labels === null) return {}
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]: [string, unknown]) =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  )
}

/** Whoever waits must answer in time; the request itself has a deadline of its own. */
function within<T>(asked: Promise<T>, signal: AbortSignal): Promise<T | { readonly metadata?: undefined }> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => resolve({}), { once: true })
    asked.then(resolve, reject)
  })
}
