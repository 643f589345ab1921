// What should be said of an object that is let in all the same: by warnings to whoever submits it, by events to whoever owns
// the namespace.

import { printable } from '#core/encoding/printable.ts'
import type { ErrorCode } from '#core/errors.ts'
import type { Language } from '#core/policy/words.ts'
import { causeOf } from './cause.ts'
import type { Decision, UseVerdict } from './decision.ts'
import { passes } from './decision.ts'
import type { Verdict } from './judgement.ts'
import { sentencesIn } from './sentences.ts'

export interface Remark {
  /**
   * Let in unverified because of an outage; unchanged, and not trusted any more; what a Warn policy would refuse; what an
   * Audit policy would.
   */
  readonly kind: 'softened' | 'unchanged' | 'warned' | 'audited'
  readonly code: ErrorCode | undefined
  /** One line. */
  readonly text: string
}

/** In the order of the images. */
export function remarksOn(decision: Decision, language: Language = 'en'): readonly Remark[] {
  return decision.verdicts.flatMap((verdict) => remarksOnUse(verdict, language))
}

function remarksOnUse(verdict: UseVerdict, language: Language): readonly Remark[] {
  const { judgement, use, code, policy, unchanged, outcome } = verdict
  const say = sentencesIn(language)
  const image = printable(use.image, 120)
  const remarks: Remark[] = []
  if (code === 'accepted-undetermined' || code === 'accepted-last-verdict') {
    const text = say.softened(image, code, policy === undefined ? undefined : printable(policy, 80))
    remarks.push({ kind: 'softened', code, text })
  }
  if (unchanged && !passes(outcome))
    remarks.push({ kind: 'unchanged', code, text: say.unchangedUntrusted(image, code) })
  for (const [kind, said] of [
    ['warned', judgement?.warned],
    ['audited', judgement?.audited],
  ] as const) {
    if (said === undefined || passes(said.outcome)) continue
    remarks.push({ kind, code: said.code, text: wouldBeRefused(verdict, said, image, language) })
  }
  return remarks
}

function wouldBeRefused({ judgement }: UseVerdict, said: Verdict, image: string, language: Language): string {
  const judged = judgement?.byPolicy.find((each) => each.policy === said.policy && each.code === said.code)
  const cause = causeOf(said, judged, language)
  return sentencesIn(language).wouldBeRefused(image, printable(said.policy ?? '', 80), said.code ?? '', cause)
}
