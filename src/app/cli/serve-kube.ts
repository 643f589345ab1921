// Policies from the objects of a cluster, for `serve --kube`.

import { hostname } from 'node:os'
import { startCluster } from '#app/kube/cluster.ts'
import type { Log } from '#app/log.ts'
import { readerTools } from '#app/policy-files.ts'
import type { Metrics } from '#app/server/metrics.ts'
import { openKube } from '#io/kube/kube.ts'
import type { Args } from './command.ts'
import type { ServedPolicies } from './served-policies.ts'

/** @throws CodedError `kube-config` */
export async function serveCluster(
  args: Args,
  { exempt, log, metrics }: { readonly exempt: readonly string[]; readonly log: Log; readonly metrics: Metrics },
): Promise<ServedPolicies> {
  const kube = await openKube({ kubeconfig: args.text('kubeconfig') })
  const { sha256, describePublicKey } = readerTools()
  const cluster = startCluster({
    kube,
    tools: { sha256, describePublicKey },
    exempt: [...exempt, kube.namespace],
    log,
    metrics,
    instance: hostname(),
    now: Date.now,
  })
  return { ...cluster, close: async () => cluster.close() }
}
