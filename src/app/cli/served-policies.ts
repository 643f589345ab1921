// Where a server has its policies from, as far as serving has to know.

import type { PolicyHolder } from '#app/policy-holder.ts'
import type { ServingOptions } from '#app/serving.ts'

export interface ServedPolicies extends Pick<ServingOptions, 'namespaces' | 'missing' | 'decided' | 'report'> {
  readonly policies: PolicyHolder
  /** What a certificate of our own has to be for, beside where we listen. */
  readonly names?: readonly string[]
  /** Called once we listen. @param caPem the authority of the serving certificate, if it is of our own making */
  listening?(caPem: string): void
  /** Nothing is followed or written any more after this. */
  close(): Promise<void>
}
