// Who owns the webhook configurations: the ClusterRole that the chart made. When the chart is removed, the garbage collector
// removes them after it, so that nothing is left that would block the cluster.

import type { Log } from '#app/log.ts'
import { CodedError, codeOf } from '#core/errors.ts'
import type { Kube } from '#io/kube/kube.ts'

export interface OwnerReference {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1'
  readonly kind: 'ClusterRole'
  readonly name: string
  readonly uid: string
}

export interface ConfigurationOwner {
  /**
   * As it is now: it may have been made anew, and whoever names an old one is collected.
   *
   * @param wasOwned whether what it owns names an owner already
   * @returns `undefined` where there never was one: nobody has installed a chart
   * @throws CodedError `kube-not-found` for one that is gone: what is being uninstalled must not come back
   */
  read(about: { readonly wasOwned: boolean }): Promise<OwnerReference | undefined>
}

const clusterRoles = '/apis/rbac.authorization.k8s.io/v1/clusterroles'

export function createOwner(kube: Pick<Kube, 'send'>, name: string, log: Log): ConfigurationOwner {
  let wasThere = false
  let hasWarned = false
  return {
    async read({ wasOwned }) {
      const uid = await readUid(kube, name)
      if (uid !== undefined) {
        wasThere = true
        return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name, uid }
      }
      if (wasThere || wasOwned)
        throw new CodedError('kube-not-found', `the ClusterRole "${name}" is gone: nothing is registered without it`)
      if (!hasWarned)
        log.warn(
          'there is no ClusterRole to own the webhook configurations: whoever removes Sealward must delete them',
          {
            name,
          },
        )
      hasWarned = true
      return undefined
    },
  }
}

async function readUid(kube: Pick<Kube, 'send'>, name: string): Promise<string | undefined> {
  try {
    const { metadata } = await kube.send({ method: 'GET', path: `${clusterRoles}/${name}` })
    const { uid } = metadata as { readonly uid?: unknown }
    if (typeof uid === 'string' && uid !== '') return uid
  } catch (error) {
    if (codeOf(error) === 'kube-not-found') return undefined
    throw error
  }
  throw new CodedError('kube-failing', `the ClusterRole "${name}" has no uid`)
}
