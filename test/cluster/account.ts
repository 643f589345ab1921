// A service account of the cluster that has exactly some rights, as the chart would grant them.

import type { Right } from '#app/kube/rights.ts'
import { type Kube, openKube } from '#io/kube/kube.ts'
import type { ControlPlane } from './control-plane.ts'

export interface Account {
  /** With the rights of the account alone. */
  readonly kube: Kube
  readonly namespace: string
}

/**
 * Namespace, ServiceAccount, ClusterRole, Role and their bindings, all of the same name as the namespace unless it is given.
 */
export async function createAccount(
  cluster: ControlPlane,
  namespace: string,
  rights: readonly Right[],
  name = namespace,
): Promise<Account> {
  const rbac = 'rbac.authorization.k8s.io'
  const rulesOf = (scope: Right['scope']) =>
    rights
      .filter((right) => right.scope === scope)
      .map(({ apiGroup, resource, verbs, resourceNames }) => ({
        apiGroups: [apiGroup],
        resources: [resource],
        verbs,
        resourceNames,
      }))
  const subjects = [{ kind: 'ServiceAccount', name, namespace }]
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name }, rules: rulesOf('cluster') },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
      subjects,
    },
    { apiVersion: `${rbac}/v1`, kind: 'Role', metadata: { name, namespace }, rules: rulesOf('own-namespace') },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name, namespace },
      roleRef: { apiGroup: rbac, kind: 'Role', name },
      subjects,
    },
  ]
  const applied = await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  const token = await cluster.kubectl(['create', 'token', name, '-n', namespace, '--duration=1h'])
  if (applied.code !== 0 || token.code !== 0) throw new Error(`no account: ${applied.stderr} ${token.stderr}`)
  return { kube: await openKube({ kubeconfig: await cluster.kubeconfigOf(token.stdout.trim()) }), namespace }
}
