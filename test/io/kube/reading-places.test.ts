import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ReadingPlaces } from '#io/kube/reading-places.ts'

async function queue(namespaces: readonly string[]) {
  const places = new ReadingPlaces()
  const entered: string[] = []
  for (const namespace of namespaces) void places.take(namespace).then(() => entered.push(namespace))
  await turn()
  const giveBack = async (namespace: string) => {
    places.giveBack(namespace)
    await turn()
  }
  return { places, entered, giveBack }
}

const many = (namespace: string, count: number) => Array.from({ length: count }, () => namespace)

describe('places for reading', () => {
  test('are four for one namespace', async () => {
    const { entered, giveBack } = await queue(many('a', 6))
    expect(entered).toHaveLength(4)
    await giveBack('a')
    expect(entered).toHaveLength(5)
  })

  test('are sixteen in all', async () => {
    const { entered, giveBack } = await queue(['a', 'b', 'c', 'd', 'e'].flatMap((each) => many(each, 4)))
    expect(entered).toHaveLength(16)
    await giveBack('a')
    expect(entered).toHaveLength(17)
  })

  test('go to who is reading least, not to who has waited longest', async () => {
    const { entered, giveBack } = await queue([...['a', 'b', 'c', 'd'].flatMap((each) => many(each, 10)), 'late'])
    expect(entered).not.toContain('late')
    await giveBack('a')
    expect(entered.at(-1)).toBe('late')
  })

  test('are all free when all were given back', async () => {
    const { places, entered, giveBack } = await queue(many('a', 10))
    for (let count = 0; count < 10; count++) await giveBack('a')
    expect(entered).toHaveLength(10)
    for (let count = 0; count < 4; count++) await places.take('a')
  })
})
