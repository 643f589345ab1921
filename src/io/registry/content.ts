// Bytes and what they are called: hashing, and the checks that make fetched bytes be what their digest says.

import { createHash } from 'node:crypto'
import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import { type Digest, digestAlgorithm, parseDigest, toDigest } from '#core/image/digest.ts'
import { dockerSchema1Types } from '#core/image/manifest.ts'
import { showUrl } from '#io/http/failure.ts'
import { singleHeader } from '#io/http/message.ts'
import type { Followed } from './redirect.ts'

export function computeDigest(bytes: Uint8Array, algorithm: 'sha256' | 'sha384' | 'sha512' = 'sha256'): Digest {
  return parseDigest(`${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`)
}

/** @throws CodedError `digest-mismatch` */
export function checkDigest(bytes: Uint8Array, digest: Digest, url: URL): void {
  const actual = computeDigest(bytes, digestAlgorithm(digest))
  if (actual === digest) return
  throw new CodedError('digest-mismatch', `${url.host} sent bytes with the digest ${actual} for ${digest}`, {
    where: showUrl(url),
  })
}

/**
 * The digest that the registry itself names (`Docker-Content-Digest`).
 *
 * @throws CodedError `registry-protocol` where it is none
 */
export function declaredDigest(answer: Followed): Digest | undefined {
  const text = singleHeader(answer.response, 'docker-content-digest')
  if (text === undefined) return undefined
  const digest = toDigest(text.trim())
  if (digest !== undefined) return digest
  const shown = printable(text, 100)
  throw new CodedError('registry-protocol', `${answer.url.host} names "${shown}" as a digest, which is none`, {
    where: showUrl(answer.url),
  })
}

/** What the registry says about bytes must be true of them. @throws CodedError `digest-mismatch`, `registry-protocol` */
export function checkDeclared(answer: Followed): void {
  const declared = declaredDigest(answer)
  if (declared !== undefined) checkDigest(answer.response.body, declared, answer.url)
}

/** The media type without parameters, in lower case; empty where the registry gave none. */
export function mediaTypeOf(answer: Followed): string {
  const text = singleHeader(answer.response, 'content-type') ?? ''
  return (text.split(';', 1)[0] ?? '').trim().toLowerCase()
}

/** @throws CodedError `manifest-unsupported` */
export function refuseSchema1(mediaType: string, url: URL): void {
  if (!dockerSchema1Types.includes(mediaType)) return
  throw new CodedError('manifest-unsupported', `${showUrl(url)} is a Docker schema 1 manifest`, { where: showUrl(url) })
}
