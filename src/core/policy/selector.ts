// Does an object's label, namespace or resource fit? As Kubernetes answers it, but in three values where the labels of
// a namespace are not known: `unknown` is neither yes nor no.

import type { LabelSelector, ResourceRule } from './words.ts'

export type Labels = Readonly<Record<string, string>>
export type Answer = 'yes' | 'no' | 'unknown'

/** The API server sets this label on every namespace to its name, and lets nobody change it. */
export const namespaceNameLabel = 'kubernetes.io/metadata.name'

export function labelsMatch(selector: LabelSelector, labels: Labels): boolean {
  return evaluate(selector, (key) => ({ known: true, value: labelValue(labels, key) })) === 'yes'
}

/** @param labels absent: not known, except for the one that is the name */
export function namespaceMatches(selector: LabelSelector, name: string, labels: Labels | undefined): Answer {
  return evaluate(selector, (key) => {
    if (key === namespaceNameLabel) return { known: true, value: name }
    return labels === undefined ? { known: false } : { known: true, value: labelValue(labels, key) }
  })
}

type Lookup = (key: string) => { readonly known: true; readonly value: string | undefined } | { readonly known: false }

function evaluate({ matchLabels, matchExpressions }: LabelSelector, lookup: Lookup): Answer {
  let answer: Answer = 'yes'
  for (const [key, wanted] of Object.entries(matchLabels)) {
    const found = lookup(key)
    if (!found.known) answer = 'unknown'
    else if (found.value !== wanted) return 'no'
  }
  for (const { key, operator, values } of matchExpressions) {
    const found = lookup(key)
    if (!found.known) answer = 'unknown'
    else if (!holds(operator, values, found.value)) return 'no'
  }
  return answer
}

function holds(
  operator: LabelSelector['matchExpressions'][number]['operator'],
  values: readonly string[],
  value: string | undefined,
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}

function labelValue(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined
}

export function isEmptySelector({ matchLabels, matchExpressions }: LabelSelector): boolean {
  return matchExpressions.length === 0 && Object.keys(matchLabels).length === 0
}

/** What is done to what, in the words of an admission request. */
export interface ResourceScope {
  readonly apiGroup: string
  readonly apiVersion: string
  /** With its subresource if there is one: `pods/ephemeralcontainers`. */
  readonly resource: string
  readonly operation: string
}

/** As the API server matches the rules of a webhook: `*` is no subresource, `pods/*` is pods and its subresources. */
export function resourceMatches(rule: ResourceRule, scope: ResourceScope): boolean {
  return (
    named(rule.operations, scope.operation) &&
    named(rule.apiGroups, scope.apiGroup) &&
    named(rule.apiVersions, scope.apiVersion) &&
    rule.resources.some((pattern) => resourceNamed(pattern, scope.resource))
  )
}

function named(names: readonly string[], name: string): boolean {
  return names.includes('*') || names.includes(name)
}

function resourceNamed(pattern: string, resource: string): boolean {
  const [wanted, wantedSub = ''] = pattern.split('/', 2)
  const [found, foundSub = ''] = resource.split('/', 2)
  return (wanted === '*' || wanted === found) && (wantedSub === '*' || wantedSub === foundSub)
}
