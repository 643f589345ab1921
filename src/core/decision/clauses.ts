// What all languages share: which codes need no detail, which are cured by signing, and how details become clauses.

import type { ErrorCode } from '#core/errors.ts'

/** Codes whose meaning says all; a detail would only repeat it. */
export const selfExplaining: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'signature-missing',
  'signature-by-stranger',
  'digest-required',
  'no-rule',
  'namespace-labels-unknown',
])

/** Codes of which a signature by the right key is the cure. */
export const curedBySigning: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'signature-missing',
  'signature-by-stranger',
  'signature-invalid',
  'annotation-mismatch',
  'threshold-not-met',
  'key-denied',
  'key-not-valid',
  'platform-untrusted',
])

/** An author's own sentence may end with a full stop, or not. */
export function withoutStop(text: string): string {
  return text.trimEnd().replace(/[.。]$/, '')
}

/** The reader of image names repeats the name, which stands in the headline already. */
export function withoutName(detail: string): string {
  return detail.replace(/^".*" is not an image name: /s, '')
}
