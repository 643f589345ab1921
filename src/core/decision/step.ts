// The state machine without I/O: given what is known, an image is either judged or asks its next questions. The same
// knowledge and time give the same answer, so a decision can be replayed from recorded facts.

import type { ErrorCode } from '#core/errors.ts'
import type { Attestor } from '#core/policy/words.ts'
import { passes } from './decision.ts'
import type { Format } from './format.ts'
import type { ImagePlan } from './image-plan.ts'
import type { Knowledge } from './inquiry.ts'
import { Inquiry } from './inquiry.ts'
import { judgeImage, remembered } from './judge-image.ts'
import type { Judgement } from './judgement.ts'
import type { Fact, Question } from './question.ts'

export interface StepContext {
  readonly formats: readonly Format[]
  /** Attestors that may be tried to tell who signed what nobody asked for signed. */
  readonly bystanders: readonly Attestor[]
  /** Milliseconds since the epoch. */
  readonly now: number
  /** How many different images the request has, this one among them. */
  readonly images: number
}

export type Step =
  /** `curious`: questions whose answers only enrich the explanation. */
  | { readonly judgement: Judgement; readonly curious: readonly Question[] }
  | { readonly judgement: undefined; readonly questions: readonly Question[] }

const none: readonly Question[] = []

export function step(image: ImagePlan, knowledge: Knowledge, context: StepContext): Step {
  const known = remembered(image, knowledge)
  if (known !== undefined) return { judgement: known, curious: none }
  const inquiry = new Inquiry(knowledge, context, image.denied)
  const judgement = judgeImage(image, inquiry)
  if (judgement === 'open') return { judgement: undefined, questions: inquiry.openQuestions() }
  return { judgement, curious: hasRefusal(judgement) ? inquiry.curiosities() : [] }
}

/** Who is let in need not be told who else has signed. */
function hasRefusal({ enforced, warned, audited }: Judgement): boolean {
  return [enforced, warned, audited].some((verdict) => verdict !== undefined && !passes(verdict.outcome))
}

/** The same knowledge when nothing more will be asked: every open question counts as failed with `code`. */
export function closed(knowledge: Knowledge, code: ErrorCode, detail: string): Knowledge {
  const failed: Fact<never> = { known: false, code, detail }
  return {
    about: (question) => knowledge.about(question) ?? failed,
    proven: (subject, attestor) => knowledge.proven(subject, attestor),
    settled: (key, digest) => knowledge.settled(key, digest),
    mayRead: (at) => knowledge.mayRead(at),
    last: (key) => knowledge.last(key),
  }
}
