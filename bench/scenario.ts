// What a scenario is, and what it yields: rows of one table, each a figure beside its yardstick and its goal.

import { median, pairedRatio } from './statistic.ts'

/** What a scenario is given. */
export interface Bench {
  /** Interleaved rounds; at least five, but for a smoke test. */
  readonly rounds: number
  /** The length of one stretch of load. */
  readonly seconds: number
  /** Between admissions that are far apart. */
  readonly gapSeconds: number
  /** Only to see that the scenario runs: as little of everything as shows that. */
  readonly smoke: boolean
  /** A folder that goes away. */
  readonly folder: string
  /** `bin/sealward.js` of the package, as it is published: minified, in one bundle. */
  readonly program: string
  /** What is closed when the scenario is over, the last opened first. */
  closing(close: () => unknown): void
  /** A remark for who watches. */
  say(line: string): void
}

export interface Goal {
  readonly kind: 'at most' | 'at least' | 'exactly'
  readonly limit: number
  /** What is compared; the ratio if absent. */
  readonly of?: 'value' | 'ratio'
  /** What would be better still. */
  readonly stretch?: number
}

export interface Row {
  /** What was measured, such as `requests`. */
  readonly figure: string
  readonly value: number
  readonly unit: string
  /** What it is measured by: the same work without us, or ourselves in other circumstances. */
  readonly yardstick?: { readonly name: string; readonly value: number }
  /** Of round to round; of the medians where there are no rounds. */
  readonly ratio?: number
  readonly goal?: Goal
  readonly remark?: string
}

export interface Scenario {
  readonly name: string
  /** One sentence. */
  readonly about: string
  /** What it needs that this machine lacks; it is left out then. */
  readonly lacks?: () => string | undefined
  run(bench: Bench): Promise<readonly Row[]>
}

/** `undefined` where there is no goal, or nothing to compare. */
export function isMet({ goal, ratio, value }: Row): boolean | undefined {
  if (goal === undefined) return undefined
  const figure = goal.of === 'value' ? value : ratio
  if (figure === undefined || Number.isNaN(figure)) return undefined
  if (goal.kind === 'exactly') return figure === goal.limit
  return goal.kind === 'at most' ? figure <= goal.limit : figure >= goal.limit
}

/** A figure of ours and of a yardstick, round by round, as a row. */
export function pairedRow(
  row: Omit<Row, 'value' | 'yardstick' | 'ratio'> & { readonly yardstick: string },
  ours: readonly number[],
  theirs: readonly number[],
): Row {
  const { yardstick: name, ...rest } = row
  return { ...rest, value: median(ours), yardstick: { name, value: median(theirs) }, ratio: pairedRatio(ours, theirs) }
}
