// How many bytes of evidence may be read for one request. Each thing that is read has a cap of its own, but an object may
// have thousands of images, each with a hundred signatures, and all of it is held until the last of them is judged.

import type { Fact } from '#core/decision/question.ts'
import { unknownBecause } from '#core/decision/question.ts'
import { CodedError } from '#core/errors.ts'
import { weightOf } from './weight.ts'

/** A signature takes 3 KB, three bundles 40 KB: 10,000 images with one signature, or 800 with three bundles. */
export const defaultEvidenceBytes = 32 * 1024 * 1024

export class EvidenceBudget {
  readonly #limit: number
  #read = 0

  constructor(limit: number = defaultEvidenceBytes) {
    this.#limit = limit
  }

  /** The fact, or that it was too much. */
  take(fact: Fact<unknown>): Fact<unknown> {
    if (fact.known) this.#read += weightOf(fact.value)
    return this.refusal() ?? fact
  }

  /** Once too much was read, nothing that comes later is believed to be all: not even what is smaller. */
  refusal(): Fact<never> | undefined {
    if (this.#read <= this.#limit) return undefined
    const detail = `more than ${this.#limit} bytes of signatures and manifests lie there for one request`
    return unknownBecause(new CodedError('evidence-too-large', detail))
  }
}
