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

export interface MemoryLimits {
  /** Entries of each kind that are kept. */
  readonly entries: number
  /** How long a proof is believed without being read again, in milliseconds. */
  readonly proofMs: number
  /** How long having read something in a repository proves access to it, in milliseconds. */
  readonly accessMs: number
}

/**
 * 10,000 is more distinct images than most clusters run, at some 4 KB each; an hour and a minute are what a removed
 * signature or right may lag.
 */
export const defaultMemoryLimits: MemoryLimits = { entries: 10_000, proofMs: 3_600_000, accessMs: 60_000 }

/** Refusals are forgotten within seconds, and a flood of them must not push out what serves honest requests. */
const refusalsKept = 1_000

/** Signers of one image by one attestor that are worth remembering. */
const claimsKept = 16

/** What is younger than now by more than this was kept before the clock was set back, and its age is not known. */
const clockSlackMs = 60_000

interface Kept<T> {
  readonly value: T
  readonly since: number
  readonly until: number
}

/** With the credentials that know it. */
interface Told extends Kept<Judgement> {
  readonly told: Set<string>
}

export class Memory {
  readonly #limits: MemoryLimits
  readonly #now: () => number
  readonly #proofs: LRUCache<string, ReadonlyMap<string, Kept<Claims>>>
  readonly #judgements: LRUCache<string, Told>
  readonly #refusals: LRUCache<string, Told>
  readonly #access: LRUCache<string, Kept<true>>
  readonly #last: LRUCache<string, LastVerdict>
  readonly #verifications: LRUCache<string, Verification>

  /** @param now milliseconds since the epoch */
  constructor(limits: MemoryLimits = defaultMemoryLimits, now: () => number = Date.now) {
    const { entries: max } = limits
    this.#limits = limits
    this.#now = now
    this.#proofs = new LRUCache({ max })
    this.#judgements = new LRUCache({ max })
    this.#refusals = new LRUCache({ max: Math.min(max, refusalsKept) })
    this.#access = new LRUCache({ max })
    this.#last = new LRUCache({ max })
    this.#verifications = new LRUCache({ max })
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
    const kept = this.#judgements.get(key) ?? this.#refusals.get(key)
    return kept !== undefined && kept.value.digest === digest && holds(kept, this.#now()) ? kept.value : undefined
  }

  /** @param scope the credentials for which it was made, or to which it was told */
  keepJudgement(scope: string, key: string, judgement: Judgement): void {
    const { digest, validUntil, enforced, staleSince } = judgement
    if (digest === undefined || staleSince !== undefined) return
    const isRefusal = enforced?.outcome === 'untrusted'
    const [here, there] = isRefusal ? [this.#refusals, this.#judgements] : [this.#judgements, this.#refusals]
    const kept = here.get(key)
    // A warm admission ends here.
    if (kept?.value === judgement && kept.told.has(scope)) return
    const now = this.#now()
    if (kept?.value === judgement) {
      kept.told.add(scope)
    } else if (validUntil !== undefined && now < validUntil) {
      there.delete(key)
      here.set(key, { value: judgement, since: now, until: validUntil, told: new Set([scope]) })
    }
    if (enforced?.outcome === 'trusted') this.#keepLast(`${scope} ${key}`, digest, judgement, now)
  }

  #keepLast(key: string, digest: Digest, judgement: Judgement, now: number): void {
    const ends = judgement.byPolicy.map((judged) => judged.validUntil).filter((end) => end !== undefined)
    const until = ends.length > 0 ? { validUntil: Math.min(...ends) } : {}
    this.#last.set(key, { digest, at: now, signers: judgement.signers, ...until })
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

function holds({ since, until }: Kept<unknown>, now: number): boolean {
  return now < until && since <= now + clockSlackMs
}

function proofKey({ signatures, digest }: SignedSubject, attestor: Attestor): string {
  return `${repositoryName(signatures)}@${digest} ${attestor.revision}`
}

function accessKey(scope: string, at: Repository): string {
  return `${scope} ${repositoryName(at)}`
}
