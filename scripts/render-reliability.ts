// Renders what is known of faults into docs/reliability.md, between its markers. The figures come from a run of
// `npm run faults`; without one, those that stand there already stay.

import type { Fault } from '../test/faults/fault.ts'
import type { Outcome } from '../test/faults/run.ts'

const heads = [
  'fault',
  'what Sealward does',
  'Pods',
  'right',
  'undetermined',
  'wrong',
  'lost',
  'slowest answer',
  'felt afterwards',
  'at most',
] as const

/** How many of them a run measures, from the third on. */
const figures = 7
const none: readonly string[] = Array.from({ length: figures }, () => '')

/** The document with both tables made anew. */
export function withFaults(document: string, faults: readonly Fault[], outcomes: readonly Outcome[] = []): string {
  const before = figuresIn(document)
  const rows = faults.map((fault) => {
    const outcome = outcomes.find((each) => each.fault.id === fault.id)
    const measured = outcome === undefined ? (before.get(fault.fault) ?? none) : figuresOf(outcome)
    return row([fault.fault, fault.does, ...measured, fault.backWithin === 0 ? 'never' : `${fault.backWithin} s`])
  })
  return between(between(document, 'figures', [head(heads), ...rows]), 'signs', signTable(faults))
}

function figuresOf({ sent, undetermined, wrong, lost, slowestMs, feltMs }: Outcome): readonly string[] {
  const right = sent - undetermined - wrong.length - lost.length
  const counts = [sent, right, undetermined, wrong.length, lost.length].map((count) => count.toLocaleString('en-US'))
  return [...counts, seconds(slowestMs), feltMs === 0 ? 'no' : seconds(feltMs)]
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`

/** By the text of the fault. */
export function figuresIn(document: string): ReadonlyMap<string, readonly string[]> {
  const lines = document.split('\n').filter((line) => line.startsWith('| '))
  const rows = lines.map((line) => line.slice(2, -2).split(' | ')).filter((cells) => cells.length === heads.length)
  return new Map(rows.map((cells) => [cells[0] ?? '', cells.slice(2, 2 + figures)]))
}

function signTable(faults: readonly Fault[]): readonly string[] {
  const rows = faults.map(({ fault, signs, remedy }) => {
    const seen = [
      ...(signs.codes === undefined
        ? []
        : [`denials with the code ${signs.codes.map((code) => `\`${code}\``).join(' or ')}`]),
      ...(signs.metric === undefined ? [] : [`the metric \`${signs.metric}\``]),
      ...(signs.log === undefined ? [] : [`the log: "${signs.log}"`]),
    ]
    return row([fault, seen.length === 0 ? 'nothing of Sealward itself' : seen.join('; '), remedy])
  })
  return [head(['fault', 'what you see', 'what you do']), ...rows]
}

function head(cells: readonly string[]): string {
  return `${row(cells)}\n${row(cells.map(() => '---'))}`
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function between(document: string, name: string, lines: readonly string[]): string {
  const begin = `<!-- ${name}: begin -->`
  const from = document.indexOf(begin)
  const to = document.indexOf(`<!-- ${name}: end -->`)
  if (from === -1 || to < from) throw new Error(`docs/reliability.md lacks the markers of "${name}"`)
  return `${document.slice(0, from + begin.length)}\n\n${lines.join('\n')}\n\n${document.slice(to)}`
}
