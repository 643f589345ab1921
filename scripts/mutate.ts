// `npm run mutate`: changes the sources a little, one change at a time, and sees whether a test notices. A change that no test
// notices is a test that is missing, code that is not needed, or explained in test/mutants/explained.json.

import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, matchesGlob } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readExplanations } from './mutate/explained.ts'
import { instrument } from './mutate/instrument.ts'
import type { Outcome } from './mutate/judge.ts'
import { judge } from './mutate/judge.ts'
import type { Mutant, MutantName } from './mutate/mutant.ts'
import { mutantsOf, nameKey } from './mutate/mutant.ts'
import { isAlive, report } from './mutate/report.ts'
import { draw } from './mutate/sample.ts'
import { openSession } from './mutate/session.ts'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

const help = `Usage: npm run mutate -- [options]

  --seed N        which mutants are drawn (1)
  --count N       how many, and at least one of every file (500); 0 for all
  --files GLOB    only mutants of these files
  --checks        only mutants that remove a check
  --workers N     test processes at a time (2)
  --json FILE     writes down what became of each mutant
  --again FILE    of those drawn only what survived in the run that wrote this file by --json
  --sources GLOB  what may be changed (src/core and src/signature)
  --tests GLOB    what has to notice; several times for several
  --explained FILE  survivors that are known (test/mutants/explained.json)
`

const options = {
  seed: { type: 'string', default: '1' },
  count: { type: 'string', default: '500' },
  files: { type: 'string' },
  checks: { type: 'boolean', default: false },
  workers: { type: 'string', default: '2' },
  json: { type: 'string' },
  again: { type: 'string' },
  sources: { type: 'string', default: 'src/{core,signature}/**/*.ts' },
  tests: { type: 'string', multiple: true },
  explained: { type: 'string', default: 'test/mutants/explained.json' },
  help: { type: 'boolean', default: false },
} as const

/** Those of what is changed; judging as a whole; and the tables compared with the documents that are made of them. */
const defaultTests = [
  'test/core/**/*.test.ts',
  'test/signature/**/*.test.ts',
  'test/threats/{references,signatures}/*.test.ts',
  'test/app/webhook.test.ts',
  'test/app/engine/{engine,recording,remembered,answers}.test.ts',
  'test/io/keys/*.test.ts',
  'test/architecture.test.ts',
]

function numberOption(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(`--${name}: not a number: ${text}`)
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options })
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  const start = performance.now()
  const seed = numberOption('seed', values.seed)
  const texts = new Map(sourceTexts(values.sources))
  const all = allMutants(texts)
  const explanations = readExplanations(join(root, values.explained))
  const { files } = values
  const eligible = all.filter(
    ({ file, removesCheck }) => (files === undefined || matchesGlob(file, files)) && (removesCheck || !values.checks),
  )
  // Recording what the tests come by takes minutes: a slip must not cost them.
  if (eligible.length === 0) throw new Error(`there is no mutant in ${files ?? values.sources}`)
  const count = numberOption('count', values.count)
  const drawn = draw(eligible, count === 0 ? eligible.length : count, seed)
  const mutants = values.again === undefined ? drawn : drawn.filter(survivedIn(values.again))
  process.stdout.write(`seed ${seed}: ${mutants.length} of ${all.length} mutants\n`)
  const outcomes = await judgeAll(mutants, texts, {
    tests: (values.tests ?? defaultTests).flatMap((glob) => globSync(glob, { cwd: root })).sort(),
    workers: numberOption('workers', values.workers),
  })
  const { lines, passed } = report({ mutants, outcomes, explanations, stale: explanations.stale(all) })
  if (values.json !== undefined) writeOutcomes(values.json, mutants, outcomes)
  const seconds = Math.round((performance.now() - start) / 1000)
  process.stdout.write(`${lines.join('\n')}\nseed ${seed}, ${seconds} s\n`)
  return passed ? 0 : 1
}

/** Mutants are known by their names, so that tests and code elsewhere may have changed since. */
function survivedIn(path: string): (mutant: Mutant) => boolean {
  const rows: readonly OutcomeRow[] = JSON.parse(readFileSync(path, 'utf8'))
  const survivors = new Set(rows.filter(({ outcome }) => isAlive(outcome)).map(nameKey))
  return ({ name }) => survivors.has(nameKey(name))
}

function sourceTexts(glob: string): readonly (readonly [string, string])[] {
  const files = globSync(glob, { cwd: root }).filter((file) => !/\.(d|test|toy)\.ts$/.test(file))
  if (files.length === 0) throw new Error(`--sources ${glob}: no such file`)
  return files.sort().map((file) => [file, readFileSync(join(root, file), 'utf8')])
}

function allMutants(texts: ReadonlyMap<string, string>): readonly Mutant[] {
  const mutants: Mutant[] = []
  for (const [file, text] of texts) mutants.push(...mutantsOf(file, text, mutants.length))
  return mutants
}

async function judgeAll(
  mutants: readonly Mutant[],
  texts: ReadonlyMap<string, string>,
  { tests, workers }: { readonly tests: readonly string[]; readonly workers: number },
): ReturnType<typeof judge> {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-mutants-'))
  const byFile = Map.groupBy(mutants, ({ file }) => file)
  const sources = new Map([...byFile].map(([file, some]) => [file, instrument(file, texts.get(file) ?? '', some)]))
  const session = await openSession({ root, folder, sources, tests, workers })
  const started = performance.now()
  const progress = (line: string): void => {
    process.stdout.write(`[${Math.round((performance.now() - started) / 1000)} s] ${line}\n`)
  }
  try {
    return await judge({ mutants, session, root, progress })
  } finally {
    await session.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface OutcomeRow extends MutantName {
  readonly line: number
  readonly kind: string
  readonly removesCheck: boolean
  readonly outcome: Outcome | undefined
}

function writeOutcomes(path: string, mutants: readonly Mutant[], outcomes: ReadonlyMap<number, Outcome>): void {
  const rows = mutants.map(
    ({ name, line, kind, removesCheck, id }): OutcomeRow => ({
      ...name,
      line,
      kind,
      removesCheck,
      outcome: outcomes.get(id),
    }),
  )
  writeFileSync(path, `${JSON.stringify(rows, undefined, 1)}\n`)
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  return 2
})
