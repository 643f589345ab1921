// `serve --kube`: policies from the objects of a cluster, the certificate that its API server is to trust, and the webhook
// registered with it.

import { hostname } from 'node:os'
import { startCluster } from '#app/kube/cluster.ts'
import type { Log } from '#app/log.ts'
import { readerTools } from '#app/policy-files.ts'
import type { Metrics } from '#app/server/metrics.ts'
import type { TlsOptions } from '#app/server/tls.ts'
import type { FurtherKinds } from '#core/admission/further-kinds.ts'
import { openKube } from '#io/kube/kube.ts'
import { createPullSecrets } from '#io/kube/pull-secrets.ts'
import type { KubeFlags } from './kube-flags.ts'
import { register } from './kube-registration.ts'
import type { ServedPolicies } from './served-policies.ts'

export interface Around {
  readonly exempt: readonly string[]
  /** What is judged besides the kinds of Kubernetes. */
  readonly alsoJudged: FurtherKinds
  readonly log: Log
  readonly metrics: Metrics
  /** As the flags say it. */
  readonly tls: TlsOptions
  readonly stopped: AbortSignal
}

/**
 * Waits for the API server where the certificate lies there.
 *
 * @throws CodedError `kube-config`, and what is wrong with files that are named; the reason of `stopped`
 */
export async function serveCluster(flags: KubeFlags, around: Around): Promise<ServedPolicies> {
  const { log } = around
  const opened = await openKube({ kubeconfig: flags.kubeconfig })
  const kube = { ...opened, namespace: flags.namespace ?? (opened.isInside ? opened.namespace : outsideNamespace) }
  const endpoint = flags.endpoint ?? (kube.isInside ? ({ kind: 'service', port: 443 } as const) : undefined)
  const pulls = flags.pullSecrets ? createPullSecrets(kube, { alsoJudged: around.alsoJudged }) : undefined
  const registered = endpoint && (await register(kube, { ...flags, endpoint }, around))
  if (registered === undefined)
    log.warn('not registered with the API server: outside of the cluster, --webhook-url has to say where we are')
  const { policies, namespaces, missing, decided, close } = startCluster({
    ...around,
    exempt: [...new Set([...around.exempt, kube.namespace])],
    kube,
    tools: toolsOfCluster(),
    instance: hostname(),
    now: Date.now,
    onPolicies: (built) => registered?.policies(built),
  })
  return {
    policies,
    namespaces,
    missing,
    decided,
    ...(registered && { tls: registered.tls, listening: registered.listening }),
    ...(pulls && { credentials: pulls.lookup, credentialScope: pulls.scopeOf }),
    report: () => (registered === undefined ? {} : { webhook: registered.report() }),
    close: async () => {
      close()
      await Promise.all([registered?.close(), pulls?.close()])
    },
  }
}

/** The own namespace is exempt. The one that a person's kubeconfig names is where that person works, and must not be. */
const outsideNamespace = 'sealward'

/** Objects of a cluster name no files. */
function toolsOfCluster() {
  const { sha256, describePublicKey } = readerTools()
  return { sha256, describePublicKey }
}
