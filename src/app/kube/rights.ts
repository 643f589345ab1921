// What registering takes: the rights that the chart grants, each with its reason. Creating cannot be restricted by name,
// because the name is not in the path; listing and watching are by the field selector of one name.

export interface Right {
  readonly apiGroup: string
  readonly resource: string
  readonly verbs: readonly string[]
  /** Of which objects; absent: of all, because the verb cannot be restricted. */
  readonly resourceNames?: readonly string[]
  /** `own-namespace`: a Role there suffices. */
  readonly scope: 'cluster' | 'own-namespace'
  readonly reason: string
}

const registrations = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']

/** @param name of the configurations and of their ClusterRole (`--kube-name`) */
export function registrationRights(name: string): readonly Right[] {
  const apiGroup = 'admissionregistration.k8s.io'
  return [
    ...registrations.map((resource): Right => {
      const verbs = ['list', 'watch', 'update', 'delete']
      return {
        apiGroup,
        resource,
        verbs,
        resourceNames: [name],
        scope: 'cluster',
        reason: 'to keep the webhook as it is',
      }
    }),
    ...registrations.map((resource): Right => {
      return { apiGroup, resource, verbs: ['create'], scope: 'cluster', reason: 'to register the webhook' }
    }),
    {
      apiGroup: 'rbac.authorization.k8s.io',
      resource: 'clusterroles',
      verbs: ['get'],
      resourceNames: [name],
      scope: 'cluster',
      reason: 'to name it as the owner of the webhook configurations, so that they go with it',
    },
  ]
}

/**
 * What it takes to keep the serving certificate in a Secret; with files none of it is granted.
 *
 * @param secret its name. Where the chart has made it, empty and with our labels, creating need not be granted.
 */
export function certificateRights(secret: string): readonly Right[] {
  const about = { apiGroup: '', resource: 'secrets', scope: 'own-namespace' } as const
  return [
    {
      ...about,
      verbs: ['list', 'watch', 'update'],
      resourceNames: [secret],
      reason: 'to keep and renew the serving certificate, the same for all replicas',
    },
    { ...about, verbs: ['create'], reason: 'to make the Secret of the serving certificate where it is missing' },
  ]
}
