// Rows as a table, in the terminal and in Markdown.

import type { Row } from './scenario.ts'
import { isMet } from './scenario.ts'

export interface Result {
  readonly scenario: string
  readonly row: Row
}

const heads = ['scenario', 'figure', 'Sealward', 'yardstick', 'ratio', 'goal', 'met'] as const

/** @param judged false: a smoke test says nothing about goals */
export function renderTable(results: readonly Result[], { judged }: { readonly judged: boolean }): string {
  const rows = results.map((result) => cellsOf(result, judged))
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function cellsOf({ scenario, row }: Result, judged: boolean): readonly string[] {
  const { figure, value, unit, yardstick, ratio, goal } = row
  const met = isMet(row)
  return [
    scenario,
    figure,
    `${shortNumber(value)} ${unit}`.trim(),
    yardstick === undefined ? '' : `${`${shortNumber(yardstick.value)} ${unit}`.trim()} (${yardstick.name})`,
    ratio === undefined ? '' : ratio.toFixed(2),
    goalText(row),
    !judged || goal === undefined ? '' : met === undefined ? 'not measured' : met ? 'yes' : 'NO',
  ]
}

function goalText({ goal, unit }: Row): string {
  if (goal === undefined) return ''
  const sign = { 'at most': '≤', 'at least': '≥', exactly: '=' }[goal.kind]
  const stretch = goal.stretch === undefined ? '' : ` (${goal.stretch})`
  return `${sign} ${goal.limit}${goal.of === 'value' ? ` ${unit}` : ''}${stretch}`.trimEnd()
}

/** Three digits that count, and no more. */
export function shortNumber(value: number): string {
  if (Number.isNaN(value)) return '-'
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toPrecision(3)
}
