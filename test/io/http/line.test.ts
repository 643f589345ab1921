import { expect, test } from 'vitest'
import { Line } from '#io/http/line.ts'

function lineOf(...items: readonly string[]): Line<string> {
  const line = new Line<string>()
  for (const item of items) line.push(item.charAt(0), item)
  return line
}

function all(line: Line<string>, fits?: (item: string) => boolean): readonly string[] {
  const taken: string[] = []
  for (let next = line.take(fits); next !== undefined; next = line.take(fits)) taken.push(next)
  return taken
}

test('one of each lane is served in turn, and each lane in the order of its coming', () => {
  expect(all(lineOf('a1', 'a2', 'a3', 'b1', 'b2', 'c1'))).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
})

test('a lane whose first one does not fit is passed over, and keeps its turn', () => {
  const line = lineOf('a1', 'b1', 'b2', 'a2')
  expect(line.take((item) => item !== 'a1')).toBe('b1')
  expect(all(line)).toEqual(['a1', 'b2', 'a2'])
})

test('who left is not served', () => {
  const line = lineOf('a1', 'a2', 'b1')
  line.withdraw('a', 'a1')
  line.withdraw('b', 'b1')
  line.withdraw('c', 'c1')
  expect([line.isEmpty, all(line), line.isEmpty]).toEqual([false, ['a2'], true])
})
