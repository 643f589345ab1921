// Holds the policies in force: the last good set, and what is wrong with the edit that did not become one.

import type { PolicySet } from '#core/policy/set.ts'

export interface PolicyHolder {
  current(): PolicySet
  /** A new set takes effect with the next request. */
  accept(set: PolicySet): void
  /** The files are not right as they are now; the last good set stays. */
  refuse(problem: string): void
  /** For `/readyz`. */
  report(): Readonly<Record<string, unknown>>
}

export function holdPolicies(first: PolicySet): PolicyHolder {
  let set = first
  let problem: string | undefined
  return {
    current: () => set,
    accept(next) {
      set = next
      problem = undefined
    },
    refuse(why) {
      problem = why
    },
    report: () => ({
      policies: set.policies.length,
      revision: set.revision,
      ...(problem === undefined ? {} : { problem, keeping: 'the last good policies' }),
    }),
  }
}
