// One request on its way: asks what judging its images needs, and judges again as the answers come in.

import type { ImagePlan } from '#core/decision/image-plan.ts'
import type { Knowledge } from '#core/decision/inquiry.ts'
import { unjudged } from '#core/decision/judge-image.ts'
import type { Judgement } from '#core/decision/judgement.ts'
import type { Plan } from '#core/decision/plan.ts'
import type { AnswerTo, Fact, FetchQuestion, Question, VerifyQuestion } from '#core/decision/question.ts'
import { questionKey } from '#core/decision/question.ts'
import type { StepContext } from '#core/decision/step.ts'
import { closed, step } from '#core/decision/step.ts'
import { printable } from '#core/encoding/printable.ts'
import type { ErrorCode } from '#core/errors.ts'
import { messageOf } from '#core/errors.ts'
import type { Answers } from './answers.ts'
import type { Memory } from './memory.ts'

/** 64 platforms, each with three signatures in two requests and fifteen attestors to be tried, and as much again. */
const questionsPerImage = 5_000

/** The longest honest way: a hundred signatures in a lookaside store, each asked for after the one before it. */
const roundsPerImage = 250

/** So many answers of one image are worked for at a time: what is asked when the deadline comes has to be paid still. */
const askedAtOnce = 128

/** Where more answers than these are awaited, judging again for each would cost the square of their number. */
const few = 16

/** Sees every fetched answer, for recording. */
export type FactObserver = (question: FetchQuestion, fact: Fact<unknown>) => void

export interface RunOptions {
  readonly plan: Plan
  readonly context: StepContext
  /** Names the credentials. */
  readonly scope: string
  readonly memory: Memory
  readonly answers: Answers
  readonly signal: AbortSignal
  /** Where it is given, nothing remembered is used: what is not asked cannot be recorded. */
  readonly observe: FactObserver | undefined
}

interface Waiting {
  readonly questions: readonly string[]
  /** How many of them are to be answered before it is worth judging again. */
  readonly enough: number
}

export class Run {
  readonly #options: RunOptions
  readonly #facts = new Map<string, Fact<unknown>>()
  readonly #asked = new Set<string>()
  readonly #judgements = new Map<string, Judgement>()
  readonly #waiting = new Map<ImagePlan, Waiting>()
  readonly #rounds = new Map<ImagePlan, number>()
  readonly #proofs: { readonly question: VerifyQuestion; readonly fact: Fact<unknown> }[] = []
  readonly #knowledge: Knowledge
  #wake: () => void = () => {}

  constructor(options: RunOptions) {
    this.#options = options
    const { memory, scope, observe } = options
    const about = <Q extends Question>(question: Q) =>
      this.#facts.get(questionKey(question)) as Fact<AnswerTo<Q>> | undefined
    this.#knowledge =
      observe === undefined
        ? {
            about,
            proven: (subject, attestor) => memory.proven(subject, attestor),
            settled: (key, digest) => memory.judgement(key, digest),
            mayRead: (at) => memory.mayRead(scope, at),
            last: (key) => memory.last(scope, key),
          }
        : { about, proven: () => [], settled: () => undefined, mayRead: () => false, last: () => undefined }
  }

  /** By image key; only a use that an UPDATE left alone may lack one. Never rejects, and ends when the signal does. */
  async judgeAll(): Promise<ReadonlyMap<string, Judgement>> {
    const { plan, signal } = this.#options
    const changed = new Set(plan.uses.filter((use) => !use.unchanged).map((use) => use.image))
    for (const image of plan.images) {
      if (!changed.has(image)) this.#glance(image)
      else if (signal.aborted) this.#closeLate(image)
      else this.#advance(image)
    }
    if (this.#waiting.size > 0) await this.#work(signal)
    this.#keepProofs()
    return this.#judgements
  }

  async #work(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#wake()
    signal.addEventListener('abort', onAbort)
    try {
      while (this.#waiting.size > 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
          if (signal.aborted || this.#hasNews()) resolve()
        })
        for (const [image, waiting] of [...this.#waiting]) {
          if (signal.aborted) this.#closeLate(image)
          else if (this.#isEnough(waiting)) this.#advance(image)
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #hasNews(): boolean {
    return [...this.#waiting.values()].some((waiting) => this.#isEnough(waiting))
  }

  #isEnough({ questions, enough }: Waiting): boolean {
    let answered = 0
    for (const key of questions) {
      if (this.#facts.has(key)) answered += 1
      if (answered >= enough) return true
    }
    return false
  }

  /** Judges as far as the facts reach, and asks what is missing. */
  #advance(image: ImagePlan): void {
    try {
      const result = step(image, this.#knowledge, this.#options.context)
      const isCurious = result.judgement !== undefined
      const questions = isCurious ? result.curious : result.questions
      const unanswered = questions.filter((question) => !this.#facts.has(questionKey(question)))
      if (isCurious && unanswered.length === 0) this.#settle(image, result.judgement)
      else if (unanswered.length === 0) this.#close(image, 'internal-error', 'there is nothing left to ask')
      else this.#wait(image, unanswered.slice(0, askedAtOnce), isCurious)
    } catch (error) {
      this.#giveUp(image, error)
    }
  }

  #wait(image: ImagePlan, questions: readonly Question[], isCurious: boolean): void {
    const fresh = questions.filter((question) => !this.#asked.has(questionKey(question)))
    const rounds = (this.#rounds.get(image) ?? 0) + 1
    this.#rounds.set(image, rounds)
    const isTooMuch = this.#asked.size + fresh.length > questionsPerImage * this.#options.plan.images.length
    if (isTooMuch || rounds > roundsPerImage) {
      this.#close(image, 'too-many-rounds', 'judging it raises too many questions')
      return
    }
    const enough = questions.length <= few ? 1 : Math.ceil(questions.length / 4)
    this.#waiting.set(image, { questions: questions.map(questionKey), enough })
    for (const question of fresh) this.#ask(question, isCurious)
  }

  /** For a use that an UPDATE left alone: says what is known, asks nothing. */
  #glance(image: ImagePlan): void {
    try {
      const result = step(image, this.#knowledge, this.#options.context)
      if (result.judgement !== undefined) this.#judgements.set(image.key, result.judgement)
    } catch {
      // It stays unjudged, as it would without this look.
    }
  }

  /** Names what was waited for: at night, that says which host to look at. */
  #closeLate(image: ImagePlan): void {
    const pending = this.#waiting.get(image)?.questions.find((key) => !this.#facts.has(key))
    const detail = pending === undefined ? 'the deadline had passed already' : `no answer in time: ${pending}`
    this.#close(image, 'registry-timeout', printable(detail))
  }

  /** Judges by what is known now: all that is open counts as failed. */
  #close(image: ImagePlan, code: ErrorCode, detail: string): void {
    try {
      const result = step(image, closed(this.#knowledge, code, detail), this.#options.context)
      // A format that asks on although nothing is left unanswered is broken.
      this.#settle(image, result.judgement ?? unjudged(image, code, detail))
    } catch (error) {
      this.#giveUp(image, error)
    }
  }

  #settle(image: ImagePlan, judgement: Judgement): void {
    this.#judgements.set(image.key, judgement)
    this.#waiting.delete(image)
  }

  /** A fault of ours in judging: nothing is known then, which is never a yes. */
  #giveUp(image: ImagePlan, error: unknown): void {
    this.#settle(image, unjudged(image, 'internal-error', messageOf(error)))
  }

  #ask(question: Question, isCurious: boolean): void {
    const key = questionKey(question)
    this.#asked.add(key)
    const { answers, scope, signal, observe } = this.#options
    void answers.answer(question, scope, signal).then((fact) => {
      this.#facts.set(key, fact)
      // What was only tried to name a stranger may lie where its attestor must not be looked for.
      if (question.kind === 'verify' && !isCurious) this.#proofs.push({ question, fact })
      if (question.kind !== 'verify') tell(observe, question, fact)
      this.#wake()
    })
  }

  #keepProofs(): void {
    for (const { question, fact } of this.#proofs) {
      const verification = fact.known ? (fact as Fact<AnswerTo<VerifyQuestion>>) : undefined
      if (!verification?.known || !verification.value.accepted) continue
      this.#options.memory.prove(question.subject, question.attestor, verification.value.claims)
    }
  }
}

/** A recorder that fails loses its record, not the decision. */
function tell(observe: FactObserver | undefined, question: FetchQuestion, fact: Fact<unknown>): void {
  try {
    observe?.(question, fact)
  } catch {}
}
