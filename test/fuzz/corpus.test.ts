// Every case that was ever found stays away, every target works for some hundred cases of one seed, and the evidence that
// the targets begin with is what its names say: else a fuzzer that finds nothing would prove nothing.

import { globSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { readCase } from './case.ts'
import { evidenceSeeds } from './evidence-seeds.ts'
import { runBatch } from './run/batch.ts'
import { runCase } from './run/run-case.ts'
import type { OpenTarget, Target } from './target.ts'
import { targets } from './targets.ts'

const opened = new Map<string, OpenTarget>()

async function open(target: Target): Promise<OpenTarget> {
  const made = opened.get(target.name) ?? (await target.open())
  opened.set(target.name, made)
  return made
}

function named(name: string): Target {
  const target = targets.find((each) => each.name === name)
  if (target === undefined) throw new Error(`there is no target "${name}"`)
  return target
}

afterAll(async () => {
  for (const each of opened.values()) await each.close?.()
})

test.each(globSync('test/vectors/fuzz/*.json'))('%s breaks no rule any more', async (path) => {
  const { target, parts } = readCase(path)
  expect((await runCase(named(target), await open(named(target)), parts)).finding).toBeUndefined()
})

test.each(targets)(
  '$name: a seed draws cases that break no rule',
  async (target) => {
    const found: string[] = []
    const reached = await runBatch(
      target,
      await open(target),
      { seed: 'suite', target: target.name, batch: 0 },
      {
        cases: target.isSlow ? 50 : 200,
        onFound: ({ name, finding }) => void found.push(`${name}: ${finding.message}`),
      },
    )
    expect(found).toEqual([])
    expect(reached.size).toBeGreaterThan(2)
  },
  60_000,
)

describe('the evidence to begin with', () => {
  test.each(Object.entries(evidenceSeeds))('%s', async (name, parts) => {
    const target = named('evidence')
    const { reached } = await runCase(target, await open(target), parts)
    const outcome = name.startsWith('trusted') || /^signed (under|without)/.test(name) ? /^trusted/ : /^untrusted/
    expect(reached).toMatch(outcome)
  })
})
