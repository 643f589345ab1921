// Admission: an AdmissionRequest becomes a decision of the engine, and that becomes the answer. Knows no HTTP.

import type { AdmissionAnswer, ValidationAnswer } from '#core/admission/answer.ts'
import { allowed, allowedWithPatch, denied } from '#core/admission/answer.ts'
import type { RequestUses } from '#core/admission/changed.ts'
import { usesOfRequest } from '#core/admission/changed.ts'
import type { FurtherKinds } from '#core/admission/further-kinds.ts'
import { objectLabels } from '#core/admission/object.ts'
import { pinPatch } from '#core/admission/patch.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import type { Decision } from '#core/decision/decision.ts'
import { passes } from '#core/decision/decision.ts'
import { auditAnnotations, denialText, warningLines } from '#core/decision/explain.ts'
import { CodedError } from '#core/errors.ts'
import type { ObjectScope } from '#core/policy/group.ts'
import type { MatchedPolicies } from '#core/policy/match.ts'
import type { Labels } from '#core/policy/selector.ts'
import type { PolicySet } from '#core/policy/set.ts'
import type { Language, Policy } from '#core/policy/words.ts'
import { type AtOnce, andThen } from './at-once.ts'
import type { Engine } from './engine/engine.ts'

/** Why a request was let pass without a judgement; a label of a metric. */
export type LeftAlone = 'operation' | 'subresource' | 'unknown-kind' | 'no-policy' | 'no-image'

export interface Judged {
  readonly answer: AdmissionAnswer
  /** Absent where nothing had to be judged. */
  readonly decision?: Decision
  readonly leftAlone?: LeftAlone
}

export interface WebhookOptions {
  readonly engine: Engine
  /** The policies in force now. */
  readonly policies: () => PolicySet
  /** In a cluster: the labels of its namespaces. Absent: those that the policy files hold. */
  readonly namespaces?: NamespaceSource | undefined
  /**
   * Names the credentials by which the images of a request are read: requests of one name share what was read by them.
   * `undefined` for those of the process itself, which all requests have where this is absent.
   */
  readonly credentialScope?: CredentialScope | undefined
  /** Where else images are than in the kinds of Kubernetes. */
  readonly alsoJudged?: FurtherKinds | undefined
  /** Called once a request, after the answer is fixed; what it does never changes the answer. */
  readonly observe?: (request: AdmissionRequest, judged: Judged) => void
}

export interface NamespaceSource {
  labelsOf(name: string): Labels | undefined
  /** Of a namespace that is not known yet; `undefined` where nobody knows it. */
  find(name: string, signal: AbortSignal): Promise<Labels | undefined>
}

export type CredentialScope = (request: AdmissionRequest, signal: AbortSignal) => AtOnce<string | undefined>

export interface Webhook {
  mutate(request: AdmissionRequest, signal: AbortSignal): AtOnce<AdmissionAnswer>
  validate(request: AdmissionRequest, signal: AbortSignal): AtOnce<ValidationAnswer>
}

/** The credentials of the process itself. */
const ownCredentials = 'own'

export function createWebhook(options: WebhookOptions): Webhook {
  const judge = (
    request: AdmissionRequest,
    purpose: Decision['purpose'],
    signal: AbortSignal,
  ): AtOnce<AdmissionAnswer> =>
    andThen(judgeRequest(options, request, purpose, signal), (judged) => {
      try {
        options.observe?.(request, judged)
      } catch {
        // Telling about a decision must not change it; the observer counts its own losses.
      }
      return judged.answer
    })
  return {
    mutate: (request, signal) => judge(request, 'mutate', signal),
    validate: (request, signal) => andThen(judge(request, 'validate', signal), withoutPatch),
  }
}

function withoutPatch(answer: AdmissionAnswer): ValidationAnswer {
  if (answer.outcome === 'patched') throw new Error('validation made a patch')
  return answer
}

/** @returns always an answer; what is not fit to be judged is denied where a policy is enforced */
function judgeRequest(
  options: WebhookOptions,
  request: AdmissionRequest,
  purpose: Decision['purpose'],
  signal: AbortSignal,
): AtOnce<Judged> {
  const policies = options.policies()
  const scope = attempt(() => scopeOf(request, options.namespaces))
  // Whom an object with unreadable labels is about cannot be told: about all.
  if ('error' in scope) return malformed(scope.error, policies.policies)
  const matched = policies.match(scope.value)
  const judging = { ...options, request, purpose, signal, policies }
  if (matched.undetermined.length === 0 || options.namespaces === undefined || request.namespace === undefined)
    return judgeMatched(judging, matched)
  // The namespace may be younger than what we have heard.
  const looked = options.namespaces.find(request.namespace, signal)
  return looked.then((namespaceLabels) =>
    judgeMatched(judging, namespaceLabels ? policies.match({ ...scope.value, namespaceLabels }) : matched),
  )
}

interface Judging extends Pick<WebhookOptions, 'engine' | 'credentialScope' | 'alsoJudged'> {
  readonly request: AdmissionRequest
  readonly purpose: Decision['purpose']
  readonly signal: AbortSignal
  readonly policies: PolicySet
}

function judgeMatched(
  { engine, alsoJudged, request, purpose, signal, policies, credentialScope: scopeOfRequest }: Judging,
  matched: MatchedPolicies,
): AtOnce<Judged> {
  const found = attempt(() => usesOfRequest(request, alsoJudged))
  if ('error' in found) return malformed(found.error, [...matched.policies, ...matched.undetermined])
  const uses = found.value
  if (uses.kind === 'none') return { answer: allowed(), leftAlone: uses.because }
  if (uses.all.length === 0) return { answer: allowed(), leftAlone: 'no-image' }
  if (matched.isEmpty) return { answer: allowed(), leftAlone: 'no-policy' }
  const judge = (credentialScope: string = ownCredentials) =>
    engine.judge(
      {
        purpose,
        ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
        uses: uses.all,
        unchanged: unchangedOf(uses),
        matched,
        bystanders: policies.attestors,
        credentialScope,
      },
      signal,
    )
  const deciding = andThen(scopeOfRequest?.(request, signal), judge)
  return andThen(deciding, (decision) => ({ answer: answerOf(decision), decision }))
}

/** Usually none: all uses of a new object are changed. */
function unchangedOf({ all, changed }: Extract<RequestUses, { kind: 'uses' }>): ReadonlySet<string> {
  if (changed.length === all.length) return new Set()
  const isChanged = new Set(changed)
  return new Set(all.filter((use) => !isChanged.has(use)).map((use) => use.pointer))
}

function scopeOf(request: AdmissionRequest, namespaces: NamespaceSource | undefined): ObjectScope {
  const { kind, resource, subResource, namespace, operation, object } = request
  const namespaceLabels = namespace === undefined ? undefined : namespaces?.labelsOf(namespace)
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(namespaceLabels === undefined ? {} : { namespaceLabels }),
    objectLabels: objectLabels(object),
    apiGroup: resource.group,
    apiVersion: kind.version,
    resource: subResource === undefined ? resource.resource : `${resource.resource}/${subResource}`,
    operation,
  }
}

function attempt<T>(read: () => T): { readonly value: T } | { readonly error: CodedError } {
  try {
    return { value: read() }
  } catch (error) {
    if (error instanceof CodedError) return { error }
    throw error
  }
}

/** An object whose images cannot be told is refused where anything is enforced: nobody knows what it would run. */
function malformed(error: CodedError, policies: readonly Policy[]): Judged {
  const enforcing = policies.find((policy) => policy.mode === 'Enforce')
  if (enforcing === undefined)
    return { answer: allowed({ warnings: [`sealward: ${error.message}`] }), leftAlone: 'unknown-kind' }
  return { answer: denied(error.code, `${error.message} (policy "${enforcing.name}")\n\ncode: ${error.code}`) }
}

function answerOf(decision: Decision): AdmissionAnswer {
  const language = languageOf(decision)
  const remarks = { warnings: warningLines(decision, language), auditAnnotations: auditAnnotations(decision) }
  if (decision.allowed) return allowedWithPatch(pinPatch(decision.pins), remarks)
  const refused = decision.verdicts.find((verdict) => !verdict.unchanged && !passes(verdict.outcome))
  return denied(refused?.code ?? 'internal-error', denialText(decision, language), remarks)
}

/** The language of the policy that decided; it was chosen by those who own the namespace's policies. */
function languageOf(decision: Decision): Language {
  const refused = decision.verdicts.find((verdict) => !passes(verdict.outcome))
  const named = refused?.policy ?? decision.policies[0]?.name
  return decision.policies.find((policy) => policy.name === named)?.language ?? 'en'
}
