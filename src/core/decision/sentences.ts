// The languages in which Sealward explains itself. A language is one value of this type; everything that comes from
// outside has been made printable before it gets here.

import type { ErrorCode } from '#core/errors.ts'
import type { Language } from '#core/policy/words.ts'
import type { Signer } from './format.ts'
import type { Outcome } from './judgement.ts'
import { english } from './sentences-en.ts'
import { chinese } from './sentences-zh.ts'

/** Where an image stands; `undefined` for one that was named on a command line. */
export interface Place {
  readonly list: string
  /** Of the container or volume; empty if it has none. */
  readonly name: string
  readonly field: string
}

export interface Headline {
  readonly place: Place | undefined
  readonly image: string
  readonly outcome: Outcome
  readonly policy: string | undefined
  /** A sentence without its full stop, or empty. */
  readonly cause: string
}

export interface SignatureSeen {
  readonly place: string
  readonly signer: Signer | undefined
  readonly counts: boolean
  readonly code: ErrorCode | undefined
  readonly detail: string | undefined
}

/** What a leaf of a requirement would be satisfied with. */
export interface Acceptable {
  readonly attestor: string
  /** Some of the names of keys that count now. */
  readonly keys: readonly string[]
  readonly otherKeys: number
  /** `name="value"`, each. */
  readonly annotations: readonly string[]
  /** What is demanded of the image name inside the signature, if anything. */
  readonly identity: string | undefined
}

export interface Sentences {
  headline(parts: Headline): string
  alsoAt(places: readonly Place[]): string
  /** Why, as a clause without a full stop. */
  cause(code: ErrorCode | undefined, detail: string | undefined): string
  platform(name: string, digest: string, cause: string): string
  alsoRefused(policy: string, outcome: Outcome, cause: string): string
  found(lines: readonly string[]): string
  noSignature(): string
  signature(seen: SignatureSeen): string
  oddity(place: string, detail: string): string
  unread(place: string, detail: string): string
  signedBy(signer: Signer): string
  wouldBeAccepted(what: string): string
  attestor(acceptable: Acceptable): string
  anything(): string
  all(parts: readonly string[]): string
  any(parts: readonly string[]): string
  atLeast(count: number, parts: readonly string[]): string
  nextStep(step: string): string
  /** What to do where signing would not help. */
  nobodyCanSign(): string
  /** What to do about a code; `undefined` where signing is the cure. */
  next(code: ErrorCode): string | undefined
  more(count: number): string
  moreImages(count: number): string
  codeAndDecision(codes: string, id: string): string
  softened(image: string, code: ErrorCode, policy: string | undefined): string
  unchangedUntrusted(image: string, code: ErrorCode | undefined): string
  wouldBeRefused(image: string, policy: string, code: string, cause: string): string
}

export function sentencesIn(language: Language): Sentences {
  switch (language) {
    case 'en':
      return english
    case 'zh':
      return chinese
  }
}
