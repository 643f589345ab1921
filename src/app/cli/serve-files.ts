// Policies from files, for `serve`: loaded once, then followed.

import type { Log } from '#app/log.ts'
import { holdPolicies } from '#app/policy-holder.ts'
import type { PolicyChange } from '#app/policy-watch.ts'
import { watchPolicyFiles } from '#app/policy-watch.ts'
import type { Metrics } from '#app/server/metrics.ts'
import type { ServedPolicies } from './served-policies.ts'

/** @throws CodedError as `watchPolicyFiles`, for the first load */
export async function servePolicyFiles(
  paths: readonly string[],
  { exempt, log, metrics }: { readonly exempt: readonly string[]; readonly log: Log; readonly metrics: Metrics },
): Promise<ServedPolicies> {
  const watch = await watchPolicyFiles(paths, (change) => take(change), { exempt, ignoreForeign: false })
  const policies = holdPolicies(watch.first.set)
  const take = (change: PolicyChange): void => {
    if (change.outcome === 'loaded') {
      policies.accept(change.loaded.set)
      metrics.record({ kind: 'policies', outcome: 'loaded', count: change.loaded.set.policies.length })
      log.info('policies loaded', { policies: change.loaded.set.policies.length, revision: change.loaded.set.revision })
    } else {
      policies.refuse(change.error.message)
      metrics.record({ kind: 'policies', outcome: 'refused' })
      log.error('the policies as they are now are not right; the last good ones stay', {
        code: change.error.code,
        error: change.error.message,
      })
    }
  }
  take({ outcome: 'loaded', loaded: watch.first })
  return { policies, close: async () => watch.close() }
}
