// Judges a requirement tree in three-valued logic (plus "open" while questions wait): what could not be found out is
// neither yes nor no, and only changes the outcome where a yes or no in its place would.

import type { ErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { Requirement } from '#core/policy/words.ts'
import type { Leaf } from './evidence.ts'
import { subjectOf } from './evidence.ts'
import type { Finding, FixedFinding, GroupFinding } from './finding.ts'
import { isProven } from './finding.ts'
import type { Signer } from './format.ts'
import type { Inquiry } from './inquiry.ts'
import type { ImageSubject } from './signature-demand.ts'
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

/** Was any signature that the requirement asks for verified before? */
export function isRemembered(
  requirement: Requirement,
  image: Leaf['image'],
  digest: Digest,
  inquiry: Inquiry,
): boolean {
  switch (requirement.kind) {
    case 'signature': {
      const subject = subjectOf({ demand: requirement, image, digest })
      return inquiry.knowledge.proven(subject, requirement.attestor).length > 0
    }
    case 'allOf':
    case 'anyOf':
    case 'atLeast':
      return requirement.of.some((child) => isRemembered(child, image, digest, inquiry))
    case 'deny':
    case 'insecureAcceptAnything':
      return false
  }
}

export function judgeRequirement(requirement: Requirement, subject: ImageSubject, inquiry: Inquiry): Finding {
  const children = (of: readonly Requirement[], memory = subject.memory): readonly Finding[] =>
    of.map((child) => judgeRequirement(child, { ...subject, memory }, inquiry))
  switch (requirement.kind) {
    case 'signature':
      return judgeSignatureDemand(requirement, subject, inquiry)
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
      const final = quick.state === 'satisfied' || quick.state === 'open' || !subject.memory
      return final ? quick : atLeast(requirement.count, children(requirement.of, false))
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

/** One "no" is enough for no; the one that no signature cures is named first. */
function allOf(of: readonly Finding[]): GroupFinding {
  const refused = of.filter((child) => child.state === 'unsatisfied')
  const no = refused.find((child) => child.code === 'denied-by-rule') ?? refused[0]
  if (no !== undefined) return group('allOf', 'unsatisfied', of, no)
  if (of.some((child) => child.state === 'open')) return group('allOf', 'open', of)
  const unknown = of.find((child) => child.state === 'undetermined')
  if (unknown !== undefined) return group('allOf', 'undetermined', of, unknown)
  return group('allOf', 'satisfied', of)
}

/** One "yes" is enough, and a proven yes is preferred to one by `insecureAcceptAnything`. */
function anyOf(of: readonly Finding[]): GroupFinding {
  const proven = of.filter(isProven)
  if (proven.length > 0) return group('anyOf', 'satisfied', of, undefined, proven)
  if (of.some((child) => child.state === 'open')) return group('anyOf', 'open', of)
  const accepted = of.find((child) => child.state === 'satisfied')
  if (accepted !== undefined) return group('anyOf', 'satisfied', of, undefined, [accepted])
  const unknown = of.find((child) => child.state === 'undetermined')
  if (unknown !== undefined) return group('anyOf', 'undetermined', of, unknown)
  const telling = of.filter((child) => child.code !== 'signature-missing')
  const near = telling.find((child) => child.code !== 'denied-by-rule') ?? telling[0] ?? of[0]
  return group('anyOf', 'unsatisfied', of, near)
}

/**
 * At least `count` children, each spoken for by a signer of its own: one key never counts twice, however many
 * attestors hold it and however often it signed.
 */
function atLeast(count: number, of: readonly Finding[]): GroupFinding {
  const proven = of.filter(isProven)
  const spoken = distinctPairs(proven.map((child) => child.signers))
  const finding = (state: GroupFinding['state'], cause?: Partial<Unread>): GroupFinding => ({
    ...group('atLeast', state, of, cause, proven),
    count,
  })
  if (spoken >= count) return finding('satisfied')
  if (of.some((child) => child.state === 'open' || child.pending)) return finding('open')
  const detail = `${spoken} of ${count} distinct signers`
  const unread = of.map(unreadIn)
  // Whatever could not be read might name one signer more for its child, whom nobody knows yet.
  const possible = distinctPairs(
    of.map(({ signers }, at) => (unread[at] === undefined ? signers : [...signers, { fingerprint: `unread ${at}` }])),
  )
  if (possible >= count) return finding('undetermined', unread.find((gap) => gap !== undefined) ?? { detail })
  return finding('unsatisfied', { code: 'threshold-not-met', detail })
}

interface Unread {
  readonly code: ErrorCode
  readonly detail: string
}

/** Why a child might yet name another signer: something that could still matter to it could not be read. */
function unreadIn(child: Finding): Unread | undefined {
  if (child.state === 'unsatisfied') return undefined
  if (child.kind === 'signature') return child.gaps[0]
  return 'of' in child ? child.of.map(unreadIn).find((gap) => gap !== undefined) : undefined
}

/** The largest number of children that can each be given a signer of its own (bipartite matching by augmenting paths). */
function distinctPairs(children: readonly (readonly Pick<Signer, 'fingerprint'>[])[]): number {
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

/** @param speakers the children on whom a yes rests */
function group(
  kind: GroupFinding['kind'],
  state: GroupFinding['state'],
  of: readonly Finding[],
  cause: { readonly code?: ErrorCode; readonly detail?: string } = {},
  speakers: readonly Finding[] = of,
): GroupFinding {
  const ends = speakers.map((child) => child.validUntil).filter((end) => end !== undefined)
  const { code, detail } = cause
  return {
    kind,
    state,
    of,
    pending: state !== 'unsatisfied' && of.some((child) => child.pending || child.state === 'open'),
    signers: state === 'satisfied' ? speakers.flatMap((child) => child.signers) : [],
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail }),
    ...(state === 'satisfied' && ends.length > 0 ? { validUntil: Math.min(...ends) } : {}),
  }
}
