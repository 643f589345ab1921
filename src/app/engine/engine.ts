// The one engine behind admission, terminal and demo: plans a request, answers the questions that judging raises, and
// decides. It holds no verdict logic and no network code; both come in.

import type { Decision } from '#core/decision/decision.ts'
import { decide } from '#core/decision/decision.ts'
import type { Format } from '#core/decision/format.ts'
import type { ImagePlan } from '#core/decision/image-plan.ts'
import type { Knowledge } from '#core/decision/inquiry.ts'
import type { Judgement } from '#core/decision/judgement.ts'
import type { Plan, PlanRequest } from '#core/decision/plan.ts'
import { plan as makePlan } from '#core/decision/plan.ts'
import type { AnswerTo, Fact, FetchQuestion, Question } from '#core/decision/question.ts'
import { questionKey } from '#core/decision/question.ts'
import type { StepContext } from '#core/decision/step.ts'
import { closed, step } from '#core/decision/step.ts'
import type { ErrorCode } from '#core/errors.ts'
import type { ImageReference } from '#core/image/reference.ts'
import type { MatchedPolicies } from '#core/policy/match.ts'
import type { Attestor } from '#core/policy/words.ts'
import { Answers } from './answers.ts'
import { Memory } from './memory.ts'
import type { Sources } from './sources.ts'

/** Far more questions than an honest image raises: 64 platforms with 100 signatures by 16 attestors are the worst case. */
const questionsPerImage = 20_000

export interface EngineOptions {
  readonly sources: Sources
  readonly formats: readonly Format[]
  readonly memory?: Memory
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** A new decision id. */
  readonly newId: () => string
}

export interface JudgeRequest extends PlanRequest {
  readonly matched: MatchedPolicies
  /** Attestors that may be named in an explanation. */
  readonly bystanders: readonly Attestor[]
  /** Names the credentials on whose behalf the registry is asked. */
  readonly credentialScope: string
}

/** Sees every fetched answer, for recording. */
export type FactObserver = (question: FetchQuestion, fact: Fact<unknown>) => void

export interface Engine {
  /** Never rejects. When `signal` aborts, what is still open counts as `registry-timeout`, and the decision is given at once. */
  judge(request: JudgeRequest, signal: AbortSignal, observe?: FactObserver): Promise<Decision>
}

export function createEngine(options: EngineOptions): Engine {
  const memory = options.memory ?? new Memory()
  const answers = new Answers(options.sources, memory)
  return {
    async judge(request, signal, observe) {
      const at = options.now()
      const plan = makePlan(request, request.matched, (key) => memory.last(key))
      const context: StepContext = { formats: options.formats, bystanders: request.bystanders, now: at }
      const run = new Run({ plan, context, scope: request.credentialScope, memory, answers, signal, observe })
      const judgements = await run.judgeAll()
      for (const image of plan.images) {
        const judgement = judgements.get(image.key)
        if (judgement !== undefined) memory.keepJudgement(image.key, judgement, at)
      }
      return decide(plan, judgements, { id: options.newId(), at })
    },
  }
}

interface RunOptions {
  readonly plan: Plan
  readonly context: StepContext
  readonly scope: string
  readonly memory: Memory
  readonly answers: Answers
  readonly signal: AbortSignal
  readonly observe: FactObserver | undefined
}

/** One request on its way: the facts it has gathered, and the images that still wait for some. */
class Run {
  readonly #options: RunOptions
  readonly #images: ReadonlyMap<string, ImageReference | undefined>
  readonly #facts = new Map<string, Fact<unknown>>()
  readonly #asked = new Set<string>()
  readonly #judgements = new Map<string, Judgement>()
  readonly #waiting = new Map<ImagePlan, readonly string[]>()
  readonly #knowledge: Knowledge
  #news = Promise.withResolvers<void>()

  constructor(options: RunOptions) {
    this.#options = options
    this.#images = new Map(options.plan.images.map(({ key, reference }) => [key, reference]))
    const { memory, context, scope } = options
    this.#knowledge = {
      about: <Q extends Question>(question: Q) =>
        this.#facts.get(questionKey(question)) as Fact<AnswerTo<Q>> | undefined,
      proven: (subject, attestor) => memory.proven(subject, attestor),
      settled: (key, digest) => {
        const judgement = memory.judgement(key, digest, context.now)
        const image = this.#images.get(key)
        return judgement !== undefined && image !== undefined && memory.mayRead(scope, image) ? judgement : undefined
      },
    }
  }

  async judgeAll(): Promise<ReadonlyMap<string, Judgement>> {
    const { plan, signal } = this.#options
    const changed = new Set(plan.uses.filter((use) => !use.unchanged).map((use) => use.image))
    for (const image of plan.images) {
      if (changed.has(image)) this.#advance(image)
      else this.#glance(image)
    }
    const aborted = new Promise<'aborted'>((resolve) => {
      if (signal.aborted) resolve('aborted')
      signal.addEventListener('abort', () => resolve('aborted'), { once: true })
    })
    while (this.#waiting.size > 0) {
      const end = await Promise.race([this.#news.promise, aborted])
      if (end === 'aborted') {
        for (const image of [...this.#waiting.keys()])
          this.#close(image, 'registry-timeout', 'the deadline of the request came first')
        break
      }
      this.#news = Promise.withResolvers<void>()
      for (const [image, keys] of [...this.#waiting]) {
        if (keys.some((key) => this.#facts.has(key))) this.#advance(image)
      }
    }
    return this.#judgements
  }

  /** Judges as far as the facts reach, and asks what is missing. */
  #advance(image: ImagePlan): void {
    const result = step(image, this.#knowledge, this.#options.context)
    const questions = result.judgement === undefined ? result.questions : result.curious
    const unanswered = questions.filter((question) => !this.#facts.has(questionKey(question)))
    if (result.judgement !== undefined && unanswered.length === 0) return this.#settle(image, result.judgement)
    if (this.#asked.size + unanswered.length > questionsPerImage * Math.max(1, this.#options.plan.images.length)) {
      return this.#close(image, 'too-many-rounds', 'judging this image raises too many questions')
    }
    this.#waiting.set(image, unanswered.map(questionKey))
    for (const question of unanswered) this.#ask(question)
  }

  /** For a use that an UPDATE left alone: says what is known, asks nothing. */
  #glance(image: ImagePlan): void {
    const result = step(image, this.#knowledge, this.#options.context)
    if (result.judgement !== undefined) this.#judgements.set(image.key, result.judgement)
  }

  #close(image: ImagePlan, code: ErrorCode, detail: string): void {
    const result = step(image, closed(this.#knowledge, code, detail), this.#options.context)
    if (result.judgement !== undefined) this.#settle(image, result.judgement)
    this.#waiting.delete(image)
  }

  #settle(image: ImagePlan, judgement: Judgement): void {
    this.#judgements.set(image.key, judgement)
    this.#waiting.delete(image)
  }

  #ask(question: Question): void {
    const key = questionKey(question)
    if (this.#asked.has(key)) return
    this.#asked.add(key)
    const { answers, scope, signal, observe } = this.#options
    void answers.answer(question, scope, signal).then((fact) => {
      if (question.kind !== 'verify') observe?.(question, fact)
      this.#facts.set(key, fact)
      this.#news.resolve()
    })
  }
}
