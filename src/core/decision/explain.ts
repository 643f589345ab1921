// Turns a decision into what people read: the text of a denial, the warnings, the audit annotations. All sentences of
// the product stand in the language tables beside this file; nothing here decides anything.

import { printable } from '#core/encoding/printable.ts'
import type { Language } from '#core/policy/words.ts'
import { causeOf, refusedPlatform } from './cause.ts'
import { curedBySigning } from './clauses.ts'
import type { Decision, UseVerdict } from './decision.ts'
import { passes } from './decision.ts'
import { annotationsWanted, canBeSigned, findingLines, wouldAccept } from './explain-finding.ts'
import type { Finding } from './finding.ts'
import type { Signer } from './format.ts'
import type { Judgement, PolicyJudgement } from './judgement.ts'
import { type Remark, remarksOn } from './remarks.ts'
import type { Place } from './sentences.ts'
import { sentencesIn } from './sentences.ts'
import { signCommand } from './sign-command.ts'

/** A denial names this many images in full; who has more broken ones mends the same cause first. */
const imagesInFull = 5

/** Other places of the same image, and other policies that refuse it, that are worth a line. */
const othersShown = 3

/** Long enough for five images in full; kubectl, events and conditions were seen to carry 64 KB whole. */
const denialLimit = 16_384

/** What a refused person reads. Empty if the decision allows. */
export function denialText(decision: Decision, language: Language = 'en'): string {
  const refused = decision.verdicts.filter((verdict) => !verdict.unchanged && !passes(verdict.outcome))
  if (refused.length === 0) return ''
  const say = sentencesIn(language)
  const alike = [...Map.groupBy(refused, (verdict) => JSON.stringify([verdict.use.image, verdict.code])).values()]
  const blocks = alike.slice(0, imagesInFull).map((verdicts) => blockOf(verdicts, language).join('\n'))
  const more = alike.length > imagesInFull ? [say.moreImages(alike.length - imagesInFull)] : []
  const codes = [...new Set(refused.map((verdict) => verdict.code ?? 'internal-error'))].join(', ')
  const last = say.codeAndDecision(codes, decision.id)
  return `${cut([...blocks, ...more].join('\n\n'), denialLimit)}\n\n${last}`
}

/** The full explanation of one verdict, line by line, trusted or not. */
export function useBlock(verdict: UseVerdict, language: Language = 'en'): readonly string[] {
  return blockOf([verdict], language)
}

/** One line: the use, the image, what was decided by whom, and why. */
export function headline(verdict: UseVerdict, language: Language = 'en'): string {
  const { use, policy, outcome } = verdict
  return sentencesIn(language).headline({
    place: placeOf(verdict),
    image: printable(use.image, 300),
    outcome,
    policy: policy === undefined ? undefined : printable(policy, 160),
    cause: causeOf(verdict, decidingOf(verdict), language),
  })
}

/** @param verdicts of the same image, with the same outcome */
function blockOf(verdicts: readonly UseVerdict[], language: Language): readonly string[] {
  const [verdict, ...same] = verdicts
  if (verdict === undefined) return []
  const say = sentencesIn(language)
  const { judgement, outcome } = verdict
  const lines = [headline(verdict, language)]
  const places = same.map(placeOf).filter((place) => place !== undefined)
  if (places.length > 0) lines.push(say.alsoAt(places.slice(0, othersShown)))
  if (judgement === undefined) return lines
  if (passes(outcome)) return [...lines, ...judgement.signers.map((signer) => say.signedBy(shown(signer)))]
  const deciding = decidingOf(verdict)
  lines.push(...othersRefusing(judgement, deciding, language))
  const finding = deciding && explained(deciding)
  if (finding !== undefined) {
    const found = findingLines(finding, finding.detail, language)
    if (found.length > 0) lines.push('', say.found(found))
    const accepted = wouldAccept(finding, language)
    if (accepted !== undefined) lines.push(say.wouldBeAccepted(accepted))
  }
  return [...lines, nextStep(verdict, judgement, finding, language)]
}

/** The policy's judgement that the verdict is, if it is one. */
function decidingOf({ judgement, policy, outcome, code }: UseVerdict): PolicyJudgement | undefined {
  return judgement?.byPolicy.find(
    (judged) => judged.policy === policy && judged.outcome === outcome && judged.code === code,
  )
}

/** What there is to explain: of an index one of whose platforms is refused, the finding of that platform. */
function explained(deciding: PolicyJudgement): Finding | undefined {
  return refusedPlatform(deciding)?.finding ?? deciding.finding
}

/** Who mends one cause should know at once what else is in the way. */
function othersRefusing(
  judgement: Judgement,
  deciding: PolicyJudgement | undefined,
  language: Language,
): readonly string[] {
  const say = sentencesIn(language)
  return judgement.byPolicy
    .filter((judged) => judged !== deciding && judged.mode === 'Enforce' && !passes(judged.outcome))
    .slice(0, othersShown)
    .map((judged) => say.alsoRefused(printable(judged.policy, 160), judged.outcome, causeOf(judged, judged, language)))
}

function nextStep(
  { code = 'internal-error' }: UseVerdict,
  { reference, digest }: Judgement,
  finding: Finding | undefined,
  language: Language,
): string {
  const say = sentencesIn(language)
  const advice = say.next(code)
  if (advice !== undefined && !curedBySigning.has(code)) return say.nextStep(advice)
  if (finding !== undefined && !canBeSigned(finding)) return say.nextStep(say.nobodyCanSign())
  const annotations = finding === undefined ? {} : annotationsWanted(finding)
  const command = signCommand(reference, { digest, annotations, recursive: code === 'platform-untrusted' })
  return say.nextStep(printable(command, 1_000))
}

function shown(signer: Signer): Signer {
  return { ...signer, attestor: printable(signer.attestor, 120), key: printable(signer.key, 120) }
}

function placeOf({ use }: UseVerdict): Place | undefined {
  if (use.list === 'argument') return undefined
  return { list: use.list, name: printable(use.name, 80), field: use.field }
}

/** Single lines for `warnings` of the admission answer, the most important first. */
export function warningLines(decision: Decision, language: Language = 'en'): readonly string[] {
  const remarks = remarksOn(decision, language)
  const lines = (kind: Remark['kind']) => remarks.filter((remark) => remark.kind === kind).map(({ text }) => text)
  return [...new Set([...lines('softened'), ...lines('unchanged'), ...lines('warned')])]
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
