// All policies together, compiled once when they change, so that the cost of a request does not grow with their number.

import { boundedMemo } from './bounded-memo.ts'
import { compileDenied } from './denied.ts'
import type { Group, ObjectScope } from './group.ts'
import { groupApplies, groupPolicies, mergeSpeakers, onlyNamespaces } from './group.ts'
import type { Conditional, MatchedPolicies, Selection } from './match.ts'
import { conditionalGroups, matchedPolicies } from './match.ts'
import type { ReadResult } from './read.ts'
import { indexRules } from './rule-index.ts'
import type { Answer, Labels } from './selector.ts'
import type { Attestor, DenyList, NamespaceLabels, Policy } from './words.ts'

export interface PolicySet {
  /** Of policies, attestors, deny lists and namespaces together. */
  readonly revision: string
  /** ClusterTrustPolicies first, by name; then TrustPolicies, by namespace and name. */
  readonly policies: readonly Policy[]
  readonly attestors: readonly Attestor[]
  readonly denyLists: readonly DenyList[]
  /** Namespaces in which only policies apply that name them. */
  readonly exempt: readonly string[]
  match(object: ObjectScope): MatchedPolicies
}

/** A cluster must start, and be repaired, without anybody's signature. */
export const defaultExempt: readonly string[] = ['kube-system', 'kube-public', 'kube-node-lease', 'sealward']

/** What keeps being asked for in a large cluster: thousands of namespaces by some resources, a few hundred bytes each. */
const maxSelections = 16_384
/** Groups in all kept selections together: 8 MiB of references. */
const maxSelectedGroups = 1_048_576
/** What applies to a namespace is a handful of groups; who has hundreds has them nowhere else. */
const maxSharedGroups = 64

export function compilePolicySet(
  read: Pick<ReadResult, 'policies' | 'attestors' | 'namespaces' | 'revision'> & Partial<Pick<ReadResult, 'denyLists'>>,
  options: { readonly exempt?: readonly string[] } = {},
): PolicySet {
  const { exempt = defaultExempt } = options
  const { denyLists = [] } = read
  const denied = compileDenied(denyLists, read.revision)
  const policies = read.policies.toSorted(byName)
  const groups = groupPolicies(policies)
  const index = indexRules(groups, policies)
  const select = selector({ groups, namespaces: read.namespaces, exempt: new Set(exempt), order: index.order })
  return {
    revision: read.revision,
    policies,
    attestors: read.attestors,
    denyLists,
    exempt,
    match: (object) => matchedPolicies({ index, denied }, select(object), object.objectLabels),
  }
}

function byName(a: Policy, b: Policy): number {
  return compare(a.kind, b.kind) || compare(a.namespace ?? '', b.namespace ?? '') || compare(a.name, b.name)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

type Select = (object: ObjectScope) => Selection

interface Compiled {
  readonly groups: readonly Group[]
  readonly namespaces: readonly NamespaceLabels[]
  readonly exempt: ReadonlySet<string>
  readonly order: ReadonlyMap<Policy, number>
}

/** Finds the groups that apply, and keeps what it found: objects of one namespace come again and again. */
function selector({ groups, namespaces, exempt, order }: Compiled): Select {
  const known = new Map(namespaces.map(({ name, labels }) => [name, labels]))
  const { byNamespace, everywhere } = sortOut(groups)
  const keyOf = selectionKey(groups)
  const kept = boundedMemo<Selection>({ entries: maxSelections, weight: maxSelectedGroups, weightOf })
  const shared = sharing(groups)
  return (object) => {
    const { namespace = '' } = object
    const labels = object.namespaceLabels ?? known.get(namespace)
    const key = keyOf(object, labels)
    const found = kept.get(key)
    if (found) return found
    const candidates = [...(byNamespace.get(namespace) ?? []), ...everywhere]
    const selection = selectionOf(candidates, order, (group) => groupApplies(group, object, labels, exempt))
    const only = shared(selection)
    kept.set(key, only)
    return only
  }
}

/** Namespaces to which the same policies apply share one selection, and all that is remembered by it. */
function sharing(groups: readonly Group[]): (selection: Selection) => Selection {
  const numbers = new Map(groups.map((group, at) => [group, at]))
  const numbersOf = (some: Iterable<Group>) => Array.from(some, (group) => numbers.get(group)).join()
  const allOf = ({ byLabel, others }: Conditional) => numbersOf([...byLabel.values(), others].flat())
  const byGroups = boundedMemo<Selection>({ entries: maxSelections, weight: maxSelectedGroups, weightOf })
  return (selection) => {
    // The key would be longer than what is shared is worth.
    if (weightOf(selection) > maxSharedGroups) return selection
    const { firm, conditional, unknown } = selection
    const key = [numbersOf(firm), allOf(conditional), numbersOf(unknown.firm), allOf(unknown)].join('|')
    const known = byGroups.get(key)
    if (known === undefined) byGroups.set(key, selection)
    return known ?? selection
  }
}

function weightOf({ firm, conditional, unknown }: Selection): number {
  return firm.size + conditional.others.length + conditional.byLabel.size + unknown.firm.length + unknown.others.length
}

function sortOut(groups: readonly Group[]) {
  const byNamespace = new Map<string, Group[]>()
  const everywhere: Group[] = []
  for (const group of groups) {
    const only = onlyNamespaces(group)
    if (only === undefined) everywhere.push(group)
    for (const name of new Set(only)) {
      const here = byNamespace.get(name)
      if (here) here.push(group)
      else byNamespace.set(name, [group])
    }
  }
  return { byNamespace, everywhere }
}

function selectionOf(
  candidates: readonly Group[],
  order: ReadonlyMap<Policy, number>,
  answer: (group: Group) => Answer,
): Selection {
  const yes: Group[] = []
  const unknown: Group[] = []
  for (const group of candidates) {
    const applies = answer(group)
    if (applies === 'yes') yes.push(group)
    else if (applies === 'unknown') unknown.push(group)
  }
  const firm = yes.filter(({ objectSelector }) => !objectSelector)
  return {
    firm: new Set(firm),
    firmSpeakers: mergeSpeakers(firm, order),
    conditional: conditionalGroups(yes.filter(({ objectSelector }) => objectSelector)),
    unknown: {
      firm: unknown.filter(({ objectSelector }) => !objectSelector),
      ...conditionalGroups(unknown.filter(({ objectSelector }) => objectSelector)),
    },
  }
}

/** Only what some policy looks at makes a difference: labels that nobody selects by, resources if nobody names any. */
function selectionKey(groups: readonly Group[]): (object: ObjectScope, labels: Labels | undefined) => string {
  const labelKeys = new Set<string>()
  let resources = false
  for (const { match } of groups) {
    resources ||= match.resourceRules !== undefined
    for (const key of Object.keys(match.namespaceSelector?.matchLabels ?? {})) labelKeys.add(key)
    for (const { key } of match.namespaceSelector?.matchExpressions ?? []) labelKeys.add(key)
  }
  const keys = [...labelKeys]
  return ({ namespace = '', apiGroup, apiVersion, resource, operation }, labels) => {
    const parts = [namespace]
    if (resources) parts.push(apiGroup, apiVersion, resource, operation)
    if (keys.length > 0) parts.push(...(labels === undefined ? ['?'] : keys.map((key) => labelPart(labels, key))))
    return parts.length === 1 ? namespace : JSON.stringify(parts)
  }
}

function labelPart(labels: Labels, key: string): string {
  return Object.hasOwn(labels, key) ? `=${labels[key]}` : ''
}
