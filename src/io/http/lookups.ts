// The addresses of names. The system is asked as every program asks it, which takes a thread for as long as a name server
// likes and cannot be called back. Names come out of images, so that anybody may bring slow ones along: here they wait for
// each other, and not the names that are in use (docs/decisions/0005-names-are-looked-up-in-turn.md).

import type { LookupAddress } from 'node:dns'
import { CodedError } from '#core/errors.ts'
import { type Cache, createCache } from '#io/cache.ts'
import type { Resolve } from './guard.ts'
import { Line } from './line.ts'
import type { Standing } from './message.ts'

/**
 * libuv runs look-ups on two of its four threads, so that files and cryptography always find one. More would wait there,
 * where nobody has precedence and nobody can leave.
 */
const atOnce = 2
/** Of one domain: whose name server is slow keeps one thread, and never both. */
const ofDomainAtOnce = 1
/** A request's connections and those of its neighbours share an answer; name servers mostly let answers live longer. */
const freshMs = 10_000
/**
 * So long the addresses of a name that is in use count where no new ones come in time: a registry that is deployed from has
 * been asked for within the hour.
 */
const keptMs = 3_600_000
/** Look-ups in line, and domains whose names are kept: ten times what a large cluster deploys from. */
const maxNames = 1_000
/**
 * Of one domain. Whoever has one may have it answer for any name in it, and would have those of others forgotten; of a
 * cloud's registries a cluster uses a few dozen.
 */
const maxNamesOfDomain = 64
/** A name server at hand answers in milliseconds; with addresses at hand nobody waits for a slow one. */
const graceMs = 500
/** Without: shorter than what an admission has by default, so that the answer says what it waited for. */
const patienceMs = 4_000

export interface LookupCaller {
  readonly signal?: AbortSignal | undefined
  readonly standing?: Standing | undefined
}

interface Kept {
  readonly addresses: readonly LookupAddress[]
  readonly at: number
}

interface Search extends Standing {
  readonly name: string
  readonly domain: string
  readonly isKnown: boolean
  readonly begun: number
  readonly found: PromiseWithResolvers<readonly LookupAddress[]>
  inLine: boolean
  awaitedBy: number
}

export class Lookups {
  readonly #resolve: Resolve
  readonly #kept = new KeptNames()
  readonly #searches = new Map<string, Search>()
  readonly #knownNames = new Line<Search>()
  readonly #newNames = new Line<Search>()
  /** How many run, by domain. */
  readonly #running = new Map<string, number>()
  #busy = 0

  constructor(resolve: Resolve) {
    this.#resolve = resolve
  }

  /**
   * @throws CodedError `overloaded` if its turn does not come in time, `registry-timeout` if no answer does, and what the
   *   system throws
   */
  async find(name: string, caller: LookupCaller = {}): Promise<readonly LookupAddress[]> {
    const known = this.#kept.get(name)
    const age = known === undefined ? Number.POSITIVE_INFINITY : performance.now() - known.at
    if (known !== undefined && age < freshMs) return known.addresses
    const kept = age < keptMs ? known : undefined
    const search = this.#searches.get(name) ?? this.#begin(name, kept !== undefined)
    if (caller.standing !== undefined) caller.standing.behind = search
    search.awaitedBy += 1
    try {
      return await awaited(search, kept, caller.signal)
    } finally {
      if (caller.standing !== undefined) caller.standing.behind = undefined
      search.awaitedBy -= 1
      this.#leave(search)
    }
  }

  /** For sockets. */
  readonly resolve: Resolve = (name, _options, done) => {
    this.find(name).then(
      (addresses) => done(null, [...addresses]),
      (error: NodeJS.ErrnoException) => done(error, []),
    )
  }

  #begin(name: string, isKnown: boolean): Search {
    const domain = domainOf(name)
    const found = Promise.withResolvers<readonly LookupAddress[]>()
    // Everybody may have left by then.
    found.promise.catch(() => {})
    const search = { name, domain, isKnown, begun: performance.now(), found, inLine: true, awaitedBy: 0 }
    this.#searches.set(name, search)
    this.#lineOf(search).push(domain, search)
    this.#serve()
    return search
  }

  #serve(): void {
    const hasRoom = ({ domain }: Search) => (this.#running.get(domain) ?? 0) < ofDomainAtOnce
    while (this.#busy < atOnce) {
      const next = this.#knownNames.take(hasRoom) ?? this.#newNames.take(hasRoom)
      if (next === undefined) return
      this.#run(next)
    }
  }

  #run(search: Search): void {
    const { name, found } = search
    search.inLine = false
    this.#count(search, 1)
    this.#resolve(name, { all: true }, (error, addresses) => {
      this.#count(search, -1)
      this.#searches.delete(name)
      if (error === null) {
        this.#kept.set(name, { addresses, at: performance.now() })
        found.resolve(addresses)
      } else {
        if (isGone(error)) this.#kept.delete(name)
        found.reject(error)
      }
      this.#serve()
    })
  }

  #count({ domain }: Search, change: 1 | -1): void {
    this.#busy += change
    const running = (this.#running.get(domain) ?? 0) + change
    if (running === 0) this.#running.delete(domain)
    else this.#running.set(domain, running)
  }

  /** New addresses for a name in use are wanted also where nobody waits for them any more; so many, and no more. */
  #leave(search: Search): void {
    if (!search.inLine || search.awaitedBy > 0 || (search.isKnown && this.#searches.size <= maxNames)) return
    this.#lineOf(search).withdraw(search.domain, search)
    this.#searches.delete(search.name)
  }

  #lineOf({ isKnown }: Search): Line<Search> {
    return isKnown ? this.#knownNames : this.#newNames
  }
}

/** Addresses that were found, by domain: where there are too many, those that were used the longest ago are forgotten. */
class KeptNames {
  readonly #domains = createCache<Cache<Kept>>({ max: maxNames, ttl: 0 })

  get(name: string): Kept | undefined {
    return this.#domains.get(domainOf(name))?.get(name)
  }

  set(name: string, kept: Kept): void {
    const domain = domainOf(name)
    const names = this.#domains.get(domain) ?? createCache<Kept>({ max: maxNamesOfDomain, ttl: 0 })
    names.set(name, kept)
    this.#domains.set(domain, names)
  }

  delete(name: string): void {
    this.#domains.get(domainOf(name))?.delete(name)
  }
}

function awaited(
  search: Search,
  kept: Kept | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    const giveUp = () => (kept === undefined ? reject(lateness(search, signal)) : resolve(kept.addresses))
    const patience = kept === undefined ? patienceMs : search.begun + graceMs - performance.now()
    const timer = setTimeout(giveUp, patience)
    signal?.addEventListener('abort', giveUp)
    const fail = (error: unknown) => (kept === undefined || isGone(error) ? reject(error) : resolve(kept.addresses))
    search.found.promise.then(resolve, fail).finally(() => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
    })
    if (signal?.aborted) giveUp()
  })
}

/** Who waits for others says so: whoever deploys may have brought these along, and then it is no outage. */
function lateness({ name, inLine }: Search, signal: AbortSignal | undefined): CodedError {
  if (signal?.aborted && signal.reason instanceof CodedError) return signal.reason
  return inLine
    ? new CodedError('overloaded', `${name} was not looked up in time: other names, which take long, came before it`)
    : new CodedError('registry-timeout', `the name ${name} was not resolved in time`)
}

/** "There is no such name", and not "not now". */
function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOTFOUND'
}

/** Who owns the name, roughly: where it is a whole country's, or a cloud's, honest names wait for each other, too. */
function domainOf(name: string): string {
  return name.replace(/\.$/, '').split('.').slice(-2).join('.')
}
