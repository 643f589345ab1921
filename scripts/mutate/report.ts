// What a run found, as text, and whether that is good enough.

import type { Explanation, Explanations } from './explained.ts'
import type { Outcome } from './judge.ts'
import type { Mutant } from './mutant.ts'

export interface Result {
  readonly mutants: readonly Mutant[]
  readonly outcomes: ReadonlyMap<number, Outcome>
  readonly explanations: Explanations
  readonly stale: readonly Explanation[]
}

/** Of all mutants drawn, killed or timed out. */
const wantedRate = 0.9

export interface Report {
  readonly lines: readonly string[]
  readonly passed: boolean
}

export function report({ mutants, outcomes, explanations, stale }: Result): Report {
  const count = (kind: Outcome['kind'], of = mutants): number =>
    of.filter(({ id }) => outcomes.get(id)?.kind === kind).length
  const checks = mutants.filter(({ removesCheck }) => removesCheck)
  const survivors = mutants.filter(({ id }) => isAlive(outcomes.get(id)))
  const unexplained = survivors.filter((mutant) => explanations.reasonFor(mutant) === undefined)
  const unexplainedChecks = unexplained.filter(({ removesCheck }) => removesCheck)
  const killed = count('killed') + count('timeout')
  const rate = mutants.length === 0 ? 0 : killed / mutants.length
  const checksKilled = count('killed', checks) + count('timeout', checks)
  const lines = [
    ...survivors.flatMap((mutant) => describeSurvivor(mutant, outcomes, explanations)),
    ...stale.map(({ reason: _, ...name }) => `stale explanation, no such mutant: ${JSON.stringify(name)}`),
    '',
    `${mutants.length} mutants of ${new Set(mutants.map(({ file }) => file)).size} files: ${count('killed')} killed, ` +
      `${count('timeout')} timed out, ${count('survived')} survived, ${count('no coverage')} without coverage`,
    `rate ${(100 * rate).toFixed(1)} % (wanted: ${100 * wantedRate} %)`,
    `${checks.length} remove a check: ${checksKilled} killed, ${checks.length - checksKilled} survived, ` +
      `${unexplainedChecks.length} of them unexplained`,
    `${survivors.length} survivors: ${survivors.length - unexplained.length} explained, ${unexplained.length} not; ` +
      `${stale.length} explanations stale`,
  ]
  return { lines, passed: rate >= wantedRate && unexplained.length === 0 && stale.length === 0 }
}

export function isAlive(outcome: Outcome | undefined): boolean {
  return outcome?.kind !== 'killed' && outcome?.kind !== 'timeout'
}

function describeSurvivor(
  mutant: Mutant,
  outcomes: ReadonlyMap<number, Outcome>,
  explanations: Explanations,
): readonly string[] {
  const { file, line, kind, removesCheck, name, original, replacement } = mutant
  const outcome = outcomes.get(mutant.id)?.kind ?? 'survived'
  const reason = explanations.reasonFor(mutant)
  const occurrence = name.occurrence === 1 ? '' : `, occurrence ${name.occurrence}`
  return [
    '',
    `${outcome}: ${file}:${line} in ${name.function}: ${kind}${removesCheck ? ', REMOVES A CHECK' : ''}${occurrence}`,
    ...original.split('\n').map((text) => `  - ${text}`),
    ...(replacement === '' ? [] : replacement.split('\n').map((text) => `  + ${text}`)),
    ...(reason === undefined ? [] : [`  explained: ${reason}`]),
  ]
}
