// A webhook configuration as an object: what is ours in it, and what of somebody else stays.

import { canonicalJson } from '#core/encoding/canonical-json.ts'
import type { KubeObject } from '#io/kube/follow.ts'
import type { OwnerReference } from './configuration-owner.ts'
import { partLabels } from './part-labels.ts'
import type { ConfigurationKind, desiredWebhook } from './webhook-configuration.ts'

export type DesiredWebhook = ReturnType<typeof desiredWebhook>

export interface Desired {
  readonly kind: ConfigurationKind
  readonly name: string
  readonly owner: OwnerReference | undefined
  readonly webhook: DesiredWebhook
}

/** Labels, annotations and finalizers of others stay; every webhook is ours. */
export function bodyOf({ kind, name, owner, webhook }: Desired, was: KubeObject | undefined) {
  const { resourceVersion, annotations, finalizers } = memberOf(was?.metadata)
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: {
      name,
      resourceVersion,
      annotations,
      finalizers,
      labels: { ...memberOf(was?.metadata['labels']), ...partLabels },
      ownerReferences: ownersOf(owner),
    },
    webhooks: [webhook],
  }
}

/** Does it have our labels, and the owner after which it is collected? */
export function isMarked({ metadata }: KubeObject, owner: OwnerReference | undefined): boolean {
  const labels = memberOf(metadata['labels'])
  return (
    Object.entries(partLabels).every(([key, value]) => labels[key] === value) &&
    canonicalJson(metadata['ownerReferences'] ?? []) === canonicalJson(ownersOf(owner))
  )
}

/** Will it be collected after somebody? */
export function isOwned({ metadata }: KubeObject): boolean {
  const owners = metadata['ownerReferences']
  return Array.isArray(owners) && owners.length > 0
}

/** The webhooks as one text, whatever the order of their members. */
export function webhooksText(webhooks: unknown): string {
  return canonicalJson(webhooks ?? [])
}

function ownersOf(owner: OwnerReference | undefined): readonly OwnerReference[] {
  return owner === undefined ? [] : [owner]
}

function memberOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
