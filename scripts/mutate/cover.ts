// Which tests come by which mutant, and which of them are worth its while. A mutant gets the tests of its own file and the
// quickest of the others, until they have taken a share of what all tests take together; what only a second's worth of drawn
// cases further on would notice is missing a test that says what is wrong. Shares, since a busy machine slows all alike.

import { dirname } from 'node:path'
import type { Mutant } from './mutant.ts'
import type { RecordedFile, TestToRun } from './plan.ts'

export interface CoveringTest extends TestToRun {
  readonly file: string
  readonly ms: number
  readonly repeatable: boolean
}

/** Of the time of all tests. The smaller one is enough for nine mutants in ten. */
const budgets = { quickest: 0.002, all: 0.03 } as const

/** Own tests that take more than this share are properties that draw very many cases. */
const longShare = 0.01

/** A toy with three tests has no long ones. */
const leastTotalMs = 20_000

interface Places {
  readonly tests: CoveringTest[]
  readonly filesAtLoad: string[]
}

export class Cover {
  readonly #records: ReadonlyMap<string, RecordedFile>
  readonly #places = new Map<number, Places>()
  readonly #totalMs: number

  constructor(records: readonly RecordedFile[]) {
    this.#records = new Map(records.map((record) => [record.file, record]))
    const total = records.flatMap(({ tests }) => tests).reduce((sum, { ms }) => sum + ms, 0)
    this.#totalMs = Math.max(total, leastTotalMs)
    for (const { file, atLoad, tests } of records) {
      for (const mutant of atLoad) this.#at(mutant).filesAtLoad.push(file)
      for (const { mutants, ...test } of tests) {
        const covering = { ...test, file }
        for (const mutant of mutants) this.#at(mutant).tests.push(covering)
      }
    }
    for (const { tests } of this.#places.values()) tests.sort((a, b) => a.ms - b.ms)
  }

  reaches(mutant: number): boolean {
    return this.#places.has(mutant)
  }

  ownTests({ id, file }: Mutant): readonly CoveringTest[] {
    return this.#at(id).tests.filter((test) => test.file === mirrorOf(file) && !this.#isLong(test))
  }

  otherTests({ id, file }: Mutant, budget: keyof typeof budgets): readonly CoveringTest[] {
    const others = this.#at(id).tests.filter((test) => test.file !== mirrorOf(file))
    return within(others, ({ ms }) => ms, this.#totalMs * budgets[budget])
  }

  ownFiles(mutant: Mutant): readonly string[] {
    return this.#filesOf(mutant).filter((file) => file === mirrorOf(mutant.file))
  }

  /**
   * To load anew: all of its folder, for a table is loaded by nearly every test and looked into by few; then those whose
   * tests come by it, and those that only load it.
   */
  files(mutant: Mutant): readonly string[] {
    const folder = dirname(mirrorOf(mutant.file))
    const { near = [], far = [] } = Object.groupBy(this.#filesOf(mutant), (file) =>
      dirname(file) === folder ? 'near' : 'far',
    )
    return [...near, ...within(far, (file) => this.#lightMs(file), 2 * this.#totalMs * budgets.all)]
  }

  /** Left out where code is loaded anew. */
  get longTests(): readonly string[] {
    return [...this.#records.values()].flatMap(({ tests }) =>
      tests.filter((test) => this.#isLong(test)).map(({ name }) => name),
    )
  }

  /** For code loaded anew, where nobody has counted test by test: more than the longest of them needs. */
  get limitForAny(): number {
    const counts = [...this.#records.values()].flatMap(({ passedAtLoad, tests }) => [
      passedAtLoad,
      ...tests.filter((test) => !this.#isLong(test)).map(({ passed }) => passed),
    ])
    return 5 * Math.max(0, ...counts) + 1_000_000
  }

  #filesOf({ id, file }: Mutant): readonly string[] {
    const { tests, filesAtLoad } = this.#at(id)
    const byTests = new Set(tests.map((test) => test.file))
    const atLoad = filesAtLoad.toSorted((a, b) => this.#lightMs(a) - this.#lightMs(b))
    const own = filesAtLoad.filter((other) => other === mirrorOf(file))
    return [...new Set([...own, ...byTests, ...atLoad])]
  }

  #lightMs(file: string): number {
    const tests = this.#records.get(file)?.tests ?? []
    return tests.filter((test) => !this.#isLong(test)).reduce((sum, { ms }) => sum + ms, 0)
  }

  #isLong({ ms }: { readonly ms: number }): boolean {
    return ms > this.#totalMs * longShare
  }

  #at(mutant: number): Places {
    const known = this.#places.get(mutant)
    if (known !== undefined) return known
    const places = { tests: [], filesAtLoad: [] }
    this.#places.set(mutant, places)
    return places
  }
}

/** The first of the list, three at least, as long as they stay within the budget together. */
function within<T>(list: readonly T[], cost: (item: T) => number, budget: number): readonly T[] {
  let spent = 0
  return list.filter((item, index) => {
    spent += cost(item)
    return index < 3 || spent <= budget
  })
}

/** The test file of a source file, if each is where the other says. */
export function mirrorOf(source: string): string {
  return source.replace(/^src\//, 'test/').replace(/\.ts$/, '.test.ts')
}
