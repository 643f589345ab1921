// Holds what a service account may against what it did, by the audit log of the API server:
//
//   const cluster = await startControlPlane({ audited: [userOf(account)] })
//   … everything that the program does …
//   await expectExactRights(cluster, manifests, account)

import { readFile } from 'node:fs/promises'
import type { Manifest } from '../support/manifests.ts'
import type { ControlPlane } from './control-plane.ts'

export interface Account {
  readonly namespace: string
  readonly name: string
}

/** One verb on one resource, of one object or of all. */
export interface Grant {
  /** `ClusterRole/sealward` */
  readonly role: string
  /** Of a Role; absent: everywhere. */
  readonly namespace?: string
  readonly verb: string
  readonly group: string
  /** `pods`, or `pods/status`. */
  readonly resource: string
  readonly name?: string
}

export interface Call {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly name?: string
  readonly namespace?: string
  readonly allowed: boolean
  /** By which binding, as RBAC says it. */
  readonly reason: string
  /** Of the answer; absent while a watch goes on. */
  readonly code?: number
}

export interface Differences {
  /** What the API server refused. */
  readonly refused: readonly string[]
  /** What it let pass for another reason than these grants. */
  readonly foreign: readonly string[]
  /** What is granted, and was not used. */
  readonly unused: readonly string[]
}

/** As the API server calls it. */
export function userOf({ namespace, name }: Account): string {
  return `system:serviceaccount:${namespace}:${name}`
}

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

interface Binding {
  readonly roleRef: { readonly kind: string; readonly name: string }
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[]
}

/** What the roles among the objects grant that are bound to the account. */
export function grantedRights(manifests: readonly Manifest[], account: Account): readonly Grant[] {
  const bindings = manifests.filter(({ kind }) => kind === 'ClusterRoleBinding' || kind === 'RoleBinding')
  return bindings.flatMap((manifest) => {
    const { roleRef, subjects = [] } = manifest as Manifest & Binding
    const isBound = subjects.some(({ name, namespace }) => name === account.name && namespace === account.namespace)
    const { namespace } = manifest.metadata
    const role = manifests.find(
      ({ kind, metadata }) =>
        kind === roleRef.kind &&
        metadata.name === roleRef.name &&
        (kind === 'ClusterRole' || metadata.namespace === namespace),
    )
    const rules = (role as (Manifest & { readonly rules?: readonly Rule[] }) | undefined)?.rules ?? []
    const scope = manifest.kind === 'RoleBinding' && namespace !== undefined ? { namespace } : {}
    const named = `${roleRef.kind}/${roleRef.name}`
    return isBound ? rules.flatMap((rule) => grantsOf(rule).map((grant) => ({ role: named, ...scope, ...grant }))) : []
  })
}

function grantsOf({ apiGroups, resources, resourceNames, verbs }: Rule): readonly Omit<Grant, 'role'>[] {
  const names = resourceNames === undefined ? [{}] : resourceNames.map((name) => ({ name }))
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.flatMap((verb) => names.map((name) => ({ verb, group, resource, ...name })))),
  )
}

/** A line of the log, as far as it is read (audit.k8s.io/v1, Event). */
interface AuditEvent {
  readonly verb: string
  readonly requestURI: string
  readonly user: { readonly username: string }
  readonly objectRef?: {
    readonly resource?: string
    readonly subresource?: string
    readonly apiGroup?: string
    readonly name?: string
    readonly namespace?: string
  }
  readonly responseStatus?: { readonly code?: number }
  readonly annotations?: Readonly<Record<string, string>>
}

/** What was asked for, in the order of the answers. @throws Error if the cluster audits nobody */
export async function usedRights({ auditLog }: ControlPlane, account: Account): Promise<readonly Call[]> {
  if (auditLog === undefined) throw new Error('the control plane was started without users to audit')
  const lines = (await readFile(auditLog, 'utf8')).split('\n').filter((line) => line !== '')
  const events: readonly AuditEvent[] = lines.map((line) => JSON.parse(line))
  return events.filter(({ user }) => user.username === userOf(account)).map(callOf)
}

function callOf({ verb, requestURI, objectRef, responseStatus, annotations = {} }: AuditEvent): Call {
  const { resource, subresource, apiGroup = '', name, namespace } = objectRef ?? {}
  const path =
    resource === undefined ? requestURI : [resource, subresource].filter((part) => part !== undefined).join('/')
  return {
    verb,
    group: apiGroup,
    resource: path,
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
    allowed: annotations['authorization.k8s.io/decision'] === 'allow',
    reason: annotations['authorization.k8s.io/reason'] ?? '',
    ...(responseStatus?.code !== undefined && { code: responseStatus.code }),
  }
}

/** What every account may in every cluster: discovery, and questions about itself. */
const everybodys = /ClusterRoleBinding "system:(?:basic-user|discovery|public-info-viewer)"/

export function compareRights(calls: readonly Call[], grants: readonly Grant[]): Differences {
  const used = new Set<Grant>()
  const refused = new Set<string>()
  const foreign = new Set<string>()
  // A grant for one object goes before one for all of them, so that the wider one is used only where it is needed.
  const narrowFirst = grants.toSorted((a, b) => Number(a.name === undefined) - Number(b.name === undefined))
  for (const call of calls) {
    if (!call.allowed || call.code === 403) {
      refused.add(`${shown(call)}${call.allowed ? ' (admitted by RBAC, and refused after that)' : ''}`)
      continue
    }
    const grant = narrowFirst.find((each) => covers(each, call))
    if (grant !== undefined) used.add(grant)
    else if (!everybodys.test(call.reason)) foreign.add(`${shown(call)}: ${call.reason}`)
  }
  // A role that stands in several namespaces is used if it is used in one of them.
  const usedKeys = new Set([...used].map(keyOf))
  const unused = grants.map(keyOf).filter((key) => !usedKeys.has(key))
  return { refused: [...refused], foreign: [...foreign], unused: [...new Set(unused)] }
}

function covers(grant: Grant, call: Call): boolean {
  return (
    grant.verb === call.verb &&
    grant.group === call.group &&
    grant.resource === call.resource &&
    (grant.name === undefined || grant.name === call.name) &&
    (grant.namespace === undefined || grant.namespace === call.namespace)
  )
}

function shown({ verb, group, resource, name, namespace }: Omit<Call, 'allowed' | 'reason'>): string {
  const what = group === '' ? resource : `${resource}.${group}`
  return [
    verb,
    what,
    ...(name === undefined ? [] : [name]),
    ...(namespace === undefined ? [] : [`in ${namespace}`]),
  ].join(' ')
}

function keyOf({ role, verb, group, resource, name }: Grant): string {
  return `${role}: ${shown({ verb, group, resource, ...(name !== undefined && { name }) })}`
}

/**
 * Everything that the account asked for since the cluster was started was granted by these objects, and everything that
 * they grant was asked for. @throws Error that names each call and each grant of which this is not so
 */
export async function expectExactRights(
  cluster: ControlPlane,
  manifests: readonly Manifest[],
  account: Account = { namespace: 'sealward', name: 'sealward' },
): Promise<void> {
  const grants = grantedRights(manifests, account)
  if (grants.length === 0) throw new Error('the objects grant nothing to the account')
  const { refused, foreign, unused } = compareRights(await usedRights(cluster, account), grants)
  const lines = [
    ...refused.map((call) => `refused by the API server: ${call}`),
    ...foreign.map((call) => `not granted by these objects: ${call}`),
    ...unused.map((grant) => `granted, and never used: ${grant}`),
  ]
  if (lines.length > 0) throw new Error(`the rights are not exact:\n${lines.join('\n')}`)
}
