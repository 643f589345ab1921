// All objects of a kind: what was told last, and for how long nothing was.

import { describe, expect, test } from 'vitest'
import { FollowedKind } from '#app/kube/followed-kind.ts'
import { CodedError } from '#core/errors.ts'
import { kubeObject } from '../../support/kube-objects.ts'

function followed() {
  const clock = { now: 1_000 }
  const told: string[] = []
  const kind = new FollowedKind({
    onChange: () => told.push('change'),
    onFailure: ({ code }) => told.push(code),
    now: () => clock.now,
  })
  const names = () => [...kind.objects()].map(({ metadata: { namespace = '', name } }) => `${namespace}/${name}`)
  return { kind, clock, told, names }
}

describe('a followed kind', () => {
  test('is what the last list and every change since have told', () => {
    const { kind, told, names } = followed()
    kind.listed([kubeObject({ name: 'a' }), kubeObject({ name: 'b' })])
    kind.changed(kubeObject({ name: 'c', namespace: 'n' }))
    kind.deleted(kubeObject({ name: 'a' }))
    expect(names()).toEqual(['/b', 'n/c'])
    kind.listed([kubeObject({ name: 'd' })])
    expect(names()).toEqual(['/d'])
    expect(told).toEqual(['change', 'change', 'change', 'change'])
  })

  test('tells the same name in two namespaces apart', () => {
    const { kind, names } = followed()
    kind.listed([kubeObject({ namespace: 'a' }), kubeObject({ namespace: 'b' })])
    kind.deleted(kubeObject({ namespace: 'a' }))
    expect(names()).toEqual(['b/a'])
    expect(kind.get('a', 'b')).toBeDefined()
    expect(kind.get('a')).toBeUndefined()
  })

  test('is loaded by a list, however empty, and by nothing else', () => {
    const { kind } = followed()
    kind.failed(new CodedError('kube-forbidden', 'no'))
    kind.heard()
    expect(kind.isLoaded).toBe(false)
    kind.listed([])
    expect(kind.isLoaded).toBe(true)
  })

  test('is silent since it was last heard of, whether something changed or not', () => {
    const { kind, clock } = followed()
    clock.now += 5_000
    expect(kind.silence).toBe(0)
    kind.listed([])
    kind.heard()
    clock.now += 5_000
    expect(kind.silence).toBe(5_000)
    kind.failed(new CodedError('kube-unreachable', 'away'))
    clock.now += 5_000
    expect(kind.silence).toBe(10_000)
    kind.heard()
    expect(kind.silence).toBe(0)
  })

  test('has a problem until it is heard of again, and keeps what it has', () => {
    const { kind, told, names } = followed()
    kind.listed([kubeObject({ name: 'a' })])
    const problem = new CodedError('kube-unreachable', 'away')
    kind.failed(problem)
    expect(kind.problem).toBe(problem)
    expect(names()).toEqual(['/a'])
    kind.heard()
    expect(kind.problem).toBeUndefined()
    expect(told).toEqual(['change', 'kube-unreachable'])
  })
})
