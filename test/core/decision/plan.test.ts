// Plans of images are remembered between requests. What is remembered must never be of other policies.

import { describe, expect, test } from 'vitest'
import { Planner } from '#core/decision/plan.ts'
import type { ObjectScope } from '#core/policy/group.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import type { Json } from '../../support/policy-documents.ts'
import { attestor, clusterPolicy, keySpec, namespace, pems, read, rule } from '../../support/policy-documents.ts'

const image = 'registry.test/team/app:v1'

const pods: ObjectScope = {
  namespace: 'prod',
  objectLabels: {},
  apiGroup: '',
  apiVersion: 'v1',
  resource: 'pods',
  operation: 'CREATE',
}

function setOf(...documents: readonly Json[]) {
  return setWith(attestor(), ...documents)
}

function setWith(...documents: readonly Json[]) {
  const result = read(documents)
  expect(result.problems).toEqual([])
  return compilePolicySet(result)
}

function planned(set: ReturnType<typeof setOf>, object: Partial<ObjectScope> = {}, text = image) {
  const use = { pointer: '/spec/containers/0/image', field: 'spec.containers[0].image', list: 'containers' } as const
  const planner = new Planner({ purpose: 'mutate', unchanged: new Set() }, set.match({ ...pods, ...object }))
  planner.add({ ...use, name: 'c', image: text })
  const [made] = planner.plan().images
  return made
}

const demanded = (...given: Parameters<typeof planned>) =>
  planned(...given)?.demands.map(({ kind, policy }) => `${policy.name} ${kind}`)

const strict = clusterPolicy({ rules: [rule(['**'])] }, 'strict')
const ofWeb = clusterPolicy(
  { rules: [rule(['**'])], match: { objectSelector: { matchLabels: { app: 'web' } } } },
  'web',
)
const ofTest = clusterPolicy({ rules: [rule(['**'])], match: { namespaces: ['test'] } }, 'test')

describe('the plan of an image', () => {
  test('is made once for the same policies, also for namespaces to which the same apply', () => {
    const set = setOf(strict, ofTest)
    const first = planned(set)
    expect(planned(set)).toBe(first)
    expect(planned(set, { namespace: 'dev', objectLabels: { app: 'web' } })).toBe(first)
  })

  test('is another one where another policy applies, by namespace or by label', () => {
    const set = setOf(strict, ofTest, ofWeb)
    expect(demanded(set)).toEqual(['strict rule'])
    expect(demanded(set, { namespace: 'test' })).toEqual(['strict rule', 'test rule'])
    expect(demanded(set, { objectLabels: { app: 'web' } })).toEqual(['strict rule', 'web rule'])
    expect(demanded(set, { objectLabels: { app: 'db' } })).toEqual(['strict rule'])
    expect(demanded(set)).toEqual(['strict rule'])
  })

  test('is made anew when the policies are read again', () => {
    expect(demanded(setOf(strict))).toEqual(['strict rule'])
    expect(demanded(setOf(clusterPolicy({ otherwise: 'Deny' }, 'other')))).toEqual(['other otherwise'])
  })

  test('demands the keys that the attestor has now, though nothing else was changed', () => {
    const keyOf = (pem: string) => {
      const set = setWith(attestor('release', keySpec({ name: 'k', pem })), strict)
      const [demand] = planned(set)?.demands ?? []
      const required = demand?.kind === 'rule' ? demand.rule.require : undefined
      return required?.kind === 'signature' ? required.attestor.keys.map(({ fingerprint }) => fingerprint) : undefined
    }
    const first = keyOf(pems.first)
    expect(first).toHaveLength(1)
    expect(keyOf(pems.second)).toHaveLength(1)
    expect(keyOf(pems.second)).not.toEqual(first)
    expect(keyOf(pems.first)).toEqual(first)
  })

  test('is another one when the labels of the namespace change, or are not known', () => {
    const ofSigned = clusterPolicy(
      { rules: [rule(['**'])], match: { namespaceSelector: { matchLabels: { signed: 'required' } } } },
      'of-signed',
    )
    const labelled = (labels: Readonly<Record<string, string>>) => setOf(strict, ofSigned, namespace('prod', labels))
    const set = labelled({ signed: 'required' })
    const both = ['of-signed rule', 'strict rule']
    expect(demanded(set)).toEqual(both)
    expect(demanded(set, { namespaceLabels: { signed: 'no' } })).toEqual(['strict rule'])
    expect(demanded(set, { namespace: 'dev' })).toEqual(['of-signed unknown-match', 'strict rule'])
    expect(demanded(set)).toEqual(both)
    expect(demanded(labelled({}))).toEqual(['strict rule'])
  })

  test('is another one where a policy selects by operation', () => {
    const resourceRules = [{ apiGroups: [''], apiVersions: ['*'], resources: ['pods'], operations: ['UPDATE'] }]
    const set = setOf(strict, clusterPolicy({ rules: [rule(['**'])], match: { resourceRules } }, 'of-updates'))
    expect(demanded(set)).toEqual(['strict rule'])
    expect(demanded(set, { operation: 'UPDATE' })).toEqual(['of-updates rule', 'strict rule'])
    expect(demanded(set)).toEqual(['strict rule'])
  })

  test('has a key that says which rules of which policies judge it', () => {
    const set = setOf(strict, ofTest, ofWeb)
    const key = (...given: Parameters<typeof planned>) => planned(...given)?.key
    expect(key(set)).toBe(key(setOf(strict)))
    const wider = clusterPolicy({ rules: [rule(['other.test/**']), rule(['**'])] }, 'strict')
    const others = [key(set), key(set, { namespace: 'test' }), key(setOf(wider)), key(set, {}, `${image}1`)]
    expect(new Set(others).size).toBe(others.length)
    const uncovered = clusterPolicy({ rules: [rule(['other.test/**'])] }, 'strict')
    expect(key(setOf(uncovered))).toMatch(/^registry\.test\/team\/app:v1 [0-9a-f]{16}\/otherwise$/)
    expect(key(setOf(wider))).toMatch(/^registry\.test\/team\/app:v1 [0-9a-f]{16}\/rules\[1\]$/)
  })

  test('is the same whatever came in between, and is then made again', () => {
    const set = setOf(strict)
    const first = planned(set)
    for (let index = 0; index < 10_000; index++) planned(set, {}, `registry.test/flood/app${index}`)
    expect(planned(set)).not.toBe(first)
    expect(planned(set)).toEqual(first)
  })

  test('of a text that is no reference is not kept', () => {
    const set = setOf(strict)
    expect(planned(set, {}, 'A B')?.malformed).toBeDefined()
    expect(planned(set, {}, 'A B')).not.toBe(planned(set, {}, 'A B'))
  })
})
