// Vitest, kept open from round to round, with the sources exchanged for their instrumented text. A process that says nothing
// for too long is ended, which is the verdict on the mutant it was at.

import { statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Reporter, Vitest } from 'vitest/node'
import { createVitest } from 'vitest/node'
import type { Plan } from './plan.ts'
import { environmentFor, readEvents, writePlan } from './plan.ts'

export interface SessionOptions {
  readonly root: string
  /** Where test processes write what they find. */
  readonly folder: string
  /** By path below the root. */
  readonly sources: ReadonlyMap<string, string>
  readonly tests: readonly string[]
  readonly workers: number
}

export interface Session {
  readonly folder: string
  readonly tests: readonly string[]
  /** Runs test files by the plan. @returns the mutants whose process had to be ended */
  run(plan: Plan, files: readonly string[]): Promise<ReadonlySet<number>>
  close(): Promise<void>
}

/** Of a process that neither begins nor ends anything. The longest single test takes seconds, on a busy machine some more. */
const silenceMs = 120_000

const runnerPath = fileURLToPath(new URL('./runner.ts', import.meta.url))
const setupPath = fileURLToPath(new URL('./setup.ts', import.meta.url))
const silent: Reporter = {}

export async function openSession(options: SessionOptions): Promise<Session> {
  const { root, folder, sources, tests } = options
  const vitest = await createVitest(
    'test',
    {
      root,
      config: false,
      watch: false,
      pool: 'forks',
      // It goes by the file, and the text of a file is another one in every run.
      fsModuleCache: false,
      maxWorkers: options.workers,
      runner: runnerPath,
      setupFiles: [setupPath],
      include: [...tests, join(folder, '*.test.ts')],
      reporters: [silent],
      env: environmentFor(folder),
      testTimeout: 10 * 60_000,
      dangerouslyIgnoreUnhandledErrors: true,
      passWithNoTests: true,
    },
    {
      plugins: [
        {
          name: 'mutants',
          enforce: 'pre',
          load: (id) => sources.get(relative(root, id.split('?')[0] ?? id)) ?? null,
        },
      ],
    },
  )
  await vitest.standalone()
  return {
    folder,
    tests,
    run: (plan, files) => runPlan(vitest, { folder, root }, plan, files),
    close: () => vitest.close(),
  }
}

async function runPlan(
  vitest: Vitest,
  { folder, root }: { readonly folder: string; readonly root: string },
  plan: Plan,
  files: readonly string[],
): Promise<ReadonlySet<number>> {
  writePlan(folder, plan)
  const ended = new Set<number>()
  const watch = setInterval(() => endSilent(folder, ended), 5_000)
  try {
    const project = vitest.getRootProject()
    const specifications = files.map((file) => project.createSpecification(join(root, file)))
    await vitest.runTestSpecifications(specifications, false)
  } finally {
    clearInterval(watch)
    process.exitCode = 0
  }
  return ended
}

/** Ends the processes that were at a mutant when everything fell silent. */
function endSilent(folder: string, ended: Set<number>): void {
  const path = join(folder, 'events.jsonl')
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
  if (age < silenceMs) return
  const processes = new Map<string, number>()
  const at = new Map<string, number>()
  for (const event of readEvents(folder)) {
    if (event.kind === 'process') processes.set(event.file, event.pid)
    else if (event.kind === 'begin') at.set(event.file, event.mutant)
    else if (event.kind === 'finished') at.delete(event.driver)
    else if (event.kind === 'survived' || event.kind === 'spoiled') at.delete(event.file)
    else for (const [file, mutant] of at) if (mutant === event.mutant) at.delete(file)
  }
  for (const [file, mutant] of at) {
    const pid = processes.get(file)
    if (pid === undefined) continue
    ended.add(mutant)
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

/** A test file that does nothing by itself: it loads others, once for every mutant. */
export function writeDriver(folder: string, name: string): string {
  const path = join(folder, `${name}.test.ts`)
  const module = fileURLToPath(new URL('./fresh.ts', import.meta.url))
  writeFileSync(path, `import { judgeFreshly } from '${module}'\n\njudgeFreshly('${name}')\n`)
  return path
}
