// `whenUndetermined`: what becomes of an image about which nothing could be found out, because the registry is away.

import type { ErrorCode } from '#core/errors.ts'
import { errorTable } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { Finding } from './finding.ts'
import type { ImagePlan } from './image-plan.ts'
import { demandsOf, strictestWhenUndetermined } from './image-plan.ts'
import type { Inquiry } from './inquiry.ts'
import type { Judgement, PolicyJudgement } from './judgement.ts'

/**
 * More signatures or platforms than an honest image has, more images than an honest object. Who pushes or deploys could
 * bring a time-out or "too many requests" about with them, so that what happens then is no outage.
 */
const mostOfHonest = 32

/** What was given later than now by more than this was given before the clock was set back: its age is not known. */
const clockSlackMs = 60_000

/**
 * Helps only where nobody who pushes this image or deploys this object can have had a hand in it (`outage` in the table of
 * codes), and only as far as all enforcing policies that speak about the image agree: the strictest wins. What many objects
 * together do to a registry or to the line cannot be told from an outage: docs/policy.md says so.
 */
export function soften(
  image: ImagePlan,
  digest: Digest | undefined,
  byPolicy: readonly PolicyJudgement[],
  { knowledge, now, images }: Pick<Inquiry, 'knowledge' | 'now' | 'images'>,
): Pick<Judgement, 'enforced'> | Pick<Judgement, 'enforced' | 'digest' | 'signers' | 'staleSince'> | undefined {
  const unknown = byPolicy.filter((judged) => judged.mode === 'Enforce' && judged.outcome === 'undetermined')
  const [first] = unknown
  if (first === undefined || images > mostOfHonest || !unknown.every(isOutage)) return undefined
  const { policy } = first
  const policies = demandsOf(image, 'Enforce').map((demand) => demand.policy)
  switch (strictestWhenUndetermined(policies)) {
    case 'Deny':
      return undefined
    case 'InsecureAdmit': {
      const detail = `${first.code}: ${first.detail ?? ''}`
      return { enforced: { outcome: 'accepted', code: 'accepted-undetermined', detail, policy } }
    }
    case 'UseLastVerdict': {
      const last = knowledge.last(image.key)
      const maxAge = Math.min(...policies.map(({ lastVerdictMaxAge }) => lastVerdictMaxAge ?? Number.POSITIVE_INFINITY))
      if (last === undefined || !(now - last.at <= maxAge) || last.at - now > clockSlackMs) return undefined
      if (last.validUntil !== undefined && now >= last.validUntil) return undefined
      // The tag was moved since: nothing is known about what it names now.
      if (digest !== undefined && digest !== last.digest) return undefined
      const detail = `trusted at ${new Date(last.at).toISOString()}`
      return {
        enforced: { outcome: 'trusted', code: 'accepted-last-verdict', detail, policy },
        digest: last.digest,
        signers: last.signers,
        staleSince: last.at,
      }
    }
  }
}

function isOutage({ code, finding, platforms = [] }: PolicyJudgement): boolean {
  const findings = [...(finding === undefined ? [] : [finding]), ...platforms.map((platform) => platform.finding)]
  const leaves = findings.flatMap(leavesOf)
  if (platforms.length > mostOfHonest) return false
  if (leaves.some(({ signatures, gaps }) => signatures.length + gaps.length > mostOfHonest)) return false
  const codes: readonly (ErrorCode | undefined)[] = [code, ...leaves.flatMap(({ gaps }) => gaps.map((gap) => gap.code))]
  return codes.every((each) => each !== undefined && 'outage' in errorTable[each])
}

function leavesOf(finding: Finding): readonly (Finding & { kind: 'signature' })[] {
  if (finding.kind === 'signature') return [finding]
  return 'of' in finding ? finding.of.flatMap(leavesOf) : []
}
