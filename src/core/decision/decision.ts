// The decision about one request, made of the judgements about its images.

import type { ImageUse } from '#core/admission/use.ts'
import type { ErrorCode } from '#core/errors.ts'
import { pinnedText } from '#core/image/pin.ts'
import type { Language, Mode } from '#core/policy/words.ts'
import type { Judgement, Outcome } from './judgement.ts'
import type { Plan, PlannedUse } from './plan.ts'

export interface UseVerdict {
  readonly use: ImageUse
  /** An UPDATE left this use as it was: it is reported, but neither refused nor changed. */
  readonly unchanged: boolean
  readonly outcome: Outcome
  readonly code?: ErrorCode
  readonly detail?: string
  /** The policy whose judgement decided; absent where none had to. */
  readonly policy?: string
  /** Absent only for an unchanged use about which nothing was known without asking. */
  readonly judgement?: Judgement
}

export interface Pin {
  readonly pointer: string
  readonly from: string
  readonly to: string
}

export interface Decision {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly purpose: 'mutate' | 'validate'
  readonly namespace?: string
  readonly allowed: boolean
  /** No policy applies to the object, or nothing in it is an image. */
  readonly leftAlone: boolean
  readonly verdicts: readonly UseVerdict[]
  readonly pins: readonly Pin[]
  readonly policies: readonly {
    readonly name: string
    readonly mode: Mode
    readonly revision: string
    readonly language: Language
  }[]
}

/** @param judgements by image key; an unchanged use may lack its own */
export function decide(
  plan: Plan,
  judgements: ReadonlyMap<string, Judgement>,
  stamp: { readonly id: string; readonly at: number },
): Decision {
  const judged = plan.uses.map((planned) => ({ planned, judgement: judgements.get(planned.image.key) }))
  const verdicts = judged.map(({ planned, judgement }) => verdictOf(plan, planned, judgement))
  const allowed = verdicts.every((verdict) => verdict.unchanged || passes(verdict.outcome))
  const pins =
    allowed && plan.purpose === 'mutate' ? judged.flatMap(({ planned, judgement }) => pinOf(planned, judgement)) : []
  return {
    ...stamp,
    purpose: plan.purpose,
    ...(plan.namespace === undefined ? {} : { namespace: plan.namespace }),
    allowed,
    leftAlone: plan.uses.length === 0 || plan.leftAlone,
    verdicts,
    pins,
    policies: plan.policies,
  }
}

export function passes(outcome: Outcome): boolean {
  return outcome === 'trusted' || outcome === 'accepted'
}

function verdictOf(plan: Plan, planned: PlannedUse, judgement: Judgement | undefined): UseVerdict {
  const { use, unchanged } = planned
  if (judgement === undefined) {
    if (unchanged) return { use, unchanged, outcome: 'accepted', code: 'accepted-unchanged' }
    return { use, unchanged, outcome: 'undetermined', code: 'internal-error', detail: 'the image was not judged' }
  }
  const { enforced } = judgement
  // Where only Warn or Audit policies speak, nothing stands in the way; what they say is in the judgement.
  if (enforced === undefined) {
    return judgement.warned?.outcome === 'trusted'
      ? { use, unchanged, ...judgement.warned, judgement }
      : { use, unchanged, outcome: 'accepted', code: 'accepted-not-enforced', judgement }
  }
  if (plan.purpose === 'validate' && !unchanged && mustBePinned(planned, judgement)) {
    const detail = judgement.digest ?? 'another digest'
    return {
      use,
      unchanged,
      outcome: 'untrusted',
      code: 'not-pinned',
      detail,
      ...(enforced.policy ? { policy: enforced.policy } : {}),
      judgement,
    }
  }
  return { use, unchanged, ...enforced, judgement }
}

/** A tag that a policy pins must have been pinned by /mutate; else a later change of the object slipped in between. */
function mustBePinned({ image }: PlannedUse, judgement: Judgement): boolean {
  return (
    judgement.enforced?.outcome === 'trusted' && judgement.pin !== undefined && image.reference?.digest === undefined
  )
}

function pinOf({ use, unchanged, image }: PlannedUse, judgement: Judgement | undefined): readonly Pin[] {
  if (unchanged || judgement?.pin === undefined || judgement.digest === undefined) return []
  if (image.reference === undefined || image.reference.digest !== undefined) return []
  return [{ pointer: use.pointer, from: use.image, to: pinnedText(use.image, judgement.digest, judgement.pin) }]
}
