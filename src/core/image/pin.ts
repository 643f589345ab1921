// Writes a verified digest into an image name. The name stays as its author wrote it: the digest is what binds, and a
// rewritten host or `library/` would make every GitOps tool see a difference that means nothing.

import type { Digest } from './digest.ts'

/**
 * @param image a reference without digest, as written
 * @param form `TagAndDigest` keeps the tag, `Digest` drops it
 */
export function pinnedText(image: string, digest: Digest, form: 'TagAndDigest' | 'Digest'): string {
  if (form === 'TagAndDigest') return `${image}@${digest}`
  const colon = image.indexOf(':', image.lastIndexOf('/') + 1)
  return `${colon === -1 ? image : image.slice(0, colon)}@${digest}`
}
