// Digests as the OCI image specification writes them. Core never computes one: bytes are hashed by whoever fetched
// them, before anything else sees them.

import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'

declare const digestBrand: unique symbol

/** `algorithm:hex`, lower case, of a supported algorithm. */
export type Digest = string & { readonly [digestBrand]: true }

/** Nothing weaker is accepted (OCI image-spec, descriptor.md, registered algorithms). */
const supported = /^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/
/** Of all of them. */
const algorithmLength = 'sha256'.length

/** @throws CodedError `digest-malformed` */
export function parseDigest(text: string): Digest {
  const digest = toDigest(text)
  if (digest === undefined) {
    throw new CodedError(
      'digest-malformed',
      `"${printable(text, 150)}" is not a sha256, sha384 or sha512 digest in lower-case hex`,
    )
  }
  return digest
}

/** The same text as a digest, or `undefined` where it is none. */
export function toDigest(text: string): Digest | undefined {
  return supported.test(text) ? (text as Digest) : undefined
}

export function digestAlgorithm(digest: Digest): 'sha256' | 'sha384' | 'sha512' {
  return digest.slice(0, algorithmLength) as 'sha256' | 'sha384' | 'sha512'
}

export function digestHex(digest: Digest): string {
  return digest.slice(algorithmLength + 1)
}

/** Tags have at most 128 characters, so that nothing can lie under one made of a longer digest. */
export const maxTagLength = 128

/** The tag under which clients without a referrers API keep what refers to `digest` (distribution-spec, "Referrers Tag Schema"). */
export function fallbackTag(digest: Digest): string {
  return digest.replace(':', '-')
}
