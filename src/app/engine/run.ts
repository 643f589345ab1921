// One request on its way: asks what judging its images needs, and judges again as the answers come in.

import type { AtOnce } from '#app/at-once.ts'
import type { ImagePlan } from '#core/decision/image-plan.ts'
import type { Knowledge } from '#core/decision/inquiry.ts'
import { unjudged } from '#core/decision/judge-image.ts'
import type { Judgement } from '#core/decision/judgement.ts'
import type { Plan } from '#core/decision/plan.ts'
import type { AnswerTo, Fact, Question, VerifyQuestion } from '#core/decision/question.ts'
import { questionKey } from '#core/decision/question.ts'
import type { StepContext } from '#core/decision/step.ts'
import { closed, step } from '#core/decision/step.ts'
import { printable } from '#core/encoding/printable.ts'
import type { ErrorCode } from '#core/errors.ts'
import { codeOf, messageOf } from '#core/errors.ts'
import type { Answers, Asker } from './answers.ts'
import type { FactObserver } from './asking.ts'
import { Asking } from './asking.ts'
import type { EvidenceBudget } from './evidence-budget.ts'
import type { Memory } from './memory.ts'
import type { Turns } from './turns.ts'

/** 64 platforms, each with three signatures in two requests and fifteen attestors to be tried, and as much again. */
const questionsPerImage = 5_000

/** The longest honest way: a hundred signatures in a lookaside store, each asked for after the one before it. */
const roundsPerImage = 250

/** So many answers of one image are worked for at a time: what is asked when the deadline comes has to be paid still. */
const askedAtOnce = 128

/** Where more answers than these are awaited, judging again for each would cost the square of their number. */
const few = 16

/**
 * So many images are judged once more by what is known when the time is over, which costs as much as judging did. Real
 * objects have fewer; of more, the rest is undetermined at once, whatever is known or a policy says of undetermined ones.
 */
const closedInFull = 64

export interface RunOptions {
  readonly plan: Plan
  readonly context: StepContext
  readonly asker: Asker
  readonly memory: Memory
  readonly answers: Answers
  readonly budget: EvidenceBudget
  readonly turns: Turns
  /** Where it is given, nothing remembered is used: what is not asked cannot be recorded. */
  readonly observe: FactObserver | undefined
}

export class Run {
  readonly #options: RunOptions
  readonly #asking: Asking
  readonly #judgements = new Map<string, Judgement>()
  readonly #rounds = new Map<ImagePlan, number>()
  readonly #knowledge: Knowledge
  #closedLate = 0
  #wake: () => void = () => {}

  constructor(options: RunOptions) {
    this.#options = options
    const { memory, answers, asker, budget, observe } = options
    this.#asking = new Asking({ answers, asker, budget, observe, wake: () => this.#wake() })
    const about = <Q extends Question>(question: Q) =>
      this.#asking.fact(questionKey(question)) as Fact<AnswerTo<Q>> | undefined
    this.#knowledge =
      observe === undefined
        ? {
            about,
            proven: (subject, attestor) => memory.proven(subject, attestor),
            settled: (key, digest) => memory.judgement(key, digest),
            mayRead: (at) => memory.mayRead(asker.scope, at),
            last: (key) => memory.last(asker.scope, key),
          }
        : { about, proven: () => [], settled: () => undefined, mayRead: () => false, last: () => undefined }
  }

  /**
   * By image key; only a use that an UPDATE left alone may lack one. Ends when the signal does; at once, where nothing has
   * to be asked.
   */
  judgeAll(): AtOnce<ReadonlyMap<string, Judgement>> {
    const starting = this.#start()
    return starting === undefined && !this.#asking.isWaiting ? this.#judgements : this.#judgeOn(starting)
  }

  async #judgeOn(starting: Promise<void> | undefined): Promise<ReadonlyMap<string, Judgement>> {
    try {
      if (starting !== undefined) await starting
      if (this.#asking.isWaiting) await this.#work()
    } finally {
      this.#asking.stop()
    }
    const { turns, asker } = this.#options
    const keeping = turns.each(asker, this.#asking.proofs, (proof) => this.#keepProof(proof))
    if (keeping !== undefined) await keeping
    return this.#judgements
  }

  #start(): Promise<void> | undefined {
    const { plan, asker, turns } = this.#options
    const changed = new Set(plan.uses.filter((use) => !use.unchanged).map((use) => use.image))
    return turns.each(asker, plan.images, (image) => {
      if (!changed.has(image)) this.#glance(image)
      else if (asker.signal.aborted) this.#closeLate(image)
      else this.#advance(image)
    })
  }

  async #work(): Promise<void> {
    const { turns, asker } = this.#options
    const { signal } = asker
    const onAbort = () => this.#wake()
    signal.addEventListener('abort', onAbort)
    try {
      while (this.#asking.isWaiting && !signal.aborted) {
        const ready = this.#asking.takeReady()
        if (ready.length === 0) await this.#news()
        else await turns.each(asker, ready, (image) => signal.aborted || this.#advance(image))
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    this.#asking.stop()
    await turns.each(asker, this.#asking.waiting(), (image) => this.#closeLate(image))
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Judges as far as the facts reach, and asks what is missing. */
  #advance(image: ImagePlan): void {
    try {
      const result = step(image, this.#knowledge, this.#options.context)
      const isCurious = result.judgement !== undefined
      const questions = isCurious ? result.curious : result.questions
      const unanswered = questions.filter((question) => this.#asking.fact(questionKey(question)) === undefined)
      if (isCurious && unanswered.length === 0) this.#settle(image, result.judgement)
      else if (unanswered.length === 0) this.#close(image, 'internal-error', 'there is nothing left to ask')
      else this.#wait(image, unanswered.slice(0, askedAtOnce), isCurious)
    } catch (error) {
      this.#giveUp(image, error)
    }
  }

  #wait(image: ImagePlan, questions: readonly Question[], isCurious: boolean): void {
    const fresh = questions.filter((question) => !this.#asking.isAsked(question)).length
    const rounds = (this.#rounds.get(image) ?? 0) + 1
    this.#rounds.set(image, rounds)
    const isTooMuch = this.#asking.asked + fresh > questionsPerImage * this.#options.plan.images.length
    if (isTooMuch || rounds > roundsPerImage) {
      this.#close(image, 'too-many-rounds', 'judging it raises too many questions')
      return
    }
    const enough = questions.length <= few ? 1 : Math.ceil(questions.length / 4)
    this.#asking.wait(image, questions, enough, isCurious)
  }

  /** For a use that an UPDATE left alone: says what is known, asks nothing. */
  #glance(image: ImagePlan): void {
    try {
      const result = step(image, this.#knowledge, this.#options.context)
      if (result.judgement !== undefined) this.#keep(image, result.judgement)
    } catch {
      // It stays unjudged, as it would without this look.
    }
  }

  #closeLate(image: ImagePlan): void {
    const { code, detail } = this.#whyLate(image)
    const shown = printable(detail)
    this.#closedLate += 1
    if (this.#closedLate <= closedInFull) this.#close(image, code, shown)
    else this.#settle(image, unjudged(image, code, shown))
  }

  /**
   * Names what was waited for: at night, that says which host to look at. Only a registry can be said to be away: who
   * pushes or deploys may have brought about what takes us too long, or the crowd in which another got the place.
   */
  #whyLate(image: ImagePlan): { readonly code: ErrorCode; readonly detail: string } {
    const reason: unknown = this.#options.asker.signal.reason
    if (codeOf(reason) === 'overloaded') return { code: 'overloaded', detail: messageOf(reason) }
    const pending = this.#asking.pendingOf(image)
    if (pending === undefined) return { code: 'judged-too-late', detail: 'the deadline had passed already' }
    const code = pending.isAtRegistry ? 'registry-timeout' : 'judged-too-late'
    return { code, detail: `no answer in time: ${pending.key}` }
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
    this.#asking.leave(image)
    this.#keep(image, judgement)
  }

  #keep(image: ImagePlan, judgement: Judgement): void {
    this.#judgements.set(image.key, judgement)
    const isLastWanted = image.demands.some(({ policy }) => policy.whenUndetermined === 'UseLastVerdict')
    this.#options.memory.keepJudgement(this.#options.asker.scope, image.key, judgement, isLastWanted)
  }

  /** A fault of ours in judging: nothing is known then, which is never a yes. */
  #giveUp(image: ImagePlan, error: unknown): void {
    this.#settle(image, unjudged(image, 'internal-error', messageOf(error)))
  }

  /** After judging: a proof is used only behind an access proof, which this request need not ask for. */
  #keepProof({ question, fact }: Asking['proofs'][number]): void {
    const verification = fact.known ? (fact as Fact<AnswerTo<VerifyQuestion>>) : undefined
    if (!verification?.known || !verification.value.accepted) return
    this.#options.memory.prove(question.subject, question.attestor, verification.value.claims)
  }
}
