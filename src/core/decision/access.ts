// The access proof: nothing that is remembered, was read elsewhere, or was not found may be told to somebody who cannot
// read the image itself.

import type { Digest } from '#core/image/digest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import type { Inquiry } from './inquiry.ts'
import type { Fact } from './question.ts'

const granted: Fact<true> = { known: true, value: true }

/**
 * @param needed `repository`: having read anything in the image's repository lately is enough, as for what was verified
 *   already; `image`: it must be there and readable now, as for saying that nobody has signed it
 * @returns `undefined` while the answer waits
 */
export function accessProof(
  image: ImageReference,
  digest: Digest,
  needed: 'repository' | 'image',
  inquiry: Inquiry,
): Fact<true> | undefined {
  // The digest came from the image's tag, in this very request.
  if (image.digest === undefined) return granted
  const at = { registry: image.registry, repository: image.repository }
  if (needed === 'repository' && inquiry.knowledge.mayRead(at)) return granted
  return inquiry.ask({ kind: 'access', at, digest })
}
