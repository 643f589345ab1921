import { describe, expect, it } from 'vitest'
import { createCache } from '#io/cache.ts'

describe('a cache', () => {
  it('keeps no more than it may, drops what was used longest ago, and says so', () => {
    const dropped: string[] = []
    const cache = createCache<{ name: string }>({ max: 3, ttl: 0, onDrop: ({ name }) => dropped.push(name) })
    for (const name of ['a', 'b', 'c']) cache.set(name, { name })
    expect(cache.get('a')?.name).toBe('a')
    cache.set('d', { name: 'd' })
    expect(dropped).toEqual(['b'])
    expect([...cache.values()].map(({ name }) => name).sort()).toEqual(['a', 'c', 'd'])
    cache.delete('c')
    cache.clear()
    expect(dropped.sort()).toEqual(['a', 'b', 'c', 'd'])
    expect([...cache.values()]).toEqual([])
  })

  it('forgets after its time, and after that of the entry where this is shorter', async () => {
    const cache = createCache<{ name: string }>({ max: 3, ttl: 60_000 })
    cache.set('long', { name: 'long' }, 120_000)
    cache.set('short', { name: 'short' }, 5)
    await expect.poll(() => cache.get('short')).toBeUndefined()
    expect(cache.get('long')?.name).toBe('long')
    const quick = createCache<{ name: string }>({ max: 3, ttl: 5 })
    quick.set('long', { name: 'long' }, 120_000)
    await expect.poll(() => quick.get('long')).toBeUndefined()
  })
})
