// What the engine keeps between requests, all of it bounded: proofs by content, judgements under the demands they were
// made by, proofs of access, and the last trusted verdicts. Nothing here is needed for a right answer; who may be told
// what is remembered is decided in `core/decision`.

import { LRUCache } from 'lru-cache'
import type { Claims, SignedSubject, Verification } from '#core/decision/format.ts'
import type { LastVerdict } from '#core/decision/image-plan.ts'
import type { Proof } from '#core/decision/inquiry.ts'
import type { Judgement } from '#core/decision/judgement.ts'
import type { Repository } from '#core/decision/question.ts'
import type { Digest } from '#core/image/digest.ts'
import { repositoryName } from '#core/image/reference.ts'
import type { Attestor } from '#core/policy/words.ts'
import type { VerdictLimits } from './verdicts.ts'
import { Verdicts } from './verdicts.ts'
import { weightOf } from './weight.ts'

export interface MemoryLimits extends VerdictLimits {
  /** How long a proof is believed without being read again, in milliseconds. */
  readonly proofMs: number
  /** How long having read something in a repository proves access to it, in milliseconds. */
  readonly accessMs: number
}

/**
 * 100,000 is more distinct images than clusters run within the hour that a verdict lasts, at some 150 bytes each when
 * packed; 2,000 is what one starts within minutes, at a few KB each. An hour and a minute are what a removed signature or
 * right may lag.
 */
export const defaultMemoryLimits: MemoryLimits = {
  entries: 100_000,
  unpacked: 2_000,
  proofMs: 3_600_000,
  accessMs: 60_000,
}

/** Repositories that are read within a minute; their names have 510 characters at most, mostly 60. */
const accessKept = 10_000

/** Wanted where another policy asks about a known image: rarely, and then soon. The bytes are for long annotations. */
const proofsKept = 10_000
const proofBytes = 8 * 1024 * 1024

/** What several requests verify at the same time, and what is read again before a proof of it is made. */
const verificationsKept = 4_000
const verificationBytes = 4 * 1024 * 1024

/** Only under policies that say `UseLastVerdict`: what may have to start while the registry is away. */
const lastKept = 20_000
const lastBytes = 16 * 1024 * 1024

/** Signers of one image by one attestor that are worth remembering. */
const claimsKept = 16

/** What is younger than now by more than this was kept before the clock was set back, and its age is not known. */
const clockSlackMs = 60_000

interface Kept<T> {
  readonly value: T
  readonly since: number
  readonly until: number
}

type Proofs = ReadonlyMap<string, Kept<Claims>>

export class Memory {
  readonly #limits: MemoryLimits
  readonly #now: () => number
  readonly #verdicts: Verdicts
  readonly #proofs: LRUCache<string, Proofs>
  readonly #access: LRUCache<string, Kept<true>>
  readonly #last: LRUCache<string, LastVerdict>
  readonly #verifications: LRUCache<string, Verification>

  /** @param now milliseconds since the epoch */
  constructor(limits: MemoryLimits = defaultMemoryLimits, now: () => number = Date.now) {
    const { entries } = limits
    this.#limits = limits
    this.#now = now
    this.#verdicts = new Verdicts(limits)
    this.#access = new LRUCache({ max: Math.min(entries, accessKept) })
    this.#proofs = bounded(Math.min(entries, proofsKept), proofBytes)
    this.#last = bounded(Math.min(entries, lastKept), lastBytes)
    this.#verifications = bounded(Math.min(entries, verificationsKept), verificationBytes)
  }

  proven(subject: SignedSubject, attestor: Attestor): readonly Proof[] {
    const proofs = this.#proofs.get(proofKey(subject, attestor))
    if (proofs === undefined) return []
    const now = this.#now()
    return [...proofs.values()].flatMap((kept) => (holds(kept, now) ? [{ claims: kept.value, until: kept.until }] : []))
  }

  /** Keeps what a signature proved that was read now; one entry a signer and set of claims. */
  prove(subject: SignedSubject, attestor: Attestor, claims: Claims): void {
    const key = proofKey(subject, attestor)
    const now = this.#now()
    const name = JSON.stringify([claims.signer.fingerprint, claims.reference, claims.annotations, claims.provenTimes])
    const known = [...(this.#proofs.get(key) ?? [])].filter(([other, kept]) => other !== name && holds(kept, now))
    const proof: Kept<Claims> = { value: claims, since: now, until: now + this.#limits.proofMs }
    this.#proofs.set(key, new Map([[name, proof], ...known.slice(0, claimsKept - 1)]))
  }

  judgement(key: string, digest: Digest): Judgement | undefined {
    const kept = this.#verdicts.get(key, digest)
    return kept !== undefined && holds(kept, this.#now()) ? kept.value : undefined
  }

  /**
   * @param scope the credentials for which it was made, or to which it was told
   * @param isLastWanted a policy may ask for it while the registry is away
   */
  keepJudgement(scope: string, key: string, judgement: Judgement, isLastWanted: boolean): void {
    const { digest, validUntil, enforced, staleSince } = judgement
    if (digest === undefined || staleSince !== undefined) return
    const kept = this.#verdicts.entryOf(key, judgement)
    const since = kept?.since ?? this.#now()
    if (kept === undefined && validUntil !== undefined && since < validUntil) {
      this.#verdicts.set(key, digest, { value: judgement, since, until: validUntil })
    }
    if (isLastWanted && enforced?.outcome === 'trusted') this.#keepLast(`${scope} ${key}`, digest, judgement, since)
  }

  /** @param at when the judgement was made: who is told later is told nothing newer */
  #keepLast(key: string, digest: Digest, { byPolicy, signers }: Judgement, at: number): void {
    const known = this.#last.get(key)
    if (known?.digest === digest && known.at === at) return
    const ends = byPolicy.map(({ validUntil }) => validUntil).filter((end) => end !== undefined)
    const until = ends.length > 0 ? { validUntil: Math.min(...ends) } : {}
    this.#last.set(key, { digest, at, signers, ...until })
  }

  last(scope: string, key: string): LastVerdict | undefined {
    return this.#last.get(`${scope} ${key}`)
  }

  mayRead(scope: string, at: Repository): boolean {
    const kept = this.#access.get(accessKey(scope, at))
    return kept !== undefined && holds(kept, this.#now())
  }

  hasRead(scope: string, at: Repository): void {
    const now = this.#now()
    this.#access.set(accessKey(scope, at), { value: true, since: now, until: now + this.#limits.accessMs })
  }

  /** Verification is a function of bytes and keys: it may be kept whoever read the bytes. */
  verification(key: string): Verification | undefined {
    return this.#verifications.get(key)
  }

  keepVerification(key: string, verification: Verification): void {
    this.#verifications.set(key, verification)
  }
}

function bounded<T extends object>(max: number, maxSize: number): LRUCache<string, T> {
  return new LRUCache({ max, maxSize, sizeCalculation: (value, key) => weightOf(value) + key.length })
}

function holds({ since, until }: Kept<unknown>, now: number): boolean {
  return now < until && since <= now + clockSlackMs
}

function proofKey({ signatures, digest }: SignedSubject, attestor: Attestor): string {
  return `${repositoryName(signatures)}@${digest} ${attestor.revision}`
}

function accessKey(scope: string, at: Repository): string {
  return `${scope} ${repositoryName(at)}`
}
