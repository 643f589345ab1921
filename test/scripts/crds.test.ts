import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { kinds } from '#core/policy/schema.ts'
import { choice, list, object, type Shape, text } from '#core/policy/shape.ts'
import { anyText } from '#core/policy/text-formats.ts'
import { definitionOf } from '../../scripts/crds/definition.ts'
import { structuralSchema } from '../../scripts/crds/structural.ts'
import { renderCrds } from '../../scripts/render-crds.ts'

/** `kubectl apply` keeps a copy of what it applies in an annotation; all annotations together have this many bytes. */
const maxAnnotations = 262_144

describe('deploy/crds', () => {
  const rendered = renderCrds()

  test('is what npm run docs makes of the words of the policy language, and nothing else', () => {
    const files = readdirSync('deploy/crds')
    expect(files.toSorted()).toEqual(Object.keys(rendered).toSorted())
    for (const file of files) {
      expect(readFileSync(`deploy/crds/${file}`, 'utf8') === rendered[file], `${file}: run \`npm run docs\``).toBe(true)
    }
  })

  test.each(Object.entries(rendered))('%s can be applied: its copy fits into the annotation', (_, yaml) => {
    expect(JSON.stringify(parse(yaml)).length).toBeLessThan(maxAnnotations / 2)
  })

  test('has every kind that this version reads, in its scope', () => {
    const scopes = Object.values(rendered).map((yaml) => {
      const { spec } = parse(yaml) as {
        readonly spec: { readonly names: { readonly kind: string }; readonly scope: string }
      }
      return [spec.names.kind, spec.scope] as const
    })
    const readable = Object.entries(kinds).filter(([, { spec }]) => spec !== undefined)
    expect(new Map(scopes)).toEqual(new Map(readable.map(([name, { scope }]) => [name, scope])))
  })

  test('has no kind that nobody reads', () => {
    const kind = { doc: 'x', scope: 'Cluster' } as const
    expect(() => definitionOf('Attestor', kind)).toThrow('Attestor has no definition')
    expect(() => definitionOf('Other', { ...kind, spec: object({}) })).toThrow('Other has no definition')
  })
})

describe('a structural schema', () => {
  const word = (shape: Shape) => ({ doc: 'What it is.', shape })
  const some = text(anyText, 8)

  test('bounds every text and every list, so that the cost of rules can be estimated', () => {
    const unbounded: string[] = []
    const visit = (schema: Readonly<Record<string, unknown>>, path: string): void => {
      if (schema['type'] === 'string' && schema['enum'] === undefined && schema['maxLength'] === undefined)
        unbounded.push(path)
      if (schema['type'] === 'array' && schema['maxItems'] === undefined) unbounded.push(path)
      if (schema['additionalProperties'] !== undefined && schema['maxProperties'] === undefined) unbounded.push(path)
      for (const [name, each] of Object.entries({
        ...(schema['properties'] as Readonly<Record<string, Readonly<Record<string, unknown>>>>),
      }))
        visit(each, `${path}.${name}`)
      for (const name of ['items', 'additionalProperties']) {
        if (schema[name] !== undefined) visit(schema[name] as Readonly<Record<string, unknown>>, `${path}.${name}`)
      }
    }
    for (const [name, { spec }] of Object.entries(kinds)) if (spec) visit(structuralSchema(spec), name)
    expect(unbounded).toEqual([])
  })

  test('says which members go with which value', () => {
    const shape = object(
      { kind: word(choice({ A: { doc: 'x' }, B: { doc: 'x' }, C: { doc: 'x' } })), b: word(some), c: word(some) },
      { goesWith: { choice: 'kind', members: { A: [], B: ['b'], C: ['b', 'c'] } } },
    )
    expect(structuralSchema(shape)['oneOf']).toEqual([
      { properties: { kind: { enum: ['A'] } }, not: { anyOf: [{ required: ['b'] }, { required: ['c'] }] } },
      { properties: { kind: { enum: ['B'] } }, required: ['b'], not: { anyOf: [{ required: ['c'] }] } },
      { properties: { kind: { enum: ['C'] } }, required: ['b', 'c'] },
    ])
  })

  test('says of a list whether its elements differ, and in what', () => {
    const of = object({ name: word(some) })
    expect(structuralSchema(list(some, { max: 2 }))).toMatchObject({ 'x-kubernetes-list-type': 'atomic', maxItems: 2 })
    expect(structuralSchema(list(some, { max: 2, distinct: true }))).toMatchObject({ 'x-kubernetes-list-type': 'set' })
    expect(structuralSchema(list(of, { max: 2, distinctBy: 'name' }))).toMatchObject({
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    })
  })

  test('leaves out what files alone may say, and says of words to come that they are', () => {
    const shape = object({
      a: { ...word(some), only: 'files' },
      b: word(some),
      c: { doc: 'Later.', shape: { kind: 'ignored', written: 'list' }, later: true },
    })
    const schema = structuralSchema(shape)
    expect(Object.keys(schema['properties'] as object)).toEqual(['b', 'c'])
    expect(schema['x-kubernetes-validations']).toEqual([
      { rule: '!has(self.c)', message: 'is not supported yet', fieldPath: '.c' },
    ])
  })
})
