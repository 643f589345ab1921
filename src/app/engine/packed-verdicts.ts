// Judgements by the hundred thousand, as templates and the few bytes by which each differs. The oldest go first.
//
// A judgement is found by the SHA-256 of the whole key and the digest, and it is kept only if what these tell makes it
// again exactly as it was: nothing can come out that did not go in under the same key and digest.

import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Judgement } from '#core/decision/judgement.ts'
import type { Digest } from '#core/image/digest.ts'
import type { ImageWords, Template } from './template.ts'
import { putTogether, takeApart } from './template.ts'

/**
 * Policies and signers in all their combinations are hundreds; each template takes 2 to 100 KB. What a pusher could
 * bring about with oddities of its own beside good signatures ends here, too.
 */
const maxTemplates = 1_000
const maxTemplateBytes = 8 * 1024 * 1024

/** Looking for ended ones among all takes a millisecond or two. */
const sweepEveryMs = 60_000

interface Shared {
  readonly template: Template
  users: number
}

interface Packed {
  readonly shared: Shared
  readonly extras: string
  readonly since: number
  readonly until: number
}

export interface Unpacked {
  readonly judgement: Judgement
  readonly since: number
  readonly until: number
  /** About what it takes on the heap. */
  readonly weight: number
}

export class PackedVerdicts {
  readonly #capacity: number
  readonly #slots = new Map<string, number>()
  // By slot: an object for each would take twice as much.
  readonly #names: string[] = []
  readonly #extras: string[] = []
  readonly #shared: (Shared | undefined)[] = []
  readonly #since: Float64Array
  readonly #until: Float64Array
  readonly #templates = new Map<string, Shared>()
  #templateBytes = 0
  #next = 0
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#since = new Float64Array(capacity)
    this.#until = new Float64Array(capacity)
  }

  get size(): number {
    return this.#slots.size
  }

  /** Whether it still holds is not looked at. */
  get(key: string, digest: Digest): Unpacked | undefined {
    const slot = this.#slotOf(key, digest)
    if (slot === undefined) return undefined
    const [template, extras] = [this.#shared[slot]?.template, this.#extras[slot]]
    const [since, until] = [this.#since[slot], this.#until[slot]]
    if (template === undefined || extras === undefined || since === undefined || until === undefined) return undefined
    const judgement = putTogether({ template, extras, validUntil: until }, wordsOf(key, digest))
    return { judgement, since, until, weight: template.name.length }
  }

  /** Keeps nothing that it could not give back as it is. */
  set(key: string, digest: Digest, judgement: Judgement, since: number): void {
    this.delete(key, digest)
    const words = wordsOf(key, digest)
    const filled = takeApart(judgement, words)
    if (filled === undefined) return
    const shared = this.#share(filled.template, since)
    if (shared === undefined) return
    shared.users += 1
    if (isDeepStrictEqual(putTogether({ ...filled, template: shared.template }, words), judgement)) {
      this.#put(nameOf(key, digest), { shared, extras: filled.extras, since, until: filled.validUntil })
    } else {
      this.#leave(shared)
    }
  }

  delete(key: string, digest: Digest): void {
    const slot = this.#slotOf(key, digest)
    if (slot !== undefined) this.#clear(slot)
  }

  #slotOf(key: string, digest: Digest): number | undefined {
    return this.#slots.size === 0 ? undefined : this.#slots.get(nameOf(key, digest))
  }

  #put(name: string, { shared, extras, since, until }: Packed): void {
    const slot = this.#next
    this.#next = (slot + 1) % this.#capacity
    this.#clear(slot)
    this.#slots.set(name, slot)
    this.#names[slot] = name
    this.#extras[slot] = extras
    this.#shared[slot] = shared
    this.#since[slot] = since
    this.#until[slot] = until
  }

  #clear(slot: number): void {
    const shared = this.#shared[slot]
    if (shared === undefined) return
    this.#slots.delete(this.#names[slot] ?? '')
    this.#names[slot] = ''
    this.#extras[slot] = ''
    this.#shared[slot] = undefined
    this.#leave(shared)
  }

  #share(template: Template, now: number): Shared | undefined {
    const known = this.#templates.get(template.name)
    if (known !== undefined) return known
    if (!this.#hasRoom(template)) this.#sweep(now)
    if (!this.#hasRoom(template)) return undefined
    const shared = { template, users: 0 }
    this.#templates.set(template.name, shared)
    this.#templateBytes += bytesOf(template)
    return shared
  }

  #leave(shared: Shared): void {
    shared.users -= 1
    if (shared.users > 0) return
    this.#templates.delete(shared.template.name)
    this.#templateBytes -= bytesOf(shared.template)
  }

  #hasRoom(template: Template): boolean {
    return this.#templates.size < maxTemplates && this.#templateBytes + bytesOf(template) <= maxTemplateBytes
  }

  /** Templates of policies that are gone stay as long as anything that was made by them. */
  #sweep(now: number): void {
    if (now - this.#sweptAt < sweepEveryMs && now >= this.#sweptAt) return
    this.#sweptAt = now
    for (const slot of [...this.#slots.values()]) if ((this.#until[slot] ?? 0) <= now) this.#clear(slot)
  }
}

/** Its name, and the form that the name describes. */
function bytesOf({ name }: Template): number {
  return 4 * name.length
}

/** Whoever names images chooses the key: two of them never have one hash. */
function nameOf(key: string, digest: Digest): string {
  return hash('sha256', `${digest} ${key}`, 'binary')
}

/** The key of an image begins with its reference (`core/decision/plan.ts`), which has no space. */
function wordsOf(key: string, digest: Digest): ImageWords {
  const [reference = ''] = key.split(' ', 1)
  return { reference, repository: reference.replace(/(:[^/@]+)?(@.*)?$/, ''), digest }
}
