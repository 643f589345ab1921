// The few facts about a Kubernetes object that policies and texts need beside its images.

import { CodedError } from '#core/errors.ts'

export interface ObjectMeta {
  /** Absent in the mutating call for a Pod that a controller makes: never rely on it. */
  readonly name?: string
  readonly generateName?: string
  readonly namespace?: string
  readonly labels: Readonly<Record<string, string>>
}

/** @throws CodedError `workload-malformed` */
export function objectMeta(object: unknown): ObjectMeta {
  const meta = member(object, 'metadata')
  if (meta !== undefined && !isObject(meta)) throw malformed('metadata', 'is not an object')
  const name = textOf(meta, 'name')
  const generateName = textOf(meta, 'generateName')
  const namespace = textOf(meta, 'namespace')
  return {
    ...(name !== undefined && { name }),
    ...(generateName !== undefined && { generateName }),
    ...(namespace !== undefined && { namespace }),
    labels: objectLabels(object),
  }
}

/**
 * The labels, as `objectSelector` sees them.
 *
 * @throws CodedError `workload-malformed`: labels that cannot be read must not make a selector miss
 */
export function objectLabels(object: unknown): Readonly<Record<string, string>> {
  const labels = member(member(object, 'metadata'), 'labels')
  if (labels === undefined) return {}
  if (!isObject(labels)) throw malformed('metadata.labels', 'is not an object')
  for (const key of Object.keys(labels)) {
    if (typeof labels[key] !== 'string') throw malformed(`metadata.labels[${JSON.stringify(key)}]`, 'is not a string')
  }
  return labels as Readonly<Record<string, string>>
}

export interface Owner {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
}

/** The controller that makes the object, if there is one; for texts only. What is malformed is none. */
export function controllerOf(object: unknown): Owner | undefined {
  const owners = member(member(object, 'metadata'), 'ownerReferences')
  if (!Array.isArray(owners)) return undefined
  const owner: unknown = owners.find((each: unknown) => member(each, 'controller') === true)
  const [apiVersion, kind, name, uid] = ['apiVersion', 'kind', 'name', 'uid'].map((part) => member(owner, part))
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined
  return typeof name === 'string' && typeof uid === 'string' ? { apiVersion, kind, name, uid } : undefined
}

function textOf(meta: unknown, name: string): string | undefined {
  const value = member(meta, name)
  if (value !== undefined && typeof value !== 'string') throw malformed(`metadata.${name}`, 'is not a string')
  return value === '' ? undefined : value
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) && value[name] !== null ? value[name] : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(where: string, problem: string): CodedError {
  return new CodedError('workload-malformed', `${where.slice(0, 200)} ${problem}`, { where: where.slice(0, 200) })
}
