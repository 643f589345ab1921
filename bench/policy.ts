// Policy files of the scenarios.

import type { BenchKey } from './signed-images.ts'

/** One attestor with these keys, and one policy that wants its signature on everything in the registry. */
export function policyFor(registry: string, keys: readonly BenchKey[], layouts?: readonly string[]): string {
  const attestor = {
    apiVersion: 'sealward.dev/v1alpha1',
    kind: 'Attestor',
    metadata: { name: 'release' },
    spec: {
      key: { keys: keys.map(({ publicPem }, index) => ({ name: `k${index}`, pem: publicPem })) },
      ...(layouts === undefined ? {} : { storage: { layouts } }),
    },
  }
  const policy = {
    apiVersion: 'sealward.dev/v1alpha1',
    kind: 'ClusterTrustPolicy',
    metadata: { name: 'production' },
    spec: { rules: [{ images: [`${registry}/**`], require: { signature: { attestor: 'release' } } }] },
  }
  return [attestor, policy].map((document) => JSON.stringify(document, null, 2)).join('\n---\n')
}
