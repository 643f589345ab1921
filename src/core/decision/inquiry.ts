// One run of judging: what is known, what time it is, and the list of questions that came up on the way.

import type { Digest } from '#core/image/digest.ts'
import type { Attestor } from '#core/policy/words.ts'
import type { Claims, Format, SignedSubject } from './format.ts'
import type { Judgement } from './judgement.ts'
import type { AnswerTo, Fact, Facts, Question } from './question.ts'
import { questionKey } from './question.ts'

/** Facts, and what earlier judgements left behind. Both memories may be empty; they only save work. */
export interface Knowledge extends Facts {
  /** Claims that were verified before about this subject, by this revision of the attestor. */
  proven(subject: SignedSubject, attestor: Attestor): readonly Claims[]
  /** A judgement that still holds, for which the access proof is at hand. */
  settled(key: string, digest: Digest): Judgement | undefined
}

export class Inquiry {
  readonly formats: readonly Format[]
  readonly now: number
  /** Attestors that may be tried to say who signed, when nobody asked for did. */
  readonly bystanders: readonly Attestor[]
  readonly knowledge: Knowledge
  readonly #open = new Map<string, Question>()

  constructor(formats: readonly Format[], knowledge: Knowledge, now: number, bystanders: readonly Attestor[]) {
    this.formats = formats
    this.knowledge = knowledge
    this.now = now
    this.bystanders = bystanders
  }

  /** The answer if it is known; else the question is put on the list. */
  ask<Q extends Question>(question: Q): Fact<AnswerTo<Q>> | undefined {
    const fact = this.knowledge.about(question)
    if (fact === undefined) this.#open.set(questionKey(question), question)
    return fact
  }

  /** Questions that came up and have no answer yet, each once. */
  openQuestions(): readonly Question[] {
    return [...this.#open.values()]
  }
}
