// Tries every mutant on the tests that come by it, the cheapest first: rounds that switch mutants in one process, then rounds
// that load the code anew for what those could not judge. A mutant survives only if the last round says so as well.

import { relative } from 'node:path'
import type { CoveringTest } from './cover.ts'
import { Cover } from './cover.ts'
import type { Mutant } from './mutant.ts'
import type { RecordedFile, SwitchWork } from './plan.ts'
import { readEvents, readRecords } from './plan.ts'
import type { Session } from './session.ts'
import { writeDriver } from './session.ts'

export type Outcome =
  | { readonly kind: 'killed' | 'timeout'; readonly by: string }
  | { readonly kind: 'survived' }
  | { readonly kind: 'no coverage' }

/** A process keeps all copies of the code that it has loaded, some megabytes each. */
const mutantsPerDriver = 15

export interface Judging {
  readonly mutants: readonly Mutant[]
  readonly session: Session
  readonly root: string
  readonly progress: (line: string) => void
}

export async function judge(judging: Judging): Promise<ReadonlyMap<number, Outcome>> {
  const { mutants, session, progress } = judging
  await session.run({ kind: 'record' }, session.tests)
  const records = readRecords(session.folder)
  insistOnGreen(records, session.tests)
  const cover = new Cover(records)
  const trial = new Trial(judging, cover)
  progress(`recorded ${records.length} test files; ${mutants.length - trial.alive.length} mutants without coverage`)
  await trial.switchRound('own tests', (mutant) => cover.ownTests(mutant))
  await trial.switchRound('the quickest others', (mutant) => cover.otherTests(mutant, 'quickest'))
  await trial.switchRound('other tests', (mutant) => cover.otherTests(mutant, 'all'))
  await trial.freshRound('loaded anew, own tests', (mutant) => cover.ownFiles(mutant))
  await trial.freshRound('loaded anew, other tests', (mutant) => cover.files(mutant))
  return trial.outcomes()
}

class Trial {
  readonly #judging: Judging
  readonly #cover: Cover
  readonly #decided = new Map<number, Outcome>()
  #events = 0
  #drivers = 0

  constructor(judging: Judging, cover: Cover) {
    this.#judging = judging
    this.#cover = cover
    for (const { id } of judging.mutants) if (!cover.reaches(id)) this.#decided.set(id, { kind: 'no coverage' })
  }

  get alive(): readonly Mutant[] {
    return this.#judging.mutants.filter(({ id }) => !this.#decided.has(id))
  }

  outcomes(): ReadonlyMap<number, Outcome> {
    const { mutants } = this.#judging
    return new Map(mutants.map(({ id }) => [id, this.#decided.get(id) ?? { kind: 'survived' }]))
  }

  async switchRound(title: string, testsFor: (mutant: Mutant) => readonly CoveringTest[]): Promise<void> {
    const done = new Set<string>()
    for (;;) {
      const work: Record<string, SwitchWork[]> = {}
      for (const mutant of this.alive) {
        const tests = testsFor(mutant).filter(({ repeatable }) => repeatable)
        for (const [file, ofFile] of Map.groupBy(tests, ({ file }) => file)) {
          if (done.has(`${mutant.id} ${file}`)) continue
          work[file] = [...(work[file] ?? []), { mutant: mutant.id, tests: ofFile }]
        }
      }
      if (Object.keys(work).length === 0) break
      const ended = await this.#judging.session.run({ kind: 'switch', work }, Object.keys(work))
      this.#takeIn(ended, done)
    }
    this.#judging.progress(`${title}: ${this.alive.length} alive`)
  }

  async freshRound(title: string, filesFor: (mutant: Mutant) => readonly string[]): Promise<void> {
    const done = new Set<string>()
    for (;;) {
      const mutants = this.alive.flatMap((mutant) => {
        const files = filesFor(mutant)
        return files.length === 0 || done.has(`${mutant.id} fresh`) ? [] : [{ mutant: mutant.id, files }]
      })
      if (mutants.length === 0) break
      const work = chunks(mutants, mutantsPerDriver).map((piece) => ({
        driver: `fresh-${++this.#drivers}`,
        mutants: piece.map(({ mutant, files }) => ({ mutant, files: files.map((file) => this.#absolute(file)) })),
        limit: this.#cover.limitForAny,
      }))
      const drivers = work.map(({ driver }) => writeDriver(this.#judging.session.folder, driver))
      const ended = await this.#judging.session.run(
        { kind: 'fresh', work, skippedTests: this.#cover.longTests },
        drivers.map((path) => relative(this.#judging.root, path)),
      )
      this.#takeIn(ended, done, work)
    }
    this.#judging.progress(`${title}: ${this.alive.length} alive`)
  }

  /**
   * Reads what the processes said since the last time. What they did not come to stays undone, and is tried again.
   *
   * @param done filled with what was judged, or is not worth another try in this round
   */
  #takeIn(ended: ReadonlySet<number>, done: Set<string>, fresh: readonly FreshPiece[] = []): void {
    const events = readEvents(this.#judging.session.folder).slice(this.#events)
    this.#events += events.length
    const at = new Map<string, number>()
    for (const event of events) {
      if (event.kind === 'begin') at.set(event.file, event.mutant)
      if (event.kind === 'survived' || event.kind === 'spoiled') {
        done.add(`${event.mutant} ${event.file}`)
        at.delete(event.file)
      }
      if (event.kind === 'killed' || event.kind === 'timeout') {
        this.#decided.set(event.mutant, { kind: event.kind, by: event.by })
      }
    }
    for (const { driver, mutants } of fresh) this.#takeInDriver(driver, mutants, events, done, at)
    for (const [file, mutant] of at) {
      if (this.#decided.has(mutant) || done.has(`${mutant} fresh`)) continue
      const by = `${file} did not come to its end`
      this.#decided.set(mutant, { kind: ended.has(mutant) ? 'timeout' : 'killed', by })
    }
  }

  /** A driver that ran to its end has judged all of its mutants; one that did not stopped at the last that it began. */
  #takeInDriver(
    driver: string,
    mutants: FreshPiece['mutants'],
    events: readonly ReturnType<typeof readEvents>[number][],
    done: Set<string>,
    at: Map<string, number>,
  ): void {
    if (!events.some((event) => event.kind === 'finished' && event.driver === driver)) return
    for (const { mutant } of mutants) done.add(`${mutant} fresh`)
    at.delete(driver)
  }

  #absolute(file: string): string {
    return `${this.#judging.root}/${file}`
  }
}

interface FreshPiece {
  readonly driver: string
  readonly mutants: readonly { readonly mutant: number }[]
}

function insistOnGreen(records: readonly RecordedFile[], files: readonly string[]): void {
  const missing = files.filter((file) => !records.some((record) => record.file === file))
  const failing = records.flatMap(({ file, tests }) =>
    tests.flatMap(({ name, error }) => (error === undefined ? [] : [`${file}: ${name}: ${error}`])),
  )
  if (missing.length + failing.length === 0) return
  throw new Error(`the tests fail without any mutant:\n${[...missing, ...failing].join('\n')}`)
}

function chunks<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  )
}
