// A webhook over a registry in memory with one signed and one unsigned image, and objects of all kinds for it.

import { applyPatch } from 'rfc6902'
import type { Judged } from '#app/webhook.ts'
import { createWebhook } from '#app/webhook.ts'
import type { AdmissionAnswer, ValidationAnswer } from '#core/admission/answer.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import type { NamespaceLabels, Policy } from '#core/policy/words.ts'
import { at, judging, name } from './judging.ts'
import { MemoryRegistry } from './memory-registry.ts'
import { podRequest } from './pods.ts'
import { policy, rule, signed } from './policies.ts'

/** Signed by `release`, and by nobody. */
export const good = `${name}:v1`
export const bad = `${name}:bad`

export const release = (parts = {}) => policy('production', [rule(signed('release'))], parts)

export interface World {
  readonly registry: MemoryRegistry
  /** Of the signed image. */
  readonly digest: string
  /** What the signed image becomes. */
  readonly pinned: string
  readonly seen: Judged[]
  mutate(request: AdmissionRequest, signal?: AbortSignal): Promise<AdmissionAnswer>
  validate(request: AdmissionRequest): Promise<ValidationAnswer>
  /** `allowed`, `patched` or `denied CODE: MESSAGE`. */
  mutated(request: AdmissionRequest): Promise<string>
  validated(request: AdmissionRequest): Promise<string>
}

export function admission(
  policies: readonly Policy[] = [release()],
  { namespaces = [] }: { readonly namespaces?: readonly NamespaceLabels[] } = {},
): World {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'signed', 'v1')
  registry.sign(at, 'release', { digest })
  registry.putImage(at, 'unsigned', 'bad')
  const seen: Judged[] = []
  const set = compilePolicySet({ policies, attestors: [], namespaces, revision: 'r' })
  const { engine } = judging(registry)
  const hook = createWebhook({ engine, policies: () => set, observe: (_, judged) => seen.push(judged) })
  const signal = new AbortController().signal
  const mutate = async (request: AdmissionRequest, within = signal) => hook.mutate(request, within)
  const validate = async (request: AdmissionRequest) => hook.validate(request, signal)
  return {
    registry,
    digest,
    pinned: `${good}@${digest}`,
    seen,
    mutate,
    validate,
    mutated: async (request) => told(await mutate(request)),
    validated: async (request) => told(await validate(request)),
  }
}

export function told(answer: AdmissionAnswer): string {
  return answer.outcome === 'denied' ? `denied ${answer.code}: ${answer.message}` : answer.outcome
}

/** The request with the object as the patch makes it. */
export function patched(request: AdmissionRequest, answer: AdmissionAnswer): AdmissionRequest {
  if (answer.outcome !== 'patched') return request
  const object: unknown = structuredClone(request.object)
  const failures = applyPatch(object, [...answer.patch]).filter((failure) => failure !== null)
  if (failures.length > 0) throw new Error(String(failures))
  return { ...request, object }
}

export interface Container {
  readonly name?: string
  readonly image?: string
  readonly [member: string]: unknown
}

export interface PodSpec {
  readonly containers?: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly ephemeralContainers?: readonly Container[]
  readonly volumes?: readonly unknown[]
}

/** A Pod with this specification, beside a container that is signed. */
export function pod(spec: PodSpec, parts: Partial<AdmissionRequest> = {}, metadata: unknown = {}): AdmissionRequest {
  const whole = { containers: [{ name: 'main', image: good }], ...spec }
  return podRequest([], { object: { apiVersion: 'v1', kind: 'Pod', metadata, spec: whole }, ...parts })
}

/** Where a kind of workload keeps its pod specification. */
export const workloads: readonly {
  readonly group: string
  readonly kind: string
  readonly resource: string
  wrap(spec: PodSpec): unknown
}[] = [
  { group: '', kind: 'Pod', resource: 'pods', wrap: (spec) => ({ spec }) },
  { group: '', kind: 'PodTemplate', resource: 'podtemplates', wrap: (spec) => ({ template: { spec } }) },
  { group: '', kind: 'ReplicationController', resource: 'replicationcontrollers', wrap: inTemplate },
  { group: 'apps', kind: 'Deployment', resource: 'deployments', wrap: inTemplate },
  { group: 'apps', kind: 'ReplicaSet', resource: 'replicasets', wrap: inTemplate },
  { group: 'apps', kind: 'StatefulSet', resource: 'statefulsets', wrap: inTemplate },
  { group: 'apps', kind: 'DaemonSet', resource: 'daemonsets', wrap: inTemplate },
  { group: 'batch', kind: 'Job', resource: 'jobs', wrap: inTemplate },
  {
    group: 'batch',
    kind: 'CronJob',
    resource: 'cronjobs',
    wrap: (spec) => ({ spec: { jobTemplate: { spec: { template: { spec } } } } }),
  },
  { group: 'example.com', kind: 'Rollout', resource: 'rollouts', wrap: inTemplate },
]

function inTemplate(spec: PodSpec): unknown {
  return { spec: { template: { spec } } }
}

export function workload(
  { group, kind, resource, wrap }: (typeof workloads)[number],
  spec: PodSpec,
  parts: Partial<AdmissionRequest> = {},
): AdmissionRequest {
  return podRequest([], {
    kind: { group, version: 'v1', kind },
    resource: { group, version: 'v1', resource },
    object: wrap(spec),
    ...parts,
  })
}
