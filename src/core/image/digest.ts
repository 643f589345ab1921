// Digests as the OCI image specification writes them. Core never computes one: bytes are hashed by whoever fetched
// them, before anything else sees them.

import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'

declare const digestBrand: unique symbol

/** `algorithm:hex`, lower case, of a supported algorithm. */
export type Digest = string & { readonly [digestBrand]: true }

/** Hex digits by algorithm; nothing weaker is accepted (OCI image-spec, descriptor.md, registered algorithms). */
const hexLength: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }

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
  const colon = text.indexOf(':')
  const algorithm = text.slice(0, Math.max(colon, 0))
  const length = Object.hasOwn(hexLength, algorithm) ? hexLength[algorithm] : undefined
  const hex = text.slice(colon + 1)
  return length !== undefined && hex.length === length && /^[0-9a-f]+$/.test(hex) ? (text as Digest) : undefined
}

export function digestAlgorithm(digest: Digest): 'sha256' | 'sha384' | 'sha512' {
  return digest.slice(0, digest.indexOf(':')) as 'sha256' | 'sha384' | 'sha512'
}

export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** Tags have at most 128 characters, so that nothing can lie under one made of a longer digest. */
export const maxTagLength = 128

/** The tag under which clients without a referrers API keep what refers to `digest` (distribution-spec, "Referrers Tag Schema"). */
export function fallbackTag(digest: Digest): string {
  return digest.replace(':', '-')
}
