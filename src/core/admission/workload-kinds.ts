// The kinds of Kubernetes that hold a pod spec: one table, from which both the reading of objects and the rules of the
// webhook configurations are made, so that no kind is read that is never sent, or sent and not read.

export interface GroupKind {
  readonly group: string
  readonly kind: string
}

export type Path = readonly string[]

/** What the rules of a webhook configuration name. */
export interface GroupResource {
  readonly group: string
  /** In the plural; with the subresource, where it is one: `pods/ephemeralcontainers`. */
  readonly resource: string
}

interface WorkloadKind extends GroupKind, GroupResource {
  readonly path: Path
}

export const podPath: Path = ['spec']
export const templatePath: Path = ['spec', 'template', 'spec']
export const cronPath: Path = ['spec', 'jobTemplate', 'spec', 'template', 'spec']

/**
 * Where the pod spec is, in every version of the group. The `extensions` rows are for old clusters, and so is the kind
 * EphemeralContainers, which is what the subresource of Pods took before Kubernetes 1.22 (now it takes a Pod): a list without
 * a spec around it.
 */
const workloadKinds: readonly WorkloadKind[] = [
  { group: '', kind: 'Pod', resource: 'pods', path: podPath },
  { group: '', kind: 'EphemeralContainers', resource: 'pods/ephemeralcontainers', path: [] },
  { group: '', kind: 'PodTemplate', resource: 'podtemplates', path: ['template', 'spec'] },
  { group: '', kind: 'ReplicationController', resource: 'replicationcontrollers', path: templatePath },
  { group: 'apps', kind: 'Deployment', resource: 'deployments', path: templatePath },
  { group: 'apps', kind: 'ReplicaSet', resource: 'replicasets', path: templatePath },
  { group: 'apps', kind: 'StatefulSet', resource: 'statefulsets', path: templatePath },
  { group: 'apps', kind: 'DaemonSet', resource: 'daemonsets', path: templatePath },
  { group: 'extensions', kind: 'Deployment', resource: 'deployments', path: templatePath },
  { group: 'extensions', kind: 'ReplicaSet', resource: 'replicasets', path: templatePath },
  { group: 'extensions', kind: 'DaemonSet', resource: 'daemonsets', path: templatePath },
  { group: 'batch', kind: 'Job', resource: 'jobs', path: templatePath },
  { group: 'batch', kind: 'CronJob', resource: 'cronjobs', path: cronPath },
]

const paths: ReadonlyMap<string, Path> = new Map(
  workloadKinds.map(({ group, kind, path }) => [`${group}/${kind}`, path] as const),
)

/** `undefined` for a kind that is not in the table. */
export function podSpecPath({ group, kind }: GroupKind): Path | undefined {
  return paths.get(`${group}/${kind}`)
}

/** Does the table know the kind? The others are judged by what they look like. */
export function isWorkloadKind(kind: GroupKind): boolean {
  return podSpecPath(kind) !== undefined
}

/** What must be sent to the webhook, so that every kind of the table is judged. */
export const workloadResources: readonly GroupResource[] = workloadKinds.map(({ group, resource }) => ({
  group,
  resource,
}))
