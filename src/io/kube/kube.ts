// The cluster as everything else sees it: requests, and kinds that are followed.

import { type KubeAccessOptions, openKubeAccess } from './access.ts'
import { createKubeClient, type KubeClient } from './client.ts'
import { type Follower, type FollowOptions, followObjects } from './follow.ts'

export interface Kube extends KubeClient {
  /** `https://…` */
  readonly server: string
  /** Where the process itself runs, or what the context of a kubeconfig names. */
  readonly namespace: string
  /** The process runs in a Pod of the cluster. */
  readonly isInside: boolean
  /** Until the signal of the options; never rejects. */
  follow(follower: Follower, options: FollowOptions): Promise<void>
}

/** @throws CodedError `kube-config` */
export async function openKube(options: KubeAccessOptions = {}): Promise<Kube> {
  const access = await openKubeAccess(options)
  const client = createKubeClient(access)
  return {
    ...client,
    server: access.server.href.replace(/\/$/, ''),
    namespace: access.namespace,
    isInside: access.isInside,
    follow: (follower, following) => followObjects(client, follower, following),
  }
}
