// The only place where a verification is called accepted, and the only one where it is refused. A format collects named
// checks; what they add up to is decided here, from the checks themselves.

import type { Check, Claims, Verification } from '#core/decision/format.ts'
import type { ErrorCode } from '#core/errors.ts'
import { CodedError } from '#core/errors.ts'

/** No signature counts without both of these, whatever the format. */
const indispensable: readonly string[] = ['digest', 'signature']

/** @throws CodedError `internal-error` where a check failed or an indispensable one is missing: a mistake of the format. */
export function accept(checks: readonly Check[], claims: Claims): Verification {
  if (!hasIndispensable(checks) || checks.some((check) => !check.passed)) {
    throw new CodedError('internal-error', 'a format accepted a signature with checks failed or missing')
  }
  return { accepted: true, checks, claims }
}

export function hasIndispensable(checks: readonly Check[]): boolean {
  return indispensable.every((name) => checks.some((check) => check.name === name))
}

export interface Refusal {
  readonly code: ErrorCode
  readonly detail: string
  readonly untrustedHint?: string | undefined
}

export function refuse(checks: readonly Check[], { code, detail, untrustedHint }: Refusal): Verification {
  return { accepted: false, checks, code, detail, ...(untrustedHint !== undefined && { untrustedHint }) }
}

export function passed(name: string): Check {
  return { name, passed: true }
}

/** Refuses on account of one check, those before it having passed. */
export function refuseAt(name: string, before: readonly string[], refusal: Refusal): Verification {
  const { code, detail } = refusal
  return refuse([...before.map(passed), { name, passed: false, code, detail }], refusal)
}
