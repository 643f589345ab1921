// Is the image name inside a signature the name that the policy wants there? The kinds and their meaning are those of
// containers-policy.json(5), "signedIdentity"; `Any` is what every cosign verifier does: the digest binds, not the name.

import type { ImageReference } from '#core/image/reference.ts'
import { formatReference, parseReference, repositoryName } from '#core/image/reference.ts'
import type { Identity } from '#core/policy/words.ts'

/**
 * @param identity what the policy wants
 * @param image the reference that is judged, as it was written
 * @param untrustedSigned the name out of verified signed bytes; absent if the format or the signer names none
 * @returns why it does not match, or `undefined` where it does
 */
export function identityMismatch(
  identity: Identity,
  image: ImageReference,
  untrustedSigned: string | undefined,
): string | undefined {
  if (identity.type === 'Any') return undefined
  if (untrustedSigned === undefined) return 'the signature names no image'
  const signed = parsed(untrustedSigned)
  if (signed === undefined) return 'the name inside the signature is not an image reference'
  const matches = wanted(identity, image)
  return matches(signed) ? undefined : `signed as ${formatReference(signed)}, which is not ${describe(identity, image)}`
}

function wanted(
  identity: Exclude<Identity, { type: 'Any' }>,
  image: ImageReference,
): (signed: ImageReference) => boolean {
  switch (identity.type) {
    case 'MatchExact':
      return (signed) => exactly(image, signed)
    case 'MatchRepoDigestOrExact':
      return (signed) => repoDigestOrExact(image, signed)
    case 'MatchRepository':
      return (signed) => sameRepository(image, signed)
    case 'ExactReference': {
      const reference = parsed(identity.reference)
      return (signed) => reference !== undefined && exactly(reference, signed)
    }
    case 'ExactRepository': {
      const repository = parsed(identity.repository)
      return (signed) => repository !== undefined && sameRepository(repository, signed)
    }
    case 'RemapIdentity': {
      const remapped = remap(image, identity.prefix, identity.signedPrefix)
      return (signed) => remapped !== undefined && repoDigestOrExact(remapped, signed)
    }
  }
}

/**
 * The signature names the tag or digest by which the image is named. An image named by both, as pinning leaves it, is
 * held to its tag: that the signature is about its digest has been proven already.
 */
function exactly(image: ImageReference, signed: ImageReference): boolean {
  if (!sameRepository(image, signed) || image.tag !== signed.tag) return false
  return image.digest === signed.digest
    ? image.tag !== undefined || image.digest !== undefined
    : isPinned(image) && signed.digest === undefined
}

function isPinned({ tag, digest }: ImageReference): boolean {
  return tag !== undefined && digest !== undefined
}

function repoDigestOrExact(image: ImageReference, signed: ImageReference): boolean {
  return image.digest !== undefined ? sameRepository(image, signed) : exactly(image, signed)
}

function sameRepository(a: ImageReference, b: ImageReference): boolean {
  return a.registry === b.registry && a.repository === b.repository
}

/** The image under the name it was signed by: `prefix` is a host or the leading components of a repository name. */
function remap(image: ImageReference, prefix: string, signedPrefix: string): ImageReference | undefined {
  const name = repositoryName(image)
  if (name !== prefix && !name.startsWith(`${prefix}/`)) return image
  const rest = (image.tag ? `:${image.tag}` : '') + (image.digest ? `@${image.digest}` : '')
  return parsed(signedPrefix + name.slice(prefix.length) + rest)
}

function parsed(text: string): ImageReference | undefined {
  try {
    return parseReference(text)
  } catch {
    return undefined // a name that is no reference matches nothing; the caller says so
  }
}

function describe(identity: Exclude<Identity, { type: 'Any' }>, image: ImageReference): string {
  switch (identity.type) {
    case 'MatchExact':
      return `exactly ${formatReference(image)}`
    case 'MatchRepoDigestOrExact':
      return image.digest !== undefined
        ? `the repository ${repositoryName(image)}`
        : `exactly ${formatReference(image)}`
    case 'MatchRepository':
      return `the repository ${repositoryName(image)}`
    case 'ExactReference':
      return `exactly ${identity.reference}`
    case 'ExactRepository':
      return `the repository ${identity.repository}`
    case 'RemapIdentity':
      return `${repositoryName(image)} with "${identity.prefix}" read as "${identity.signedPrefix}"`
  }
}
