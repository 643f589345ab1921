// npm run fuzz -- [--minutes N] [--seed TEXT] [--target NAME]… [--workers N] [--plant NAME] [--case FILE] [--out FOLDER]
//
// Mutates inputs of every reader and of the whole way from request to answer, and says which rule was broken by which
// input. Exit code 0: nothing was found, or the planted defect was; 1: something was, or the plant was not; 2: usage.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { type CaseFile, readCase, renderCase } from './case.ts'
import { type Plant, plants } from './plants.ts'
import type { FoundMessage, Work } from './run/messages.ts'
import { runPool } from './run/pool.ts'
import { runCase } from './run/run-case.ts'
import { targets } from './targets.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    target: { type: 'string', multiple: true },
    workers: { type: 'string', default: '2' },
    plant: { type: 'string' },
    case: { type: 'string' },
    out: { type: 'string', default: '.cache/fuzz' },
  },
})

/** Cases of one batch: a second's work or so. */
const batchCases = 300

const print = (line: string) => void process.stdout.write(`${line}\n`)

async function runOne(path: string): Promise<number> {
  const { target: name, about, parts } = readCase(path)
  const target = targets.find((each) => each.name === name)
  if (target === undefined) throw new Error(`there is no target "${name}"`)
  const open = await target.open()
  const { finding, reached } = await runCase(target, open, parts)
  await open.close?.()
  print(
    `${name}, ${about}\n${finding === undefined ? `nothing is wrong; reached: ${reached}` : `VIOLATED ${finding.message}`}`,
  )
  return finding === undefined ? 0 : 1
}

interface Campaign {
  readonly seed: string
  readonly names: readonly string[]
  readonly minutes: number
  readonly workers: number
  readonly plant?: Plant
}

/** @throws Error for what is no target, plant or number */
function campaignOf(): Campaign {
  const plant = plants.find(({ name }) => name === values.plant)
  if (values.plant !== undefined && plant === undefined)
    throw new Error(`there is no such plant; there are ${plants.map(({ name }) => name).join(', ')}`)
  const names = values.target ?? plant?.targets ?? targets.map(({ name }) => name)
  if (names.some((name) => !targets.some((target) => target.name === name)))
    throw new Error(`there is no such target; there are ${targets.map(({ name }) => name).join(', ')}`)
  const minutes = Number(values.minutes ?? (plant === undefined ? 1 : 2))
  const workers = Number(values.workers)
  if (!(minutes > 0) || !(workers >= 1)) throw new Error('--minutes and --workers take a number above 0')
  const seed = values.seed ?? String(Date.now() % 1_000_000_007)
  return { seed, names, minutes, workers, ...(plant !== undefined && { plant }) }
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

async function run({ seed, names, minutes, workers, plant }: Campaign): Promise<number> {
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
      tellFound(each, (performance.now() - started) / 1_000)
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

function tellFound({ target, name, violated, message, parts }: FoundMessage, seconds: number): void {
  const file: CaseFile = { target, about: violated, parts }
  mkdirSync(values.out, { recursive: true })
  const path = join(values.out, `${target}-${name.replaceAll('/', '-')}.json`)
  const text = renderCase(file)
  writeFileSync(path, text)
  const shown = text.length > 4_000 ? `${text.slice(0, 4_000)}…` : text
  print(
    `\nVIOLATED after ${Math.round(seconds)} s by ${name}: ${message}\n${shown}\nrepeat it: npm run fuzz -- --case ${path}\n`,
  )
}

try {
  process.exitCode = values.case === undefined ? await run(campaignOf()) : await runOne(values.case)
} catch (error) {
  process.stderr.write(`fuzz: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
