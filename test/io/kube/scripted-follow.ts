// Following as a test scripts it: what the API server tells and when, for what a real one cannot be made to do.

import { CodedError, type ErrorCode } from '#core/errors.ts'
import type { Follower, FollowOptions, KubeObject } from '#io/kube/follow.ts'
import type { Kube } from '#io/kube/kube.ts'

/** One object that is followed. */
export interface Followed {
  readonly place: string
  readonly options: FollowOptions
  /** The list: the object, or none. */
  list(object?: KubeObject): void
  change(object: KubeObject): void
  remove(object: KubeObject): void
  fail(code: ErrorCode): void
}

export interface ScriptedFollow extends Pick<Kube, 'follow'> {
  /** In order, those that have ended among them. */
  readonly all: readonly Followed[]
  /** The last one of a place: `team/secrets/regcred`. */
  of(place: string): Followed
}

/** @param begin called with each object that is followed from now on */
export function scriptedFollow(begin: (followed: Followed) => void = () => {}): ScriptedFollow {
  const all: Followed[] = []
  const of = (place: string) => {
    const found = all.findLast((each) => each.place === place)
    if (found === undefined) throw new Error(`${place} is not followed`)
    return found
  }
  return {
    all,
    of,
    follow(follower, options) {
      const followed = followedBy(follower, options)
      all.push(followed)
      begin(followed)
      return new Promise((resolve) => {
        if (options.signal.aborted) resolve()
        options.signal.addEventListener('abort', () => resolve(), { once: true })
      })
    },
  }
}

function followedBy(follower: Follower, options: FollowOptions): Followed {
  const [, , , , namespace, resource] = options.path.split('/')
  const tell = (told: () => void) => {
    told()
    follower.heard()
  }
  return {
    place: `${namespace}/${resource}/${options.fieldSelector?.replace('metadata.name=', '')}`,
    options,
    list: (object) => tell(() => follower.listed(object === undefined ? [] : [object])),
    change: (object) => tell(() => follower.changed(object)),
    remove: (object) => tell(() => follower.deleted(object)),
    fail: (code) => follower.failed(new CodedError(code, 'as the test wants')),
  }
}

export function secretAt(place: string, config: unknown, type = 'kubernetes.io/dockerconfigjson'): KubeObject {
  const [namespace = '', name = ''] = place.split('/')
  const member = type === 'kubernetes.io/dockercfg' ? '.dockercfg' : '.dockerconfigjson'
  return {
    metadata: { namespace, name, resourceVersion: '1' },
    type,
    data: { [member]: Buffer.from(typeof config === 'string' ? config : JSON.stringify(config)).toString('base64') },
  }
}
