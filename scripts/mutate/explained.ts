// Survivors that are known, each with the reason why no test could tell it from the original (or why none should).

import { readFileSync } from 'node:fs'
import type { Mutant, MutantName } from './mutant.ts'
import { nameKey } from './mutant.ts'

export interface Explanation extends Omit<MutantName, 'occurrence'> {
  /** Absent for the first, and mostly the only one, of its kind in the function. */
  readonly occurrence?: number
  readonly reason: string
}

export interface Explanations {
  /** @returns the reason, if this mutant is explained */
  reasonFor(mutant: Mutant): string | undefined
  /** Those whose mutant no longer exists. */
  stale(mutants: readonly Mutant[]): readonly Explanation[]
}

export function readExplanations(path: string): Explanations {
  const list: readonly Explanation[] = JSON.parse(readFileSync(path, 'utf8'))
  const unreasoned = list.find(({ reason }) => typeof reason !== 'string' || reason.trim() === '')
  if (unreasoned !== undefined) throw new Error(`${path}: no reason given: ${JSON.stringify(unreasoned)}`)
  const byName = new Map(list.map((explanation) => [keyOf(explanation), explanation]))
  return {
    reasonFor: ({ name }) => byName.get(nameKey(name))?.reason,
    stale: (mutants) => {
      const existing = new Set(mutants.map(({ name }) => nameKey(name)))
      return list.filter((explanation) => !existing.has(keyOf(explanation)))
    },
  }
}

function keyOf(explanation: Explanation): string {
  return nameKey({ occurrence: 1, ...explanation })
}
