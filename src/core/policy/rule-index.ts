// All image rules of all policies in one tree, so that an image is compared with the few patterns that begin as it
// does, and only with those of policies that apply. The patterns themselves decide; the tree only leaves out.

import type { ImagePattern } from '#core/image/pattern.ts'
import { compareSpecificity, literalPrefix, matchesPattern, segmentsOf } from '#core/image/pattern.ts'
import type { ImageReference } from '#core/image/reference.ts'
import type { Group } from './group.ts'
import type { Policy, Rule } from './words.ts'

/** The rule of a policy that decides about an image, and the pattern by which it does. */
export interface GoverningRule {
  readonly policy: Policy
  readonly rule: Rule
  readonly pattern: ImagePattern
}

interface Entry extends GoverningRule {
  readonly ruleIndex: number
}

interface Node {
  readonly below: Map<string, Node>
  /** What ends here, by group: an image asks for its own groups only. */
  readonly entries: Map<Group, Entry[]>
}

export interface RuleIndex {
  /** Begins with the host. */
  readonly byHost: Node
  /** Patterns for several hosts, by path. */
  readonly byPath: Node
  readonly order: ReadonlyMap<Policy, number>
}

export function indexRules(groups: readonly Group[], policies: readonly Policy[]): RuleIndex {
  const index = { byHost: newNode(), byPath: newNode(), order: new Map(policies.map((policy, at) => [policy, at])) }
  for (const group of groups) {
    for (const policy of group.policies) {
      policy.rules.forEach((rule, ruleIndex) => {
        for (const pattern of rule.images) insert(index, group, { policy, rule, pattern, ruleIndex })
      })
    }
  }
  return index
}

function newNode(): Node {
  return { below: new Map(), entries: new Map() }
}

function insert(index: RuleIndex, group: Group, entry: Entry): void {
  const prefix = literalPrefix(entry.pattern)
  let node = prefix.length > 0 ? index.byHost : index.byPath
  for (const segment of prefix.length > 0 ? prefix : literalPath(entry.pattern)) {
    let next = node.below.get(segment)
    if (!next) {
      next = newNode()
      node.below.set(segment, next)
    }
    node = next
  }
  const entries = node.entries.get(group)
  if (entries) entries.push(entry)
  else node.entries.set(group, [entry])
}

function literalPath({ path }: ImagePattern): readonly string[] {
  const end = path.findIndex((part) => part.kind !== 'literal')
  return path.slice(0, end === -1 ? path.length : end).flatMap((part) => (part.kind === 'literal' ? [part.text] : []))
}

/** The groups that apply to an object. */
export interface ActiveGroups extends Iterable<Group> {
  readonly size: number
  has(group: Group): boolean
}

/**
 * One rule for each policy of the groups that has one for this image: by the most specific pattern that matches and
 * whose rule does not except the image; among equals the rule that stands first.
 */
export function governingRules(
  index: RuleIndex,
  groups: ActiveGroups,
  reference: ImageReference,
): readonly GoverningRule[] {
  const best = new Map<Policy, Entry>()
  const excepted = new Map<Rule, boolean>()
  const consider = (entry: Entry) => {
    if (!matchesPattern(entry.pattern, reference) || isExcepted(entry.rule, reference, excepted)) return
    const other = best.get(entry.policy)
    if (other === undefined || beats(entry, other)) best.set(entry.policy, entry)
  }
  const [host = '', ...path] = segmentsOf(reference)
  walk(index.byHost, [host, ...path], groups, consider)
  walk(index.byPath, path, groups, consider)
  const found = [...best.values()]
  const { order } = index
  return found.length < 2 ? found : found.sort((a, b) => (order.get(a.policy) ?? 0) - (order.get(b.policy) ?? 0))
}

function walk(root: Node, segments: readonly string[], groups: ActiveGroups, consider: (entry: Entry) => void): void {
  let node: Node | undefined = root
  for (let at = 0; node !== undefined; at++) {
    visit(node, groups, consider)
    const segment: string | undefined = segments[at]
    node = segment === undefined ? undefined : node.below.get(segment)
  }
}

/** Whichever are fewer: the groups that have something here, or those that apply. */
function visit({ entries }: Node, groups: ActiveGroups, consider: (entry: Entry) => void): void {
  if (entries.size === 0) return
  if (entries.size <= groups.size) {
    for (const [group, here] of entries) if (groups.has(group)) here.forEach(consider)
  } else {
    for (const group of groups) entries.get(group)?.forEach(consider)
  }
}

function isExcepted(rule: Rule, reference: ImageReference, known: Map<Rule, boolean>): boolean {
  if (rule.exceptImages.length === 0) return false
  let excepted = known.get(rule)
  if (excepted === undefined) {
    excepted = rule.exceptImages.some((pattern) => matchesPattern(pattern, reference))
    known.set(rule, excepted)
  }
  return excepted
}

function beats(entry: Entry, other: Entry): boolean {
  const difference = compareSpecificity(entry.pattern, other.pattern)
  return difference > 0 || (difference === 0 && entry.ruleIndex < other.ruleIndex)
}
