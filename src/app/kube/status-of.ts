// The status of a policy object, as Sealward writes it and reads it again. Whatever else stands there counts as nothing.

import { parseStrictJson } from '#core/encoding/strict-json.ts'
import type { KubeObject } from '#io/kube/follow.ts'

export type Phase = 'Pending' | 'Active' | 'Invalid' | 'Outdated'

export interface PolicyStatus {
  readonly phase: Phase
  readonly message?: string | undefined
  readonly observedGeneration?: number | undefined
  /** What is in force instead of what is written. */
  readonly inForce?: { readonly generation: number; readonly spec: unknown } | undefined
  readonly images: number
}

const phases: readonly string[] = ['Pending', 'Active', 'Invalid', 'Outdated'] satisfies readonly Phase[]

export function readStatus(object: KubeObject): PolicyStatus {
  const status = object['status']
  const phase = textAt(status, 'phase')
  return {
    phase: isPhase(phase) ? phase : 'Pending',
    message: textAt(status, 'message'),
    observedGeneration: numberAt(status, 'observedGeneration'),
    inForce: inForceOf(memberOf(status, 'inForce')),
    images: numberAt(status, 'images') ?? 0,
  }
}

function isPhase(text: string | undefined): text is Phase {
  return text !== undefined && phases.includes(text)
}

function inForceOf(value: unknown): PolicyStatus['inForce'] {
  const generation = numberAt(value, 'generation')
  const spec = textAt(value, 'spec')
  if (generation === undefined || spec === undefined) return undefined
  try {
    return { generation, spec: parseStrictJson(spec) }
  } catch {
    return undefined
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined
}

function textAt(value: unknown, name: string): string | undefined {
  const member = memberOf(value, name)
  return typeof member === 'string' ? member : undefined
}

function numberAt(value: unknown, name: string): number | undefined {
  const member = memberOf(value, name)
  return typeof member === 'number' && Number.isSafeInteger(member) && member >= 0 ? member : undefined
}

export interface Condition {
  readonly status: string
  readonly lastTransitionTime: string
}

export function conditionOf(object: KubeObject, type: string): Condition | undefined {
  const conditions = memberOf(object['status'], 'conditions')
  if (!Array.isArray(conditions)) return undefined
  const found: unknown = conditions.find((condition: unknown) => textAt(condition, 'type') === type)
  const status = textAt(found, 'status')
  const lastTransitionTime = textAt(found, 'lastTransitionTime')
  return status === undefined || lastTransitionTime === undefined ? undefined : { status, lastTransitionTime }
}
