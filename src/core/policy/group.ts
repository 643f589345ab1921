// Policies that apply to the same objects, taken together: thousands of policies have few different `match`es, and only
// these are evaluated. And what the policies of some groups say about images that no rule covers.

import { canonicalJson } from '#core/encoding/canonical-json.ts'
import { plainMatch } from './revision.ts'
import type { Answer, Labels, ResourceScope } from './selector.ts'
import { isEmptySelector, namespaceMatches, resourceMatches } from './selector.ts'
import type { LabelSelector, Match, Mode, Policy } from './words.ts'

/** What an admission request is about, as far as policies choose by it. */
export interface ObjectScope extends ResourceScope {
  /** Absent or empty: an object of the cluster. */
  readonly namespace?: string
  /** Absent: not known; those of the policy files are taken then, if they have the namespace. */
  readonly namespaceLabels?: Labels
  readonly objectLabels: Labels
}

export interface Group {
  readonly match: Match
  /** Of TrustPolicies: their namespace. */
  readonly own: string | undefined
  /** Absent if every object fits. */
  readonly objectSelector: LabelSelector | undefined
  readonly policies: readonly Policy[]
  readonly speakers: Speakers
}

/** By mode, kind and what they say: the first policy that says it. */
export type Speakers = ReadonlyMap<string, Policy>

function speakerKey(mode: Mode, kind: Policy['kind'], otherwise: Policy['otherwise']): string {
  return `${mode} ${kind} ${otherwise}`
}

/** @param policies in the order in which they are named where one name must do */
export function groupPolicies(policies: readonly Policy[]): readonly Group[] {
  const byMatch = new Map<string, Policy[]>()
  for (const policy of policies) {
    const key = `${policy.namespace ?? ''} ${canonicalJson(plainMatch(policy.match))}`
    const group = byMatch.get(key)
    if (group) group.push(policy)
    else byMatch.set(key, [policy])
  }
  return [...byMatch.values()].flatMap(([first, ...rest]) => (first ? [toGroup(first, [first, ...rest])] : []))
}

function toGroup({ match, namespace }: Policy, policies: readonly Policy[]): Group {
  const selector = match.objectSelector
  const speakers = new Map<string, Policy>()
  for (const policy of policies) {
    const key = speakerKey(policy.mode, policy.kind, policy.otherwise)
    if (!speakers.has(key)) speakers.set(key, policy)
  }
  const objectSelector = selector && !isEmptySelector(selector) ? selector : undefined
  return { match, own: namespace, objectSelector, policies, speakers }
}

/** The names of the only namespaces in which the group can apply; `undefined` if they cannot be listed. */
export function onlyNamespaces({ match, own }: Group): readonly string[] | undefined {
  if (own !== undefined) return [own]
  const names = match.namespaces?.map(({ text }) => text)
  return names?.every((name) => !name.includes('*')) ? names : undefined
}

/** Does the group apply to an object in this scope, if its own labels fit? */
export function groupApplies(
  { match, own }: Group,
  scope: ObjectScope,
  labels: Labels | undefined,
  exempt: ReadonlySet<string>,
): Answer {
  const { namespace = '' } = scope
  if (own !== undefined && own !== namespace) return 'no'
  if (namespace === '') {
    if (match.namespaces !== undefined || match.excludeNamespaces.length > 0) return 'no'
  } else {
    if (match.namespaces && !match.namespaces.some((glob) => glob.matches(namespace))) return 'no'
    if (match.excludeNamespaces.some((glob) => glob.matches(namespace))) return 'no'
    if (exempt.has(namespace) && !match.namespaces?.some(({ text }) => text === namespace)) return 'no'
  }
  if (match.resourceRules && !match.resourceRules.some((rule) => resourceMatches(rule, scope))) return 'no'
  // A selector of namespaces says nothing about objects that are in none (admissionregistration/v1, namespaceSelector).
  if (match.namespaceSelector === undefined || namespace === '') return 'yes'
  return namespaceMatches(match.namespaceSelector, namespace, labels)
}

/** Which policy is named when several say the same must not depend on how their groups were found. */
export function mergeSpeakers(
  groups: Iterable<Group>,
  order: ReadonlyMap<Policy, number>,
  first: Speakers = new Map(),
): Speakers {
  const merged = new Map(first)
  for (const { speakers } of groups) {
    for (const [key, policy] of speakers) {
      const other = merged.get(key)
      if (other === undefined || (order.get(policy) ?? 0) < (order.get(other) ?? 0)) merged.set(key, policy)
    }
  }
  return merged
}

/** For which of an image's policies `otherwise` is silent: a rule speaks already. */
export interface Coverage {
  /** A rule of a ClusterTrustPolicy covers the image. */
  readonly coveredByCluster: boolean
  /** A rule of any policy does. */
  readonly coveredAtAll: boolean
}

/** Who decides about an image that is covered so far; one Deny is enough. `undefined`: nobody of this mode speaks. */
export function speakerOf(speakers: Speakers, mode: Mode, covered: Coverage): Policy | undefined {
  const kinds: Policy['kind'][] = []
  if (!covered.coveredByCluster) kinds.push('ClusterTrustPolicy')
  if (!covered.coveredAtAll) kinds.push('TrustPolicy')
  for (const otherwise of ['Deny', 'Accept'] as const) {
    for (const kind of kinds) {
      const policy = speakers.get(speakerKey(mode, kind, otherwise))
      if (policy) return policy
    }
  }
  return undefined
}
