import { describe, expect, test } from 'vitest'
import { SharedRoom } from '#io/kube/shared-room.ts'

function room(lodgers: number, bytes = Number.POSITIVE_INFINITY) {
  const left: string[] = []
  const shared = new SharedRoom({ lodgers, bytes })
  const lodger = (name: string) => ({ namespace: name.split('/')[0] ?? '', leave: () => void left.push(name) })
  return { shared, lodger, left }
}

describe('room that namespaces share', () => {
  test('is left by the least recently used', () => {
    const { shared, lodger, left } = room(2)
    const [a, b, c] = [lodger('n/a'), lodger('n/b'), lodger('n/c')]
    shared.keep(a, 0)
    shared.keep(b, 0)
    shared.keep(a, 0)
    expect(left).toEqual([])
    shared.keep(c, 0)
    expect(left).toEqual(['n/b'])
  })

  test('is left by those of the namespace that takes most, however recently they are used', () => {
    const { shared, lodger, left } = room(4)
    shared.keep(lodger('quiet/a'), 0)
    for (const name of ['loud/a', 'loud/b', 'loud/c', 'loud/d', 'loud/e']) shared.keep(lodger(name), 0)
    expect(left).toEqual(['loud/a', 'loud/b'])
  })

  test('is bounded by bytes as well', () => {
    const { shared, lodger, left } = room(100, 100_000)
    shared.keep(lodger('n/small'), 0)
    shared.keep(lodger('m/large'), 60_000)
    expect(left).toEqual([])
    shared.keep(lodger('k/other'), 10_000)
    expect(left).toEqual(['m/large'])
  })

  test('is taken by what has grown', () => {
    const { shared, lodger, left } = room(100, 100_000)
    const grows = lodger('n/grows')
    shared.keep(grows, 0)
    shared.keep(grows, 90_000)
    expect(left).toEqual(['n/grows'])
  })

  test('is free again when somebody has gone', () => {
    const { shared, lodger, left } = room(1)
    const first = lodger('n/a')
    shared.keep(first, 0)
    shared.remove(first)
    shared.remove(first)
    shared.keep(lodger('n/b'), 0)
    expect(left).toEqual([])
    shared.keep(lodger('n/c'), 0)
    expect(left).toEqual(['n/b'])
  })
})
