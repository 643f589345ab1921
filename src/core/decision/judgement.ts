// The values that judging one image yields, whoever uses it and wherever in an object it stands.

import type { ErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { Mode, Pin } from '#core/policy/words.ts'
import type { Finding } from './finding.ts'
import type { Signer } from './format.ts'

/** `accepted`: let pass without verification; never called trusted, never pinned. */
export type Outcome = 'trusted' | 'untrusted' | 'undetermined' | 'accepted'

/** What one policy says about one image. */
export interface PolicyJudgement {
  /** `production`, or `namespace/name` of a TrustPolicy. */
  readonly policy: string
  readonly mode: Mode
  /** The rule that governs, `otherwise`, or `match` where it is unknown whether the policy applies. */
  readonly rule: string
  readonly outcome: Outcome
  readonly code?: ErrorCode
  readonly detail?: string
  /** The requirement as it was judged; absent where none was needed. */
  readonly finding?: Finding
  /** Of an index under `platforms: Each`: the findings by platform digest. */
  readonly platforms?: readonly { readonly digest: Digest; readonly name: string; readonly finding: Finding }[]
  readonly validUntil?: number
}

/** What the policies of one mode say together. */
export interface Verdict {
  readonly outcome: Outcome
  readonly code?: ErrorCode
  readonly detail?: string
  /** The policy whose judgement decided. */
  readonly policy?: string
}

export interface Judgement {
  /** The reference, normalised; the text as written, less its user part, where it is none. */
  readonly reference: string
  /** The digest that was judged; absent if none had to be known or none could be. */
  readonly digest?: Digest
  /** Of the Enforce policies: this decides. `undefined` where no Enforce policy speaks about the image. */
  readonly enforced: Verdict | undefined
  readonly warned: Verdict | undefined
  readonly audited: Verdict | undefined
  readonly byPolicy: readonly PolicyJudgement[]
  readonly signers: readonly Signer[]
  /** How the image is to be pinned if it is trusted; absent where it must be left as written. */
  readonly pin?: Exclude<Pin, 'InsecureNever'>
  /** Until when the judgement may be kept (ms); absent if it must not be kept. */
  readonly validUntil?: number
  /** Trusted only by the last verdict, which was given at this time. */
  readonly staleSince?: number
}
