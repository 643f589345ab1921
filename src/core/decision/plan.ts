// What a request asks to be judged: its image uses, each with the demands of the policies that apply.

import type { ImageUse } from '#core/admission/use.ts'
import { CodedError } from '#core/errors.ts'
import type { ImageReference } from '#core/image/reference.ts'
import { formatReference, parseReference } from '#core/image/reference.ts'
import { withoutUserPart } from '#core/image/user-part.ts'
import type { MatchedPolicies } from '#core/policy/match.ts'
import type { Mode, Policy } from '#core/policy/words.ts'
import type { Decision } from './decision.ts'
import type { Demand, ImagePlan } from './image-plan.ts'
import { policyName } from './image-plan.ts'

export interface PlanRequest {
  readonly purpose: Decision['purpose']
  readonly namespace?: string
  readonly uses: readonly ImageUse[]
  /** Pointers of the uses that an UPDATE left as they were. */
  readonly unchanged: ReadonlySet<string>
}

export interface PlannedUse {
  /** Of a text that is no image name without its user part: what is decided is shown, logged and kept. */
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

/** Plans use by use, so that whoever has thousands can do something else in between. */
export class Planner {
  readonly #request: Omit<PlanRequest, 'uses'>
  readonly #matched: MatchedPolicies
  readonly #uses: PlannedUse[] = []
  readonly #byText = new Map<string, ImagePlan>()
  readonly #images = new Map<string, ImagePlan>()

  /** @param matched the policies that apply to the object */
  constructor(request: Omit<PlanRequest, 'uses'>, matched: MatchedPolicies) {
    this.#request = request
    this.#matched = matched
  }

  add(use: ImageUse): void {
    if (this.#matched.isEmpty) return
    const image = this.#imageOf(use.image)
    const shown = image.malformed === undefined ? use : { ...use, image: image.text }
    this.#uses.push({ use: shown, unchanged: this.#request.unchanged.has(use.pointer), image })
  }

  plan(): Plan {
    const { purpose, namespace } = this.#request
    const images = [...this.#images.values()]
    const speaking = new Set<Policy>()
    for (const { demands } of images) for (const { policy } of demands) speaking.add(policy)
    return {
      purpose,
      ...(namespace === undefined ? {} : { namespace }),
      uses: this.#uses,
      images,
      leftAlone: this.#matched.isEmpty,
      policies: [...speaking].map((policy) => ({
        name: policyName(policy),
        mode: policy.mode,
        revision: policy.revision,
        language: policy.language,
      })),
    }
  }

  #imageOf(text: string): ImagePlan {
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const made = plannedImage(text, this.#matched)
    // `nginx` and `docker.io/library/nginx` are one image.
    const image = this.#images.get(made.key) ?? made
    this.#byText.set(text, image)
    this.#images.set(image.key, image)
    return image
  }
}

/**
 * What was planned for an image lately, under the same policies. Plans of two generations: when the younger one is full,
 * it becomes the elder, and what is in use comes over to the next. No clock: a plan never becomes wrong.
 */
interface KeptPlans {
  young: WeakMap<MatchedPolicies, Map<string, ImagePlan>>
  old: WeakMap<MatchedPolicies, Map<string, ImagePlan>>
  inYoung: number
}

/** Images that are being started at one time, at about a KiB; twice as many may be kept. */
const keptInGeneration = 2_048
/** Longer names are rare, and would make the bound one of number only. */
const maxKeptText = 512

const keptPlans: KeptPlans = { young: new WeakMap(), old: new WeakMap(), inYoung: 0 }

function plannedImage(text: string, matched: MatchedPolicies): ImagePlan {
  const young = keptPlans.young.get(matched)?.get(text)
  if (young !== undefined) return young
  const image = keptPlans.old.get(matched)?.get(text) ?? planImage(text, matched)
  if (text.length <= maxKeptText && image.malformed === undefined) keepPlan(matched, text, image)
  return image
}

function keepPlan(matched: MatchedPolicies, text: string, image: ImagePlan): void {
  if (keptPlans.inYoung === keptInGeneration) {
    keptPlans.old = keptPlans.young
    keptPlans.young = new WeakMap()
    keptPlans.inYoung = 0
  }
  keptPlans.inYoung += 1
  const known = keptPlans.young.get(matched)
  if (known === undefined) keptPlans.young.set(matched, new Map([[text, image]]))
  else known.set(text, image)
}

function planImage(text: string, matched: MatchedPolicies): ImagePlan {
  let reference: ImageReference
  try {
    reference = parseReference(text)
  } catch (error) {
    const malformed =
      error instanceof CodedError ? error : new CodedError('reference-malformed', 'not an image reference')
    const shown = withoutUserPart(text)
    return { key: `malformed ${text}`, reference: undefined, malformed, text: shown, demands: whoeverSpeaks(matched) }
  }
  const demands = demandsOn(reference, matched)
  const { denied } = matched
  const lists = denied === undefined ? '' : ` but ${denied.revision}`
  const key = `${formatReference(reference)} ${demands.map(demandKey).join(',')}${lists}`
  return { key, reference, text, demands, denied }
}

function demandKey(demand: Demand): string {
  return `${demand.policy.revision}/${demand.kind === 'rule' ? demand.rule.path : demand.kind}`
}

const modes: readonly Mode[] = ['Enforce', 'Warn', 'Audit']

/** A text that is no reference is refused in each mode by one policy, and `otherwise: Accept` does not help it. */
function whoeverSpeaks(matched: MatchedPolicies): readonly Demand[] {
  const speakers = modes
    .map((mode) => matched.otherwise(mode, { coveredByCluster: false, coveredAtAll: false }))
    .filter((policy) => policy !== undefined)
  return [...speakers, ...matched.undetermined].map((policy) => ({ kind: 'otherwise', policy }))
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
  for (const mode of modes) {
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
