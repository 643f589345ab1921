// What a request asks to be judged: its image uses, each with the demands of the policies that apply.

import type { ImageUse } from '#core/admission/use.ts'
import { CodedError } from '#core/errors.ts'
import type { ImageReference } from '#core/image/reference.ts'
import { formatReference, parseReference } from '#core/image/reference.ts'
import type { MatchedPolicies } from '#core/policy/match.ts'
import type { Mode } from '#core/policy/words.ts'
import type { Decision } from './decision.ts'
import type { Demand, ImagePlan, LastVerdict } from './image-plan.ts'
import { policyName } from './judge-image.ts'

export interface PlanRequest {
  readonly purpose: Decision['purpose']
  readonly namespace?: string
  readonly uses: readonly ImageUse[]
  /** Pointers of the uses that an UPDATE left as they were. */
  readonly unchanged: ReadonlySet<string>
}

export interface PlannedUse {
  readonly use: ImageUse
  readonly unchanged: boolean
  readonly image: ImagePlan
}

export interface Plan {
  readonly purpose: Decision['purpose']
  readonly namespace?: string
  readonly uses: readonly PlannedUse[]
  /** Each distinct image once. */
  readonly images: readonly ImagePlan[]
  /** No policy applies to the object. */
  readonly leftAlone: boolean
  /** The policies that speak about any of the images. */
  readonly policies: Decision['policies']
}

/**
 * @param matched the policies that apply to the object
 * @param last the last trusted verdict that was given for an image key
 */
export function plan(
  request: PlanRequest,
  matched: MatchedPolicies,
  last: (key: string) => LastVerdict | undefined = () => undefined,
): Plan {
  const byText = new Map<string, ImagePlan>()
  const uses = matched.isEmpty
    ? []
    : request.uses.map((use): PlannedUse => {
        const image = byText.get(use.image) ?? planImage(use.image, matched, last)
        byText.set(use.image, image)
        return { use, unchanged: request.unchanged.has(use.pointer), image }
      })
  const images = new Map(uses.map(({ image }) => [image.key, image]))
  const speaking = new Set([...images.values()].flatMap((image) => image.demands.map((demand) => demand.policy)))
  return {
    purpose: request.purpose,
    ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
    uses,
    images: [...images.values()],
    leftAlone: matched.isEmpty,
    policies: [...speaking].map((policy) => ({
      name: policyName(policy),
      mode: policy.mode,
      revision: policy.revision,
      language: policy.language,
    })),
  }
}

function planImage(text: string, matched: MatchedPolicies, last: (key: string) => LastVerdict | undefined): ImagePlan {
  let reference: ImageReference
  try {
    reference = parseReference(text)
  } catch (error) {
    const malformed =
      error instanceof CodedError ? error : new CodedError('reference-malformed', 'not an image reference')
    return { key: `malformed ${text}`, reference: undefined, malformed, text, demands: everyPolicy(matched) }
  }
  const demands = demandsOn(reference, matched)
  const key = `${formatReference(reference)} ${demands.map(demandKey).join(',')}`
  const verdict = last(key)
  return { key, reference, text, demands, ...(verdict === undefined ? {} : { last: verdict }) }
}

function demandKey(demand: Demand): string {
  return `${demand.policy.revision}/${demand.kind === 'rule' ? demand.rule.path : demand.kind}`
}

/** A text that is no reference is refused by whoever applies, and `otherwise: Accept` does not help it. */
function everyPolicy(matched: MatchedPolicies): readonly Demand[] {
  return [...matched.undetermined, ...matched.policies].map((policy) => ({ kind: 'otherwise', policy }))
}

/** What each mode is added to: a Warn policy is judged as if it were enforced beside those that are. */
const stricterModes: Readonly<Record<Mode, readonly Mode[]>> = {
  Enforce: ['Enforce'],
  Warn: ['Enforce', 'Warn'],
  Audit: ['Enforce', 'Warn', 'Audit'],
}

function demandsOn(reference: ImageReference, matched: MatchedPolicies): readonly Demand[] {
  const demands: Demand[] = matched.undetermined.map((policy) => ({ kind: 'unknown-match', policy }))
  const rules = matched.rulesFor(reference)
  for (const { policy, rule } of rules) demands.push({ kind: 'rule', policy, rule })
  for (const mode of ['Enforce', 'Warn', 'Audit'] as const) {
    const beside = stricterModes[mode]
    const covering = rules.filter(({ policy }) => beside.includes(policy.mode))
    const policy = matched.otherwise(mode, {
      coveredByCluster: covering.some((rule) => rule.policy.kind === 'ClusterTrustPolicy'),
      coveredAtAll: covering.length > 0,
    })
    if (policy !== undefined) demands.push({ kind: 'otherwise', policy })
  }
  return demands
}
