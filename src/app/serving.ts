// What the server serves: the webhook, its readiness, and what is told about every decision (log and metrics). Telling
// happens after the answer is fixed and never changes it.

import type { AdmissionAnswer } from '#core/admission/answer.ts'
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
import type { Judged } from './webhook.ts'
import { createWebhook } from './webhook.ts'

export interface ServingOptions {
  readonly engine: Engine
  readonly policies: PolicyHolder
  readonly log: Log
  readonly metrics: Metrics
  /** Absent: nothing is kept of a decision but a line of the log. */
  readonly records?: Pick<DecisionRecords, 'add' | 'report'> | undefined
}

export function createServing({ engine, policies, log, metrics, records }: ServingOptions): Handlers {
  // The answer that is sent may be another one than the judge's, who came too late.
  const decisions = new WeakMap<AdmissionAnswer, Decision>()
  const webhook = createWebhook({
    engine,
    policies: () => policies.current(),
    observe: (request, judged) => {
      count(judged, metrics)
      tell(request, judged, log)
      if (records !== undefined && judged.decision !== undefined) decisions.set(judged.answer, judged.decision)
    },
  })
  return {
    mutate: (request, { signal }) => webhook.mutate(request, signal),
    validate: (request, { signal }) => webhook.validate(request, signal),
    ready: () => ({ ready: true, body: { ...policies.report(), ...(records && { decisions: records.report() }) } }),
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
  for (const verdict of decision?.verdicts ?? []) {
    for (const [mode, said] of saidBy(verdict)) {
      metrics.record({ kind: 'judged', verdict: said.outcome, code: said.code ?? '', mode })
    }
  }
}

function saidBy({ judgement, outcome, code }: UseVerdict): readonly (readonly [Mode, Verdict])[] {
  if (judgement === undefined) return []
  const { enforced, warned, audited } = judgement
  // What the use got decides, not what the image would: `not-pinned` is of the use alone.
  const use: Verdict | undefined = enforced && { outcome, ...(code === undefined ? {} : { code }) }
  const all = [['Enforce', use] as const, ['Warn', warned] as const, ['Audit', audited] as const]
  return all.flatMap(([mode, said]) => (said === undefined ? [] : [[mode, said] as const]))
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
  return {
    decision: decision.id,
    purpose: decision.purpose,
    policies: decision.policies.map(({ name, revision }) => `${name}@${revision}`),
    verdicts: decision.verdicts.map(({ use, outcome, code, judgement }) =>
      [use.field, use.image, judgement?.digest ?? '', outcome, code ?? ''].join(' '),
    ),
    signers: [
      ...new Set(
        decision.verdicts
          .flatMap(({ judgement }) => judgement?.signers ?? [])
          .map((signer) => `${signer.attestor}/${signer.key}`),
      ),
    ],
    // What a Warn or Audit policy would refuse is what its owner looks for before it is enforced.
    wouldRefuse: decision.verdicts.flatMap(({ use, judgement }) =>
      [judgement?.warned, judgement?.audited].flatMap((said) =>
        said?.outcome === 'untrusted' || said?.outcome === 'undetermined'
          ? [`${use.image} ${said.policy ?? ''} ${said.code ?? ''}`]
          : [],
      ),
    ),
  }
}
