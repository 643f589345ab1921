// Policies from the objects of a cluster, for `serve --kube`, and the webhook registered with its API server.

import { hostname } from 'node:os'
import { startCluster } from '#app/kube/cluster.ts'
import type { BuiltPolicies } from '#app/kube/policy-objects.ts'
import { createRegistration, type Registration } from '#app/kube/registration.ts'
import { namedNamespaces, type WebhookEndpoint } from '#app/kube/webhook-configuration.ts'
import type { Log } from '#app/log.ts'
import { readerTools } from '#app/policy-files.ts'
import type { Metrics } from '#app/server/metrics.ts'
import { type Kube, openKube } from '#io/kube/kube.ts'
import { type KubeFlags, webhookNames } from './kube-flags.ts'
import type { ServedPolicies } from './served-policies.ts'

interface Around {
  readonly exempt: readonly string[]
  readonly log: Log
  readonly metrics: Metrics
}

/** @throws CodedError `kube-config` */
export async function serveCluster(flags: KubeFlags, around: Around): Promise<ServedPolicies> {
  const kube = await openKube({ kubeconfig: flags.kubeconfig })
  const { sha256, describePublicKey } = readerTools()
  const endpoint = flags.endpoint ?? (kube.isInside ? ({ kind: 'service', port: 443 } as const) : undefined)
  const registration = endpoint && register(kube, flags, endpoint, around)
  const cluster = startCluster({
    ...around,
    kube,
    tools: { sha256, describePublicKey },
    exempt: [...new Set([...around.exempt, kube.namespace])],
    instance: hostname(),
    now: Date.now,
    onPolicies: (built) => registration?.policies(built),
  })
  if (registration === undefined)
    around.log.warn('not registered with the API server: outside of the cluster, --webhook-url has to say where we are')
  return {
    ...cluster,
    names: webhookNames(endpoint, flags.name, kube.namespace),
    listening: (caPem) => registration?.listening(caPem),
    report: () => (registration === undefined ? {} : { webhook: registration.report() }),
    close: async () => {
      cluster.close()
      await registration?.close()
    },
  }
}

interface Registering extends Pick<Registration, 'report' | 'close'> {
  policies(built: BuiltPolicies): void
  /** @param caPem the authorities that the API server is told to trust */
  listening(caPem: string): void
}

/** Nothing is registered before the server listens and the policies are known. */
function register(kube: Kube, flags: KubeFlags, endpoint: WebhookEndpoint, around: Around): Registering {
  const { name, timeoutSeconds } = flags
  const registration = createRegistration({
    ...around,
    kube,
    name,
    namespace: kube.namespace,
    endpoint,
    timeoutSeconds,
  })
  let built: BuiltPolicies | undefined
  let caBundle: string | undefined
  const tell = () => {
    if (built === undefined || caBundle === undefined) return
    const { policies } = built.set
    if (policies.length === 0) registration.want({ kind: 'nothing' })
    else registration.want({ kind: 'webhooks', caBundle, namedNamespaces: namedNamespaces(policies), resources: [] })
  }
  return {
    report: () => registration.report(),
    close: () => registration.close(),
    policies(now) {
      built = now
      tell()
    },
    listening(caPem) {
      caBundle = caPem
      tell()
    },
  }
}
