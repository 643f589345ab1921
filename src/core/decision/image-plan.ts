// What has to be judged about one image, before anything is asked: the demands of every policy that speaks about it.

import type { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import type { Denied } from '#core/policy/denied.ts'
import type { Mode, Policy, Rule, WhenUndetermined } from '#core/policy/words.ts'
import type { Signer } from './format.ts'

export type Demand =
  /** A rule of the policy governs the image. */
  | { readonly kind: 'rule'; readonly policy: Policy; readonly rule: Rule }
  /** No rule covers it, and this policy's `otherwise` is what decides. */
  | { readonly kind: 'otherwise'; readonly policy: Policy }
  /** It could not be found out whether the policy applies. */
  | { readonly kind: 'unknown-match'; readonly policy: Policy }

/** A `trusted` verdict given earlier under exactly these demands. */
export interface LastVerdict {
  readonly digest: Digest
  readonly at: number
  readonly signers: readonly Signer[]
  readonly validUntil?: number
}

export interface ImagePlan {
  /** Equal for equal references under equal demands and deny lists: images with one key are judged once. */
  readonly key: string
  readonly reference: ImageReference | undefined
  /** Set where `reference` is not. */
  readonly malformed?: CodedError
  /** As written; what is malformed without its user part. */
  readonly text: string
  readonly demands: readonly Demand[]
  /** Goes before all demands; absent where nothing is denied. */
  readonly denied?: Denied | undefined
}

/** The strictest of what the policies of a mode that speak about the image say. */
export function strictestWhenUndetermined(policies: readonly Policy[]): WhenUndetermined {
  const said = new Set(policies.map((policy) => policy.whenUndetermined))
  if (said.has('Deny') || said.size === 0) return 'Deny'
  return said.has('UseLastVerdict') ? 'UseLastVerdict' : 'InsecureAdmit'
}

export function demandsOf(image: ImagePlan, mode: Mode): readonly Demand[] {
  return image.demands.filter((demand) => demand.policy.mode === mode)
}

export function policyName(policy: { readonly name: string; readonly namespace?: string }): string {
  return policy.namespace === undefined ? policy.name : `${policy.namespace}/${policy.name}`
}
