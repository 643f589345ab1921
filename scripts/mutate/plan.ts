// What the test processes are to do, and what they found: files in a folder that both sides know, since a process that hangs
// or dies must not take its findings along.

import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

const folderVariable = 'SEALWARD_MUTATION_FOLDER'

export type Plan =
  /** Run every test as it is, twice, and say which mutants it comes by. */
  | { readonly kind: 'record' }
  /** In each test file: run these tests with these mutants, one after the other, the code loaded once. */
  | { readonly kind: 'switch'; readonly work: Readonly<Record<string, readonly SwitchWork[]>> }
  /** Load the code anew for each mutant; for what runs while modules are loaded, and to confirm survivors. */
  | { readonly kind: 'fresh'; readonly work: readonly FreshWork[]; readonly skippedTests: readonly string[] }

export interface SwitchWork {
  readonly mutant: number
  readonly tests: readonly TestToRun[]
}

export interface TestToRun {
  readonly name: string
  /** How many places it passes without a mutant. */
  readonly passed: number
}

export interface FreshWork {
  /** Names the driver that does this piece. */
  readonly driver: string
  readonly mutants: readonly { readonly mutant: number; readonly files: readonly string[] }[]
  readonly limit: number
}

/** What a test comes by. */
export interface RecordedTest {
  readonly name: string
  readonly ms: number
  readonly passed: number
  readonly mutants: readonly number[]
  /** It passes a second time in the same process: only such a test can judge several mutants there. */
  readonly repeatable: boolean
  readonly error?: string
}

export interface RecordedFile {
  readonly file: string
  /** Passed while modules were loaded and tests collected. */
  readonly atLoad: readonly number[]
  readonly passedAtLoad: number
  readonly tests: readonly RecordedTest[]
}

export type Event =
  | { readonly kind: 'process'; readonly pid: number; readonly file: string }
  | { readonly kind: 'begin'; readonly mutant: number; readonly file: string }
  | { readonly kind: 'killed' | 'timeout'; readonly mutant: number; readonly by: string }
  | { readonly kind: 'survived'; readonly mutant: number; readonly file: string }
  /** A driver has run all that it was to run. */
  | { readonly kind: 'finished'; readonly driver: string }
  /** A mutant left the process in a state in which tests fail without it: the rest has to be judged elsewhere. */
  | { readonly kind: 'spoiled'; readonly file: string; readonly mutant: number }

export function folderOfProcess(): string {
  const folder = process.env[folderVariable]
  if (folder === undefined) throw new Error('not started by scripts/mutate.ts')
  return folder
}

export function environmentFor(folder: string): Record<string, string> {
  return { [folderVariable]: folder }
}

export function writePlan(folder: string, plan: Plan): void {
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(plan))
}

export function readPlan(folder: string): Plan {
  return JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8'))
}

export function say(folder: string, event: Event): void {
  appendFileSync(join(folder, 'events.jsonl'), `${JSON.stringify(event)}\n`)
  if (event.kind === 'killed' || event.kind === 'timeout') writeFileSync(join(folder, `killed-${event.mutant}`), '')
}

/** By any process so far. */
export function isKilled(folder: string, mutant: number): boolean {
  return existsSync(join(folder, `killed-${mutant}`))
}

export function readEvents(folder: string): readonly Event[] {
  const path = join(folder, 'events.jsonl')
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

export function saveRecord(folder: string, record: RecordedFile): void {
  writeFileSync(join(folder, `record-${record.file.replaceAll(/[^\w.-]/g, '_')}.json`), JSON.stringify(record))
}

export function readRecords(folder: string): readonly RecordedFile[] {
  const names = readdirSync(folder).filter((name) => name.startsWith('record-'))
  return names.sort().map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
}
