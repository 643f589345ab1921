// Answers questions: each once at a time, however many requests ask it, from the sources, from the formats, or from
// content that was read lately. It judges nothing.

import { LRUCache } from 'lru-cache'
import type { Verification } from '#core/decision/format.ts'
import type { Fact, FetchQuestion, Question, VerifyQuestion } from '#core/decision/question.ts'
import { questionKey, unknownBecause } from '#core/decision/question.ts'
import { CodedError, codeOf, errorTable, messageOf } from '#core/errors.ts'
import type { Memory } from './memory.ts'
import type { FetchContext, Sources } from './sources.ts'

/** Manifests and payloads are small and asked for again within minutes if at all: what a burst needs, not a mirror. */
const contentBytes = 64 * 1024 * 1024

/** A fetch that others wait for ends here at the latest, whoever asked first: longer than any webhook may take. */
const sharedFetchMs = 30_000

export type Verify = (question: VerifyQuestion) => Promise<Verification>

interface Flight {
  readonly answer: Promise<Fact<unknown>>
  readonly abort: AbortController
  waiting: number
}

export class Answers {
  readonly #sources: Sources
  readonly #verify: Verify
  readonly #memory: Memory
  readonly #flights = new Map<string, Flight>()
  readonly #verifying = new Map<string, Promise<Fact<Verification>>>()
  readonly #content = new LRUCache<string, Fact<unknown> & object>({
    maxSize: contentBytes,
    sizeCalculation: (fact, key) => sizeOf(fact) + key.length + 512,
  })

  constructor(sources: Sources, verify: Verify, memory: Memory) {
    this.#sources = sources
    this.#verify = verify
    this.#memory = memory
  }

  /**
   * Never rejects: what could not be answered is a fact with a code.
   * @param signal ends the waiting of this asker; a fetch that nobody waits for any more is given up
   */
  answer(question: Question, scope: string, signal: AbortSignal): Promise<Fact<unknown>> {
    const name = questionKey(question)
    if (question.kind === 'verify') return this.#verifyOnce(name, question)
    // The same question under other credentials is another one.
    const key = `${scope} ${name}`
    const kept = this.#content.get(key)
    if (kept !== undefined && this.#memory.mayRead(scope, question.at)) return Promise.resolve(kept)
    return this.#join(key, question, scope, signal)
  }

  #verifyOnce(key: string, question: VerifyQuestion): Promise<Fact<Verification>> {
    const known = this.#memory.verification(key)
    if (known !== undefined) return Promise.resolve({ known: true, value: known })
    const running = this.#verifying.get(key)
    if (running !== undefined) return running
    const verifying = this.#verifyNow(key, question).finally(() => this.#verifying.delete(key))
    this.#verifying.set(key, verifying)
    return verifying
  }

  async #verifyNow(key: string, question: VerifyQuestion): Promise<Fact<Verification>> {
    try {
      const value = await this.#verify(question)
      this.#memory.keepVerification(key, value)
      return { known: true, value }
    } catch (error) {
      // A fault of ours says nothing about the signature, and is not remembered.
      return unknown(error)
    }
  }

  async #join(key: string, question: FetchQuestion, scope: string, signal: AbortSignal): Promise<Fact<unknown>> {
    if (signal.aborted) return unknown(new CodedError('registry-timeout', 'the deadline of the request came first'))
    const flight = this.#flights.get(key) ?? this.#takeOff(key, question, scope)
    flight.waiting += 1
    const leave = () => {
      flight.waiting -= 1
      if (flight.waiting > 0) return
      // Whoever asks next starts anew instead of joining what is being given up.
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
      flight.abort.abort(new CodedError('registry-timeout', 'nobody waits for the answer any more'))
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
    const flight: Flight = { answer: this.#fetch(key, question, { signal, scope }), abort, waiting: 0 }
    this.#flights.set(key, flight)
    void flight.answer.then(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    })
    return flight
  }

  async #fetch(key: string, question: FetchQuestion, context: FetchContext): Promise<Fact<unknown>> {
    try {
      const fact = { known: true, value: await fetchAnswer(this.#sources, question, context) } as const
      if (provesAccess(fact.value)) this.#memory.hasRead(context.scope, question.at)
      if (question.kind === 'manifest' || question.kind === 'blob') this.#content.set(key, fact)
      return fact
    } catch (error) {
      return unknown(error)
    }
  }
}

/** "There is none" is what registries also say to those who may not look. */
function provesAccess(value: unknown): boolean {
  return value !== null && !(Array.isArray(value) && value.length === 0)
}

/** Not having found out is never a no, a yes or a check, whatever code a source throws. */
function unknown(error: unknown): Fact<never> {
  const { kind } = errorTable[codeOf(error)]
  if (kind === 'undetermined' || kind === 'input') return unknownBecause(error)
  return unknownBecause(new CodedError('internal-error', messageOf(error), { cause: error }))
}

async function fetchAnswer(sources: Sources, question: FetchQuestion, context: FetchContext): Promise<unknown> {
  const { at } = question
  switch (question.kind) {
    case 'resolve':
      return sources.resolve(at, question.tag, context)
    case 'access':
      await sources.access(at, question.digest, context)
      return true
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
