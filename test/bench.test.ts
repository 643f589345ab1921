// The bench runs: every scenario from its first process to its row. What the figures are is no business of the tests.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { isMet, pairedRow } from '../bench/scenario.ts'
import { scenarios } from '../bench/scenarios.ts'
import { median, quantile } from '../bench/statistic.ts'
import { renderTable } from '../bench/table.ts'

describe('the bench', () => {
  test('runs each scenario, and each has rows', { timeout: 240_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'sealward-bench-test-'))
    try {
      const file = join(folder, 'figures.json')
      const ran = spawnSync(process.execPath, ['bench/run.ts', '--smoke', '--json', file], { encoding: 'utf8' })
      expect(ran.status, `${ran.stdout}\n${ran.stderr}`).toBe(0)
      const { results, notes } = JSON.parse(readFileSync(file, 'utf8'))
      const ranOnes = new Set(results.map(({ scenario }: { scenario: string }) => scenario))
      const silent = scenarios.filter(({ name }) => !ranOnes.has(name)).map(({ name }) => name)
      const leftOut = notes.map((note: string) => note.split(' ')[0])
      expect(silent.filter((name) => !leftOut.includes(name))).toEqual([])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('names no scenario twice', () => {
    const names = scenarios.map(({ name }) => name)
    expect(names).toEqual([...new Set(names)])
  })

  test('says which scenario there is not', () => {
    const ran = spawnSync(process.execPath, ['bench/run.ts', 'no-such'], { encoding: 'utf8' })
    expect([ran.status, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toMatch(/^bench: there is no scenario no-such; --list names them\n\nnpm run bench/)
  })

  test.each(['bench/run.ts', 'bench/profile.ts'])('says how %s is used, if asked or misused', (script) => {
    const asked = spawnSync(process.execPath, [script, '--help'], { encoding: 'utf8' })
    expect([asked.status, asked.stderr]).toEqual([0, ''])
    expect(asked.stdout).toMatch(/^npm run bench/)
    const misused = spawnSync(process.execPath, [script, '--bogus'], { encoding: 'utf8' })
    expect([misused.status, misused.stdout]).toEqual([2, ''])
    expect(misused.stderr).toMatch(/^bench.*\n\nnpm run bench/)
    expect(misused.stderr).not.toContain('    at ')
  })
})

describe('a row', () => {
  const row = {
    figure: 'processor time',
    unit: 'µs',
    yardstick: 'bare',
    goal: { kind: 'at most', limit: 1.6 },
  } as const

  test('compares round by round, so that a disturbed round does not count twice', () => {
    const { value, yardstick, ratio } = pairedRow(row, [150, 1_500, 160], [100, 1_000, 100])
    expect({ value, yardstick, ratio }).toEqual({ value: 160, yardstick: { name: 'bare', value: 100 }, ratio: 1.5 })
  })

  test.each([
    [{ kind: 'at most', limit: 1.6 }, 1.6, true],
    [{ kind: 'at most', limit: 1.6 }, 1.61, false],
    [{ kind: 'at least', limit: 0.6 }, 0.6, true],
    [{ kind: 'at least', limit: 0.6 }, 0.59, false],
    [{ kind: 'exactly', limit: 2 }, 2, true],
    [{ kind: 'exactly', limit: 2 }, 3, false],
    [{ kind: 'at most', limit: 1.6 }, Number.NaN, undefined],
  ] as const)('%o of %s is met: %s', (goal, ratio, met) => {
    expect(isMet({ figure: 'f', value: 1, unit: '', ratio, goal })).toBe(met)
  })

  test('is judged by its value where the goal says so', () => {
    const goal = { kind: 'at most', limit: 120, of: 'value' } as const
    expect(isMet({ figure: 'f', value: 119, unit: 'MiB', ratio: 3, goal })).toBe(true)
    expect(isMet({ figure: 'f', value: 121, unit: 'MiB', ratio: 1, goal })).toBe(false)
  })

  test('that misses its goal is plain to see, and a smoke test judges nothing', () => {
    const results = [{ scenario: 's', row: pairedRow(row, [200], [100]) }]
    expect(renderTable(results, { judged: true })).toContain('| NO ')
    expect(renderTable(results, { judged: false })).not.toContain('NO')
  })
})

test('a quantile lies between its neighbours', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(quantile([1, 2, 3], 1)).toBe(3)
  expect(median([])).toBeNaN()
})
