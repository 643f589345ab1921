// How Vitest runs tests in a process that judges mutants. Loaded by Vitest in place of its own runner, which it extends.

import { basename, relative } from 'node:path'
import process from 'node:process'
import type { RunnerTask, RunnerTestCase, RunnerTestFile, RunnerTestSuite } from 'vitest'
import { TestRunner } from 'vitest'
import type { Plan, RecordedTest, SwitchWork } from './plan.ts'
import { folderOfProcess, isKilled, readPlan, saveRecord, say } from './plan.ts'
import { begin, limitFor, switchboard } from './switchboard.ts'

/** Two of them at a time leave a small machine enough; what tests keep in memory adds up over hundreds of mutants. */
const mostMemory = 1_200 * 2 ** 20

/** No test of what is measured here passes so many places. */
const noLimit = Number.MAX_SAFE_INTEGER

// biome-ignore lint/style/noDefaultExport: Vitest takes a runner by its default export
export default class MutationRunner extends TestRunner {
  readonly #folder = folderOfProcess()
  readonly #plan: Plan = readPlan(this.#folder)
  readonly #recorded: RecordedTest[] = []
  readonly #skipped = new Set(this.#plan.kind === 'fresh' ? this.#plan.skippedTests : [])
  #atLoad: { readonly mutants: readonly number[]; readonly passed: number } = { mutants: [], passed: 0 }

  override onCollectStart(file: RunnerTestFile): void {
    super.onCollectStart(file)
    const driver = basename(file.filepath, '.test.ts')
    const name = this.#plan.kind === 'fresh' ? driver : this.#nameOf(file)
    say(this.#folder, { kind: 'process', pid: process.pid, file: name })
    begin(-1, noLimit)
    switchboard.seen.clear()
  }

  async onCollected(files: RunnerTestFile[]): Promise<void> {
    const file = files[0]
    if (file === undefined) return
    this.#atLoad = { mutants: [...switchboard.seen], passed: switchboard.passed }
    if (this.#plan.kind !== 'switch') return
    const tests = new Map(testsOf(file).map((test) => [testName(test), TestRunner.getTestFn(test)]))
    for (const task of allTasks(file)) task.mode = 'skip'
    let judged = 0
    for (const work of this.#plan.work[this.#nameOf(file)] ?? []) {
      if (isKilled(this.#folder, work.mutant)) continue
      // What is left is tried again in a process of its own.
      if (judged++ > 0 && process.memoryUsage.rss() > mostMemory) return
      if (!(await this.#judge(work, tests, this.#nameOf(file)))) return
    }
  }

  /** @returns whether the process can go on with other mutants */
  async #judge(work: SwitchWork, tests: ReadonlyMap<string, TestFunction>, file: string): Promise<boolean> {
    const { mutant } = work
    say(this.#folder, { kind: 'begin', mutant, file })
    for (const { name, passed } of work.tests) {
      const test = tests.get(name)
      if (test === undefined) continue
      const outcome = await outcomeOf(test, mutant, limitFor(passed))
      if (outcome === 'passed') continue
      if ((await outcomeOf(test, -1, noLimit)) !== 'passed') {
        say(this.#folder, { kind: 'spoiled', file, mutant })
        return false
      }
      say(this.#folder, { kind: outcome === 'endless' ? 'timeout' : 'killed', mutant, by: `${file}: ${name}` })
      return true
    }
    say(this.#folder, { kind: 'survived', mutant, file })
    return true
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    const run = TestRunner.getTestFn(test)
    if (this.#plan.kind === 'record') await this.#record(test, run)
    else if (this.#plan.kind === 'fresh') await this.#judgeFreshly(test, run, this.#plan)
  }

  async #record(test: RunnerTestCase, run: TestFunction): Promise<void> {
    switchboard.seen.clear()
    const start = performance.now()
    begin(-1, noLimit)
    let error: unknown
    try {
      await run()
    } catch (thrown) {
      error = thrown
    }
    const recorded = {
      name: testName(test),
      ms: performance.now() - start,
      passed: switchboard.passed,
      mutants: [...switchboard.seen],
    }
    // The long ones are properties, which keep nothing; and what a mutant spoils is noticed after it as well.
    const isLong = recorded.ms > 1_000
    const repeatable = error === undefined && (isLong || (await outcomeOf(run, -1, noLimit)) === 'passed')
    const message = error === undefined ? {} : { error: String(error) }
    this.#recorded.push({ ...recorded, repeatable, ...message })
    if (error !== undefined) throw error
  }

  async #judgeFreshly(test: RunnerTestCase, run: TestFunction, plan: Plan & { readonly kind: 'fresh' }): Promise<void> {
    const [mutant, ...names] = namesOf(test)
    const id = Number(mutant)
    if (this.#skipped.has(names.join(' > ')) || isKilled(this.#folder, id)) return
    say(this.#folder, { kind: 'begin', mutant: id, file: basename(test.file.filepath, '.test.ts') })
    const outcome = await outcomeOf(run, id, plan.work[0]?.limit ?? noLimit)
    if (outcome === 'passed') return
    const kind = outcome === 'endless' ? 'timeout' : 'killed'
    say(this.#folder, { kind, mutant: id, by: names.join(' > ') })
  }

  override async onAfterRunSuite(suite: RunnerTestSuite): Promise<void> {
    await super.onAfterRunSuite(suite)
    if (suite !== suite.file) return
    const { mutants, passed } = this.#atLoad
    const file = this.#nameOf(suite.file)
    if (this.#plan.kind === 'fresh') say(this.#folder, { kind: 'finished', driver: basename(file, '.test.ts') })
    if (this.#plan.kind !== 'record') return
    saveRecord(this.#folder, { file, atLoad: mutants, passedAtLoad: passed, tests: this.#recorded })
  }

  #nameOf(file: RunnerTestFile): string {
    return relative(this.config.root, file.filepath)
  }
}

type TestFunction = () => unknown

async function outcomeOf(test: TestFunction, mutant: number, limit: number): Promise<'passed' | 'failed' | 'endless'> {
  begin(mutant, limit)
  try {
    await test()
  } catch {
    return switchboard.overrun ? 'endless' : 'failed'
  } finally {
    switchboard.active = -1
  }
  return switchboard.overrun ? 'endless' : 'passed'
}

function testsOf(suite: RunnerTestSuite): readonly RunnerTestCase[] {
  return suite.tasks.flatMap((task) => (task.type === 'suite' ? testsOf(task) : [task]))
}

function allTasks(suite: RunnerTestSuite): readonly RunnerTask[] {
  return suite.tasks.flatMap((task) => (task.type === 'suite' ? [task, ...allTasks(task)] : [task]))
}

/** From the outermost suite to the test itself; a file is no suite of that kind. */
function namesOf(test: RunnerTestCase): readonly string[] {
  const names = [test.name]
  let suite = test.suite
  while (suite !== undefined && suite !== test.file) {
    names.unshift(suite.name)
    suite = suite.suite
  }
  return names
}

function testName(test: RunnerTestCase): string {
  return namesOf(test).join(' > ')
}
