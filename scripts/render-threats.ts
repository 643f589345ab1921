// Renders the threats and their tests as docs/threats.md.

import type { TestTitle } from '../test/support/test-titles.ts'
import { testTitles } from '../test/support/test-titles.ts'
import type { ThreatRow } from '../test/threats/row.ts'
import { threatGroups } from '../test/threats/rows.ts'

const idPattern = /^[A-Z]{2}-\d\d(?:, [A-Z]{2}-\d\d)*(?=: )/
const neighbourPattern = /^(?:[A-Z]{2}-\d\d(?:, [A-Z]{2}-\d\d)*: )?neighbour: /

export interface ThreatTest {
  readonly file: string
  readonly ids: readonly string[]
  /** Without the ids. */
  readonly title: string
  /** It shows what is accepted, beside what is refused. */
  readonly neighbour: boolean
}

/** All tests whose titles begin with ids of threats. */
export function threatTests(titles: readonly TestTitle[] = testTitles(/['"`][A-Z]{2}-\d\d/)): readonly ThreatTest[] {
  return titles.flatMap(({ file, titles: chain }) => {
    const ids = [...new Set(chain.flatMap((title) => idPattern.exec(title)?.[0].split(', ') ?? []))]
    if (ids.length === 0) return []
    const title = chain.map((each) => each.replace(idPattern, '').replace(/^: /, '')).join(' › ')
    return [{ file, ids, title, neighbour: neighbourPattern.test(chain.at(-1) ?? '') }]
  })
}

export function testsOf(row: ThreatRow, tests: readonly ThreatTest[]): readonly ThreatTest[] {
  return tests.filter(({ ids }) => ids.includes(row.id))
}

/** Something is refused, and something beside it accepted. */
export function isTested(row: ThreatRow, tests: readonly ThreatTest[]): boolean {
  const own = testsOf(row, tests)
  return own.some(({ neighbour }) => neighbour) && own.some(({ neighbour }) => !neighbour)
}

export function renderThreats(tests: readonly ThreatTest[]): string {
  const groups = threatGroups.map(({ title, rows }) =>
    [`## ${title}`, ...rows.map((row) => section(row, testsOf(row, tests)))].join('\n\n'),
  )
  return `${head}\n${groups.join('\n\n')}\n`
}

const head = `# Threats

What Sealward is attacked with in its tests, and what has to happen instead. Tests marked with ✓ show the neighbour that is
accepted: it differs in one thing. This file is made from \`test/threats\` and the titles of the tests by \`npm run docs\`.
`

function section(row: ThreatRow, tests: readonly ThreatTest[]): string {
  const files = [...new Set(tests.map(({ file }) => file))]
  const lists = files.map((file) => {
    const own = tests.filter((test) => test.file === file)
    return [`- \`${file}\``, ...own.map(({ title, neighbour }) => `  - ${neighbour ? '✓ ' : ''}${text(title)}`)].join(
      '\n',
    )
  })
  return [
    `### ${row.id}`,
    row.attack,
    `**Safe outcome.** ${row.outcome}`,
    ...(row.remains === undefined ? [] : [`**Not tested here.** ${row.remains}`]),
    ...(lists.length === 0 ? [] : [lists.join('\n')]),
  ].join('\n\n')
}

/** Titles are plain text: nothing in them is markup. */
function text(title: string): string {
  return title.replaceAll(/[\\`*_<>[\]]/g, '\\$&')
}
