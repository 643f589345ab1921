// Holds the policies in force: the last good set, and what is wrong with the edit that did not become one.

import { CodedError } from '#core/errors.ts'
import type { PolicySet } from '#core/policy/set.ts'

export interface PolicyHolder {
  /** @throws CodedError `policies-not-loaded` before there are any */
  current(): PolicySet
  /** A new set takes effect with the next request. */
  accept(set: PolicySet): void
  /** The files are not right as they are now; the last good set stays. */
  refuse(problem: string): void
  /** For `/readyz`. */
  report(): Readonly<Record<string, unknown>>
}

/** @param first absent: nothing is judged, and nothing admitted, before policies are accepted */
export function holdPolicies(first?: PolicySet): PolicyHolder {
  let set = first
  let problem: string | undefined
  return {
    current() {
      if (set !== undefined) return set
      throw new CodedError('policies-not-loaded', 'the policies have not been read yet')
    },
    accept(next) {
      set = next
      problem = undefined
    },
    refuse(why) {
      problem = why
    },
    report: () => ({
      ...(set !== undefined && { policies: set.policies.length, revision: set.revision }),
      ...(set !== undefined && set.denyLists.length > 0 && { denyLists: set.denyLists.length }),
      ...(problem === undefined ? {} : { problem, keeping: 'the last good policies' }),
    }),
  }
}
