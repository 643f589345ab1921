// Answers questions: each once at a time, however many requests ask it, from the sources, from the formats, or from
// content that was read lately. It judges nothing.

import { LRUCache } from 'lru-cache'
import type { Verification } from '#core/decision/format.ts'
import type { Fact, FetchQuestion, Question, VerifyQuestion } from '#core/decision/question.ts'
import { questionKey, unknownBecause } from '#core/decision/question.ts'
import { CodedError, codeOf, errorTable, messageOf } from '#core/errors.ts'
import type { Memory } from './memory.ts'
import type { Ticket } from './places.ts'
import { Places } from './places.ts'
import type { FetchContext, Sources, Standing } from './sources.ts'
import { Turns } from './turns.ts'

/** Manifests and payloads are small and asked for again within minutes if at all: what a burst needs, not a mirror. */
const contentBytes = 64 * 1024 * 1024

/** A fetch that others wait for ends here at the latest, whoever asked first: longer than any webhook may take. */
const sharedFetchMs = 30_000

/**
 * A fetch that has been on its way for so long may hang for ever, on a connection that is dead: who comes later asks anew
 * and is not held up by it. Registries answer within a second; of one that does not, a question is asked this often.
 */
const joinableMs = 3_000

export type Verify = (question: VerifyQuestion) => Promise<Verification>

/** Who asks; one value for each request, which is served in turn with the others. */
export interface Asker {
  /** Names the credentials. */
  readonly scope: string
  /** Ends the waiting of this asker; a fetch that nobody waits for any more is given up. */
  readonly signal: AbortSignal
  /** Gets the keys of questions that still waited for room on our side when the time was over. */
  readonly inLine?: Set<string>
}

interface Flight {
  readonly answer: Promise<Fact<unknown>>
  readonly abort: AbortController
  readonly ticket: Ticket
  readonly standing: Standing
  waiting: number
  /** When the source was asked, on a clock that does not jump. */
  sentAt: number | undefined
}

export class Answers {
  readonly #sources: Sources
  readonly #verify: Verify
  readonly #memory: Memory
  readonly #turns: Turns
  readonly #places = new Places()
  readonly #flights = new Map<string, Flight>()
  readonly #verifying = new Map<string, Promise<Fact<Verification>>>()
  readonly #content = new LRUCache<string, Fact<unknown> & object>({
    maxSize: contentBytes,
    sizeCalculation: (fact, key) => sizeOf(fact) + key.length + 512,
  })

  constructor(sources: Sources, verify: Verify, memory: Memory, turns: Turns = new Turns()) {
    this.#sources = sources
    this.#verify = verify
    this.#memory = memory
    this.#turns = turns
  }

  /** Never rejects: what could not be answered is a fact with a code. */
  answer(question: Question, asker: Asker): Promise<Fact<unknown>> {
    const { scope } = asker
    const name = questionKey(question)
    if (question.kind === 'verify') return this.#verifyOnce(name, question, asker)
    // The same question under other credentials is another one.
    const key = `${scope} ${name}`
    const kept = this.#content.get(key)
    if (kept !== undefined && this.#memory.mayRead(scope, question.at)) return Promise.resolve(kept)
    return this.#join(key, name, question, asker)
  }

  #verifyOnce(key: string, question: VerifyQuestion, asker: Asker): Promise<Fact<Verification>> {
    const known = this.#memory.verification(key)
    if (known !== undefined) return Promise.resolve({ known: true, value: known })
    const running = this.#verifying.get(key)
    if (running !== undefined) return running
    const verifying = this.#verifyInTurn(key, question, asker)
    this.#verifying.set(key, verifying)
    const forget = () => {
      asker.signal.removeEventListener('abort', forget)
      if (this.#verifying.get(key) === verifying) this.#verifying.delete(key)
    }
    // One that has not ended when this asker's time is over may never end: nobody else shall wait for it.
    asker.signal.addEventListener('abort', forget)
    void verifying.then(forget)
    return verifying
  }

  /** Reading what was signed takes milliseconds of the main thread where it is large. */
  async #verifyInTurn(key: string, question: VerifyQuestion, asker: Asker): Promise<Fact<Verification>> {
    if (this.#turns.isOver()) await this.#turns.next(asker)
    try {
      const value = await this.#verify(question)
      this.#memory.keepVerification(key, value)
      return { known: true, value }
    } catch (error) {
      // A fault of ours says nothing about the signature, and is not remembered.
      return unknown(error)
    }
  }

  async #join(key: string, name: string, question: FetchQuestion, asker: Asker): Promise<Fact<unknown>> {
    const { signal } = asker
    if (signal.aborted) return unknown(new CodedError('registry-timeout', 'the deadline of the request came first'))
    const known = this.#flights.get(key)
    const flight = known !== undefined && isJoinable(known) ? known : this.#takeOff(key, question, asker)
    if (flight === known) this.#places.join(known.ticket, asker)
    flight.waiting += 1
    const leave = () => {
      if (isInLine(flight)) asker.inLine?.add(name)
      flight.waiting -= 1
      if (flight.waiting > 0) return
      // Whoever asks next starts anew instead of joining what is being given up.
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
      flight.abort.abort(new CodedError('registry-timeout', 'nobody waits for the answer any more'))
      if (flight.ticket.state === 'waiting') this.#places.giveBack(flight.ticket)
    }
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await flight.answer
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  #takeOff(key: string, question: FetchQuestion, asker: Asker): Flight {
    const abort = new AbortController()
    const ticket = this.#places.ask(question.at.registry, asker)
    const asked = Promise.withResolvers<Fact<unknown>>()
    const standing = { inLine: false }
    const flight: Flight = { answer: asked.promise, abort, ticket, standing, waiting: 0, sentAt: undefined }
    this.#flights.set(key, flight)
    void this.#fly(key, question, flight, asker.scope).then((answer) => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
      asked.resolve(answer)
    })
    return flight
  }

  async #fly(key: string, question: FetchQuestion, flight: Flight, scope: string): Promise<Fact<unknown>> {
    const { abort, ticket, standing } = flight
    if (ticket.state === 'waiting') await ticket.granted
    flight.sentAt = performance.now()
    const tooLong = () => abort.abort(new CodedError('registry-timeout', `${question.at.registry} took too long`))
    const timer = setTimeout(tooLong, sharedFetchMs)
    try {
      // A source that does not hear the signal must not keep the place, nor whoever waits.
      return await untilAborted(abort.signal, () =>
        this.#fetch(key, question, { signal: abort.signal, scope, standing }),
      )
    } finally {
      clearTimeout(timer)
      this.#places.giveBack(ticket)
    }
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

/** Not so who waits for a place at the registry itself: these are taken by what it has not answered. */
function isInLine({ standing }: Flight): boolean {
  for (let at: Standing | undefined = standing; at !== undefined; at = at.behind) if (at.inLine) return true
  return false
}

function isJoinable({ sentAt }: Flight): boolean {
  return sentAt === undefined || performance.now() - sentAt < joinableMs
}

/** "There is none" is what registries also say to those who may not look. */
function provesAccess(value: unknown): boolean {
  return value !== null && !(Array.isArray(value) && value.length === 0)
}

function untilAborted<T>(signal: AbortSignal, work: () => Promise<Fact<T>>): Promise<Fact<T>> {
  return new Promise((resolve) => {
    const giveUp = () => resolve(unknown(signal.reason))
    if (signal.aborted) return giveUp()
    signal.addEventListener('abort', giveUp)
    void work().then(resolve)
  })
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
