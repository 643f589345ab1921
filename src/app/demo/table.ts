// The demo's table of verdicts, for a terminal.

import type { Played } from './play.ts'

export interface Paint {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly faint: (text: string) => string
}

const headings = ['what is deployed', 'image', 'answer', 'code or digest'] as const

export function verdictTable(played: readonly Played[], host: string, paint: Paint): readonly string[] {
  const rows = played.map((each) => [
    each.case.title,
    imageOf(each, host),
    each.allowed ? 'admitted' : 'refused',
    each.allowed ? pinOf(each) : each.code,
  ])
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [
    paint.faint(`    ${line(headings)}`),
    ...rows.map((row, index) => {
      const each = played[index]
      const mark = each?.asExpected ? paint.good('✓') : paint.bad('✗')
      const text = line(row)
      return `  ${mark} ${each?.allowed ? paint.good(text) : text}`
    }),
  ]
}

function imageOf({ case: { images, initImages = [] } }: Played, host: string): string {
  const first = [...initImages, ...images][0] ?? ''
  const name = first.startsWith(`${host}/`) ? first.slice(host.length + 1) : first
  return name.replace(/(@sha256:[0-9a-f]{8})[0-9a-f]+/, '$1…')
}

function pinOf({ pins }: Played): string {
  const digest = pins[0]?.split('@')[1]
  return digest === undefined ? 'as written' : `pinned to ${digest.slice(0, 19)}…`
}
