// Objects as an API server would have told them, and a cluster that tells what a test says.

import type { Follower, FollowOptions, KubeObject } from '#io/kube/follow.ts'

export type Metadata = KubeObject['metadata']

export function kubeObject(metadata: Partial<Metadata>, members: Readonly<Record<string, unknown>> = {}): KubeObject {
  return {
    metadata: { name: 'a', uid: 'uid-1', generation: 1, resourceVersion: '1', ...metadata },
    ...members,
  }
}

export interface Followed {
  readonly follower: Follower
  readonly options: FollowOptions
}

/** Everything that is followed, in order; what is told of it is for the test to say. */
export class FollowedByTest {
  readonly all: Followed[] = []

  readonly follow = async (follower: Follower, options: FollowOptions): Promise<void> => {
    this.all.push({ follower, options })
  }

  /** What is followed now. */
  get now(): readonly Followed[] {
    return this.all.filter(({ options }) => !options.signal.aborted)
  }

  /** The one that is followed now. */
  at(path: string): Follower {
    const [found, ...more] = this.now.filter(({ options }) => options.path === path)
    if (found === undefined || more.length > 0) throw new Error(`${more.length + 1} of ${path} are followed`)
    return found.follower
  }
}
