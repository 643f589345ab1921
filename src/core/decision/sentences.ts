// The languages in which Sealward explains itself. A language is one value of this type.

import type { ErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { Language } from '#core/policy/words.ts'
import type { Signer } from './format.ts'
import type { Outcome, Verdict } from './judgement.ts'
import { english } from './sentences-en.ts'
import { chinese } from './sentences-zh.ts'

export interface Headline {
  /** Empty for an image named on a command line. */
  readonly place: string
  readonly image: string
  readonly outcome: Outcome
  readonly policy: string | undefined
  readonly cause: string
  readonly digest: Digest | undefined
}

export interface SignatureSeen {
  readonly place: string
  readonly signer: Signer | undefined
  readonly counts: boolean
  readonly code: ErrorCode | undefined
  readonly detail: string | undefined
}

export interface Sentences {
  place(list: string, name: string, field: string): string
  headline(parts: Headline): string
  cause(code: ErrorCode | undefined, detail: string | undefined): string
  found(lines: readonly string[]): string
  noSignature(): string
  nothingLookedFor(): string
  signature(seen: SignatureSeen): string
  oddity(place: string, code: ErrorCode, detail: string): string
  signedBy(signer: Signer): string
  wouldBeAccepted(what: string): string
  attestor(name: string, keys: readonly string[]): string
  anything(): string
  all(parts: readonly string[]): string
  any(parts: readonly string[]): string
  atLeast(count: number, parts: readonly string[]): string
  nextStep(step: string): string
  next(code: ErrorCode, reference: string, digest: Digest | undefined): string
  more(count: number): string
  moreImages(count: number): string
  codeAndDecision(codes: string, id: string): string
  softened(image: string, code: ErrorCode, policy: string | undefined): string
  unchangedUntrusted(image: string, code: ErrorCode | undefined): string
  wouldBeRefused(image: string, verdict: Verdict): string
}

export function sentencesIn(language: Language): Sentences {
  switch (language) {
    case 'en':
      return english
    case 'zh':
      return chinese
  }
}
