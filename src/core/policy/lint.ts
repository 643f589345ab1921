// What is allowed but seldom meant: warnings about policies that could be read. Nothing here refuses anything, and
// nothing that decides asks here.

import type { YamlPath } from '#core/encoding/yaml.ts'
import { lintAttestors } from './lint-attestor.ts'
import { lintDenyLists } from './lint-deny-list.ts'
import { lintRules } from './lint-rules.ts'
import type { Warn, Warning } from './lint-warning.ts'
import { warningOf } from './lint-warning.ts'
import type { ReadResult } from './read.ts'
import { isEmptySelector, namespaceNameLabel } from './selector.ts'
import { defaultExempt } from './set.ts'
import type { Policy } from './words.ts'

export interface LintOptions {
  /** Milliseconds since the epoch; keys are looked at as of then. */
  readonly now: number
  readonly exempt?: readonly string[]
}

/** In the order of the policies, then of the attestors, then of the deny lists. */
export function lintPolicies(read: ReadResult, options: LintOptions): readonly Warning[] {
  const warnings: Warning[] = []
  const exempt = new Set(options.exempt ?? defaultExempt)
  for (const policy of read.policies) {
    const warn: Warn = (code, path, message) => {
      warnings.push(warningOf(read, policy, { code, path, message }))
    }
    lintMatch(policy, exempt, warn)
    lintNamespaceLabels(policy, read, warn)
    lintOutcome(policy, warn)
    lintRules(policy, warn)
  }
  lintAttestors(read, options.now, warnings)
  lintDenyLists(read, warnings)
  return warnings
}

const match: YamlPath = ['spec', 'match']

function lintMatch(policy: Policy, exempt: ReadonlySet<string>, warn: Warn): void {
  const { namespaces, objectSelector, resourceRules } = policy.match
  namespaces?.forEach(({ text }, index) => {
    if (!exempt.has(text)) return
    const message = `"${text}" is exempt unless it is named: if its images cannot be verified, the cluster or Sealward itself may not start again`
    warn('system-namespace', [...match, 'namespaces', index], message)
  })
  if (policy.namespace !== undefined && exempt.has(policy.namespace) && namespaces === undefined) {
    const message = `never applies: "${policy.namespace}" is exempt unless match.namespaces names it`
    warn('never-applies', ['metadata', 'namespace'], message)
  }
  if (objectSelector && !isEmptySelector(objectSelector)) {
    const message = 'whoever submits an object chooses its labels, and so whether this policy applies'
    warn('chosen-by-submitter', [...match, 'objectSelector'], message)
  }
  resourceRules?.forEach(({ resources }, index) => {
    if (!resources.includes('pods') || resources.some((name) => /^(?:pods|\*)\/(?:\*|ephemeralcontainers)$/.test(name)))
      return
    const message = 'names pods without pods/ephemeralcontainers: `kubectl debug` adds images past this policy'
    warn('subresource-missed', [...match, 'resourceRules', index, 'resources'], message)
  })
}

function lintNamespaceLabels(policy: Policy, read: ReadResult, warn: Warn): void {
  const selector = policy.match.namespaceSelector
  if (selector === undefined || read.namespaces.length > 0) return
  const keys = [...Object.keys(selector.matchLabels), ...selector.matchExpressions.map(({ key }) => key)]
  if (keys.every((key) => key === namespaceNameLabel)) return
  const message =
    'without a cluster the labels of namespaces are known from Namespace objects in the files only, and there are none'
  warn('labels-unknown', [...match, 'namespaceSelector'], message)
}

function lintOutcome(policy: Policy, warn: Warn): void {
  const { mode, otherwise, pin, rules, whenUndetermined } = policy
  if (mode === 'Enforce' && otherwise === 'Accept') {
    warn('accepts-uncovered', ['spec', 'otherwise'], 'images that no rule covers are let in unverified')
  }
  if (mode === 'Enforce' && whenUndetermined === 'InsecureAdmit') {
    warn(
      'admits-in-outage',
      ['spec', 'whenUndetermined'],
      'whoever can keep the registry from being reached gets any image in',
    )
  }
  const digestOnly = rules.length > 0 && rules.every(({ references }) => references === 'DigestOnly')
  if (digestOnly && pin !== 'TagAndDigest') {
    warn(
      'pin-without-effect',
      ['spec', 'pin'],
      'means nothing: every rule has references: DigestOnly, and such images are never pinned',
    )
  } else if (pin === 'InsecureNever') {
    warn('never-pinned', ['spec', 'pin'], 'a tag can be moved between the verification and the start of the container')
  }
}
