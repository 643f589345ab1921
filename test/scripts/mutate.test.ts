// `npm run mutate` on a toy: what it must find there is known. Its numbers are worth nothing if this fails.

import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Explanations } from '../../scripts/mutate/explained.ts'
import type { Outcome } from '../../scripts/mutate/judge.ts'
import type { Mutant } from '../../scripts/mutate/mutant.ts'
import { mutantsOf, nameKey } from '../../scripts/mutate/mutant.ts'
import { report } from '../../scripts/mutate/report.ts'
import { draw } from '../../scripts/mutate/sample.ts'

interface Row {
  readonly original: string
  readonly replacement: string
  readonly kind: string
  readonly removesCheck: boolean
  readonly outcome: Outcome
}

describe('a run on the toy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-mutate-test-'))
  const toy = 'test/mutants/toy'
  let rows: readonly Row[] = []
  let run: { readonly status: number | null; readonly stdout: string }

  const json = join(folder, 'outcomes.json')
  const runOnToy = (...more: readonly string[]) => {
    const where = ['--sources', `${toy}/*.ts`, '--tests', `${toy}/*.toy.ts`, '--explained', `${toy}/explained.json`]
    return spawnSync(process.execPath, ['scripts/mutate.ts', '--seed', '7', '--count', '0', ...where, ...more], {
      encoding: 'utf8',
      // A process that tests, started by one: it must not take itself for a part of the outer one.
      env: { PATH: process.env['PATH'] ?? '' },
    })
  }

  beforeAll(() => {
    run = runOnToy('--json', json)
    rows = JSON.parse(readFileSync(json, 'utf8'))
  }, 60_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const outcomeOf = (original: string, replacement: string): string | undefined =>
    rows.find((row) => row.original === original && row.replacement === replacement)?.outcome.kind

  test('kills what a test notices', () => {
    expect(outcomeOf('age >= 18', '(age) < (18)')).toBe('killed')
    expect(outcomeOf(`'out'`, `''`)).toBe('killed')
  })

  test('lets live what no test notices, though tests come by it', () => {
    expect(outcomeOf('age >= 18', '(age) > (18)')).toBe('survived')
  })

  test('ends a loop that has no end', () => {
    expect(outcomeOf('left -= 1', 'left += 1')).toBe('timeout')
  })

  test('kills what is done while a module is loaded', () => {
    expect(outcomeOf(`['front', 'back']`, '[]')).toBe('killed')
    expect(outcomeOf(`'front'`, `''`)).toBe('killed')
  })

  test('tells code that no test comes by', () => {
    expect(outcomeOf('return true', '')).toBe('no coverage')
  })

  test('marks the mutants that remove a check', () => {
    const removed = rows.filter(({ removesCheck }) => removesCheck).map(({ original, kind }) => `${original}: ${kind}`)
    expect(removed).toEqual(['age < 0: condition always false', `throw new Error('no such age'): statement removed`])
  })

  test('tries only survivors again, which an earlier run wrote down', () => {
    const survivors = rows.filter(({ outcome }) => outcome.kind === 'survived' || outcome.kind === 'no coverage')
    const again = runOnToy('--again', json)
    expect(survivors).toHaveLength(6)
    expect(again.stdout).toContain('seed 7: 6 of 26 mutants')
    expect(again.stdout).toContain('6 mutants of 2 files: 0 killed')
  }, 60_000)

  test('is refused where no file is of the name', () => {
    const { status, stdout, stderr } = runOnToy('--files', `${toy}/nope*`)
    expect([status, stdout, stderr]).toEqual([2, '', `there is no mutant in ${toy}/nope*\n`])
  })

  test('neighbour: is of those files alone that are named', () => {
    const [file] = globSync(`${toy}/*.ts`).filter((each) => !each.endsWith('.toy.ts'))
    expect(runOnToy('--files', file ?? '').stdout).toMatch(/mutants of 1 files/)
  })

  test('fails for them, says where they are, and which explanation is stale', () => {
    expect(run.status).toBe(1)
    expect(run.stdout).toContain('seed 7: 26 of 26 mutants')
    expect(run.stdout).toContain(`survived: ${toy}/gate.ts:4 in admit: condition always false, REMOVES A CHECK`)
    expect(run.stdout).toContain('explained: Nobody is exactly 18.')
    expect(run.stdout).toMatch(/stale explanation, no such mutant: .*age >= 21/)
    expect(run.stdout).toContain('26 mutants of 2 files: 19 killed, 1 timed out, 3 survived, 3 without coverage')
    expect(run.stdout).toContain('2 remove a check: 0 killed, 2 survived, 2 of them unexplained')
  })
})

describe('the draw', () => {
  const many = ['a.ts', 'b.ts'].flatMap((file, index) =>
    mutantsOf(file, 'export const sum = (a: number): boolean => a > 1 && a < 5 && a !== 3', 100 * index),
  )

  test('is the same for the same seed, and another for another', () => {
    const ids = (seed: number): readonly number[] => draw(many, 10, seed).map(({ id }) => id)
    expect(ids(1)).toHaveLength(10)
    expect(ids(1)).toEqual(ids(1))
    expect(ids(1)).not.toEqual(ids(2))
  })

  test('stays as it is while code elsewhere changes', () => {
    const before = mutantsOf('c.ts', 'export const more = (a: number): boolean => a > 7', 0)
    const names = (mutants: readonly Mutant[]) => mutants.map(({ name }) => nameKey(name))
    const drawn = names(draw([...before, ...many], 12, 1)).filter((name) => !name.includes('c.ts'))
    expect(names(draw(many, 12, 1))).toEqual(expect.arrayContaining(drawn))
  })

  test('has one of every file, be the count ever so small', () => {
    expect(draw(many, 1, 3).map(({ file }) => file)).toEqual(['a.ts', 'b.ts'])
  })
})

describe('the verdict on a run', () => {
  const mutants = mutantsOf(
    'a.ts',
    'export function f(a: number): string {\n  if (a < 0) throw new Error()\n  const big = [a > 1, a > 2, a > 3, a > 4, a > 5]\n  return String(big)\n}',
    0,
  )
  const check = mutants.filter(({ kind, removesCheck }) => removesCheck && kind === 'condition always false')
  const harmless = mutants.filter(({ kind }) => kind === '> to >=').slice(0, 1)

  const judged = (
    alive: readonly { readonly id: number }[],
    explained: readonly { readonly id: number }[],
  ): boolean => {
    const outcomes = new Map<number, Outcome>(mutants.map(({ id }) => [id, { kind: 'killed', by: 'a test' }]))
    for (const { id } of alive) outcomes.set(id, { kind: 'survived' })
    const explanations: Explanations = {
      reasonFor: (mutant) => (explained.some(({ id }) => id === mutant.id) ? 'it makes no difference' : undefined),
      stale: () => [],
    }
    return report({ mutants, outcomes, explanations, stale: [] }).passed
  }

  test('is good if all are killed, or the survivor is explained', () => {
    expect([check.length, harmless.length]).toEqual([1, 1])
    expect(judged([], [])).toBe(true)
    expect(judged(harmless, harmless)).toBe(true)
  })

  test('is bad for one survivor without an explanation', () => {
    expect(judged(harmless, [])).toBe(false)
    expect(judged(check, harmless)).toBe(false)
  })

  test('is bad below nine in ten, explained or not', () => {
    const many = mutants.slice(0, Math.ceil(mutants.length / 5))
    expect(judged(many, many)).toBe(false)
  })

  test('is bad for a stale explanation', () => {
    const outcomes = new Map<number, Outcome>(mutants.map(({ id }) => [id, { kind: 'killed', by: 'a test' }]))
    const stale = [{ file: 'a.ts', function: 'f', original: 'x', replacement: 'y', reason: 'gone' }]
    const explanations: Explanations = { reasonFor: () => undefined, stale: () => stale }
    expect(report({ mutants, outcomes, explanations, stale }).passed).toBe(false)
  })
})

describe('the name of a mutant', () => {
  const source = 'export function f(a: number): boolean {\n  return a > 1\n}\n'
  const named = (text: string) => mutantsOf('a.ts', text, 0).map(({ name }) => name)

  test('stays while the code around it moves', () => {
    expect(named(`// a comment\n\nconst other = 1\n\n${source}`)).toEqual(named(source))
  })

  test('tells those apart that look alike', () => {
    const names = named('export const f = (a: number): boolean[] => [a > 1, a > 1]')
    expect(names.filter(({ replacement }) => replacement === '(a) >= (1)').map(({ occurrence }) => occurrence)).toEqual(
      [1, 2],
    )
  })
})
