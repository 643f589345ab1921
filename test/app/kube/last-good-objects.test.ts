// What an object was when it was last right, as this process has seen it or an earlier one has written it down.

import { describe, expect, test } from 'vitest'
import { LastGoodObjects } from '#app/kube/last-good-objects.ts'
import { policyKinds } from '#app/kube/policy-kinds.ts'
import type { InForce } from '#core/policy/last-good.ts'
import { kubeObject, type Metadata } from '../../support/kube-objects.ts'

const [kind = { kind: '', plural: '' }] = policyKinds.filter((each) => each.kind === 'TrustPolicy')
const specs = { first: { otherwise: 'Deny' }, second: { otherwise: 'Accept' } }

function policy(generation: number, spec: unknown, status?: unknown, more: Partial<Metadata> = {}) {
  return kubeObject({ name: 'p', namespace: 'n', generation, ...more }, { spec, status })
}

function settled(objects: LastGoodObjects, object: ReturnType<typeof policy>, inForce: InForce) {
  objects.kept(kind, object)
  return objects.settle(kind, object, inForce)
}

describe('an object that this process has seen', () => {
  test('was what it was in force as, however often it is wrong since', () => {
    const objects = new LastGoodObjects()
    expect(objects.kept(kind, policy(1, specs.first))).toMatchObject({ name: 'TrustPolicy n/p', wasInForce: false })
    expect(settled(objects, policy(1, specs.first), 'written')).toBeUndefined()
    for (const generation of [2, 3]) {
      const wrong = policy(generation, { wrong: generation })
      const kept = objects.kept(kind, wrong)
      expect(kept).toMatchObject({
        value: { spec: { wrong: generation } },
        before: { spec: specs.first },
        wasInForce: true,
      })
      expect(settled(objects, wrong, 'before')).toEqual({ generation: 1, spec: specs.first })
    }
    expect(settled(objects, policy(4, specs.second), 'written')).toBeUndefined()
    expect(objects.kept(kind, policy(5, {}))).toMatchObject({ before: { spec: specs.second } })
  })

  test('that never was right has nothing before', () => {
    const objects = new LastGoodObjects()
    expect(settled(objects, policy(1, {}), 'nothing')).toBeUndefined()
    expect(objects.kept(kind, policy(2, {}))).toMatchObject({ wasInForce: false })
    expect(objects.kept(kind, policy(2, {}))).not.toHaveProperty('before')
  })

  test('is the same value as long as nobody edits it, and holds what its author wrote alone', () => {
    const objects = new LastGoodObjects()
    const { value } = objects.kept(kind, policy(1, specs.first, { phase: 'Active' }, { labels: { a: 'b' } }))
    expect(value).toEqual({
      apiVersion: 'sealward.dev/v1alpha1',
      kind: 'TrustPolicy',
      metadata: { name: 'p', namespace: 'n' },
      spec: specs.first,
    })
    const again = policy(1, specs.first, { phase: 'Invalid' }, { resourceVersion: '2' })
    expect(objects.kept(kind, again).value).toBe(value)
    expect(objects.kept(kind, policy(2, specs.first)).value).not.toBe(value)
  })

  test('of the same name is another one when it is made anew', () => {
    const objects = new LastGoodObjects()
    settled(objects, policy(1, specs.first), 'written')
    const other = objects.kept(kind, policy(1, specs.second, undefined, { uid: 'uid-2' }))
    expect(other).toMatchObject({ value: { spec: specs.second }, wasInForce: false })
    expect(other).not.toHaveProperty('before')
  })

  test('that is gone is forgotten', () => {
    const objects = new LastGoodObjects()
    settled(objects, policy(1, specs.first), 'written')
    objects.forgetOthers([{ kind, object: policy(1, specs.first) }])
    expect(objects.kept(kind, policy(2, {}))).toMatchObject({ wasInForce: true })
    objects.forgetOthers([])
    expect(objects.kept(kind, policy(2, {}))).toMatchObject({ wasInForce: false })
  })
})

describe('what an earlier process has written into the status', () => {
  const inForce = { generation: 1, spec: JSON.stringify(specs.first) }
  const kept = (generation: number, status: unknown) => new LastGoodObjects().kept(kind, policy(generation, {}, status))

  test('says that what is written was in force', () => {
    const same = kept(3, { phase: 'Active', observedGeneration: 3 })
    expect(same.wasInForce).toBe(true)
    expect(same.before).toBe(same.value)
  })

  test('says nothing of an edit that nobody saw, but that something was in force', () => {
    const edited = kept(4, { phase: 'Active', observedGeneration: 3 })
    expect(edited.wasInForce).toBe(true)
    expect(edited).not.toHaveProperty('before')
  })

  test('tells what was in force instead of what is wrong', () => {
    const object = policy(5, {}, { phase: 'Outdated', observedGeneration: 5, inForce })
    const objects = new LastGoodObjects()
    expect(objects.kept(kind, object)).toMatchObject({
      before: { kind: 'TrustPolicy', metadata: { name: 'p', namespace: 'n' }, spec: specs.first },
      wasInForce: true,
    })
    expect(settled(objects, object, 'before')).toEqual({ generation: 1, spec: specs.first })
  })

  test.each<[string, unknown]>([
    ['there is none', undefined],
    ['it is no object', 'Active'],
    ['it was never in force', { phase: 'Invalid', observedGeneration: 1, inForce }],
    ['nobody has looked yet', { phase: 'Pending', inForce }],
    ['the phase is nonsense', { phase: 'active', observedGeneration: 5, inForce }],
    ['the phase is a list', { phase: ['Active'], observedGeneration: 5, inForce }],
  ])('counts as nothing where %s', (_, status) => {
    const found = kept(5, status)
    expect(found.wasInForce).toBe(false)
    expect(found).not.toHaveProperty('before')
  })

  test.each<[string, unknown]>([
    ['is no object', 'x'],
    ['has no generation', { spec: inForce.spec }],
    ['has a generation that cannot be', { ...inForce, generation: -1 }],
    ['has no spec', { generation: 1 }],
    ['has a spec that is no JSON', { generation: 1, spec: '{' }],
    ['has a spec with a member twice', { generation: 1, spec: '{"otherwise":"Deny","otherwise":"Accept"}' }],
    ['has a spec of endless depth', { generation: 1, spec: `${'['.repeat(5_000)}${']'.repeat(5_000)}` }],
  ])('tells nothing where what was in force %s', (_, was) => {
    const found = kept(5, { phase: 'Outdated', observedGeneration: 5, inForce: was })
    expect(found.wasInForce).toBe(true)
    expect(found).not.toHaveProperty('before')
  })
})
