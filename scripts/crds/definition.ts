// The CustomResourceDefinition of a kind of the policy language.

import { apiVersion, type Kind } from '#core/policy/schema.ts'
import type { ObjectShape } from '#core/policy/shape.ts'
import { type Schema, structuralSchema } from './structural.ts'

const [group = '', version = ''] = apiVersion.split('/')

/** What `kubectl get` calls the kind beside its own name. */
interface Called {
  readonly plural: string
  readonly shortName: string
  /** Columns between the name and what every kind has: title and JSON path. */
  readonly columns?: readonly (readonly [string, string])[]
}

const called: Readonly<Record<string, Called>> = {
  Attestor: { plural: 'attestors', shortName: 'att' },
  ClusterTrustPolicy: { plural: 'clustertrustpolicies', shortName: 'ctp', columns: [['Mode', '.spec.mode']] },
  TrustPolicy: { plural: 'trustpolicies', shortName: 'tp', columns: [['Mode', '.spec.mode']] },
  DenyList: { plural: 'denylists', shortName: 'deny', columns: [['Reason', '.spec.reason']] },
}

const conditions = {
  type: 'array',
  description: 'What holds of it, each with the generation for which that was found.',
  maxItems: 8,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'lastTransitionTime'],
    properties: {
      type: { type: 'string', maxLength: 316, description: 'What the condition is about.' },
      status: { type: 'string', enum: ['True', 'False', 'Unknown'], description: 'Whether it holds.' },
      reason: { type: 'string', maxLength: 1024, description: 'Why, in one word.' },
      message: { type: 'string', maxLength: 32_768, description: 'Why, in a sentence.' },
      observedGeneration: { type: 'integer', format: 'int64', description: 'Of which generation this was found.' },
      lastTransitionTime: { type: 'string', format: 'date-time', description: 'Since when.' },
    },
  },
}

/** Written by Sealward alone; an administrator reads there what became of the object. */
const status: Schema = {
  type: 'object',
  description: 'What became of it. Written by Sealward.',
  properties: {
    phase: {
      type: 'string',
      enum: ['Pending', 'Active', 'Invalid', 'Outdated'],
      description:
        'Pending: not read yet. Active: in force as written. Invalid: wrong, and not in force. Outdated: wrong as written; what stood there before is still in force.',
    },
    message: { type: 'string', maxLength: 32_768, description: 'What is wrong, if something is.' },
    observedGeneration: { type: 'integer', format: 'int64', description: 'Of which generation all this was found.' },
    inForce: {
      type: 'object',
      description: 'What is in force in place of the object, while the object as written is wrong.',
      required: ['generation', 'spec'],
      properties: {
        generation: { type: 'integer', format: 'int64', description: 'Of which generation it is.' },
        // As large as an object may be.
        spec: { type: 'string', maxLength: 1_048_576, description: 'The `spec` of that generation, as JSON text.' },
      },
    },
    images: { type: 'integer', format: 'int64', minimum: 0, description: 'How many images were judged by it.' },
    lastError: {
      type: 'object',
      description: 'What went wrong last.',
      required: ['code', 'message', 'at'],
      properties: {
        code: { type: 'string', maxLength: 64, description: 'The code, as in docs/errors.md.' },
        message: { type: 'string', maxLength: 32_768, description: 'What it was.' },
        at: { type: 'string', format: 'date-time', description: 'When.' },
      },
    },
    conditions,
  },
}

/** @throws Error for a kind that this version does not act on: an API server would take objects that nobody reads */
export function definitionOf(kindName: string, { doc, scope, spec }: Kind): Schema {
  const names = called[kindName]
  if (spec === undefined || names === undefined) throw new Error(`${kindName} has no definition`)
  const schema = {
    type: 'object',
    description: doc,
    required: ['spec'],
    properties: { spec: { description: 'What it says.', ...withShownDefaults(spec, names) }, status },
  }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${group}`, labels: { 'app.kubernetes.io/part-of': 'sealward' } },
    spec: {
      group,
      scope,
      names: {
        kind: kindName,
        listKind: `${kindName}List`,
        plural: names.plural,
        singular: kindName.toLowerCase(),
        shortNames: [names.shortName],
        categories: ['sealward'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns(names.columns ?? []),
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  }
}

/** A column shows nothing of what is left out; so the API server writes the default there. */
function withShownDefaults(spec: ObjectShape, { columns: own = [] }: Called): Schema {
  const schema = structuralSchema(spec)
  const properties = { ...(schema['properties'] as Readonly<Record<string, Schema>>) }
  for (const [, path] of own) {
    const name = path.replace('.spec.', '')
    properties[name] = { ...properties[name], default: spec.members[name]?.default }
  }
  return { ...schema, properties }
}

function columns(own: readonly (readonly [string, string])[]): readonly Schema[] {
  return [
    ...own.map(([name, jsonPath]) => ({ name, type: 'string', jsonPath })),
    { name: 'Status', type: 'string', jsonPath: '.status.phase' },
    { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ]
}
