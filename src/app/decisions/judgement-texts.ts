// Judgements by the hash of their text. Warm traffic repeats the same values, so that each is written and hashed once.

import { hash as digestOf } from 'node:crypto'
import type { Judgement } from '#core/decision/judgement.ts'
import { judgementText } from '#core/decision/record.ts'

interface Known {
  readonly hash: string
  /** Until somebody has taken it along to the store. */
  text: string | undefined
  isCounted: boolean
}

export class JudgementTexts {
  readonly #known = new WeakMap<Judgement, Known>()

  hashOf(judgement: Judgement): string {
    return this.#entry(judgement).hash
  }

  /** How much text goes along with the next record that names it; told once. */
  newBytes(judgement: Judgement): number {
    const known = this.#entry(judgement)
    if (known.isCounted) return 0
    known.isCounted = true
    return known.text?.length ?? 0
  }

  /** The text, for the first who asks. */
  take(judgement: Judgement): string | undefined {
    const known = this.#entry(judgement)
    const { text } = known
    known.text = undefined
    return text
  }

  textOf(judgement: Judgement): string {
    return judgementText(judgement)
  }

  #entry(judgement: Judgement): Known {
    const known = this.#known.get(judgement)
    if (known !== undefined) return known
    const text = judgementText(judgement)
    const made: Known = { hash: digestOf('sha256', text), text, isCounted: false }
    this.#known.set(judgement, made)
    return made
  }
}
