// What a DenyList says of an image or a key. It goes before every policy, so it is asked wherever something could count.

import type { Digest } from '#core/image/digest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import { formatReference } from '#core/image/reference.ts'
import type { Denied } from '#core/policy/denied.ts'
import type { AttestorKey, DenyList } from '#core/policy/words.ts'
import type { ImagePlan } from './image-plan.ts'
import type { Judgement, PolicyJudgement, Verdict } from './judgement.ts'

/** Why no signature by this key counts, whenever it was made. */
export function deniedKey({ name, fingerprint }: AttestorKey, denied: Denied | undefined): string | undefined {
  const list = denied?.keys.get(fingerprint)
  return list && `key "${name}" is ${onList(list)}`
}

/**
 * The refusal of an image whose digest is listed. No policy is asked: whatever one says, the image stays out. It is not
 * kept either, so that taking the entry out helps at once.
 */
export function denialOf(
  denied: Denied | undefined,
  reference: ImageReference,
  digest: Digest,
): (Judgement & { readonly validUntil?: undefined }) | undefined {
  const list = denied?.digests.get(digest)
  if (list === undefined) return undefined
  return {
    reference: formatReference(reference),
    digest,
    enforced: refusal(`${digest} is ${onList(list)}`),
    warned: undefined,
    audited: undefined,
    byPolicy: [],
    signers: [],
  }
}

/** The refusal of an index for the sake of an image in it that was judged. */
export function platformDenial({ denied }: ImagePlan, byPolicy: readonly PolicyJudgement[]): Verdict | undefined {
  if (denied === undefined) return undefined
  for (const { platforms = [] } of byPolicy) {
    for (const { digest, name } of platforms) {
      const list = denied.digests.get(digest)
      if (list !== undefined) return refusal(`its platform image ${name} (${digest}) is ${onList(list)}`)
    }
  }
  return undefined
}

function refusal(detail: string): Verdict {
  return { outcome: 'untrusted', code: 'digest-denied', detail }
}

function onList({ name, reason }: DenyList): string {
  return `on the DenyList "${name}": ${reason}`
}
