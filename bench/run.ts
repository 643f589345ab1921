// `npm run bench [NAME…]`: runs scenarios and prints one table. It fails if a scenario could not be run or an answer was
// wrong; a goal that is not met is shown, and is no failure.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { describeMachine, thisMachine } from './machine.ts'
import { buildPackage } from './package.ts'
import type { Bench, Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import type { Result } from './table.ts'
import { renderTable } from './table.ts'

const usage = `npm run bench -- [NAME…] [--rounds N] [--seconds N] [--gap N] [--json FILE] [--smoke] [--list]

  --rounds N    interleaved rounds of each scenario (5)
  --seconds N   of load in each half of a round (2)
  --gap N       seconds between admissions that are far apart (6; 20 of them take two minutes)
  --json FILE   writes the figures there, too
  --smoke       only sees that the scenarios run; judges no figure
  --list        names the scenarios
`

interface Options {
  readonly chosen: readonly Scenario[]
  readonly rounds: number
  readonly seconds: number
  readonly gapSeconds: number
  readonly json: string | undefined
  readonly smoke: boolean
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      gap: { type: 'string', default: '6' },
      json: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return say(usage)
  if (values.list) return say(scenarios.map(({ name, about }) => `${name.padEnd(18)} ${about}\n`).join(''))
  const unknown = positionals.filter((name) => !scenarios.some((scenario) => scenario.name === name))
  if (unknown.length > 0) throw new Error(`there is no scenario ${unknown.join(', ')}; --list names them`)
  return {
    chosen: positionals.length === 0 ? scenarios : scenarios.filter(({ name }) => positionals.includes(name)),
    rounds: values.smoke ? 1 : Number(values.rounds),
    seconds: values.smoke ? 0.1 : Number(values.seconds),
    gapSeconds: values.smoke ? 0.1 : Number(values.gap),
    json: values.json,
    smoke: values.smoke,
  }
}

function say(text: string): undefined {
  process.stdout.write(text)
}

async function runScenario(scenario: Scenario, bench: Omit<Bench, 'closing'>): Promise<readonly Result[]> {
  const open: (() => unknown)[] = []
  try {
    const rows = await scenario.run({ ...bench, closing: (close) => open.unshift(close) })
    return rows.map((row) => ({ scenario: scenario.name, row }))
  } finally {
    for (const close of open) await close()
  }
}

async function main(options: Options): Promise<number> {
  const { chosen, rounds, seconds, gapSeconds, smoke } = options
  const machine = thisMachine()
  const folder = mkdtempSync(join(tmpdir(), 'sealward-bench-'))
  const results: Result[] = []
  const notes: string[] = []
  let failed = 0
  try {
    const program = buildPackage(join(folder, 'package'))
    const told = (line: string) => process.stderr.write(`${line}\n`)
    const bench = { rounds, seconds, gapSeconds, smoke, folder, program, say: told }
    for (const scenario of chosen) {
      const lacks = scenario.lacks?.()
      if (lacks !== undefined) {
        notes.push(`${scenario.name} was left out: ${lacks}`)
        continue
      }
      bench.say(`${scenario.name}: ${scenario.about}`)
      try {
        results.push(...(await runScenario(scenario, bench)))
      } catch (error) {
        failed++
        notes.push(`${scenario.name} FAILED: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const how = smoke ? 'a smoke test: the figures say nothing' : `${rounds} interleaved rounds, medians`
  say(`${describeMachine(machine)}; ${how}\n\n${renderTable(results, { judged: !smoke })}\n`)
  for (const note of notes) say(`\n${note}\n`)
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ machine, rounds, results, notes }, null, 2)}\n`)
  return failed === 0 ? 0 : 1
}

/** @returns the options, or the exit code where there is nothing to run */
function optionsOr(args: readonly string[]): Options | 0 | 2 {
  try {
    return readOptions(args) ?? 0
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
}

const options = optionsOr(process.argv.slice(2))
process.exitCode = typeof options === 'number' ? options : await main(options)
