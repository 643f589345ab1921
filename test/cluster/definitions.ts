// The kinds of Sealward in a cluster of the tests: installed as an administrator does it, and objects by their documents.

import type { KubeAnswer, KubeClient } from '#io/kube/client.ts'
import type { Json } from '../support/policy-documents.ts'
import type { ControlPlane } from './control-plane.ts'

export const group = 'sealward.dev'

export const plurals: Readonly<Record<string, string>> = {
  Attestor: 'attestors',
  ClusterTrustPolicy: 'clustertrustpolicies',
  DenyList: 'denylists',
  TrustPolicy: 'trustpolicies',
  Namespace: 'namespaces',
}

/** @throws Error with what kubectl said */
export async function installDefinitions(cluster: ControlPlane): Promise<void> {
  for (const args of [
    ['apply', '-f', 'deploy/crds'],
    ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'],
  ]) {
    const { code, stderr } = await cluster.kubectl(args)
    if (code !== 0) throw new Error(stderr)
  }
}

interface Named {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

/** Where objects of this kind are made; with the name, the object itself. */
export function pathOf(document: Json, withName = false): string {
  const { kind, metadata } = document as unknown as Named
  const plural = plurals[kind]
  if (plural === undefined) throw new Error(`no plural of ${kind}`)
  const root = kind === 'Namespace' ? '/api/v1' : `/apis/${group}/v1alpha1`
  const within = metadata.namespace === undefined ? root : `${root}/namespaces/${metadata.namespace}`
  return withName ? `${within}/${plural}/${metadata.name}` : `${within}/${plural}`
}

/**
 * Makes an object, as strictly as kubectl asks for it.
 * @throws CodedError `kube-rejected` with what the API server says
 */
export function create(
  client: KubeClient,
  document: Json,
  query: Readonly<Record<string, string>> = {},
): Promise<KubeAnswer> {
  return client.send({
    method: 'POST',
    path: pathOf(document),
    query: { fieldValidation: 'Strict', ...query },
    body: document,
  })
}
