// What a signature format is to the rest of the house: one value of type `Format`, one row in `signature/formats.ts`.
// Core drives formats without knowing any: `ask` says what has to be fetched, `verify` what the fetched bytes prove.

import type { ErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { Attestor, Layout } from '#core/policy/words.ts'
import type { Facts, FetchQuestion, Repository } from './question.ts'

/** The image that is to be vouched for, and the repository in which its signatures lie. */
export interface SignedSubject {
  readonly digest: Digest
  readonly image: Repository
  readonly signatures: Repository
}

/** One signature, read whole, nothing about it believed yet. Plain data, so that it can be recorded or sent to a worker. */
export interface Material {
  /** Unique within format and content: two materials with one id are the same bytes. */
  readonly id: string
  /** Where it was found, for people: "layer 2 of sha256-….sig". */
  readonly place: string
  readonly untrusted: unknown
}

/** Something found at the place of signatures that is none; it never spoils a good signature beside it. */
export interface Oddity {
  readonly place: string
  readonly code: ErrorCode
  readonly detail: string
}

/** Something that could not be read; while one stands, "unsigned" must not be said. */
export interface Gap {
  readonly place: string
  readonly code: ErrorCode
  readonly detail: string
}

/** What `ask` has made of the facts so far. Complete when `questions` is empty. */
export interface Gathering {
  readonly questions: readonly FetchQuestion[]
  readonly materials: readonly Material[]
  readonly oddities: readonly Oddity[]
  readonly gaps: readonly Gap[]
}

export interface Check {
  /** Stable short name: "payload", "digest", "signature". */
  readonly name: string
  readonly passed: boolean
  readonly code?: ErrorCode
  readonly detail?: string
}

/** Who signed: the public key by the SHA-256 of its SPKI (hex), with the name that the attestor gives it. */
export interface Signer {
  readonly attestor: string
  readonly key: string
  readonly fingerprint: string
}

/** What a positively verified signature proves. */
export interface Claims {
  readonly signer: Signer
  readonly digest: Digest
  /** The image name inside the signed bytes, as it stands there; absent if the format or the signature names none. */
  readonly reference?: string
  readonly annotations: Readonly<Record<string, string>>
  /** When it was signed, in milliseconds, by a trusted log or timestamp; empty if nothing proves it. */
  readonly provenTimes: readonly number[]
}

export type Verification =
  | { readonly accepted: true; readonly checks: readonly Check[]; readonly claims: Claims }
  | {
      readonly accepted: false
      readonly checks: readonly Check[]
      readonly code: ErrorCode
      readonly detail: string
      /** What an unverified hint says about the signer, for the explanation only. */
      readonly untrustedHint?: string
    }

export interface Format {
  /** The word people see and write: `cosign`, `bundle`. */
  readonly name: string
  /** The layout in an attestor's `storage.layouts` that this format reads. */
  readonly layout: Layout
  /** May this attestor vouch in this format? */
  serves(attestor: Attestor): boolean
  /** Pure and total: the same subject and facts give the same gathering. */
  ask(subject: SignedSubject, facts: Facts): Gathering
  /**
   * The same for places that are looked at only where what `ask` found does not suffice, so that nothing which is trusted
   * pays for them. Asked when `ask` has no questions left; answers only what `ask` did not.
   */
  askFurther?(subject: SignedSubject, facts: Facts): Gathering
  /** Never throws for bad material: what does not verify is an answer. No network, files or clock. */
  verify(material: Material, attestor: Attestor, subject: SignedSubject): Promise<Verification>
}
