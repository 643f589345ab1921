// Revisions: short names of what a policy or attestor says. Equal meaning, equal revision; they are cache keys, so
// nothing that decides may be left out, and nothing that does not (comments, order of members, file names) is in.

import { canonicalJson } from '#core/encoding/canonical-json.ts'
import type { Attestor, DenyList, Match, NamespaceLabels, Policy, Requirement } from './words.ts'

export type Hash = (text: string) => string

/** 64 bits: enough to tell revisions apart, short enough for a log line. Nobody gains from a collision of their own policies. */
const length = 16

export function revisionOf(sha256: Hash, value: unknown): string {
  return sha256(canonicalJson(value)).slice(0, length)
}

export function policyRevision(sha256: Hash, policy: Omit<Policy, 'revision'>): string {
  return revisionOf(sha256, {
    ...policy,
    match: plainMatch(policy.match),
    rules: policy.rules.map((rule) => ({ ...rule, require: plainRequirement(rule.require) })),
  })
}

export function setRevision(
  sha256: Hash,
  parts: {
    readonly policies: readonly Policy[]
    readonly attestors: readonly Attestor[]
    readonly denyLists: readonly DenyList[]
    readonly namespaces: readonly NamespaceLabels[]
  },
): string {
  return revisionOf(sha256, {
    policies: parts.policies.map(({ revision }) => revision).sort(),
    attestors: parts.attestors.map(({ revision }) => revision).sort(),
    denyLists: parts.denyLists.map(({ revision }) => revision).sort(),
    namespaces: parts.namespaces.map(({ name, labels }) => canonicalJson([name, labels])).sort(),
  })
}

/** The same without functions; also what makes two policies apply to the same objects. */
export function plainMatch({ namespaces, excludeNamespaces, ...rest }: Match): object {
  return {
    ...(namespaces && { namespaces: namespaces.map(({ text }) => text) }),
    excludeNamespaces: excludeNamespaces.map(({ text }) => text),
    ...rest,
  }
}

function plainRequirement(requirement: Requirement): object {
  switch (requirement.kind) {
    case 'signature':
      return { ...requirement, attestor: [requirement.attestor.name, requirement.attestor.revision] }
    case 'allOf':
    case 'anyOf':
    case 'atLeast':
      return { ...requirement, of: requirement.of.map(plainRequirement) }
    case 'deny':
    case 'insecureAcceptAnything':
      return requirement
  }
}
