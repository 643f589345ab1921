// The list of threats and its tests keep step.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isTested, renderThreats, threatTests } from '../../scripts/render-threats.ts'
import { titlesIn } from '../support/test-titles.ts'
import { threatGroups, threatRows } from './rows.ts'

const tests = threatTests()

describe('the list of threats', () => {
  test('has each id once, numbered within its group', () => {
    const ids = threatRows.map(({ id }) => id)
    expect(ids.filter((id) => !/^[A-Z]{2}-\d\d$/.test(id))).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
    for (const { rows } of threatGroups) expect(rows.map(({ id }) => id)).toEqual(rows.map(({ id }) => id).sort())
  })

  test('has for each row a test of what is refused and one of the neighbour that is accepted, but for those it says to await', () => {
    const incomplete = threatRows.filter((row) => !isTested(row, tests)).map(({ id }) => id)
    expect(incomplete).toEqual(threatRows.filter(({ awaited }) => awaited).map(({ id }) => id))
  })

  test('knows every id that a test names', () => {
    const known = new Set(threatRows.map(({ id }) => id))
    const unknown = tests.flatMap(({ ids, file }) => ids.filter((id) => !known.has(id)).map((id) => `${id} in ${file}`))
    expect(unknown).toEqual([])
  })

  test('is documented with its tests', () => {
    expect(readFileSync('docs/threats.md', 'utf8')).toBe(renderThreats(tests))
  })
})

describe('the reader of titles', () => {
  const read = (text: string) =>
    threatTests(titlesIn('x.test.ts', text)).map(({ ids, title, neighbour }) => ({ ids, title, neighbour }))

  test('finds ids at the beginning of titles, its own and those around it', () => {
    expect(
      read(
        `describe('ZZ-01, ZZ-02: a', () => { describe.each([1])(\`b \${x}\`, () => { test.each([[1]])('ZZ-03: c %s', () => {}) }) })`,
      ),
    ).toEqual([{ ids: ['ZZ-01', 'ZZ-02', 'ZZ-03'], title: 'a › b … › c %s', neighbour: false }])
    expect(read(`describe('see ZZ-01: a', () => { it('b ZZ-02: c', () => {}) })`)).toEqual([])
  })

  test('tells neighbours by the beginning of their own title alone', () => {
    const text = `describe('ZZ-01: a', () => { test('neighbour: b', f); it('c, no neighbour: d', f) }); test('ZZ-02: neighbour: e', f)`
    expect(read(text).map(({ neighbour }) => neighbour)).toEqual([true, false, true])
    expect(read(`describe('ZZ-01: neighbour: a', () => { test('b', f) })`).map(({ neighbour }) => neighbour)).toEqual([
      false,
    ])
  })

  test('counts nothing that does not run', () => {
    const text = `test.skip('ZZ-01: a', f); it.todo('ZZ-01: b'); describe.skip('ZZ-01: c', () => { test('d', f) }); // test('ZZ-01: e', f)`
    expect(read(text)).toEqual([])
    expect(read(`describe.skipIf(missing('x'))(titled('ZZ-01: c', 'x'), () => { test('d', f) })`)).toHaveLength(1)
  })
})
