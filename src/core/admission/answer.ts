// AdmissionReview out: the constructors of answers, and the one function that makes a review of an answer. Keeps what
// the API server demands (`VerifyAdmissionResponse`, the limits on warnings) whatever it is given.

import { encodeBase64 } from '#core/encoding/base64.ts'
import type { ErrorCode } from '#core/errors.ts'
import type { JsonPatchOperation } from './patch.ts'
import type { ReviewId, ReviewVersion } from './review.ts'

/** What goes with any answer. */
export interface Remarks {
  /** The most important first: what exceeds the bounds is left out from the end. */
  readonly warnings: readonly string[]
  /** The API server puts the webhook's name before each key. */
  readonly auditAnnotations: Readonly<Record<string, string>>
}

export interface Allowed extends Remarks {
  readonly outcome: 'allowed'
}

export interface AllowedWithPatch extends Remarks {
  readonly outcome: 'patched'
  readonly patch: readonly JsonPatchOperation[]
}

export interface Denied extends Remarks {
  readonly outcome: 'denied'
  readonly code: ErrorCode
  /** The whole text, of any number of lines. */
  readonly message: string
}

/** What validating may answer: a patch from there is an error to the API server, so the type has none. */
export type ValidationAnswer = Allowed | Denied
export type AdmissionAnswer = Allowed | AllowedWithPatch | Denied

export interface AdmissionResponse {
  readonly uid: string
  readonly allowed: boolean
  readonly patchType?: 'JSONPatch'
  /** Base64 of the JSON of the operations. */
  readonly patch?: string
  readonly status?: { readonly code: 403; readonly reason: 'Forbidden'; readonly message: string }
  readonly warnings?: readonly string[]
  readonly auditAnnotations?: Readonly<Record<string, string>>
}

export interface AnsweredReview {
  readonly apiVersion: ReviewVersion
  readonly kind: 'AdmissionReview'
  readonly response: AdmissionResponse
}

/** The API server cuts every warning to this as soon as all together exceed `maxWarningRunes`. */
const maxRunesOfOneWarning = 256
/** k8s.io/apiserver, warning recorder: 4 Ki runes for all webhooks together; we leave some to the others. */
const maxWarningRunes = 4096
/** Passed through whole up to 64 KB by kube-apiserver; more than this no one reads. */
const maxMessageRunes = 32_768
/** A qualified name's part after the slash (apimachinery validation), which an audit annotation's key must be. */
const maxAuditKeyLength = 63
/** One line of an audit log should stay readable; 1 Ki runes hold a sentence and several digests. */
const maxAuditValueRunes = 1024
const maxAuditAnnotations = 32

const noRemarks: Remarks = { warnings: [], auditAnnotations: {} }

export function allowed(remarks: Partial<Remarks> = {}): Allowed {
  return { outcome: 'allowed', ...noRemarks, ...remarks }
}

/** An empty patch is no patch. */
export function allowedWithPatch(
  patch: readonly JsonPatchOperation[],
  remarks: Partial<Remarks> = {},
): Allowed | AllowedWithPatch {
  if (patch.length === 0) return allowed(remarks)
  return { outcome: 'patched', patch, ...noRemarks, ...remarks }
}

export function denied(code: ErrorCode, message: string, remarks: Partial<Remarks> = {}): Denied {
  return { outcome: 'denied', code, message, ...noRemarks, ...remarks }
}

/**
 * The AdmissionReview that answers a request. Total: whatever texts the answer holds, the API server accepts it.
 *
 * A denial is 403 Forbidden with the text as message, because kubectl hides the message of an `Invalid` one. v1beta1
 * knows no warnings.
 */
export function answer(id: ReviewId, given: AdmissionAnswer): AnsweredReview {
  const warnings = id.apiVersion === 'admission.k8s.io/v1' ? boundWarnings(given.warnings) : []
  const auditAnnotations = boundAnnotations(given.auditAnnotations)
  return {
    apiVersion: id.apiVersion,
    kind: 'AdmissionReview',
    response: {
      uid: id.uid,
      ...verdictOf(given),
      ...(warnings.length > 0 && { warnings }),
      ...(auditAnnotations !== undefined && { auditAnnotations }),
    },
  }
}

function verdictOf(given: AdmissionAnswer): Omit<AdmissionResponse, 'uid'> {
  switch (given.outcome) {
    case 'allowed':
      return { allowed: true }
    case 'patched':
      return { allowed: true, patchType: 'JSONPatch', patch: encodePatch(given.patch) }
    case 'denied':
      return { allowed: false, status: { code: 403, reason: 'Forbidden', message: denialText(given) } }
  }
}

function encodePatch(patch: readonly JsonPatchOperation[]): string {
  return encodeBase64(new TextEncoder().encode(JSON.stringify(patch)))
}

/** Without a text kubectl would say "without explanation". */
function denialText(given: Denied): string {
  const text = given.message
    .split(/\r\n|\n|\r/)
    .map(plain)
    .join('\n')
    .trim()
  return cut(text === '' ? `denied by Sealward (${given.code})` : text, maxMessageRunes)
}

function boundWarnings(warnings: readonly string[]): readonly string[] {
  const kept: string[] = []
  let runes = 0
  for (const warning of warnings) {
    const line = cut(plain(warning).trim(), maxRunesOfOneWarning)
    if (line === '') continue
    runes += [...line].length
    if (runes > maxWarningRunes) break
    kept.push(line)
  }
  return kept
}

function boundAnnotations(annotations: Readonly<Record<string, string>>): Record<string, string> | undefined {
  const names = Object.keys(annotations)
  if (names.length === 0) return undefined
  const bound: Record<string, string> = {}
  for (const name of names.slice(0, maxAuditAnnotations)) {
    bound[auditKey(name)] = cut(plain(annotations[name] ?? ''), maxAuditValueRunes)
  }
  return bound
}

/** `[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?`; the API server drops an annotation under any other key. */
function auditKey(key: string): string {
  if (/^[A-Za-z0-9]{1,63}$/.test(key)) return key
  const legal = key.replace(/[^-A-Za-z0-9_.]/g, '-').slice(0, maxAuditKeyLength)
  return legal.replace(/^[-_.]+|[-_.]+$/g, '') || 'note'
}

/**
 * One line that a terminal cannot be steered by: no control characters (the API server drops a warning that has one),
 * no line separators, no characters that turn the direction of writing, no half surrogate pairs.
 */
function plain(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  return text.toWellFormed().replace(/[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ' ')
}

function cut(text: string, maxRunes: number): string {
  // A rune is one or two UTF-16 units: a text this short needs no counting.
  if (text.length <= maxRunes) return text
  const runes = [...text]
  return runes.length <= maxRunes ? text : `${runes.slice(0, maxRunes - 1).join('')}…`
}
