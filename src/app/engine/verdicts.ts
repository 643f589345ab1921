// Judgements that still hold, by what was asked: those of warm traffic as they are, and packed what these push out. A
// refusal is kept apart, for seconds.

import { LRUCache } from 'lru-cache'
import type { Judgement } from '#core/decision/judgement.ts'
import type { Digest } from '#core/image/digest.ts'
import { PackedVerdicts } from './packed-verdicts.ts'
import { weightOf } from './weight.ts'

/** What long annotations may take in judgements that lie there as they are; one of a plain signature weighs 2 to 4 KB. */
const unpackedBytes = 6 * 1024 * 1024

/** A flood of refusals must not push out what serves honest requests, nor take more than a burst of them needs. */
const refusalsKept = 1_000
const refusalBytes = 16 * 1024 * 1024

export interface KeptVerdict {
  readonly value: Judgement
  readonly since: number
  readonly until: number
}

export interface VerdictLimits {
  /** How many are kept packed. */
  readonly entries: number
  /** How many are kept as they are. */
  readonly unpacked: number
}

interface Unpacked extends KeptVerdict {
  /** It lies packed, too. */
  readonly isPacked: boolean
}

export class Verdicts {
  readonly #unpacked: LRUCache<string, Unpacked>
  readonly #refusals: LRUCache<string, KeptVerdict>
  readonly #packed: PackedVerdicts

  constructor({ entries, unpacked }: VerdictLimits) {
    const sizeCalculation = ({ value }: KeptVerdict, key: string) => weightOf(value) + key.length
    this.#unpacked = new LRUCache<string, Unpacked>({
      max: Math.min(entries, unpacked),
      maxSize: unpackedBytes,
      sizeCalculation,
      dispose: (kept, key, reason) => {
        if (reason === 'evict' && !kept.isPacked) this.#pack(key, kept)
      },
    })
    this.#refusals = new LRUCache({ max: Math.min(entries, refusalsKept), maxSize: refusalBytes, sizeCalculation })
    this.#packed = new PackedVerdicts(entries)
  }

  /** Whether it still holds is not looked at. */
  get(key: string, digest: Digest): KeptVerdict | undefined {
    const kept = this.#unpacked.get(key)
    if (kept?.value.digest === digest) return kept
    const refusal = this.#refusals.get(key)
    return this.#unpack(key, digest) ?? (refusal?.value.digest === digest ? refusal : undefined)
  }

  /** The entry whose value this very judgement is. */
  entryOf(key: string, judgement: Judgement): KeptVerdict | undefined {
    const kept = this.#unpacked.get(key)
    if (kept?.value === judgement) return kept
    const refusal = this.#refusals.get(key)
    return refusal?.value === judgement ? refusal : undefined
  }

  set(key: string, digest: Digest, kept: KeptVerdict): void {
    this.#packed.delete(key, digest)
    if (isRefusal(kept.value)) {
      this.#unpacked.delete(key)
      this.#refusals.set(key, kept)
    } else {
      this.#refusals.delete(key)
      this.#unpacked.set(key, { ...kept, isPacked: false })
    }
  }

  #pack(key: string, { value, since }: KeptVerdict): void {
    if (value.digest !== undefined) this.#packed.set(key, value.digest, value, since)
  }

  #unpack(key: string, digest: Digest): KeptVerdict | undefined {
    const found = this.#packed.get(key, digest)
    if (found === undefined) return undefined
    const kept = { value: found.judgement, since: found.since, until: found.until, isPacked: true }
    this.#unpacked.set(key, kept, { size: found.weight + key.length })
    return kept
  }
}

/** What anybody refuses may change at any moment, and whoever pushes can make thousands of them. */
function isRefusal({ byPolicy }: Judgement): boolean {
  return byPolicy.some(({ outcome }) => outcome === 'untrusted')
}
