// The Mutating- and ValidatingWebhookConfiguration (admissionregistration.k8s.io/v1) as they shall be. Every member is
// written out, also where the API server has a default: what is left out could be set by somebody, and a selector or a
// condition more is a way around the webhook.

import { type GroupResource, workloadResources } from '#core/admission/workload-kinds.ts'
import type { Policy } from '#core/policy/words.ts'

export type ConfigurationKind = 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration'

/** Where the API server reaches the webhook. */
export type WebhookEndpoint =
  /** The Service of the same name as the configuration, in the own namespace. */
  | { readonly kind: 'service'; readonly port: number }
  /** `https://host:port`, for a process outside of the cluster. */
  | { readonly kind: 'url'; readonly url: string }

export interface WebhookOptions {
  /** Of both configurations, of the Service, and of the ClusterRole that owns them. */
  readonly name: string
  /** Where the process itself runs: never judged, so that it can always start. */
  readonly namespace: string
  readonly endpoint: WebhookEndpoint
  /** 1 to 30, by the API. */
  readonly timeoutSeconds: number
  /** Namespaces in which only policies apply that name them. */
  readonly exempt: readonly string[]
}

/** What changes while the process runs. */
export interface WebhookState {
  /** The authorities that may have signed the serving certificate, in PEM. */
  readonly caBundle: string
  /** Namespaces that a policy in force names without wildcard: an exempt one among them is judged (`namedNamespaces`). */
  readonly namedNamespaces: readonly string[]
  /** What is judged besides the kinds that Kubernetes has, by configuration. */
  readonly resources: readonly JudgedResource[]
}

export interface JudgedResource extends GroupResource {
  /** The API server converts other versions of it to this one. */
  readonly version: string
}

/** Total: canonical, so that the same state gives the same webhook. */
export function desiredWebhook(kind: ConfigurationKind, options: WebhookOptions, state: WebhookState) {
  const isMutating = kind === 'MutatingWebhookConfiguration'
  return {
    name: 'images.sealward.dev',
    clientConfig: {
      ...addressOf(options, isMutating ? '/mutate' : '/validate'),
      caBundle: Buffer.from(state.caBundle, 'utf8').toString('base64'),
    },
    rules: rulesFor(state.resources),
    failurePolicy: 'Fail',
    // So that an object is judged in whatever version it is sent.
    matchPolicy: 'Equivalent',
    namespaceSelector: {
      matchExpressions: [
        // The API server gives every namespace this label, and nobody can take it away.
        { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: unjudgedNamespaces(options, state) },
      ],
    },
    objectSelector: {},
    // A dry run is judged, and not put on record.
    sideEffects: 'NoneOnDryRun',
    timeoutSeconds: options.timeoutSeconds,
    admissionReviewVersions: ['v1'],
    // What a later webhook puts in is pinned, too.
    ...(isMutating && { reinvocationPolicy: 'IfNeeded' }),
  } as const
}

/** The namespaces from which nothing is sent: the own one always, and the exempt ones that no policy names. */
export function unjudgedNamespaces(
  { namespace, exempt }: Pick<WebhookOptions, 'namespace' | 'exempt'>,
  { namedNamespaces }: Pick<WebhookState, 'namedNamespaces'>,
): readonly string[] {
  const named = new Set(namedNamespaces)
  return [...new Set([namespace, ...exempt.filter((each) => !named.has(each))])].toSorted()
}

/** The namespaces that these policies name without wildcard. */
export function namedNamespaces(policies: readonly Pick<Policy, 'match'>[]): readonly string[] {
  const texts = policies.flatMap(({ match }) => match.namespaces?.map(({ text }) => text) ?? [])
  return [...new Set(texts.filter((text) => !text.includes('*')))].toSorted()
}

function addressOf({ name, namespace, endpoint }: WebhookOptions, path: string) {
  switch (endpoint.kind) {
    case 'service':
      return { service: { name, namespace, path, port: endpoint.port } }
    case 'url':
      return { url: `${endpoint.url.replace(/\/$/, '')}${path}` }
  }
}

/** A rule for each group and version; the kinds of Kubernetes in every version, as they are read. */
function rulesFor(configured: readonly JudgedResource[]) {
  const all = [...workloadResources.map((each) => ({ ...each, version: '*' })), ...configured]
  const keyOf = ({ group, version }: JudgedResource) => `${group}/${version}`
  return [...Map.groupBy(all.toSorted(byName(keyOf)), keyOf).values()].map((resources) => ({
    apiGroups: unique(resources.map(({ group }) => group)),
    apiVersions: unique(resources.map(({ version }) => version)),
    resources: unique(resources.map(({ resource }) => resource)),
    operations: ['CREATE', 'UPDATE'],
    scope: '*',
  }))
}

function byName(keyOf: (each: JudgedResource) => string) {
  const nameOf = (each: JudgedResource) => `${keyOf(each)}/${each.resource}`
  return (a: JudgedResource, b: JudgedResource) => (nameOf(a) < nameOf(b) ? -1 : 1)
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}
