// Mutates inputs of every reader and of the whole way from request to answer, and says which rule was broken by which
// input. Exit code 0: nothing was found, or the planted defect was; 1: something was, or the plant was not; 2: usage.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { type CaseFile, readCase, renderCase } from './case.ts'
import { type Plant, plantDefect, plants } from './plants.ts'
import type { FoundMessage, Work } from './run/messages.ts'
import { runPool } from './run/pool.ts'

const usage = `Usage: npm run fuzz -- [options]

  --minutes N     how long (1; 2 with a plant, which ends it)
  --seed TEXT     what is drawn; a run prints its own
  --target NAME   only this one; several times for several
  --workers N     threads (2)
  --plant NAME    plants a defect, and fails unless it is found
  --case FILE     tries one case that was found
  --out FOLDER    where cases go (.cache/fuzz; those of a planted defect .cache/fuzz/planted)
`

const options = {
  minutes: { type: 'string' },
  seed: { type: 'string' },
  target: { type: 'string', multiple: true },
  workers: { type: 'string', default: '2' },
  plant: { type: 'string' },
  case: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

/** Cases of one batch: a second's work or so. */
const batchCases = 300

const print = (line: string) => void process.stdout.write(`${line}\n`)

/** With a plant nothing of the product may have been loaded before: this file loads none by itself. */
async function runOne(path: string, plant: Plant | undefined): Promise<number> {
  const { target: name, about, parts } = readCase(path)
  const planted = plant && plantDefect(plant.name)
  const [{ targets }, { runCase }] = await Promise.all([import('./targets.ts'), import('./run/run-case.ts')])
  const target = targets.find((each) => each.name === name)
  if (target === undefined) throw new Error(`there is no target "${name}"`)
  const open = await target.open()
  const { finding, reached } = await runCase(target, open, parts)
  await open.close?.()
  planted?.checkApplied(name)
  print(
    `${name}, ${about}\n${finding === undefined ? `nothing is wrong; reached: ${reached}` : `VIOLATED ${finding.message}`}`,
  )
  return exitCode(plant, finding === undefined ? 0 : 1)
}

interface Campaign {
  readonly seed: string
  readonly names: readonly string[]
  readonly minutes: number
  readonly workers: number
  /** Where cases are written to. */
  readonly out: string
  readonly plant?: Plant
}

/** @throws Error for what is no plant */
function plantOf(values: Values): Plant | undefined {
  const plant = plants.find(({ name }) => name === values.plant)
  if (values.plant === undefined || plant !== undefined) return plant
  throw new Error(`there is no such plant; there are ${plants.map(({ name }) => name).join(', ')}`)
}

/** @throws Error for what is no target or number */
async function campaignOf(values: Values, plant: Plant | undefined): Promise<Campaign> {
  const { targets } = await import('./targets.ts')
  const names = values.target ?? plant?.targets ?? targets.map(({ name }) => name)
  if (names.some((name) => !targets.some((target) => target.name === name)))
    throw new Error(`there is no such target; there are ${targets.map(({ name }) => name).join(', ')}`)
  const minutes = Number(values.minutes ?? (plant === undefined ? 1 : 2))
  const workers = Number(values.workers)
  if (!(minutes > 0) || !(workers >= 1)) throw new Error('--minutes and --workers take a number above 0')
  const seed = values.seed ?? String(Date.now() % 1_000_000_007)
  const out = values.out ?? (plant === undefined ? '.cache/fuzz' : '.cache/fuzz/planted')
  return { seed, names, minutes, workers, out, ...(plant !== undefined && { plant }) }
}

/** Batches of all targets in turn, numbered for each. */
function workOf(names: readonly string[], end: number, isOver: () => boolean): () => Work | undefined {
  let turn = 0
  return () => {
    if (performance.now() > end || isOver()) return undefined
    const target = names[turn % names.length]
    const batch = Math.floor(turn++ / names.length)
    return target === undefined ? undefined : { target, batch, cases: batchCases }
  }
}

async function run(campaign: Campaign): Promise<number> {
  const { seed, names, minutes, workers, plant } = campaign
  const about = plant === undefined ? '' : `, plant ${plant.name}`
  print(`seed ${seed}, ${minutes} min, ${workers} workers, targets: ${names.join(' ')}${about}`)
  const started = performance.now()
  const found = new Map<string, FoundMessage>()
  const counts = new Map(names.map((name) => [name, { cases: 0, reached: new Set<string>() }]))
  await runPool({
    workers,
    seed,
    ...(plant !== undefined && { plant: plant.name }),
    next: workOf(names, started + minutes * 60_000, () => plant !== undefined && found.size > 0),
    onDone: ({ target, cases, reached }) => {
      const count = counts.get(target)
      if (count === undefined) return
      count.cases += cases
      for (const each of reached) count.reached.add(each)
    },
    onFound: (each) => {
      const rule = `${each.target}: ${each.violated}`
      if (found.has(rule)) return
      found.set(rule, each)
      tellFound(each, (performance.now() - started) / 1_000, campaign)
    },
  })
  for (const [name, { cases, reached }] of counts) print(`${name.padEnd(16)} ${cases} cases, ${reached.size} outcomes`)
  const cases = [...counts.values()].reduce((sum, count) => sum + count.cases, 0)
  print(`${cases} cases, ${found.size} findings, seed ${seed}`)
  return exitCode(plant, found.size)
}

function exitCode(plant: Plant | undefined, found: number): number {
  if (plant === undefined) return found === 0 ? 0 : 1
  print(`the plant "${plant.name}" was ${found > 0 ? 'found' : 'NOT found'}`)
  return found > 0 ? 0 : 1
}

function tellFound(found: FoundMessage, seconds: number, { out, plant }: Campaign): void {
  const { target, name, violated, message, parts } = found
  const file: CaseFile = { target, about: violated, parts }
  mkdirSync(out, { recursive: true })
  const path = join(out, `${target}-${name.replaceAll('/', '-')}.json`)
  const text = renderCase(file)
  writeFileSync(path, text)
  const shown = text.length > 4_000 ? `${text.slice(0, 4_000)}…` : text
  const repeat = `npm run fuzz -- ${plant === undefined ? '' : `--plant ${plant.name} `}--case ${path}`
  print(`\nVIOLATED after ${Math.round(seconds)} s by ${name}: ${message}\n${shown}\nrepeat it: ${repeat}\n`)
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options })
  if (values.help) {
    print(usage)
    return 0
  }
  const plant = plantOf(values)
  return values.case === undefined ? run(await campaignOf(values, plant)) : runOne(values.case, plant)
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  const isUsage = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  process.stderr.write(
    `fuzz: ${error instanceof Error ? error.message : String(error)}\n${isUsage ? `\n${usage}` : ''}`,
  )
  return 2
})
