// Judges one image against all demands on it, and combines what the policies say, mode by mode.

import type { ErrorCode } from '#core/errors.ts'
import { errorTable } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import { effectiveTag, formatReference } from '#core/image/reference.ts'
import type { Mode, Pin } from '#core/policy/words.ts'
import type { Finding } from './finding.ts'
import { isProven } from './finding.ts'
import type { Demand, ImagePlan } from './image-plan.ts'
import { demandsOf, strictestWhenUndetermined } from './image-plan.ts'
import type { Inquiry } from './inquiry.ts'
import type { Judgement, PolicyJudgement, Verdict } from './judgement.ts'
import { judgePlatforms } from './platforms.ts'
import type { Fact } from './question.ts'
import { judgeRequirement, needsDigest } from './requirement.ts'

/** An untrusted verdict may change at any moment, by somebody signing: it is kept only to soften a burst. */
const untrustedKeptMs = 5_000

/** How long a proof is believed without looking again, where nothing ends it sooner. Revocation does not wait for it. */
const trustedKeptMs = 60 * 60 * 1000

/** @returns `open` while questions wait; they are on the inquiry's list */
export function judgeImage(image: ImagePlan, inquiry: Inquiry): Judgement | 'open' {
  const { reference } = image
  if (reference === undefined) return judgeMalformed(image)
  const resolved = digestOf(image, reference, inquiry)
  if (resolved === undefined) return 'open'
  if (resolved.known && resolved.value !== undefined) {
    const settled = inquiry.knowledge.settled(image.key, resolved.value)
    if (settled !== undefined) return settled
  }
  const judged = image.demands.map((demand) => judgeDemand(demand, reference, resolved, inquiry))
  const byPolicy = judged.filter((judgement) => judgement !== 'open')
  if (byPolicy.length < judged.length) return 'open'
  return conclude(image, formatReference(reference), resolved.known ? resolved.value : undefined, byPolicy, inquiry.now)
}

/** The digest that the demands need; known as `undefined` if they need none. */
function digestOf(image: ImagePlan, reference: ImageReference, inquiry: Inquiry): Fact<Digest | undefined> | undefined {
  if (reference.digest !== undefined) return { known: true, value: reference.digest }
  const wanted = image.demands.some((demand) => demand.kind === 'rule' && asksRegistry(demand, reference))
  if (!wanted) return { known: true, value: undefined }
  const at = { registry: reference.registry, repository: reference.repository }
  const fact = inquiry.ask({ kind: 'resolve', at, tag: effectiveTag(reference) ?? 'latest' })
  return fact?.known ? { known: true, value: fact.value.digest } : fact
}

function asksRegistry(demand: Demand & { kind: 'rule' }, reference: ImageReference): boolean {
  const refusedAsWritten = demand.rule.references === 'DigestOnly' && reference.digest === undefined
  return !refusedAsWritten && needsDigest(demand.rule.require)
}

function judgeDemand(
  demand: Demand,
  reference: ImageReference,
  resolved: Fact<Digest | undefined>,
  inquiry: Inquiry,
): PolicyJudgement | 'open' {
  const { policy } = demand
  const base = { policy: policyName(policy), mode: policy.mode }
  switch (demand.kind) {
    case 'unknown-match': {
      const detail = `policy "${base.policy}" selects namespaces by label, and the labels of this namespace are not known`
      return { ...base, rule: 'match', outcome: 'undetermined', code: 'namespace-labels-unknown', detail }
    }
    case 'otherwise':
      return policy.otherwise === 'Accept'
        ? { ...base, rule: 'otherwise', outcome: 'accepted', code: 'accepted-otherwise' }
        : { ...base, rule: 'otherwise', outcome: 'untrusted', code: 'no-rule', detail: 'no rule covers this image' }
    case 'rule':
      return judgeRule(demand, reference, resolved, inquiry)
  }
}

function judgeRule(
  demand: Demand & { kind: 'rule' },
  reference: ImageReference,
  resolved: Fact<Digest | undefined>,
  inquiry: Inquiry,
): PolicyJudgement | 'open' {
  const { policy, rule } = demand
  const base = { policy: policyName(policy), mode: policy.mode, rule: rule.path }
  if (rule.references === 'DigestOnly' && reference.digest === undefined) {
    const detail = 'the policy accepts images by digest only, and this one is named by tag'
    return { ...base, outcome: 'untrusted', code: 'digest-required', detail }
  }
  if (!resolved.known && needsDigest(rule.require)) {
    return { ...base, outcome: 'undetermined', code: resolved.code, detail: resolved.detail }
  }
  const digest = resolved.known ? resolved.value : undefined
  const finding = judgeRequirement(rule.require, { image: reference, digest }, inquiry)
  if (finding.state === 'open') return 'open'
  const judgement = { ...base, ...ruled(finding), finding }
  if (judgement.outcome !== 'trusted' || rule.platforms === 'Index' || digest === undefined) return judgement
  return judgePlatforms({ judgement, require: rule.require, image: reference, digest }, inquiry)
}

/** The outcome that a finished requirement stands for. */
export function ruled(finding: Finding): Pick<PolicyJudgement, 'outcome' | 'code' | 'detail' | 'validUntil'> {
  const why = {
    ...(finding.code === undefined ? {} : { code: finding.code }),
    ...(finding.detail === undefined ? {} : { detail: finding.detail }),
  }
  if (isProven(finding)) {
    return { outcome: 'trusted', ...(finding.validUntil === undefined ? {} : { validUntil: finding.validUntil }) }
  }
  if (finding.state === 'satisfied') return { outcome: 'accepted', code: 'accepted-by-rule' }
  return { outcome: finding.state === 'undetermined' ? 'undetermined' : 'untrusted', ...why }
}

function conclude(
  image: ImagePlan,
  reference: string,
  digest: Digest | undefined,
  byPolicy: readonly PolicyJudgement[],
  now: number,
): Judgement {
  const enforced = combine(byPolicy, 'Enforce')
  const softened = enforced?.outcome === 'undetermined' ? soften(image, digest, byPolicy, now) : undefined
  const judgement: Judgement = {
    reference,
    ...(digest === undefined ? {} : { digest }),
    enforced,
    warned: combine(byPolicy, 'Warn'),
    audited: combine(byPolicy, 'Audit'),
    byPolicy,
    signers: distinct(byPolicy.flatMap((judged) => judged.finding?.signers ?? [])),
    ...softened,
  }
  const pin = pinOf(image, judgement)
  const validUntil = softened === undefined ? keptUntil(byPolicy, now) : undefined
  return { ...judgement, ...(pin ? { pin } : {}), ...(validUntil === undefined ? {} : { validUntil }) }
}

const worstFirst = ['untrusted', 'undetermined', 'trusted', 'accepted'] as const

/** All policies of a mode must let the image pass: the worst of their outcomes is what they say together. */
function combine(byPolicy: readonly PolicyJudgement[], mode: Mode): Verdict | undefined {
  const ofMode = byPolicy.filter((judged) => judged.mode === mode)
  for (const outcome of worstFirst) {
    const judged = ofMode.find((candidate) => candidate.outcome === outcome)
    if (judged === undefined) continue
    return {
      outcome,
      policy: judged.policy,
      ...(judged.code === undefined ? {} : { code: judged.code }),
      ...(judged.detail === undefined ? {} : { detail: judged.detail }),
    }
  }
  return undefined
}

/** `whenUndetermined`: only where nobody who pushes can have brought the outage about (errors.ts, `outage`). */
function soften(
  image: ImagePlan,
  digest: Digest | undefined,
  byPolicy: readonly PolicyJudgement[],
  now: number,
): Partial<Judgement> | undefined {
  const enforced = byPolicy.filter((judged) => judged.mode === 'Enforce')
  const unknown = enforced.filter((judged) => judged.outcome === 'undetermined')
  if (!unknown.every(isOutage)) return undefined
  const policies = demandsOf(image, 'Enforce').map((demand) => demand.policy)
  switch (strictestWhenUndetermined(policies)) {
    case 'Deny':
      return undefined
    case 'InsecureAdmit': {
      const why = unknown[0]
      const detail = `${why?.code ?? ''}: ${why?.detail ?? ''}`
      return {
        enforced: {
          outcome: 'accepted',
          code: 'accepted-undetermined',
          detail,
          ...(why ? { policy: why.policy } : {}),
        },
      }
    }
    case 'UseLastVerdict': {
      const maxAge = Math.min(...policies.map((policy) => policy.lastVerdictMaxAge ?? Number.POSITIVE_INFINITY))
      const { last } = image
      if (last === undefined || !(now - last.at <= maxAge)) return undefined
      if (last.validUntil !== undefined && now >= last.validUntil) return undefined
      if (digest !== undefined && digest !== last.digest) return undefined
      const detail = `the registry could not be asked; trusted at ${new Date(last.at).toISOString()}`
      const enforcedNow: Verdict = { outcome: 'trusted', code: 'accepted-last-verdict', detail }
      return { enforced: enforcedNow, digest: last.digest, signers: last.signers, staleSince: last.at }
    }
  }
}

function isOutage(judged: PolicyJudgement): boolean {
  const codes = [...(judged.code === undefined ? [] : [judged.code]), ...gapCodes(judged.finding)]
  for (const platform of judged.platforms ?? []) codes.push(...gapCodes(platform.finding))
  return codes.length > 0 && codes.every((code) => 'outage' in errorTable[code])
}

function gapCodes(finding: Finding | undefined): readonly ErrorCode[] {
  if (finding === undefined) return []
  if (finding.kind === 'signature') return finding.gaps.map((gap) => gap.code)
  return 'of' in finding ? finding.of.flatMap(gapCodes) : []
}

/** Only a trusted image is pinned; Audit never changes an object, and `DigestOnly` must see what the user wrote. */
function pinOf(image: ImagePlan, { enforced, warned }: Judgement): Exclude<Pin, 'InsecureNever'> | undefined {
  const deciding = enforced ?? warned
  if (deciding?.outcome !== 'trusted') return undefined
  const modes: readonly Mode[] =
    enforced === undefined ? ['Warn'] : warned?.outcome === 'trusted' ? ['Enforce', 'Warn'] : ['Enforce']
  const demands = image.demands.filter((demand) => demand.kind === 'rule' && modes.includes(demand.policy.mode))
  if (demands.some((demand) => demand.kind === 'rule' && demand.rule.references === 'DigestOnly')) return undefined
  const pins = new Set(demands.map((demand) => demand.policy.pin))
  // A rule that names a tag must find the tag again when the pinned object is validated.
  const tagNamed = demands.some(
    (demand) => demand.kind === 'rule' && demand.rule.images.some((pattern) => pattern.tag !== undefined),
  )
  if (pins.has('Digest')) return tagNamed ? 'TagAndDigest' : 'Digest'
  return pins.has('TagAndDigest') ? 'TagAndDigest' : undefined
}

function keptUntil(byPolicy: readonly PolicyJudgement[], now: number): number | undefined {
  let until: number | undefined
  for (const { outcome, validUntil } of byPolicy) {
    if (outcome === 'undetermined') return undefined
    if (outcome === 'accepted') continue
    const kept =
      outcome === 'untrusted'
        ? now + untrustedKeptMs
        : Math.min(validUntil ?? Number.POSITIVE_INFINITY, now + trustedKeptMs)
    until = Math.min(until ?? kept, kept)
  }
  return until
}

function judgeMalformed(image: ImagePlan): Judgement {
  const detail = image.malformed?.message ?? 'not an image reference'
  const byPolicy = image.demands.map(
    ({ policy }): PolicyJudgement => ({
      policy: policyName(policy),
      mode: policy.mode,
      rule: 'reference',
      outcome: 'untrusted',
      code: 'reference-malformed',
      detail,
    }),
  )
  return {
    reference: image.text,
    enforced: combine(byPolicy, 'Enforce'),
    warned: combine(byPolicy, 'Warn'),
    audited: combine(byPolicy, 'Audit'),
    byPolicy,
    signers: [],
  }
}

export function policyName(policy: { readonly name: string; readonly namespace?: string }): string {
  return policy.namespace === undefined ? policy.name : `${policy.namespace}/${policy.name}`
}

function distinct<T extends { readonly fingerprint: string }>(signers: readonly T[]): readonly T[] {
  return [...new Map(signers.map((signer) => [signer.fingerprint, signer])).values()]
}
