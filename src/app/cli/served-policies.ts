// Where a server has its policies from, as far as serving has to know.

import type { PolicyHolder } from '#app/policy-holder.ts'
import type { ServingOptions } from '#app/serving.ts'

export interface ServedPolicies extends Pick<ServingOptions, 'namespaces' | 'missing' | 'decided'> {
  readonly policies: PolicyHolder
  /** Nothing is followed or written any more after this. */
  close(): Promise<void>
}
