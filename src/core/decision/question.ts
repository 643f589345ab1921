// The questions that judging an image can raise, and their answers. `step` asks, the engine answers each distinct
// question once; a failed answer is a fact too. Questions and facts are plain values that can be recorded.

import type { CodedError, ErrorCode } from '#core/errors.ts'
import { codeOf, messageOf } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { repositoryName } from '#core/image/reference.ts'
import type { Attestor } from '#core/policy/words.ts'
import type { Material, SignedSubject, Verification } from './format.ts'

/** A repository in a registry, both normalised: `docker.io` and `library/alpine`. */
export interface Repository {
  readonly registry: string
  readonly repository: string
}

/** Questions that the registry answers. */
export type FetchQuestion =
  /** Which digest does this tag name now? → `Resolved` */
  | { readonly kind: 'resolve'; readonly at: Repository; readonly tag: string }
  /** Is this image there, and may the credentials at hand read it? → `true` */
  | { readonly kind: 'access'; readonly at: Repository; readonly digest: Digest }
  /** The manifest of this digest → `Fetched` */
  | { readonly kind: 'manifest'; readonly at: Repository; readonly digest: Digest }
  /** The manifest under this tag, if there is one → `Fetched | null` */
  | { readonly kind: 'tagged'; readonly at: Repository; readonly tag: string }
  /** Everything that refers to this digest, by the referrers API or the fallback tag → `(Referrer | MalformedEntry)[]` */
  | { readonly kind: 'referrers'; readonly at: Repository; readonly digest: Digest }
  /** The blob of this digest → `Uint8Array` */
  | { readonly kind: 'blob'; readonly at: Repository; readonly digest: Digest; readonly maxBytes: number }

/** Does this material prove that this attestor vouches for this subject? Answered by the format itself. → `Verification` */
export interface VerifyQuestion {
  readonly kind: 'verify'
  readonly format: string
  readonly material: Material
  readonly attestor: Attestor
  readonly subject: SignedSubject
}

export type Question = FetchQuestion | VerifyQuestion

export interface Resolved {
  readonly digest: Digest
  /** Media type as the registry declared it. */
  readonly mediaType: string
}

export interface Fetched {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/** One entry of a referrers list. */
export interface Referrer {
  readonly digest: Digest
  readonly mediaType: string
  readonly size: number
  /** Absent where the registry did not say. */
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** An entry of a list that is none: what it was cannot be told. Those beside it are not spoiled. */
export interface MalformedEntry {
  readonly malformed: string
}

interface Answers {
  resolve: Resolved
  access: true
  manifest: Fetched
  tagged: Fetched | null
  referrers: readonly (Referrer | MalformedEntry)[]
  blob: Uint8Array
  verify: Verification
}

export type AnswerTo<Q extends Question> = Answers[Q['kind']]

export type Fact<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly code: ErrorCode; readonly detail: string }

/** What is known so far. `undefined` means: not asked yet. */
export interface Facts {
  about<Q extends Question>(question: Q): Fact<AnswerTo<Q>> | undefined
}

/** A failed answer as a fact. */
export function unknownBecause(error: CodedError | unknown): Fact<never> {
  return { known: false, code: codeOf(error), detail: messageOf(error) }
}

/** The name of a question: equal questions have equal keys. Nothing else may identify a question. */
export function questionKey(question: Question): string {
  switch (question.kind) {
    case 'resolve':
    case 'tagged':
      return `${question.kind} ${repositoryName(question.at)}:${question.tag}`
    case 'access':
    case 'manifest':
    case 'referrers':
      return `${question.kind} ${repositoryName(question.at)}@${question.digest}`
    case 'blob':
      return `blob ${repositoryName(question.at)}@${question.digest} ${question.maxBytes}`
    case 'verify': {
      const { format, material, attestor, subject } = question
      const { digest, image, signatures } = subject
      const elsewhere = image === signatures ? '' : ` ${repositoryName(signatures)}`
      return `verify ${format} ${material.id} ${attestor.revision} ${repositoryName(image)}@${digest}${elsewhere}`
    }
  }
}
