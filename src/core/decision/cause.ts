// Why a verdict is what it is, in one clause.

import { printable } from '#core/encoding/printable.ts'
import type { Language } from '#core/policy/words.ts'
import type { PolicyJudgement, Verdict } from './judgement.ts'
import { sentencesIn } from './sentences.ts'

/** The platform of an index because of which it is refused. */
export function refusedPlatform({ outcome, platforms = [] }: PolicyJudgement) {
  const state = outcome === 'untrusted' ? 'unsatisfied' : 'undetermined'
  return platforms.find(({ finding }) => finding.state === state)
}

/** Why, as a clause without a full stop. */
export function causeOf(verdict: Verdict, deciding: PolicyJudgement | undefined, language: Language): string {
  const say = sentencesIn(language)
  const short = (detail: string | undefined) => (detail === undefined ? undefined : printable(detail, 400))
  const platform = verdict.code === 'platform-untrusted' && deciding ? refusedPlatform(deciding) : undefined
  if (platform === undefined) return say.cause(verdict.code, short(verdict.detail))
  const { name, digest, finding } = platform
  return say.platform(printable(name, 80), digest, say.cause(finding.code, short(finding.detail)))
}
