// To which objects a policy applies, out of checked documents.

import { globMatches, parseGlob } from '#core/image/glob.ts'
import type { Field, Report } from './problem.ts'
import { elements, isGiven, member, oneOf, textMapOf, textOf, textsOf } from './problem.ts'
import { selectorOperators, selectorValues } from './schema-match.ts'
import type { LabelSelector, Match, NameGlob, ResourceRule } from './words.ts'

/** @param own the namespace of a TrustPolicy */
export function readMatch(field: Field, own: string | undefined, report: Report): Match | undefined {
  const namespaces = member(field, 'namespaces')
  const excluded = textsOf(member(field, 'excludeNamespaces')).map(nameGlob)
  refuseForeign(namespaces, own, report)
  refuseExcluded(namespaces, own, excluded, report)
  const namespaceSelector = optional(member(field, 'namespaceSelector'), (at) => readSelector(at, report))
  const objectSelector = optional(member(field, 'objectSelector'), (at) => readSelector(at, report))
  const resourceRules = optional(member(field, 'resourceRules'), readResourceRules)
  if (namespaceSelector === 'wrong' || objectSelector === 'wrong' || resourceRules === 'wrong') return undefined
  return {
    ...(isGiven(field, 'namespaces') && { namespaces: textsOf(namespaces).map(nameGlob) }),
    excludeNamespaces: excluded,
    ...(namespaceSelector && { namespaceSelector }),
    ...(objectSelector && { objectSelector }),
    ...(resourceRules && { resourceRules }),
  }
}

function optional<T>(field: Field, read: (field: Field) => T | undefined): T | 'wrong' | undefined {
  return field.value === undefined ? undefined : (read(field) ?? 'wrong')
}

export function nameGlob(text: string): NameGlob {
  const glob = parseGlob(text)
  return { text, matches: (name) => globMatches(glob, name) }
}

/** A TrustPolicy speaks in its own namespace only; one that names another would be thought to protect that. */
function refuseForeign(namespaces: Field, own: string | undefined, report: Report): void {
  if (own === undefined) return
  for (const element of elements(namespaces)) {
    if (textOf(element) !== undefined && element.value !== own) {
      report(
        element.path,
        `a TrustPolicy applies in its own namespace only, which is "${own}"; use a ClusterTrustPolicy`,
      )
    }
  }
}

/** A namespace that is named and excluded: one of both is a mistake. */
function refuseExcluded(
  namespaces: Field,
  own: string | undefined,
  excluded: readonly NameGlob[],
  report: Report,
): void {
  for (const element of elements(namespaces)) {
    const by = excluded.find(
      (glob) => glob.text === element.value || (isLiteral(element.value) && glob.matches(element.value)),
    )
    if (by) report(element.path, `is excluded by excludeNamespaces ("${by.text}")`)
  }
  const by =
    own !== undefined && namespaces.value === undefined ? excluded.find((glob) => glob.matches(own)) : undefined
  if (by) report(namespaces.path.slice(0, -1), `excludeNamespaces ("${by.text}") excludes the policy's own namespace`)
}

function isLiteral(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('*')
}

function readSelector(field: Field, report: Report): LabelSelector | undefined {
  const fields = elements(member(field, 'matchExpressions'))
  const matchExpressions = fields.flatMap((each) => readExpression(each, report) ?? [])
  if (matchExpressions.length < fields.length) return undefined
  return { matchLabels: textMapOf(member(field, 'matchLabels')), matchExpressions }
}

function readExpression(field: Field, report: Report): LabelSelector['matchExpressions'][number] | undefined {
  const key = textOf(member(field, 'key'))
  const operator = oneOf(member(field, 'operator'), selectorOperators)
  const values = member(field, 'values')
  if (key === undefined || operator === undefined) return undefined
  const needed = selectorValues[operator].length > 0
  if (needed === (values.value !== undefined)) return { key, operator, values: textsOf(values) }
  report(values.path, needed ? `is missing; ${operator} needs it` : `means nothing with operator: ${operator}`)
  return undefined
}

function readResourceRules(field: Field): readonly ResourceRule[] {
  return elements(field).map((rule) => ({
    apiGroups: textsOf(member(rule, 'apiGroups')),
    apiVersions: textsOf(member(rule, 'apiVersions')),
    resources: textsOf(member(rule, 'resources')),
    operations: textsOf(member(rule, 'operations')),
  }))
}
