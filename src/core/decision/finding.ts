// What judging has found out, as a tree that follows the policy's requirement. Explanations, records and verdicts are
// all made from these values.

import type { ErrorCode } from '#core/errors.ts'
import type { Identity } from '#core/policy/words.ts'
import type { Check, Gap, Oddity, Signer } from './format.ts'

/** `open`: more has to be asked before anything can be said. */
export type State = 'satisfied' | 'unsatisfied' | 'undetermined' | 'open'

/** One signature that was found, and what became of it for one attestor. */
export interface SignatureFinding {
  readonly format: string
  readonly place: string
  readonly counts: boolean
  /** Known only when the signature itself verified. */
  readonly signer?: Signer
  readonly code?: ErrorCode
  readonly detail?: string
  readonly checks: readonly Check[]
  /** The name inside the signed bytes, of a signature that verified. */
  readonly signedAs?: string
}

export interface SignatureDemandFinding {
  readonly kind: 'signature'
  readonly state: State
  readonly attestor: string
  /** That the signature must carry. */
  readonly annotations: Readonly<Record<string, string>>
  /** What is demanded of the name inside it. */
  readonly identity: Identity['type']
  /** Keys that would be accepted now, by name. */
  readonly acceptableKeys: readonly string[]
  readonly code?: ErrorCode
  readonly detail?: string
  /** More signers might still turn up: questions about this leaf wait. */
  readonly pending: boolean
  readonly signers: readonly Signer[]
  readonly signatures: readonly SignatureFinding[]
  readonly oddities: readonly Oddity[]
  readonly gaps: readonly Gap[]
  /** When what was proved stops counting (ms); absent if it does not. */
  readonly validUntil?: number
}

export interface GroupFinding {
  readonly kind: 'allOf' | 'anyOf' | 'atLeast'
  readonly state: State
  /** Of `atLeast`: how many are asked for. */
  readonly count?: number
  readonly of: readonly Finding[]
  readonly code?: ErrorCode
  readonly detail?: string
  readonly pending: boolean
  readonly signers: readonly Signer[]
  readonly validUntil?: number
}

export interface FixedFinding {
  readonly kind: 'deny' | 'insecureAcceptAnything'
  readonly state: State
  readonly code: ErrorCode
  readonly detail?: string
  readonly pending: false
  readonly signers: readonly []
  readonly validUntil?: undefined
}

export type Finding = SignatureDemandFinding | GroupFinding | FixedFinding

/** Satisfied, and somebody's verified signature is the reason: the only road to `trusted`. */
export function isProven(finding: Finding): boolean {
  return finding.state === 'satisfied' && finding.signers.length > 0
}
