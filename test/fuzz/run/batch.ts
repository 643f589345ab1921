// A batch: some hundred cases of one target, drawn from one seed. What reaches something new inside a batch is mutated
// further in it; nothing crosses from one batch to another, so that a batch can be repeated by its number.

import type { Parts } from '../case.ts'
import { mutateCase } from '../mutate/mutate.ts'
import { Random } from '../random.ts'
import type { Finding, OpenTarget, Target } from '../target.ts'
import { runCase } from './run-case.ts'

export interface BatchName {
  readonly seed: string
  readonly target: string
  readonly batch: number
}

export interface Found {
  /** `SEED/TARGET/BATCH/INDEX` */
  readonly name: string
  readonly finding: Finding
  readonly parts: Parts
}

export interface BatchOptions {
  readonly cases: number
  /** Called before each case, with what it is made of. */
  readonly onCase?: (parts: Parts) => void
  readonly onFound: (found: Found) => Promise<void> | void
}

/** A pool of more would mutate the seeds too rarely. */
const largestPool = 200

/** @returns everything that was reached */
export async function runBatch(
  target: Target,
  open: OpenTarget,
  name: BatchName,
  options: BatchOptions,
): Promise<ReadonlySet<string>> {
  const reached = new Set<string>()
  const seeds = Object.values(open.seeds)
  const pool = [...seeds]
  for (let index = 0; index < options.cases; index++) {
    const random = new Random(`${name.seed}/${name.target}/${name.batch}/${index}`)
    const from = random.oneIn(2) ? random.pick(pool) : random.pick(seeds)
    // The first batch begins with the seeds as they are.
    const untouched = name.batch === 0 ? seeds[index] : undefined
    const parts = untouched ?? mutateCase(target, from, random, pool)
    options.onCase?.(parts)
    const ran = await runCase(target, open, parts)
    if (ran.finding !== undefined) {
      const found = { name: `${name.seed}/${name.target}/${name.batch}/${index}`, finding: ran.finding, parts }
      await options.onFound(found)
    } else if (!reached.has(ran.reached)) {
      reached.add(ran.reached)
      if (pool.length < largestPool) pool.push(parts)
    }
  }
  return reached
}
