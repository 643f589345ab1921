// The kinds of the policy language as the API server serves them.

import { kinds } from '#core/policy/schema.ts'

export interface PolicyKind {
  readonly kind: string
  /** In paths: `attestors`. */
  readonly plural: string
}

/** Of every kind that this version acts on. */
export const plurals: Readonly<Record<string, string>> = {
  Attestor: 'attestors',
  ClusterTrustPolicy: 'clustertrustpolicies',
  TrustPolicy: 'trustpolicies',
  DenyList: 'denylists',
}

export const policyKinds: readonly PolicyKind[] = Object.entries(kinds).flatMap(([kind, { spec }]) => {
  const plural = plurals[kind]
  return spec === undefined || plural === undefined ? [] : [{ kind, plural }]
})
