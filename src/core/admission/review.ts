// AdmissionReview in (admission.k8s.io/v1 and v1beta1): an untrusted JSON value becomes an `AdmissionRequest`. Members
// that we do not know are let pass, because the API grows; members that we know must be of their type.

import { CodedError } from '#core/errors.ts'
import type { GroupKind } from './workload-kinds.ts'

export type ReviewVersion = 'admission.k8s.io/v1' | 'admission.k8s.io/v1beta1'
export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'

export interface GroupVersionKind extends GroupKind {
  readonly version: string
}

export interface GroupVersionResource {
  readonly group: string
  readonly version: string
  readonly resource: string
}

/** Who asks; the API server has authenticated them. */
export interface UserInfo {
  readonly username: string
  readonly uid?: string
  readonly groups: readonly string[]
}

/** What an answer needs to be an answer to this request. */
export interface ReviewId {
  readonly apiVersion: ReviewVersion
  readonly uid: string
}

export interface AdmissionRequest extends ReviewId {
  readonly kind: GroupVersionKind
  readonly resource: GroupVersionResource
  readonly subResource?: string
  /** Of the original request, where the API server converted it to the version that the webhook asked for. */
  readonly requestKind?: GroupVersionKind
  readonly requestResource?: GroupVersionResource
  /** Absent for an object whose name is generated. */
  readonly name?: string
  readonly namespace?: string
  readonly operation: Operation
  readonly userInfo: UserInfo
  readonly dryRun: boolean
  readonly object?: unknown
  readonly oldObject?: unknown
}

type JsonObject = Readonly<Record<string, unknown>>

const versions: ReadonlySet<unknown> = new Set<ReviewVersion>(['admission.k8s.io/v1', 'admission.k8s.io/v1beta1'])
const operations: ReadonlySet<unknown> = new Set<Operation>(['CREATE', 'UPDATE', 'DELETE', 'CONNECT'])

/** The API server sends UUIDs (36 characters); no more than this is ever echoed. */
const maxUidLength = 128

/**
 * The request of an AdmissionReview, from strictly parsed JSON.
 *
 * @throws CodedError `review-malformed`, with the JSON path in `where`
 */
export function parseReview(body: unknown): AdmissionRequest {
  const id = parseReviewId(body)
  const request = objectAt(own(objectAt(body, ''), 'request'), 'request')
  const operation = operationAt(request)
  const subResource = optionalText(request, 'subResource')
  const name = optionalText(request, 'name')
  const namespace = optionalText(request, 'namespace')
  return {
    ...id,
    kind: kindAt(request, 'kind'),
    resource: resourceAt(request, 'resource'),
    ...(subResource !== undefined && { subResource }),
    ...(isPresent(request, 'requestKind') && { requestKind: kindAt(request, 'requestKind') }),
    ...(isPresent(request, 'requestResource') && { requestResource: resourceAt(request, 'requestResource') }),
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
    operation,
    userInfo: userAt(request),
    dryRun: flagAt(request, 'dryRun'),
    ...objectsOf(request, operation),
  }
}

/**
 * As much of a review as an answer needs: a body that is broken elsewhere still gets a denial of its own.
 *
 * @throws CodedError `review-malformed`
 */
export function parseReviewId(body: unknown): ReviewId {
  const review = objectAt(body, '')
  const apiVersion = own(review, 'apiVersion')
  if (!isVersion(apiVersion)) {
    throw malformed('apiVersion', `is ${shown(apiVersion)}, not admission.k8s.io/v1 or admission.k8s.io/v1beta1`)
  }
  const kind = own(review, 'kind')
  if (kind !== 'AdmissionReview') throw malformed('kind', `is ${shown(kind)}, not AdmissionReview`)
  const uid = own(objectAt(own(review, 'request'), 'request'), 'uid')
  if (typeof uid !== 'string' || uid.length > maxUidLength || !/^[\x21-\x7e]+$/.test(uid)) {
    throw malformed('request.uid', `is ${shown(uid)}, not 1 to ${maxUidLength} printable ASCII characters`)
  }
  return { apiVersion, uid }
}

/** A CREATE or UPDATE is about an object; a DELETE has none, whatever a sender writes there. */
function objectsOf(request: JsonObject, operation: Operation): { object?: JsonObject; oldObject?: JsonObject } {
  const isWrite = operation === 'CREATE' || operation === 'UPDATE'
  const object =
    isPresent(request, 'object') || isWrite ? objectAt(own(request, 'object'), 'request.object') : undefined
  const oldObject = isPresent(request, 'oldObject')
    ? objectAt(own(request, 'oldObject'), 'request.oldObject')
    : undefined
  if (operation === 'DELETE' && object !== undefined) throw malformed('request.object', 'is there in a DELETE')
  return { ...(object !== undefined && { object }), ...(oldObject !== undefined && { oldObject }) }
}

function operationAt(request: JsonObject): Operation {
  const operation = own(request, 'operation')
  if (!isOperation(operation)) {
    throw malformed('request.operation', `is ${shown(operation)}, not CREATE, UPDATE, DELETE or CONNECT`)
  }
  return operation
}

function kindAt(request: JsonObject, name: string): GroupVersionKind {
  const where = `request.${name}`
  const value = objectAt(own(request, name), where)
  return {
    group: textAt(value, 'group', where, 'may be empty'),
    version: textAt(value, 'version', where),
    kind: textAt(value, 'kind', where),
  }
}

function resourceAt(request: JsonObject, name: string): GroupVersionResource {
  const where = `request.${name}`
  const value = objectAt(own(request, name), where)
  return {
    group: textAt(value, 'group', where, 'may be empty'),
    version: textAt(value, 'version', where),
    resource: textAt(value, 'resource', where),
  }
}

function userAt(request: JsonObject): UserInfo {
  if (!isPresent(request, 'userInfo')) return { username: '', groups: [] }
  const where = 'request.userInfo'
  const user = objectAt(own(request, 'userInfo'), where)
  const uid = textAt(user, 'uid', where, 'may be empty')
  return {
    username: textAt(user, 'username', where, 'may be empty'),
    ...(uid !== '' && { uid }),
    groups: groupsOf(user),
  }
}

function groupsOf(user: JsonObject): readonly string[] {
  const groups = own(user, 'groups')
  if (groups === undefined || groups === null) return []
  if (!Array.isArray(groups)) throw malformed('request.userInfo.groups', 'is not a list')
  for (const [index, group] of groups.entries()) {
    if (typeof group !== 'string') throw malformed(`request.userInfo.groups[${index}]`, 'is not a string')
  }
  return groups
}

function flagAt(request: JsonObject, name: string): boolean {
  const value = own(request, name)
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw malformed(`request.${name}`, 'is neither true nor false')
  return value
}

/** Empty and absent are one to the API server, which leaves empty strings out. */
function optionalText(request: JsonObject, name: string): string | undefined {
  const value = textAt(request, name, 'request', 'may be empty')
  return value === '' ? undefined : value
}

function textAt(object: JsonObject, name: string, where: string, empty?: 'may be empty'): string {
  const value = own(object, name)
  if (empty !== undefined && (value === undefined || value === null)) return ''
  if (typeof value !== 'string') throw malformed(`${where}.${name}`, `is ${shown(value)}, not a string`)
  if (value === '' && empty === undefined) throw malformed(`${where}.${name}`, 'is empty')
  return value
}

function objectAt(value: unknown, where: string): JsonObject {
  if (isObject(value)) return value
  throw malformed(where, `is ${shown(value)}, not an object`)
}

function isPresent(object: JsonObject, name: string): boolean {
  const value = own(object, name)
  return value !== undefined && value !== null
}

function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isVersion(value: unknown): value is ReviewVersion {
  return versions.has(value)
}

function isOperation(value: unknown): value is Operation {
  return operations.has(value)
}

/** A wrong value for people: short, on one line. */
function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

function malformed(where: string, problem: string): CodedError {
  const subject = where === '' ? 'the body' : where
  return new CodedError('review-malformed', `AdmissionReview: ${subject} ${problem}`, { where })
}
