// Judges a requirement tree in three-valued logic (plus "open" while questions wait): what could not be found out is
// neither yes nor no, and only changes the outcome where a yes or no in its place would.

import type { ErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import type { Requirement } from '#core/policy/words.ts'
import type { Finding, FixedFinding, GroupFinding } from './finding.ts'
import { isProven } from './finding.ts'
import type { Signer } from './format.ts'
import type { Inquiry } from './inquiry.ts'
import { judgeSignatureDemand } from './signature-demand.ts'

/** Does judging this requirement need the image's digest, and so the registry? */
export function needsDigest(requirement: Requirement): boolean {
  switch (requirement.kind) {
    case 'signature':
      return true
    case 'allOf':
    case 'anyOf':
    case 'atLeast':
      return requirement.of.some(needsDigest)
    case 'deny':
    case 'insecureAcceptAnything':
      return false
  }
}

/**
 * @param digest the digest that signatures must bind; may be absent only where `needsDigest` says no
 * @param memory whether claims that were verified before may stand for the evidence
 */
export function judgeRequirement(
  requirement: Requirement,
  subject: { readonly image: ImageReference; readonly digest: Digest | undefined },
  inquiry: Inquiry,
  memory = true,
): Finding {
  const children = (of: readonly Requirement[], mayRemember = memory): readonly Finding[] =>
    of.map((child) => judgeRequirement(child, subject, inquiry, mayRemember))
  switch (requirement.kind) {
    case 'signature':
      if (subject.digest === undefined) throw new Error('a signature was judged before the digest was known')
      return judgeSignatureDemand(requirement, subject.image, subject.digest, inquiry, memory)
    case 'deny':
      return fixed('deny', requirement.message)
    case 'insecureAcceptAnything':
      return fixed('insecureAcceptAnything', undefined)
    case 'allOf':
      return allOf(children(requirement.of))
    case 'anyOf':
      return anyOf(children(requirement.of))
    case 'atLeast': {
      const quick = atLeast(requirement.count, children(requirement.of))
      // Memory may hold fewer signers than there are: only the evidence itself can miss a threshold.
      return quick.state === 'satisfied' || !memory
        ? quick
        : atLeast(requirement.count, children(requirement.of, false))
    }
  }
}

function fixed(kind: FixedFinding['kind'], message: string | undefined): FixedFinding {
  const denies = kind === 'deny'
  return {
    kind,
    state: denies ? 'unsatisfied' : 'satisfied',
    code: denies ? 'denied-by-rule' : 'accepted-by-rule',
    ...(message === undefined ? {} : { detail: message }),
    pending: false,
    signers: [],
  }
}

/** One "no" is enough for no. Also used for the rules of several policies and the platforms of an index. */
export function allOf(of: readonly Finding[]): GroupFinding {
  const no = of.find((child) => child.state === 'unsatisfied')
  const open = of.some((child) => child.state === 'open')
  const unknown = of.find((child) => child.state === 'undetermined')
  if (no !== undefined) return group('allOf', 'unsatisfied', of, no)
  if (open) return group('allOf', 'open', of)
  if (unknown !== undefined) return group('allOf', 'undetermined', of, unknown)
  const finding = group('allOf', 'satisfied', of)
  return withEnd(finding, earliest(of.map((child) => child.validUntil)))
}

/** One "yes" is enough, and a proven yes is preferred to one by `insecureAcceptAnything`. */
function anyOf(of: readonly Finding[]): GroupFinding {
  const proven = of.filter(isProven)
  if (proven.length > 0) {
    return withEnd(
      group('anyOf', 'satisfied', of, undefined, proven),
      earliest(proven.map((child) => child.validUntil)),
    )
  }
  if (of.some((child) => child.state === 'open')) return group('anyOf', 'open', of)
  const accepted = of.find((child) => child.state === 'satisfied')
  if (accepted !== undefined) return group('anyOf', 'satisfied', of, undefined, [accepted])
  const unknown = of.find((child) => child.state === 'undetermined')
  if (unknown !== undefined) return group('anyOf', 'undetermined', of, unknown)
  return group('anyOf', 'unsatisfied', of, of.find((child) => child.code !== 'signature-missing') ?? of[0])
}

/**
 * At least `count` children, each spoken for by a signer of its own: one key never counts twice, however many
 * attestors hold it and however often it signed.
 */
function atLeast(count: number, of: readonly Finding[]): GroupFinding {
  const proven = of.filter(isProven)
  const spoken = distinctPairs(proven.map((child) => child.signers))
  const detail = `${spoken} of ${count} distinct signers`
  const finding = (state: GroupFinding['state'], cause?: Finding): GroupFinding => ({
    ...group('atLeast', state, of, cause, proven),
    count,
    ...(state === 'satisfied' ? {} : { detail }),
  })
  if (spoken >= count) return withEnd(finding('satisfied'), earliest(proven.map((child) => child.validUntil)))
  if (of.some((child) => child.state === 'open' || child.pending)) return finding('open')
  const unknown = of.map(firstGap).filter((gap) => gap !== undefined)
  if (spoken + unknown.length >= count) return { ...finding('undetermined'), ...unknown[0] }
  return { ...finding('unsatisfied'), code: 'threshold-not-met' }
}

/** Why a child might yet name another signer: something of its evidence could not be read. */
function firstGap(child: Finding): { code: ErrorCode; detail: string } | undefined {
  if (child.kind === 'signature') {
    const gap = child.gaps[0]
    return gap === undefined ? undefined : { code: gap.code, detail: gap.detail }
  }
  return 'of' in child ? child.of.map(firstGap).find((gap) => gap !== undefined) : undefined
}

/** The largest number of children that can each be given a signer of its own (bipartite matching by augmenting paths). */
function distinctPairs(children: readonly (readonly Signer[])[]): number {
  const holder = new Map<string, number>()
  const place = (child: number, tried: Set<string>): boolean => {
    for (const { fingerprint } of children[child] ?? []) {
      if (tried.has(fingerprint)) continue
      tried.add(fingerprint)
      const other = holder.get(fingerprint)
      if (other === undefined || place(other, tried)) {
        holder.set(fingerprint, child)
        return true
      }
    }
    return false
  }
  return children.filter((_, child) => place(child, new Set())).length
}

function group(
  kind: GroupFinding['kind'],
  state: GroupFinding['state'],
  of: readonly Finding[],
  cause?: Finding,
  speakers: readonly Finding[] = of,
): GroupFinding {
  return {
    kind,
    state,
    of,
    pending: of.some((child) => child.pending || child.state === 'open'),
    signers: state === 'satisfied' ? speakers.flatMap((child) => child.signers) : [],
    ...(cause?.code === undefined ? {} : { code: cause.code }),
    ...(cause?.detail === undefined ? {} : { detail: cause.detail }),
  }
}

function withEnd(finding: GroupFinding, validUntil: number | undefined): GroupFinding {
  return validUntil === undefined ? finding : { ...finding, validUntil }
}

function earliest(ends: readonly (number | undefined)[]): number | undefined {
  const known = ends.filter((end) => end !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}
