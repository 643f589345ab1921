// The policies that apply to one object, and what they say about an image. Made from a selection that objects of the
// same namespace, resource and operation share; only the object's own labels are looked at anew.

import type { ImageReference } from '#core/image/reference.ts'
import type { Denied } from './denied.ts'
import type { Coverage, Group, Speakers } from './group.ts'
import { mergeSpeakers, speakerOf } from './group.ts'
import type { ActiveGroups, GoverningRule, RuleIndex } from './rule-index.ts'
import { governingRules } from './rule-index.ts'
import type { Labels } from './selector.ts'
import { labelsMatch } from './selector.ts'
import type { Mode, Policy } from './words.ts'

export interface MatchedPolicies {
  /** No policy applies, and none might: the object is left alone. */
  readonly isEmpty: boolean
  /** Those that apply; made when first asked for. */
  readonly policies: readonly Policy[]
  /** Those of which nobody can say whether they apply, because the labels of the namespace are not known. */
  readonly undetermined: readonly Policy[]
  /** What is refused of any object to which a policy applies; absent where nothing is. */
  readonly denied?: Denied | undefined
  /** One rule for each policy that applies and has one for this image. */
  rulesFor(reference: ImageReference): readonly GoverningRule[]
  /**
   * The policy of this mode whose `otherwise` decides about an image that is covered so far: one that says Deny if
   * there is one. For ClusterTrustPolicies only rules of their kind count as covering; a namespace cannot talk them out.
   */
  otherwise(mode: Mode, covered: Coverage): Policy | undefined
}

/** Groups that apply if the labels of the object fit. */
export interface Conditional {
  /** Those that want this label with this value, by both. */
  readonly byLabel: ReadonlyMap<string, readonly Group[]>
  readonly others: readonly Group[]
}

/** What is the same for all objects of one namespace, resource and operation. */
export interface Selection {
  /** They apply, whatever the labels of the object are. */
  readonly firm: ReadonlySet<Group>
  readonly firmSpeakers: Speakers
  readonly conditional: Conditional
  /** Of these the namespace's labels would have to be known. */
  readonly unknown: Conditional & { readonly firm: readonly Group[] }
}

export function conditionalGroups(groups: readonly Group[]): Conditional {
  const byLabel = new Map<string, Group[]>()
  const others: Group[] = []
  for (const group of groups) {
    const [label] = Object.entries(group.objectSelector?.matchLabels ?? {})
    if (label === undefined) {
      others.push(group)
      continue
    }
    const key = labelKey(label)
    const bucket = byLabel.get(key)
    if (bucket) bucket.push(group)
    else byLabel.set(key, [group])
  }
  return { byLabel, others }
}

const none: readonly Group[] = []

/** "=" is part of no label key. */
function labelKey([key, value]: readonly [string, string]): string {
  return `${key}=${value}`
}

function fitting({ byLabel, others }: Conditional, labels: Labels): readonly Group[] {
  if (byLabel.size === 0 && others.length === 0) return none
  const candidates = [...others]
  if (byLabel.size > 0) {
    for (const label of Object.entries(labels)) candidates.push(...(byLabel.get(labelKey(label)) ?? []))
  }
  return candidates.filter(({ objectSelector }) => !objectSelector || labelsMatch(objectSelector, labels))
}

/** What is the same for all objects. */
export interface CompiledRules {
  readonly index: RuleIndex
  readonly denied: Denied | undefined
}

/**
 * Gives the same value again for objects whose labels make no difference: what is remembered of it, such as the plans of
 * images, then serves them all.
 */
export function matchedPolicies(compiled: CompiledRules, selection: Selection, labels: Labels): MatchedPolicies {
  const fits = fitting(selection.conditional, labels)
  const unknownFits = fitting(selection.unknown, labels)
  if (fits.length > 0 || unknownFits.length > 0) return matchedBy(compiled, selection, fits, unknownFits)
  let firm = firmMatches.get(selection)
  if (firm === undefined) {
    firm = matchedBy(compiled, selection, fits, unknownFits)
    firmMatches.set(selection, firm)
  }
  return firm
}

/** A selection belongs to one index, and so does what it matches. */
const firmMatches = new WeakMap<Selection, MatchedPolicies>()

function matchedBy(
  { index, denied }: CompiledRules,
  selection: Selection,
  fits: readonly Group[],
  unknownFits: readonly Group[],
): MatchedPolicies {
  const { order } = index
  const groups = fits.length === 0 ? selection.firm : joined(selection.firm, fits)
  const unknown = lazily(() => [...selection.unknown.firm, ...unknownFits])
  const policies = lazily(() => sortedPolicies(groups, order))
  const undetermined = lazily(() => sortedPolicies(unknown(), order))
  const speakers = lazily(() =>
    fits.length === 0 ? selection.firmSpeakers : mergeSpeakers(fits, order, selection.firmSpeakers),
  )
  return {
    denied,
    isEmpty: groups.size === 0 && unknown().length === 0,
    get policies() {
      return policies()
    },
    get undetermined() {
      return undetermined()
    },
    rulesFor: (reference) => governingRules(index, groups, reference),
    otherwise: (mode, covered) => speakerOf(speakers(), mode, covered),
  }
}

/** Both sets seen as one, without copying the large one for every request. */
function joined(firm: ReadonlySet<Group>, fits: readonly Group[]): ActiveGroups {
  const more = new Set(fits)
  return {
    size: firm.size + more.size,
    has: (group) => firm.has(group) || more.has(group),
    *[Symbol.iterator]() {
      yield* firm
      yield* more
    },
  }
}

function sortedPolicies(groups: Iterable<Group>, order: ReadonlyMap<Policy, number>): readonly Policy[] {
  return [...groups].flatMap((group) => group.policies).sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0))
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
