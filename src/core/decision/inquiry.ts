// One run of judging: what is known, what time it is, and the lists of questions that came up on the way.

import { messageOf } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { Denied } from '#core/policy/denied.ts'
import type { Attestor } from '#core/policy/words.ts'
import type { Claims, Format, Gathering, SignedSubject } from './format.ts'
import type { LastVerdict } from './image-plan.ts'
import type { Judgement } from './judgement.ts'
import type { AnswerTo, Fact, Facts, Question, Repository, VerifyQuestion } from './question.ts'
import { questionKey } from './question.ts'
import type { StepContext } from './step.ts'

/** What a signature proved when it was read and verified earlier. */
export interface Proof {
  readonly claims: Claims
  /** From when on it must be read again, in milliseconds. */
  readonly until: number
}

/**
 * Facts, and what earlier judgements left behind. All memories may be empty; they only save work, except `last`. What
 * is remembered is used only for credentials that may read the image (rule 4 of the design): `judge-image.ts` sees to it.
 */
export interface Knowledge extends Facts {
  /** What was verified before about this subject, by this revision of the attestor, whoever asked, and still holds. */
  proven(subject: SignedSubject, attestor: Attestor): readonly Proof[]
  /** A judgement under equal demands that still holds, whoever asked. */
  settled(key: string, digest: Digest): Judgement | undefined
  /** Did the credentials of this request read something in the repository lately? */
  mayRead(at: Repository): boolean
  /** The last `trusted` verdict that these credentials were given under equal demands. */
  last(key: string): LastVerdict | undefined
}

/** By which method a format is asked. */
export type Looking = 'ask' | 'askFurther'

export class Inquiry {
  readonly formats: readonly Format[]
  readonly now: number
  /** Attestors that may be tried to say who signed, when nobody asked for did. */
  readonly bystanders: readonly Attestor[]
  /** How many different images the request has. */
  readonly images: number
  readonly knowledge: Knowledge
  readonly denied: Denied | undefined
  readonly #open = new Map<string, Question>()
  readonly #curious = new Map<string, Question>()
  readonly #gathered = new Map<string, Gathering>()
  #reliedUntil: number | undefined

  /** @param denied what counts for nobody */
  constructor(knowledge: Knowledge, { formats, now, bystanders, images }: StepContext, denied?: Denied) {
    this.knowledge = knowledge
    this.denied = denied
    this.formats = formats
    this.now = now
    this.bystanders = bystanders
    this.images = images
  }

  /** The answer if it is known; else the question is put on the list. */
  ask<Q extends Question>(question: Q): Fact<AnswerTo<Q>> | undefined {
    const fact = this.knowledge.about(question)
    if (fact === undefined) this.#open.set(questionKey(question), question)
    return fact
  }

  /** The same for what would only enrich an explanation. */
  wonder(question: VerifyQuestion): Fact<AnswerTo<VerifyQuestion>> | undefined {
    const fact = this.knowledge.about(question)
    if (fact === undefined) this.#curious.set(questionKey(question), question)
    return fact
  }

  /** What a format makes of the facts; asked once, however many attestors it serves. */
  gather(format: Format, subject: SignedSubject, how: Looking = 'ask'): Gathering {
    const { digest, signatures, image } = subject
    const key = JSON.stringify([how, format.name, digest, signatures.registry, signatures.repository, image])
    const known = this.#gathered.get(key)
    if (known !== undefined) return known
    const gathering = askSafely(format, how, subject, this.knowledge)
    this.#gathered.set(key, gathering)
    return gathering
  }

  /** Notes that something remembered was used, which must be read again at `until`. */
  rely(until: number): void {
    this.#reliedUntil = Math.min(until, this.#reliedUntil ?? until)
  }

  /** Absent where nothing remembered was used. */
  reliedUntil(): number | undefined {
    return this.#reliedUntil
  }

  /** Questions that came up and have no answer yet, each once. */
  openQuestions(): readonly Question[] {
    return [...this.#open.values()]
  }

  curiosities(): readonly Question[] {
    return [...this.#curious.values()]
  }
}

/** A format that fails on what it reads leaves a gap, and spoils nothing that another format finds. */
function askSafely(format: Format, how: Looking, subject: SignedSubject, facts: Facts): Gathering {
  try {
    return format[how]?.(subject, facts) ?? { questions: [], materials: [], oddities: [], gaps: [] }
  } catch (error) {
    const detail = `the format ${format.name} failed: ${messageOf(error)}`
    return {
      questions: [],
      materials: [],
      oddities: [],
      gaps: [{ place: 'what was read', code: 'internal-error', detail }],
    }
  }
}
