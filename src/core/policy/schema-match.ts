// The words of `match`: those of admissionregistration.k8s.io, so that nobody has to learn them again; see `schema.ts`.

import type { Choice, Shape } from './shape.ts'
import { choice, later, list, names, object, text } from './shape.ts'
import { apiGroup, apiVersion, labelKey, labelValue, namespaceGlob, resource } from './text-formats.ts'
import type { LabelSelector } from './words.ts'

export const selectorOperators = {
  In: { doc: 'The label is one of `values`.' },
  NotIn: { doc: 'It is none of them, or absent.' },
  Exists: { doc: 'It is there.' },
  DoesNotExist: { doc: 'It is absent.' },
} as const satisfies Record<LabelSelector['matchExpressions'][number]['operator'], Choice>

export const selectorValues: Readonly<Record<keyof typeof selectorOperators, readonly string[]>> = {
  In: ['values'],
  NotIn: ['values'],
  Exists: [],
  DoesNotExist: [],
}

/** DELETE and CONNECT start no image; a policy that names them would never speak. */
export const operations = {
  CREATE: { doc: 'An object is made.' },
  UPDATE: { doc: 'An object is changed.' },
  '*': { doc: 'Both.' },
} as const satisfies Record<string, Choice>

/** Selectors and lists are evaluated per request: what people write has fewer than ten entries. */
const maxEntries = 64

const labelSelector: Shape = object({
  matchLabels: {
    doc: 'Labels with exactly these values.',
    shape: names(labelKey, text(labelValue, 63), maxEntries),
    default: {},
  },
  matchExpressions: {
    doc: 'Further conditions; all must hold.',
    shape: list(
      object(
        {
          key: { doc: 'The label.', shape: text(labelKey, 317), required: true },
          operator: { doc: 'What about it.', shape: choice(selectorOperators), required: true },
          values: {
            doc: 'Of In and NotIn.',
            shape: list(text(labelValue, 63), { min: 1, max: maxEntries, distinct: true }),
          },
        },
        { goesWith: { choice: 'operator', members: selectorValues } },
      ),
      { max: maxEntries },
    ),
    default: [],
  },
})

const namespaceGlobs = (min: number) => list(text(namespaceGlob, 63), { min, max: 256, distinct: true })
const some = (of: Shape) => list(of, { min: 1, max: maxEntries, distinct: true })

export const matchShape: Shape = object({
  namespaces: {
    doc: 'Only these namespaces, * as wildcard. Absent: every namespace but the exempt ones; an exempt one must be named without wildcard.',
    shape: namespaceGlobs(1),
  },
  excludeNamespaces: { doc: 'Not these.', shape: namespaceGlobs(0), default: [] },
  namespaceSelector: { doc: 'Only namespaces with these labels.', shape: labelSelector },
  objectSelector: {
    doc: 'Only objects with these labels. Whoever submits the object chooses them.',
    shape: labelSelector,
  },
  resourceRules: {
    doc: 'Only these resources; one rule must hold.',
    shape: list(
      object({
        apiGroups: { doc: 'API groups.', shape: some(text(apiGroup, 253)), default: ['*'] },
        apiVersions: { doc: 'API versions.', shape: some(text(apiVersion, 63)), default: ['*'] },
        resources: {
          doc: 'Resources: `*` is every resource without its subresources, `*/*` is everything.',
          shape: some(text(resource, 127)),
          required: true,
        },
        operations: { doc: 'Operations.', shape: some(choice(operations)), default: ['*'] },
      }),
      { min: 1, max: maxEntries },
    ),
  },
  matchConditions: later('Conditions in CEL.', 'list'),
})
