// Turns a decision into what people read: the text of a denial, the warnings, the audit annotations. All sentences of
// the product stand in the language tables beside this file; nothing here decides anything.

import { printable } from '#core/encoding/printable.ts'
import type { Language } from '#core/policy/words.ts'
import type { Decision, UseVerdict } from './decision.ts'
import { passes } from './decision.ts'
import { findingLines, wouldAccept } from './explain-finding.ts'
import type { Judgement, Verdict } from './judgement.ts'
import { sentencesIn } from './sentences.ts'

/** A denial names this many images in full; who has more broken ones mends the same cause first. */
const imagesInFull = 5

/** Long enough for five images in full; kubectl, events and conditions were seen to carry 64 KB whole. */
const denialLimit = 16_384

/** What a refused person reads. Empty if the decision allows. */
export function denialText(decision: Decision, language: Language = 'en'): string {
  const refused = decision.verdicts.filter((verdict) => !verdict.unchanged && !passes(verdict.outcome))
  if (refused.length === 0) return ''
  const say = sentencesIn(language)
  const blocks = refused.slice(0, imagesInFull).map((verdict) => useBlock(verdict, language).join('\n'))
  const more = refused.length > imagesInFull ? [say.moreImages(refused.length - imagesInFull)] : []
  const codes = [...new Set(refused.map((verdict) => verdict.code ?? 'internal-error'))].join(', ')
  const last = say.codeAndDecision(codes, decision.id)
  return cut([...blocks, ...more, last].join('\n\n'), denialLimit)
}

/** The full explanation of one verdict, line by line, trusted or not. */
export function useBlock(verdict: UseVerdict, language: Language = 'en'): readonly string[] {
  const say = sentencesIn(language)
  const { judgement } = verdict
  const lines = [headline(verdict, language)]
  if (judgement === undefined) return lines
  const deciding = judgement.byPolicy.find(
    (judged) => judged.policy === verdict.policy && judged.outcome === verdict.outcome,
  )
  if (passes(verdict.outcome)) {
    for (const signer of judgement.signers) lines.push(say.signedBy(signer))
    return lines
  }
  if (deciding?.finding !== undefined) {
    lines.push('', say.found(findingLines(deciding.finding, language)))
    const accepted = wouldAccept(deciding.finding, language)
    if (accepted !== undefined) lines.push(say.wouldBeAccepted(accepted))
  }
  lines.push(say.nextStep(say.next(verdict.code ?? 'internal-error', judgement.reference, judgement.digest)))
  return lines
}

/** One line: the use, the image, what was decided by whom, and why. */
export function headline(verdict: UseVerdict, language: Language = 'en'): string {
  const say = sentencesIn(language)
  const { use, policy, outcome } = verdict
  return say.headline({
    place: use.list === 'argument' ? '' : say.place(use.list, printable(use.name, 80), use.field),
    image: printable(use.image, 300),
    outcome,
    policy: policy === undefined ? undefined : printable(policy, 160),
    cause: say.cause(verdict.code, verdict.detail === undefined ? undefined : printable(verdict.detail, 400)),
    digest: verdict.judgement?.digest,
  })
}

/** Single lines for `warnings` of the admission answer, the most important first. */
export function warningLines(decision: Decision, language: Language = 'en'): readonly string[] {
  const say = sentencesIn(language)
  const lines: string[] = []
  for (const verdict of decision.verdicts) {
    const { judgement, use } = verdict
    const image = printable(use.image, 120)
    if (verdict.code === 'accepted-undetermined' || verdict.code === 'accepted-last-verdict') {
      lines.push(say.softened(image, verdict.code, verdict.policy))
    }
    if (verdict.unchanged && !passes(verdict.outcome)) lines.push(say.unchangedUntrusted(image, verdict.code))
    if (needsWarning(judgement)) lines.push(say.wouldBeRefused(image, judgement.warned))
  }
  return [...new Set(lines)]
}

function needsWarning(judgement: Judgement | undefined): judgement is Judgement & { warned: Verdict } {
  return judgement?.warned !== undefined && !passes(judgement.warned.outcome)
}

/** Audit annotations of the answer: always given, whatever the mode. Keys are qualified by the API server. */
export function auditAnnotations(decision: Decision): Readonly<Record<string, string>> {
  if (decision.leftAlone) return { decision: decision.id, outcome: 'left-alone' }
  const audited = decision.verdicts.filter(({ judgement }) => judgement?.audited && !passes(judgement.audited.outcome))
  return {
    decision: decision.id,
    outcome: decision.allowed ? 'allowed' : 'denied',
    verdicts: cut(
      decision.verdicts
        .map((verdict) => `${verdict.use.field}=${verdict.outcome}${verdict.code ? `:${verdict.code}` : ''}`)
        .join(' '),
      2048,
    ),
    ...(audited.length > 0
      ? {
          audit: cut(
            audited.map(({ use, judgement }) => `${use.field}=${judgement?.audited?.code ?? ''}`).join(' '),
            2048,
          ),
        }
      : {}),
    policies: cut(decision.policies.map(({ name, revision }) => `${name}@${revision}`).join(' '), 2048),
  }
}

/** Cuts whole characters, never half of one. */
function cut(text: string, limit: number): string {
  if (text.length <= limit) return text
  const end = limit - 2
  const code = text.charCodeAt(end - 1)
  return `${text.slice(0, code >= 0xd800 && code <= 0xdbff ? end - 1 : end)} …`
}
