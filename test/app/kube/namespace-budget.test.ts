// Whoever may write policies in one namespace can fill neither our memory nor our time with them.

import { describe, expect, test } from 'vitest'
import { FollowedKind } from '#app/kube/followed-kind.ts'
import { NamespaceBudget } from '#app/kube/namespace-budget.ts'
import type { KubeObject } from '#io/kube/follow.ts'

function policy(name: string, size: number, namespace: string | undefined = 'team'): KubeObject {
  const metadata = { name, resourceVersion: '1', ...(namespace !== undefined && { namespace }) }
  // As JSON: two quotes more.
  return { metadata, spec: 'x'.repeat(size - 2) }
}

function followed(ofOne: number, ofAll = 1_000) {
  const kind = new FollowedKind({
    onChange: () => undefined,
    onFailure: () => undefined,
    budget: new NamespaceBudget({ ofOne, ofAll }),
  })
  const specs = () => [...kind.objects()].map((each) => [each.metadata.name, each['spec'] !== undefined])
  return { kind, kept: () => Object.fromEntries(specs()) }
}

describe('the policies of one namespace', () => {
  test('are kept up to the budget, and of those beyond it the name alone', () => {
    const { kind, kept } = followed(100)
    kind.listed([policy('a', 60), policy('b', 40), policy('c', 10)])
    expect(kept()).toEqual({ a: true, b: true, c: false })
    expect([...kind.objects()].map((each) => kind.isTooLarge(each))).toEqual([false, false, true])
  })

  test('take nothing from those of another', () => {
    const { kind, kept } = followed(100)
    kind.listed([policy('a', 100), policy('b', 100, 'other')])
    expect(kept()).toEqual({ a: true, b: true })
  })

  test('take of all namespaces no more than there is', () => {
    const { kind, kept } = followed(100, 250)
    kind.listed(['p', 'q', 'r'].map((name) => policy(name, 100, name)))
    expect(kept()).toEqual({ p: true, q: true, r: false })
  })

  test('get the room of one that is deleted, or made smaller, with their next edit', () => {
    const { kind, kept } = followed(100)
    kind.listed([policy('a', 100)])
    kind.changed(policy('b', 10))
    expect(kept()).toEqual({ a: true, b: false })
    kind.changed(policy('a', 90))
    kind.changed(policy('b', 10))
    expect(kept()).toEqual({ a: true, b: true })
    kind.deleted(policy('a', 90))
    kind.changed(policy('b', 100))
    expect(kept()).toEqual({ b: true })
  })

  test('gain nothing by edits that do not fit: what was in force before is charged on', () => {
    const { kind, kept } = followed(100)
    kind.listed([policy('a', 90)])
    kind.changed(policy('a', 101))
    expect(kept()).toEqual({ a: false })
    kind.changed(policy('b', 20))
    expect(kept()).toEqual({ a: false, b: false })
  })

  test('leave their room when a list no longer has them', () => {
    const { kind, kept } = followed(100)
    kind.listed([policy('a', 100)])
    kind.listed([policy('b', 100)])
    expect(kept()).toEqual({ b: true })
  })
})

test('objects of the cluster have no such budget, because its administrators write them', () => {
  const { kind, kept } = followed(10)
  kind.listed([{ metadata: { name: 'a', resourceVersion: '1' }, spec: 'x'.repeat(100) }])
  expect(kept()).toEqual({ a: true })
})

test('what nobody reads of an object is not kept', () => {
  const { kind } = followed(100)
  const metadata = { name: 'a', resourceVersion: '1', managedFields: [{}], annotations: { a: 'b' }, labels: { c: 'd' } }
  kind.changed({ metadata, spec: 1 })
  expect([...kind.objects()][0]?.metadata).toEqual({ name: 'a', resourceVersion: '1', labels: { c: 'd' } })
})
