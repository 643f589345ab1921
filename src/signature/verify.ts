// The door for verifying: one material, one attestor, one image. Whatever goes wrong in a format, it never comes out
// as accepted; and what comes out as accepted is checked once more against what was asked.

import type { Format, Material, SignedSubject, Verification } from '#core/decision/format.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { Attestor } from '#core/policy/words.ts'
import { hasIndispensable } from './acceptance.ts'
import { formats } from './formats.ts'

export interface VerifyRequest {
  /** The name of a format in the table. */
  readonly format: string
  readonly material: Material
  readonly attestor: Attestor
  readonly subject: SignedSubject
}

/**
 * Does this material prove that this attestor vouches for this subject?
 *
 * @throws CodedError `internal-error` for a fault of ours, which says nothing about the signature
 */
export async function verifyMaterial(
  request: VerifyRequest,
  table: readonly Format[] = formats,
): Promise<Verification> {
  const { material, attestor, subject } = request
  const format = table.find(({ name }) => name === request.format)
  if (format === undefined) throw new CodedError('internal-error', `there is no signature format "${request.format}"`)
  const verification = await withoutSurprises(() => format.verify(material, attestor, subject))
  if (verification.accepted) insist(verification, attestor, subject)
  return verification
}

async function withoutSurprises(verify: () => Promise<Verification>): Promise<Verification> {
  try {
    return await verify()
  } catch (error) {
    if (error instanceof CodedError && error.code === 'internal-error') throw error
    throw new CodedError('internal-error', `a signature format failed: ${messageOf(error)}`, { cause: error })
  }
}

/** Rule 1 of the design: no trust without a verified signature, by a key that was asked for, bound to this digest. */
function insist(
  { checks, claims }: Verification & { readonly accepted: true },
  attestor: Attestor,
  subject: SignedSubject,
): void {
  const { digest, signer } = claims
  const known = attestor.keys.some((key) => key.fingerprint === signer.fingerprint && key.name === signer.key)
  const proven = hasIndispensable(checks) && checks.every((check) => check.passed)
  if (!proven || !known || digest !== subject.digest || signer.attestor !== attestor.name) {
    throw new CodedError('internal-error', 'a signature format accepted what was not asked for')
  }
}
