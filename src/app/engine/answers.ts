// Answers questions: each once at a time, however many requests ask it, from the sources, the formats or memory.

import { LRUCache } from 'lru-cache'
import type { Verification } from '#core/decision/format.ts'
import type { Fact, FetchQuestion, Question, Repository, VerifyQuestion } from '#core/decision/question.ts'
import { questionKey, unknownBecause } from '#core/decision/question.ts'
import { verifyMaterial } from '#signature/verify.ts'
import type { Memory } from './memory.ts'
import type { FetchContext, Sources } from './sources.ts'

/** Manifests and payloads are small and asked for again within minutes if at all: what a burst needs, not a mirror. */
const contentBytes = 64 * 1024 * 1024

/** A fetch that others wait for ends here at the latest, whoever asked first: longer than any webhook may take. */
const sharedFetchMs = 30_000

interface Flight {
  readonly answer: Promise<Fact<unknown>>
  readonly abort: AbortController
  waiting: number
}

export class Answers {
  readonly #sources: Sources
  readonly #memory: Memory
  readonly #flights = new Map<string, Flight>()
  readonly #content = new LRUCache<string, Fact<unknown> & object>({
    maxSize: contentBytes,
    sizeCalculation: (fact) => sizeOf(fact) + 512,
  })

  constructor(sources: Sources, memory: Memory) {
    this.#sources = sources
    this.#memory = memory
  }

  /** Never rejects: what could not be answered is a fact with a code. */
  async answer(question: Question, scope: string, signal: AbortSignal): Promise<Fact<unknown>> {
    if (question.kind === 'verify') return this.#verify(question)
    if (question.kind === 'access' && this.#memory.mayRead(scope, question.at)) return { known: true, value: true }
    const key = `${scope} ${questionKey(question)}`
    const kept = this.#content.get(key)
    if (kept !== undefined && this.#memory.mayRead(scope, question.at)) return kept
    return this.#join(key, question, scope, signal)
  }

  async #verify(question: VerifyQuestion): Promise<Fact<Verification>> {
    const key = questionKey(question)
    const known = this.#memory.verification(key)
    try {
      const verification = known ?? (await verifyMaterial(question))
      if (known === undefined) this.#memory.keepVerification(key, verification)
      if (verification.accepted) this.#memory.prove(question.subject, question.attestor, verification.claims)
      return { known: true, value: verification }
    } catch (error) {
      // A fault of a format says nothing about the signature, and is not remembered.
      return unknownBecause(error)
    }
  }

  async #join(key: string, question: FetchQuestion, scope: string, signal: AbortSignal): Promise<Fact<unknown>> {
    const flight = this.#flights.get(key) ?? this.#takeOff(key, question, scope)
    flight.waiting += 1
    const leave = () => {
      flight.waiting -= 1
      if (flight.waiting > 0) return
      // Whoever asks next starts anew instead of joining what is being given up.
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
      flight.abort.abort()
    }
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await flight.answer
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  #takeOff(key: string, question: FetchQuestion, scope: string): Flight {
    const abort = new AbortController()
    const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(sharedFetchMs)])
    const answer = fetchAnswer(this.#sources, question, { signal, scope })
      .then(
        (value): Fact<unknown> => ({ known: true, value }),
        (error): Fact<unknown> => unknownBecause(error),
      )
      .then((fact) => {
        if (this.#flights.get(key)?.abort === abort) this.#flights.delete(key)
        if (fact.known) this.#remember(key, question, scope, fact)
        return fact
      })
    const flight: Flight = { answer, abort, waiting: 0 }
    this.#flights.set(key, flight)
    return flight
  }

  #remember(key: string, question: FetchQuestion, scope: string, fact: Fact<unknown> & { known: true }): void {
    if (fact.value !== null) this.#memory.hasRead(scope, question.at)
    if (question.kind === 'manifest' || question.kind === 'blob') this.#content.set(key, fact)
  }
}

function fetchAnswer(sources: Sources, question: FetchQuestion, context: FetchContext): Promise<unknown> {
  const at: Repository = question.at
  switch (question.kind) {
    case 'resolve':
      return sources.resolve(at, question.tag, context)
    case 'access':
      return sources.access(at, question.digest, context).then(() => true)
    case 'manifest':
      return sources.manifest(at, question.digest, context)
    case 'tagged':
      return sources.tagged(at, question.tag, context)
    case 'referrers':
      return sources.referrers(at, question.digest, context)
    case 'blob':
      return sources.blob(at, question.digest, question.maxBytes, context)
  }
}

function sizeOf(fact: Fact<unknown>): number {
  if (!fact.known) return 0
  const { value } = fact
  if (value instanceof Uint8Array) return value.length
  return typeof value === 'object' && value !== null && 'bytes' in value && value.bytes instanceof Uint8Array
    ? value.bytes.length
    : 0
}
