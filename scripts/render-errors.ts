// Renders the table of codes as docs/errors.md.

import type { ErrorCode, ErrorKind, ErrorRow } from '#core/errors.ts'

const chapters: readonly (readonly [kind: ErrorKind, title: string, about: string])[] = [
  ['untrusted', 'The image is not trusted', 'Everything was read, and the answer is no. Exit code 1.'],
  [
    'undetermined',
    'It could not be found out',
    'Never a yes, and never "unsigned". Exit code 3. Codes marked with ◦ are outages, which no single image or object brings ' +
      'about by what it holds; only these may be softened by `whenUndetermined`.',
  ],
  ['accepted', 'Accepted without verification', 'The image passes, and every output says that nothing was verified.'],
  ['check', 'Why one signature does not count', 'Another signature of the same image may still count.'],
  ['input', 'The input is not acceptable', 'Files, flags and requests. Exit code 2.'],
]

export function renderErrors(table: Readonly<Record<ErrorCode, ErrorRow>>): string {
  const rows = Object.entries(table)
  const body = chapters.map(([kind, title, about]) => {
    const lines = rows
      .filter(([, row]) => row.kind === kind)
      .map(([code, row]) => `| \`${code}\`${row.outage ? ' ◦' : ''} | ${cell(row.meaning)} | ${cell(row.next)} |`)
    return `## ${title}\n\n${about}\n\n| code | meaning | next step |\n| --- | --- | --- |\n${lines.join('\n')}\n`
  })
  return `# Codes\n\nEvery refusal and failure carries one of these codes. They are stable: search for them, match them in scripts.\nThis file is made from \`src/core/error-table.ts\` by \`npm run docs\`.\n\n${body.join('\n')}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
