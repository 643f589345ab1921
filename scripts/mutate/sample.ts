// Which mutants are tried: at least one of every file that has any, and beyond that those whose turn comes first. The turn
// of a mutant hangs on the seed and its name alone, so the same are drawn again after code elsewhere has changed.

import { createHash } from 'node:crypto'
import type { Mutant } from './mutant.ts'
import { nameKey } from './mutant.ts'

export function draw(mutants: readonly Mutant[], count: number, seed: number): readonly Mutant[] {
  const inTurn = mutants
    .map((mutant) => ({ mutant, turn: turnOf(mutant, seed) }))
    .sort((a, b) => (a.turn < b.turn ? -1 : 1))
    .map(({ mutant }) => mutant)
  const firstOfFile = new Map(inTurn.toReversed().map((mutant) => [mutant.file, mutant]))
  const chosen = new Set(firstOfFile.values())
  for (const mutant of inTurn) {
    if (chosen.size >= count) break
    chosen.add(mutant)
  }
  return mutants.filter((mutant) => chosen.has(mutant))
}

function turnOf({ name }: Mutant, seed: number): string {
  return createHash('sha256')
    .update(`${seed} ${nameKey(name)}`)
    .digest('hex')
}
