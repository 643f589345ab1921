// The structural schema (OpenAPI v3, as CustomResourceDefinitions have it) of a shape of the policy language.
//
// What nests is said by the schema alone, and by CEL only what stands near the top: the API server multiplies the
// estimated cost of a rule with how often the bounds of the lists around it let it occur.

import { maxNesting } from '#core/policy/schema-policy.ts'
import type { GoesWith, ObjectShape, Shape, Word } from '#core/policy/shape.ts'

export type Schema = Readonly<Record<string, unknown>>

/** @param levels how often the shape may still lie inside itself; in the innermost the words that nest are left out */
export function structuralSchema(shape: Shape, levels = maxNesting): Schema {
  switch (shape.kind) {
    case 'text':
      return { type: 'string', maxLength: shape.max, ...(shape.format.pattern && { pattern: shape.format.pattern }) }
    case 'choice':
      return { type: 'string', enum: Object.keys(shape.values).filter((name) => !shape.values[name]?.later) }
    case 'integer':
      return { type: 'integer', format: 'int32', minimum: shape.min, maximum: shape.max }
    case 'list':
      return {
        type: 'array',
        minItems: shape.min,
        maxItems: shape.max,
        ...listType(shape),
        items: structuralSchema(shape.of, levels),
      }
    case 'names':
      return { type: 'object', maxProperties: shape.max, additionalProperties: structuralSchema(shape.of, levels) }
    case 'object':
      return objectSchema(shape, levels)
    case 'again':
      return structuralSchema(shape.shape(), levels - 1)
    case 'ignored':
      return ignoredSchemas[shape.written]
  }
}

function listType({ distinct, distinctBy }: Extract<Shape, { kind: 'list' }>): Schema {
  if (distinctBy !== undefined) {
    return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [distinctBy] }
  }
  return { 'x-kubernetes-list-type': distinct ? 'set' : 'atomic' }
}

const anyObject: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** Bounded, so that the rule that refuses them costs little. */
const ignoredSchemas = {
  text: { type: 'string', maxLength: 65_536 },
  list: { type: 'array', maxItems: 256, items: anyObject },
  object: anyObject,
} as const satisfies Record<string, Schema>

function objectSchema(shape: ObjectShape, levels: number): Schema {
  const isChoice = isChoiceOfOne(shape)
  const members = Object.entries(shape.members).filter(([, word]) => {
    // A choice of one that has none of its members is refused for that, so what comes later need not be known to it.
    const unknown = word.only === 'files' || (word.later && isChoice) || (levels === 0 && nests(word.shape))
    return !unknown
  })
  const required = members.filter(([, word]) => word.required).map(([name]) => name)
  const rules = isChoice ? [] : [...rulesOf(shape, members), ...togetherRules(shape)]
  return {
    type: 'object',
    ...(required.length > 0 && { required }),
    ...(isChoice && { minProperties: 1, maxProperties: 1 }),
    ...(rules.length > 0 && { 'x-kubernetes-validations': rules }),
    ...(shape.goesWith && { oneOf: alternatives(shape.goesWith) }),
    // An API server drops an empty one, and kubectl would take that for a difference whenever it is applied.
    ...(members.length > 0 && {
      properties: Object.fromEntries(
        members.map(([name, word]) => [name, { ...describe(word, levels), ...structuralSchema(word.shape, levels) }]),
      ),
    }),
  }
}

function togetherRules({ together = [] }: ObjectShape): readonly Rule[] {
  return together.map(({ rule, message, at }) => ({ rule, message, ...(at !== undefined && { fieldPath: `.${at}` }) }))
}

/** By the schema alone, so that it may stand however deep. */
function alternatives({ choice, members }: GoesWith): readonly Schema[] {
  const all = [...new Set(Object.values(members).flat())]
  const groups = Map.groupBy(Object.keys(members), (value) => (members[value] ?? []).join())
  return [...groups.values()].map((values) => {
    const needed = members[values[0] ?? ''] ?? []
    const others = all.filter((name) => !needed.includes(name))
    return {
      properties: { [choice]: { enum: values } },
      ...(needed.length > 0 && { required: needed }),
      ...(others.length > 0 && { not: { anyOf: others.map((name) => ({ required: [name] })) } }),
    }
  })
}

/** Is it nothing but one of its members? */
function isChoiceOfOne({ exactlyOne, members }: ObjectShape): boolean {
  return exactlyOne !== undefined && exactlyOne.length === Object.keys(members).length
}

function nests(shape: Shape): boolean {
  if (shape.kind === 'again') return true
  if (shape.kind === 'list' || shape.kind === 'names') return nests(shape.of)
  return shape.kind === 'object' && Object.values(shape.members).some((word) => nests(word.shape))
}

interface Rule {
  readonly rule: string
  readonly message: string
  readonly fieldPath?: string
}

function rulesOf(shape: ObjectShape, members: readonly (readonly [string, Word])[]): readonly Rule[] {
  const later = members.filter(([, word]) => word.later).map(([name]) => name)
  const here = (shape.exactlyOne ?? []).filter((name) => members.some(([member]) => member === name))
  const now = here.filter((name) => !later.includes(name))
  return [
    ...later.map((name) => ({
      rule: `!has(self.${name})`,
      message: 'is not supported yet',
      fieldPath: `.${name}`,
    })),
    ...(here.length === 0
      ? []
      : [
          {
            rule: `[${here.map((name) => `has(self.${name})`).join(', ')}].filter(given, given).size() == 1`,
            message: now.length === 1 ? `needs ${now.join()}` : `needs exactly one of ${now.join(', ')}`,
          },
        ]),
  ]
}

/**
 * What `kubectl explain` shows. Said at the outermost level only: said at each, it would make a definition too large for
 * `kubectl apply`, which keeps a copy in an annotation of 256 KiB at most.
 */
function describe(word: Word, levels: number): { readonly description?: string } {
  if (levels < maxNesting) return {}
  const values = word.shape.kind === 'choice' ? valueLines(word.shape.values) : []
  const fallback = word.default === undefined ? [] : [`Default: ${JSON.stringify(word.default)}.`]
  const later = word.later ? ['Not supported yet.'] : []
  return { description: [[word.doc, ...fallback, ...later].join(' '), ...values].join('\n') }
}

function valueLines(values: Extract<Shape, { kind: 'choice' }>['values']): readonly string[] {
  return Object.entries(values).flatMap(([name, { doc, later }]) => (later ? [] : [`${name}: ${doc}`]))
}
