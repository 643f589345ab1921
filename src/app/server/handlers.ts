// What the server needs from the rest of the program: the judges, and whether it is ready. The server knows HTTP and
// time; they know policies.

import type { AtOnce } from '#app/at-once.ts'
import type { AdmissionAnswer, ValidationAnswer } from '#core/admission/answer.ts'
import type { FurtherKinds } from '#core/admission/further-kinds.ts'
import type { AdmissionRequest, ReviewId } from '#core/admission/review.ts'

export interface AdmissionContext {
  /** Aborted at the deadline, when the sender goes away, and when the server must stop. */
  readonly signal: AbortSignal
  /** When the answer must be there, on the clock of `performance.now()`: a wall clock may jump. */
  readonly deadline: number
}

export interface Readiness {
  readonly ready: boolean
  /** The whole JSON body of `/readyz`: reasons, what is loaded, what went wrong while the last good state is kept. */
  readonly body: Readonly<Record<string, unknown>>
}

/** What throws becomes a denial: with its own code if it is a `CodedError`, else `internal-error`. */
export interface Handlers {
  mutate(request: AdmissionRequest, context: AdmissionContext): AtOnce<AdmissionAnswer>
  validate(request: AdmissionRequest, context: AdmissionContext): AtOnce<ValidationAnswer>
  ready(): Readiness
  /** Where else images are than in the kinds of Kubernetes, to weigh a request by. */
  readonly alsoJudged?: FurtherKinds | undefined
  /** Told once a review, with the answer that is sent, whoever made it; what it does changes nothing any more. */
  answered?(answered: AnsweredReview): void
}

export interface AnsweredReview {
  readonly path: AdmissionPath
  /** Of a review that was broken, only what the answer needed. */
  readonly request: AdmissionRequest | ReviewId
  readonly answer: AdmissionAnswer
}

export type AdmissionPath = 'mutate' | 'validate'
