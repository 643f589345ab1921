// The questions of one request: each asked once, a bounded number at a time, and what waits for which. Facts come in
// here; it judges nothing.

import type { ImagePlan } from '#core/decision/image-plan.ts'
import type { Fact, FetchQuestion, Question, VerifyQuestion } from '#core/decision/question.ts'
import { questionKey, unknownBecause } from '#core/decision/question.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { Answers, Asker } from './answers.ts'
import type { EvidenceBudget } from './evidence-budget.ts'

/** Twice what one registry is asked at a time: what is asked when the deadline comes has to be paid still. */
const fetchedAtOnce = 128

/** The thread pool has four threads, and reading what was signed is work of the main thread. */
const verifiedAtOnce = 16

/** Sees every fetched answer, for recording. */
export type FactObserver = (question: FetchQuestion, fact: Fact<unknown>) => void

interface Asked {
  readonly question: Question
  readonly key: string
  readonly isCurious: boolean
}

/** An image that has asked. */
interface Waiting {
  readonly image: ImagePlan
  readonly questions: readonly Asked[]
  /** How many more answers make it worth judging again. */
  missing: number
}

/** Questions of one sort on their way. */
interface Lane {
  readonly limit: number
  readonly queue: Asked[]
  busy: number
}

export interface AskingOptions {
  readonly answers: Answers
  readonly asker: Asker
  readonly budget: EvidenceBudget
  readonly observe: FactObserver | undefined
  /** Called when an image has become ready. */
  readonly wake: () => void
}

export class Asking {
  readonly #answers: Answers
  readonly #asker: Asker
  readonly #budget: EvidenceBudget
  readonly #observe: FactObserver | undefined
  readonly #wake: () => void
  readonly #facts = new Map<string, Fact<unknown>>()
  readonly #asked = new Set<string>()
  /** Keys of what waits in a lane, behind questions of the same request. */
  readonly #unsent = new Set<string>()
  readonly #waiting = new Map<ImagePlan, Waiting>()
  readonly #awaited = new Map<string, Waiting[]>()
  #ready: ImagePlan[] = []
  readonly #fetching: Lane = { limit: fetchedAtOnce, queue: [], busy: 0 }
  readonly #verifying: Lane = { limit: verifiedAtOnce, queue: [], busy: 0 }
  readonly #proofs: { readonly question: VerifyQuestion; readonly fact: Fact<unknown> }[] = []

  constructor({ answers, asker, budget, observe, wake }: AskingOptions) {
    this.#answers = answers
    this.#asker = asker
    this.#budget = budget
    this.#observe = observe
    this.#wake = wake
  }

  fact(key: string): Fact<unknown> | undefined {
    return this.#facts.get(key)
  }

  get asked(): number {
    return this.#asked.size
  }

  isAsked(question: Question): boolean {
    return this.#asked.has(questionKey(question))
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** What was verified on the way, and not only out of curiosity. */
  get proofs(): readonly { readonly question: VerifyQuestion; readonly fact: Fact<unknown> }[] {
    return this.#proofs
  }

  /** @param enough so many of the answers make the image ready */
  wait(image: ImagePlan, questions: readonly Question[], enough: number, isCurious: boolean): void {
    const asked = questions.map((question) => ({ question, key: questionKey(question), isCurious }))
    const waiting = { image, questions: asked, missing: enough }
    this.#waiting.set(image, waiting)
    for (const { key } of asked) {
      const others = this.#awaited.get(key)
      if (others === undefined) this.#awaited.set(key, [waiting])
      else others.push(waiting)
    }
    for (const each of asked) {
      if (this.#asked.has(each.key)) continue
      this.#asked.add(each.key)
      this.#send(each, each.question.kind === 'verify' ? this.#verifying : this.#fetching)
    }
  }

  leave(image: ImagePlan): void {
    this.#waiting.delete(image)
  }

  /** Images whose answers have come, each once. */
  takeReady(): readonly ImagePlan[] {
    const ready = this.#ready
    this.#ready = []
    return ready
  }

  waiting(): readonly ImagePlan[] {
    return [...this.#waiting.keys()]
  }

  /** Nothing more is asked from now on. */
  stop(): void {
    this.#fetching.queue.length = 0
    this.#verifying.queue.length = 0
  }

  /** A question of this image that has no answer: one that no registry has been asked, if there is such a one. */
  pendingOf(image: ImagePlan): { readonly key: string; readonly isAtRegistry: boolean } | undefined {
    const pending = this.#waiting.get(image)?.questions.filter(({ key }) => !this.#facts.has(key))
    const ours = pending?.find(
      ({ question, key }) => question.kind === 'verify' || this.#unsent.has(key) || this.#asker.inLine?.has(key),
    )
    if (ours !== undefined) return { key: ours.key, isAtRegistry: false }
    return pending?.[0] && { key: pending[0].key, isAtRegistry: true }
  }

  #send(asked: Asked, lane: Lane): void {
    if (lane.busy >= lane.limit) {
      lane.queue.push(asked)
      this.#unsent.add(asked.key)
      return
    }
    this.#unsent.delete(asked.key)
    lane.busy += 1
    const arrive = (fact: Fact<unknown>) => {
      lane.busy -= 1
      const next = lane.queue.shift()
      if (next !== undefined) this.#send(next, lane)
      this.#arrive(asked, fact)
    }
    this.#answer(asked.question).then(arrive, (error: unknown) => {
      // A fault of ours; it must not take the process with it.
      arrive(unknownBecause(new CodedError('internal-error', messageOf(error), { cause: error })))
    })
  }

  /** Verifying reads nothing. */
  async #answer(question: Question): Promise<Fact<unknown>> {
    if (question.kind === 'verify') return this.#answers.answer(question, this.#asker)
    return this.#budget.refusal() ?? this.#budget.take(await this.#answers.answer(question, this.#asker))
  }

  #arrive({ question, key, isCurious }: Asked, fact: Fact<unknown>): void {
    // What was given up says nothing about the registry.
    if (!fact.known && this.#asker.signal.aborted) return
    this.#facts.set(key, fact)
    // What was only tried to name a stranger may lie where its attestor must not be looked for.
    if (question.kind === 'verify' && !isCurious) this.#proofs.push({ question, fact })
    if (question.kind !== 'verify') tell(this.#observe, question, fact)
    const awaiting = this.#awaited.get(key) ?? []
    this.#awaited.delete(key)
    for (const waiting of awaiting) {
      waiting.missing -= 1
      // Not if it has asked for something else meanwhile.
      if (waiting.missing === 0 && this.#waiting.get(waiting.image) === waiting) this.#ready.push(waiting.image)
    }
    if (this.#ready.length > 0) this.#wake()
  }
}

/** A recorder that fails loses its record, not the decision. */
function tell(observe: FactObserver | undefined, question: FetchQuestion, fact: Fact<unknown>): void {
  try {
    observe?.(question, fact)
  } catch {}
}
