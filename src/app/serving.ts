// What the server serves: the webhook, its readiness, and what is told about every decision (log and metrics). Telling
// happens after the answer is fixed and never changes it.

import type { AdmissionAnswer } from '#core/admission/answer.ts'
import type { FurtherKinds } from '#core/admission/further-kinds.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import type { Decision, UseVerdict } from '#core/decision/decision.ts'
import type { Verdict } from '#core/decision/judgement.ts'
import type { Mode } from '#core/policy/words.ts'
import type { DecisionRecords } from './decisions/records.ts'
import type { Engine } from './engine/engine.ts'
import type { Log } from './log.ts'
import type { PolicyHolder } from './policy-holder.ts'
import type { AnsweredReview, Handlers } from './server/handlers.ts'
import type { Metrics } from './server/metrics.ts'
import type { CredentialScope, Judged, NamespaceSource } from './webhook.ts'
import { createWebhook } from './webhook.ts'

export interface ServingOptions {
  readonly engine: Engine
  readonly policies: PolicyHolder
  /** In a cluster: the labels of its namespaces. */
  readonly namespaces?: NamespaceSource | undefined
  /** Where else images are than in the kinds of Kubernetes. */
  readonly alsoJudged?: FurtherKinds | undefined
  /** What keeps the server from being ready; absent or empty: nothing. */
  readonly missing?: (() => readonly string[]) | undefined
  /** What else `/readyz` says. */
  readonly report?: (() => Readonly<Record<string, unknown>>) | undefined
  /** Told of every decision, after the answer is fixed. */
  readonly decided?: ((request: AdmissionRequest, decision: Decision) => void) | undefined
  readonly log: Log
  readonly metrics: Metrics
  /** Absent: nothing is kept of a decision but a line of the log. */
  readonly records?: Pick<DecisionRecords, 'add' | 'report'> | undefined
  /** Absent: every image is read with the credentials of the process. */
  readonly credentialScope?: CredentialScope | undefined
}

export function createServing(options: ServingOptions): Handlers {
  const {
    engine,
    policies,
    namespaces,
    alsoJudged,
    missing = () => [],
    report,
    decided,
    log,
    metrics,
    records,
  } = options
  // The answer that is sent may be another one than the judge's, who came too late.
  const decisions = new WeakMap<AdmissionAnswer, Decision>()
  const webhook = createWebhook({
    engine,
    policies: () => policies.current(),
    namespaces,
    credentialScope: options.credentialScope,
    alsoJudged,
    observe: (request, judged) => {
      count(judged, metrics)
      tell(request, judged, log)
      if (judged.decision !== undefined) decided?.(request, judged.decision)
      if (records !== undefined && judged.decision !== undefined) decisions.set(judged.answer, judged.decision)
    },
  })
  return {
    alsoJudged,
    mutate: (request, { signal }) => webhook.mutate(request, signal),
    validate: (request, { signal }) => webhook.validate(request, signal),
    ready: () => {
      const reasons = missing()
      const body = { ...policies.report(), ...report?.(), ...(records && { decisions: records.report() }) }
      return reasons.length === 0 ? { ready: true, body } : { ready: false, body: { reasons, ...body } }
    },
    ...(records && { answered: (answered) => keep(answered, decisions.get(answered.answer), records) }),
  }
}

/** What was let pass because nothing had to be judged is counted, and not on record: there was no decision. */
function keep(answered: AnsweredReview, decision: Decision | undefined, records: Pick<DecisionRecords, 'add'>): void {
  if (decision === undefined && answered.answer.outcome !== 'denied') return
  records.add({ ...answered, decision })
}

function count({ decision, leftAlone }: Judged, metrics: Metrics): void {
  if (leftAlone !== undefined) metrics.record({ kind: 'passed', because: leftAlone })
  for (const verdict of decision?.verdicts ?? []) countUse(verdict, metrics)
}

function countUse({ judgement, outcome, code }: UseVerdict, metrics: Metrics): void {
  if (judgement === undefined) return
  const record = (mode: Mode, verdict: Verdict['outcome'], said: Verdict['code'] = undefined) =>
    metrics.record({ kind: 'judged', verdict, code: said ?? '', mode })
  const { enforced, warned, audited } = judgement
  // What the use got decides, not what the image would: `not-pinned` is of the use alone.
  if (enforced !== undefined) record('Enforce', outcome, code)
  if (warned !== undefined) record('Warn', warned.outcome, warned.code)
  if (audited !== undefined) record('Audit', audited.outcome, audited.code)
}

function tell(request: AdmissionRequest, { decision, leftAlone, answer }: Judged, log: Log): void {
  const about = {
    uid: request.uid,
    operation: request.operation,
    kind: request.kind.kind,
    namespace: request.namespace,
    name: request.name,
    user: request.userInfo.username,
    dryRun: request.dryRun,
  }
  if (decision === undefined) {
    if (answer.outcome === 'denied') log.info('denied', { ...about, code: answer.code })
    else log.debug('left alone', { ...about, because: leftAlone })
    return
  }
  log.info(decision.allowed ? 'admitted' : 'denied', { ...about, ...decisionFields(decision) })
}

function decisionFields(decision: Decision) {
  const { id, purpose, policies, verdicts } = decision
  return {
    decision: id,
    purpose,
    policies: policies.map(({ name, revision }) => `${name}@${revision}`),
    verdicts: verdicts.map(
      ({ use, outcome, code, judgement }) =>
        `${use.field} ${use.image} ${judgement?.digest ?? ''} ${outcome} ${code ?? ''}`,
    ),
    signers: signersOf(verdicts),
    wouldRefuse: wouldRefuse(verdicts),
  }
}

function signersOf(verdicts: readonly UseVerdict[]): readonly string[] {
  const signers = new Set<string>()
  for (const { judgement } of verdicts) {
    for (const { attestor, key } of judgement?.signers ?? []) signers.add(`${attestor}/${key}`)
  }
  return [...signers]
}

/** What a Warn or Audit policy would refuse is what its owner looks for before it is enforced. */
function wouldRefuse(verdicts: readonly UseVerdict[]): readonly string[] {
  const lines: string[] = []
  for (const { use, judgement } of verdicts) {
    for (const said of [judgement?.warned, judgement?.audited]) {
      if (said?.outcome === 'untrusted' || said?.outcome === 'undetermined')
        lines.push(`${use.image} ${said.policy ?? ''} ${said.code ?? ''}`)
    }
  }
  return lines
}
