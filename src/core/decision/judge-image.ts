// Judges one image against all demands on it, and combines what the policies say, mode by mode.

import type { ErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import { effectiveTag, formatReference } from '#core/image/reference.ts'
import type { Mode, Rule } from '#core/policy/words.ts'
import { accessProof } from './access.ts'
import { passes } from './decision.ts'
import { denialOf, platformDenial } from './denial.ts'
import type { Finding } from './finding.ts'
import { isProven } from './finding.ts'
import type { Demand, ImagePlan } from './image-plan.ts'
import { policyName } from './image-plan.ts'
import type { Inquiry, Knowledge } from './inquiry.ts'
import type { Judgement, Outcome, PolicyJudgement, Verdict } from './judgement.ts'
import { pinOf } from './pinning.ts'
import { judgePlatforms } from './platforms.ts'
import type { Fact } from './question.ts'
import { isRemembered, judgeRequirement, needsDigest } from './requirement.ts'
import type { ImageSubject } from './signature-demand.ts'
import { soften } from './soften.ts'

/** An untrusted verdict may change at any moment, by somebody signing: it is kept only to soften a burst. */
const untrustedKeptMs = 5_000

/** How long a proof is believed without looking again, where nothing ends it sooner. Revocation does not wait for it. */
const trustedKeptMs = 60 * 60 * 1000

/**
 * A judgement that still holds, of an image that is named by digest, if the credentials have read something there lately:
 * what most admissions come to, and nothing has to be asked for it.
 */
export function remembered({ key, reference }: ImagePlan, knowledge: Knowledge): Judgement | undefined {
  if (reference?.digest === undefined) return undefined
  const settled = knowledge.settled(key, reference.digest)
  return settled !== undefined && knowledge.mayRead(reference) ? settled : undefined
}

/** @returns `open` while questions wait; they are on the inquiry's list */
export function judgeImage(image: ImagePlan, inquiry: Inquiry): Judgement | 'open' {
  const { reference } = image
  if (reference === undefined) return judgeMalformed(image)
  const digest = digestOf(image, reference, inquiry)
  if (digest === undefined) return 'open'
  const denial = digest.known ? denialOf(image.denied, reference, digest.value) : undefined
  if (denial !== undefined) return denial
  const recalled = recall(image, reference, digest, inquiry)
  if (typeof recalled !== 'boolean') return recalled
  const subject: ImageSubject = { image: reference, digest, memory: recalled }
  const judged = image.demands.map((demand) => unlessDenied(judgeDemand(demand, subject, inquiry), image, digest))
  const byPolicy = judged.filter((judgement) => judgement !== 'open')
  if (byPolicy.length < judged.length) return 'open'
  return conclude(image, subject, byPolicy, inquiry)
}

const unneeded: Fact<never> = { known: false, code: 'internal-error', detail: 'nobody asked for the digest' }

/** The digest, if any demand needs it; a digest that is written is never looked up. */
function digestOf(image: ImagePlan, reference: ImageReference, inquiry: Inquiry): Fact<Digest> | undefined {
  if (reference.digest !== undefined) return { known: true, value: reference.digest }
  const isNeeded =
    image.demands.some((demand) => demand.kind === 'rule' && asksRegistry(demand, reference)) ||
    mayBeDenied(image, reference)
  if (!isNeeded) return unneeded
  const at = { registry: reference.registry, repository: reference.repository }
  const fact = inquiry.ask({ kind: 'resolve', at, tag: effectiveTag(reference) ?? 'latest' })
  return fact?.known ? { known: true, value: fact.value.digest } : fact
}

/** Does it depend on its digest whether it is denied? Not where it is refused whatever its digest is. */
function mayBeDenied({ denied, demands }: ImagePlan, reference: ImageReference): boolean {
  if (denied === undefined || denied.digests.size === 0) return false
  return !demands.some((demand) => demand.policy.mode === 'Enforce' && isRefusedUnseen(demand, reference))
}

function isRefusedUnseen(demand: Demand, reference: ImageReference): boolean {
  switch (demand.kind) {
    case 'rule':
      return isRefusedAsWritten(demand.rule, reference) || demand.rule.require.kind === 'deny'
    case 'otherwise':
      return demand.policy.otherwise === 'Deny'
    case 'unknown-match':
      return false
  }
}

/** What would pass without its digest does not, while that might be a listed one. */
function unlessDenied(
  judged: PolicyJudgement | 'open',
  { denied }: ImagePlan,
  digest: Fact<Digest>,
): PolicyJudgement | 'open' {
  if (judged === 'open' || !passes(judged.outcome)) return judged
  // Nobody asked: another policy refuses it whatever its digest is.
  if (digest.known || digest === unneeded || denied === undefined || denied.digests.size === 0) return judged
  const { policy, mode, rule } = judged
  return { policy, mode, rule, outcome: 'undetermined', code: digest.code, detail: digest.detail }
}

function asksRegistry({ rule }: Demand & { kind: 'rule' }, reference: ImageReference): boolean {
  return !isRefusedAsWritten(rule, reference) && needsDigest(rule.require)
}

function isRefusedAsWritten(rule: Rule, reference: ImageReference): boolean {
  return rule.references === 'DigestOnly' && reference.digest === undefined
}

/**
 * What earlier judgements left behind serves only those who may read the image: one HEAD where nothing proves it yet.
 * @returns a judgement that still holds; or whether what was verified before may stand for the evidence
 */
function recall(
  image: ImagePlan,
  reference: ImageReference,
  digest: Fact<Digest>,
  inquiry: Inquiry,
): Judgement | boolean | 'open' {
  if (!digest.known) return false
  const settled = inquiry.knowledge.settled(image.key, digest.value)
  const isKnown =
    settled !== undefined ||
    image.demands.some(
      (demand) => demand.kind === 'rule' && isRemembered(demand.rule.require, reference, digest.value, inquiry),
    )
  if (!isKnown) return false
  const access = accessProof(reference, digest.value, 'repository', inquiry)
  if (access === undefined) return 'open'
  return access.known ? (settled ?? true) : false
}

function judgeDemand(demand: Demand, subject: ImageSubject, inquiry: Inquiry): PolicyJudgement | 'open' {
  const { policy } = demand
  const base = { policy: policyName(policy), mode: policy.mode }
  switch (demand.kind) {
    case 'unknown-match': {
      const detail = 'the policy selects namespaces by label, and the labels of this one are not known'
      return { ...base, rule: 'match', outcome: 'undetermined', code: 'namespace-labels-unknown', detail }
    }
    case 'otherwise':
      return policy.otherwise === 'Accept'
        ? { ...base, rule: 'otherwise', outcome: 'accepted', code: 'accepted-otherwise' }
        : { ...base, rule: 'otherwise', outcome: 'untrusted', code: 'no-rule', detail: 'no rule covers this image' }
    case 'rule':
      return judgeRule(demand.rule, { ...base, rule: demand.rule.path }, subject, inquiry)
  }
}

function judgeRule(
  rule: Rule,
  base: Pick<PolicyJudgement, 'policy' | 'mode' | 'rule'>,
  subject: ImageSubject,
  inquiry: Inquiry,
): PolicyJudgement | 'open' {
  const { image, digest, memory } = subject
  if (isRefusedAsWritten(rule, image)) {
    const detail = 'the policy accepts images by digest only, and this one is named by tag'
    return { ...base, outcome: 'untrusted', code: 'digest-required', detail }
  }
  const finding = judgeRequirement(rule.require, subject, inquiry)
  if (finding.state === 'open') return 'open'
  const judgement = { ...base, ...ruled(finding), finding }
  if (judgement.outcome !== 'trusted' || rule.platforms === 'Index' || !digest.known) return judgement
  return judgePlatforms({ judgement, require: rule.require, image, digest: digest.value, memory }, inquiry)
}

/** The outcome that a finished requirement stands for. */
export function ruled(finding: Finding): Pick<PolicyJudgement, 'outcome' | 'code' | 'detail' | 'validUntil'> {
  if (isProven(finding)) {
    return { outcome: 'trusted', ...(finding.validUntil === undefined ? {} : { validUntil: finding.validUntil }) }
  }
  if (finding.state === 'satisfied') return { outcome: 'accepted', code: 'accepted-by-rule' }
  const { code, detail } = finding
  return {
    outcome: finding.state === 'unsatisfied' ? 'untrusted' : 'undetermined',
    code: code ?? 'internal-error',
    ...(detail === undefined ? {} : { detail }),
  }
}

function conclude(
  image: ImagePlan,
  subject: ImageSubject,
  byPolicy: readonly PolicyJudgement[],
  inquiry: Inquiry,
): Judgement {
  const digest = subject.digest.known ? subject.digest.value : undefined
  const denial = platformDenial(image, byPolicy)
  const enforced = denial ?? combine(byPolicy, 'Enforce')
  const softened = enforced?.outcome === 'undetermined' ? soften(image, digest, byPolicy, inquiry) : undefined
  const judgement: Judgement = {
    reference: formatReference(subject.image),
    ...(digest === undefined ? {} : { digest }),
    enforced,
    warned: combine(byPolicy, 'Warn'),
    audited: combine(byPolicy, 'Audit'),
    byPolicy,
    signers: distinct(byPolicy.flatMap((judged) => judged.finding?.signers ?? [])),
    ...softened,
  }
  const pin = pinOf(image, judgement)
  const validUntil = softened === undefined && denial === undefined ? keptUntil(byPolicy, inquiry) : undefined
  return { ...judgement, ...(pin ? { pin } : {}), ...(validUntil === undefined ? {} : { validUntil }) }
}

const worstFirst = ['untrusted', 'undetermined', 'trusted', 'accepted'] as const

/** All policies of a mode must let the image pass: the worst of their outcomes is what they say together. */
function combine(byPolicy: readonly PolicyJudgement[], mode: Mode): Verdict | undefined {
  const ofMode = byPolicy.filter((judged) => judged.mode === mode)
  const outcome = worstFirst.find((candidate) => ofMode.some((judged) => judged.outcome === candidate))
  const deciding = ofMode.find((judged) => judged.outcome === outcome)
  if (deciding === undefined) return undefined
  const { policy, code, detail } = deciding
  return {
    outcome: deciding.outcome,
    policy,
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail }),
  }
}

/** Until the first thing ends that the judgement rests on. What could not be found out is not kept at all. */
function keptUntil(byPolicy: readonly PolicyJudgement[], inquiry: Inquiry): number | undefined {
  const { now } = inquiry
  const outcomes = new Set(byPolicy.map(({ outcome }) => outcome))
  if (outcomes.has('undetermined') || !(outcomes.has('trusted') || outcomes.has('untrusted'))) return undefined
  const kept = now + (outcomes.has('untrusted') ? untrustedKeptMs : trustedKeptMs)
  const ends = [inquiry.reliedUntil(), ...byPolicy.map(({ validUntil }) => validUntil)]
  return Math.min(kept, ...ends.filter((end) => end !== undefined))
}

function judgeMalformed(image: ImagePlan): Judgement {
  return sameForAll(image, 'untrusted', 'reference-malformed', image.malformed?.message ?? 'not an image name')
}

/** For an image that could not be judged at all: nobody knows anything about it but a digest that it may be named by. */
export function unjudged(image: ImagePlan, code: ErrorCode, detail: string): Judgement {
  const { reference, denied } = image
  const denial = reference?.digest === undefined ? undefined : denialOf(denied, reference, reference.digest)
  if (denial !== undefined) return denial
  return sameForAll(image, 'undetermined', code, detail)
}

function sameForAll(image: ImagePlan, outcome: Outcome, code: ErrorCode, detail: string): Judgement {
  const byPolicy = image.demands.map(({ policy }): PolicyJudgement => {
    return { policy: policyName(policy), mode: policy.mode, rule: 'reference', outcome, code, detail }
  })
  return {
    reference: image.text,
    enforced: combine(byPolicy, 'Enforce'),
    warned: combine(byPolicy, 'Warn'),
    audited: combine(byPolicy, 'Audit'),
    byPolicy,
    signers: [],
  }
}

function distinct<T extends { readonly fingerprint: string }>(signers: readonly T[]): readonly T[] {
  return [...new Map(signers.map((signer) => [signer.fingerprint, signer])).values()]
}
