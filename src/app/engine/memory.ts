// What the engine keeps between requests, all of it bounded: proofs by content, judgements under the policies they were
// made by, proofs of access, and the last trusted verdicts. Nothing here is ever needed for a right answer.

import { LRUCache } from 'lru-cache'
import type { Claims, SignedSubject, Verification } from '#core/decision/format.ts'
import type { LastVerdict } from '#core/decision/image-plan.ts'
import type { Judgement } from '#core/decision/judgement.ts'
import type { Repository } from '#core/decision/question.ts'
import type { Digest } from '#core/image/digest.ts'
import type { Attestor } from '#core/policy/words.ts'

export interface MemoryLimits {
  /** Entries of each kind that are kept. */
  readonly entries: number
  /** How long a proof is believed without being read again, in milliseconds. */
  readonly proofMs: number
  /** How long having read something in a repository proves access to it, in milliseconds. */
  readonly accessMs: number
}

/** 100,000 is more images than a large cluster runs; an hour and a minute are what a removed signature or right may lag. */
export const defaultMemoryLimits: MemoryLimits = { entries: 100_000, proofMs: 3_600_000, accessMs: 60_000 }

export class Memory {
  readonly #proofs: LRUCache<string, ReadonlyMap<string, Claims>>
  readonly #judgements: LRUCache<string, Judgement>
  readonly #access: LRUCache<string, true>
  readonly #last: LRUCache<string, LastVerdict>
  readonly #verifications: LRUCache<string, Verification>

  constructor(limits: MemoryLimits = defaultMemoryLimits) {
    const { entries: max, proofMs, accessMs } = limits
    this.#proofs = new LRUCache({ max, ttl: proofMs })
    this.#judgements = new LRUCache({ max })
    this.#access = new LRUCache({ max, ttl: accessMs })
    this.#last = new LRUCache({ max })
    this.#verifications = new LRUCache({ max })
  }

  proven(subject: SignedSubject, attestor: Attestor): readonly Claims[] {
    const proofs = this.#proofs.get(proofKey(subject, attestor))
    return proofs === undefined ? [] : [...proofs.values()]
  }

  /** Keeps what a signature proved; one entry a signer and set of claims. */
  prove(subject: SignedSubject, attestor: Attestor, claims: Claims): void {
    const key = proofKey(subject, attestor)
    const name = JSON.stringify([claims.signer.fingerprint, claims.reference, claims.annotations, claims.provenTimes])
    const known = this.#proofs.get(key)
    if (known?.has(name) || (known !== undefined && known.size >= claimsKept)) return
    this.#proofs.set(key, new Map([...(known ?? []), [name, claims]]))
  }

  judgement(key: string, digest: Digest, now: number): Judgement | undefined {
    const judgement = this.#judgements.get(`${key}@${digest}`)
    return judgement?.validUntil !== undefined && now < judgement.validUntil ? judgement : undefined
  }

  keepJudgement(key: string, judgement: Judgement, now: number): void {
    const { digest, validUntil, enforced } = judgement
    if (digest === undefined) return
    if (validUntil !== undefined && now < validUntil) this.#judgements.set(`${key}@${digest}`, judgement)
    if (enforced?.outcome === 'trusted' && judgement.staleSince === undefined) {
      const ends = judgement.byPolicy.map((judged) => judged.validUntil).filter((end) => end !== undefined)
      const until = ends.length > 0 ? { validUntil: Math.min(...ends) } : {}
      this.#last.set(key, { digest, at: now, signers: judgement.signers, ...until })
    }
  }

  last(key: string): LastVerdict | undefined {
    return this.#last.get(key)
  }

  mayRead(scope: string, at: Repository): boolean {
    return this.#access.has(accessKey(scope, at))
  }

  hasRead(scope: string, at: Repository): void {
    this.#access.set(accessKey(scope, at), true)
  }

  /** Verification is a function of bytes and keys: it may be kept whoever read the bytes. */
  verification(key: string): Verification | undefined {
    return this.#verifications.get(key)
  }

  keepVerification(key: string, verification: Verification): void {
    this.#verifications.set(key, verification)
  }
}

/** Signers of one image by one attestor that are worth remembering. */
const claimsKept = 16

function proofKey({ signatures, digest }: SignedSubject, attestor: Attestor): string {
  return `${signatures.registry}/${signatures.repository}@${digest} ${attestor.revision}`
}

function accessKey(scope: string, at: Repository): string {
  return `${scope} ${at.registry}/${at.repository}`
}
