import { describe, expect, it } from 'vitest'
import { boundedMemo } from '#core/policy/bounded-memo.ts'

function memo(entries: number, weight: number) {
  return boundedMemo<string>({ entries, weight, weightOf: (value) => value.length })
}

describe('a bounded memo', () => {
  it('keeps what fits, exactly', () => {
    const kept = memo(3, 6)
    kept.set('a', 'xx')
    kept.set('b', 'xx')
    kept.set('c', 'xx')
    expect(['a', 'b', 'c'].map(kept.get)).toEqual(['xx', 'xx', 'xx'])
  })

  it('drops the oldest when there are too many', () => {
    const kept = memo(2, 100)
    for (const key of ['a', 'b', 'c']) kept.set(key, 'x')
    expect(['a', 'b', 'c'].map(kept.get)).toEqual([undefined, 'x', 'x'])
    expect(kept.size()).toBe(2)
  })

  it('drops as many of the oldest as the weight asks for', () => {
    const kept = memo(10, 6)
    for (const key of ['a', 'b', 'c']) kept.set(key, 'xx')
    kept.set('d', 'xxx')
    expect(['a', 'b', 'c', 'd'].map(kept.get)).toEqual([undefined, undefined, 'xx', 'xxx'])
  })

  it('keeps a single one that is too heavy, and counts right after it', () => {
    const kept = memo(10, 3)
    kept.set('a', 'x')
    kept.set('b', 'xxxxx')
    expect([kept.get('a'), kept.get('b')]).toEqual([undefined, 'xxxxx'])
    kept.set('c', 'xxx')
    expect([kept.get('b'), kept.get('c')]).toEqual([undefined, 'xxx'])
    kept.set('c', 'x')
    kept.set('d', 'xx')
    expect([kept.get('c'), kept.get('d')]).toEqual(['x', 'xx'])
  })
})
