// The program in a cluster: policies from objects, what became of them in their status, labels of namespaces, and whether all
// of it is as it should be.

import type { Log } from '#app/log.ts'
import { holdPolicies, type PolicyHolder } from '#app/policy-holder.ts'
import type { Metrics } from '#app/server/metrics.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import type { Decision } from '#core/decision/decision.ts'
import type { CodedError } from '#core/errors.ts'
import type { ReaderTools } from '#core/policy/read-attestor.ts'
import type { PolicySet } from '#core/policy/set.ts'
import type { Kube } from '#io/kube/kube.ts'
import { eventsOf } from './admission-events.ts'
import { Events } from './events.ts'
import { followNamespaces, type Namespaces } from './namespaces.ts'
import { type BuiltPolicies, type JudgedObject, PolicyObjects } from './policy-objects.ts'
import { StatusWriter } from './status-writer.ts'

export interface ClusterOptions {
  readonly kube: Kube
  readonly tools: Omit<ReaderTools, 'readFile' | 'readSecret'>
  readonly exempt: readonly string[]
  readonly log: Log
  readonly metrics: Metrics
  /** Which of the replicas this is: the name of the Pod. */
  readonly instance: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told of every new set, the first one included. */
  readonly onPolicies?: (built: BuiltPolicies) => void
}

export interface Cluster {
  readonly policies: PolicyHolder
  readonly namespaces: Namespaces
  /** What keeps the server from being ready. */
  missing(): readonly string[]
  decided(request: AdmissionRequest, decision: Decision): void
  close(): void
}

/** Without a word for three minutes: the API server sends a bookmark every minute. */
const staleAfterMs = 180_000

export function startCluster(options: ClusterOptions): Cluster {
  const { kube, tools, exempt, log, now } = options
  const ending = new AbortController()
  const { signal } = ending
  const policies = holdPolicies()
  const failed = sparingly(log)
  const status = new StatusWriter({ kube, signal, now, onFailure: (what, error) => failed(`status ${what}`, error) })
  const take = taker(policies, options)
  const events = eventsFor(options, signal, failed)
  const objects = new PolicyObjects({
    kube,
    tools,
    exempt,
    signal,
    onFailure: failed,
    onBuilt: (built) => {
      take(built)
      status.tell(built.objects)
      options.onPolicies?.(built)
    },
  })
  const namespaces = followNamespaces(kube, signal, {
    onChange: () => undefined,
    onFailure: (error) => failed('namespaces', error),
  })
  objects.start()
  return {
    policies,
    namespaces,
    missing: () => [...objects.missing(staleAfterMs), ...missingOf(namespaces)],
    decided: (request, decision) => {
      countUse(request, decision, status)
      for (const event of eventsOf(request, decision)) events.tell(event)
    },
    close: () => ending.abort(),
  }
}

function eventsFor(
  { kube, instance, now, metrics }: ClusterOptions,
  signal: AbortSignal,
  failed: (what: string, error: CodedError) => void,
): Events {
  return new Events({
    kube,
    signal,
    instance,
    now,
    onWritten: () => metrics.record({ kind: 'event', outcome: 'written' }),
    onLost: (error) => {
      metrics.record({ kind: 'event', outcome: 'dropped' })
      if (error !== undefined) failed('events', error)
    },
  })
}

function missingOf({ followed: { isLoaded, silence, problem } }: Namespaces): readonly string[] {
  const why = problem === undefined ? '' : `: ${problem.message}`
  if (!isLoaded) return [`namespaces have not been read${why}`]
  return silence > staleAfterMs ? [`nothing was heard of namespaces for ${Math.round(silence / 1_000)} s${why}`] : []
}

/** Takes every new set, and tells what is new about it: a set, or objects that are wrong. */
function taker(policies: PolicyHolder, { log, metrics }: ClusterOptions): (built: BuiltPolicies) => void {
  let told: { readonly set: PolicySet; readonly wrong: string } | undefined
  return ({ set, objects }) => {
    const wrong = objects.filter(({ outcome }) => outcome.inForce !== 'written')
    const text = wrong.map((judged) => `${nameOf(judged)} ${judged.outcome.inForce} ${problemOf(judged)}`).join('\n')
    if (told?.set === set && told.wrong === text) return
    told = { set, wrong: text }
    policies.accept(set)
    metrics.record({ kind: 'policies', outcome: 'loaded', count: set.policies.length })
    log.info('policies loaded', { policies: set.policies.length, revision: set.revision, wrong: wrong.length })
    if (wrong.length === 0) return
    metrics.record({ kind: 'policies', outcome: 'refused' })
    const some = wrong.slice(0, 5).map(nameOf).join(', ')
    policies.refuse(`${wrong.length} objects are not in force as they are written: ${some}`)
    for (const judged of wrong.slice(0, maxTold)) {
      const { inForce } = judged.outcome
      log.error('an object is not in force as it is written', {
        object: nameOf(judged),
        inForce,
        error: problemOf(judged),
      })
    }
  }
}

/** Every object says it in its own status, too. */
const maxTold = 20

function problemOf({ outcome: { problems } }: JudgedObject): string {
  const [problem] = problems
  return problem === undefined ? '' : `${problem.path} ${problem.message}`
}

function nameOf({ kind, object }: JudgedObject): string {
  const { namespace, name } = object.metadata
  return typeof namespace === 'string' ? `${kind.kind} ${namespace}/${name}` : `${kind.kind} ${name}`
}

/** A dry run leaves no trace. */
function countUse(request: AdmissionRequest, decision: Decision, status: StatusWriter): void {
  const { verdicts, allowed, purpose } = decision
  // Of the two calls about an object one counts: the second, or the first where it ends there.
  if (request.dryRun || (purpose === 'mutate' && allowed)) return
  for (const { judgement } of verdicts) {
    if (judgement === undefined) continue
    for (const { policy, outcome, code, detail } of judgement.byPolicy) {
      const isRefusal = outcome === 'untrusted' || outcome === 'undetermined'
      const message = `${judgement.reference}: ${detail ?? ''}`
      status.used({ policy }, isRefusal ? { code: code ?? '', message } : undefined)
    }
    // A TrustPolicy may have an attestor of its own under the same name.
    if (judgement.byPolicy.some(({ policy }) => policy.includes('/'))) continue
    for (const attestor of new Set(judgement.signers.map((signer) => signer.attestor))) status.used({ attestor })
  }
}

/** The same failure is said again after a minute, not at every attempt, nor of every object that fails in the same way. */
const sayAgainMs = 60_000

function sparingly(log: Log): (what: string, error: CodedError) => void {
  const saidAt = new Map<string, number>()
  return (what, error) => {
    // `status /apis/…` names an object; there may be thousands.
    const key = `${what.split(' ', 1)[0]} ${error.code}`
    const at = performance.now()
    if (at - (saidAt.get(key) ?? Number.NEGATIVE_INFINITY) < sayAgainMs) return
    saidAt.set(key, at)
    log.warn('the cluster does not give what is needed', { what, code: error.code, error: error.message })
  }
}
