// How a trusted image is to be pinned: the strictest of what the policies say that decided about it.

import type { Pin, Rule } from '#core/policy/words.ts'
import type { Demand, ImagePlan } from './image-plan.ts'
import { demandsOf } from './image-plan.ts'
import type { Judgement } from './judgement.ts'

/**
 * Only a trusted image is pinned. What is enforced decides; where nothing is, Warn policies do. Audit never changes an
 * object, and `DigestOnly` must see what the user wrote.
 */
export function pinOf(
  image: ImagePlan,
  { enforced, warned }: Pick<Judgement, 'enforced' | 'warned'>,
): Exclude<Pin, 'InsecureNever'> | undefined {
  const mode = enforced === undefined ? 'Warn' : 'Enforce'
  if ((enforced ?? warned)?.outcome !== 'trusted') return undefined
  const demands = demandsOf(image, mode).filter((demand) => demand.kind === 'rule')
  if (demands.some(({ rule }) => rule.references === 'DigestOnly')) return undefined
  const pins = new Set(demands.map(({ policy }) => policy.pin))
  // Without its tag an image may fall under other rules than those by which it was judged. What Audit policies would
  // then say is only recorded, and changes no object.
  const judging = image.demands.filter(({ policy }) => policy.mode !== 'Audit')
  if (pins.has('Digest')) return judging.some(namesTags) ? 'TagAndDigest' : 'Digest'
  return pins.has('TagAndDigest') ? 'TagAndDigest' : undefined
}

function namesTags({ policy }: Demand): boolean {
  return policy.rules.some(({ images, exceptImages }: Rule) =>
    [...images, ...exceptImages].some((pattern) => pattern.tag !== undefined),
  )
}
