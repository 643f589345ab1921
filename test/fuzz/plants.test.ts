// The planted defects fit the sources as they are now: a plant that changes nothing would prove nothing.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { planted, plants } from './plants.ts'
import { targets } from './targets.ts'

describe('a planted defect', () => {
  test.each(plants)('$name changes exactly one line of its file', (plant) => {
    const source = readFileSync(plant.file, 'utf8')
    const changed = planted(plant, source).split('\n')
    expect(source.split('\n').filter((line, at) => line !== changed[at])).toHaveLength(1)
  })

  test.each(plants)('$name is looked for by targets that exist', ({ targets: names }) => {
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !targets.some((target) => target.name === name))).toEqual([])
  })

  test('whose line is gone, or stands there twice, fails loudly', () => {
    const plant = { name: 'x', about: '', file: 'x.ts', line: 'a()', instead: 'b()', targets: [] }
    expect(() => planted(plant, 'c()')).toThrow(/0 times/)
    expect(() => planted(plant, 'a()\na()')).toThrow(/2 times/)
    expect(planted(plant, 'a()')).toBe('b()')
  })
})
