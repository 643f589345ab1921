// Reads what Vitest's JSON reporter wrote: how many tests passed, failed and were skipped, which suites those are and
// which tool they lacked, and whether the skips are the ones that `test/skips.json` explains. Pure, but for `readReport`.

import { readFileSync } from 'node:fs'
import { relative, sep } from 'node:path'

export interface SkippedSuite {
  /** `file: title > title`, without the note of what it needs. */
  readonly suite: string
  /** Tools that were not there, as the title says; empty where the test is switched off for another reason. */
  readonly needs: readonly string[]
  readonly tests: number
}

export interface Report {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly suites: readonly SkippedSuite[]
}

/** One row of `test/skips.json`: a suite that may be skipped even where every tool can be had, and why. */
export interface ExplainedSkip {
  readonly suite: string
  readonly reason: string
}

interface Assertion {
  readonly ancestorTitles: readonly string[]
  readonly title: string
  readonly status: string
}

interface FileResult {
  readonly name: string
  readonly status: string
  readonly assertionResults: readonly Assertion[]
}

const note = / \[needs ([^\]]+)\]$/

function suiteOf(file: string, assertion: Assertion): Omit<SkippedSuite, 'tests'> {
  const titles = [...assertion.ancestorTitles, assertion.title]
  const marked = titles.findIndex((title) => note.test(title))
  const shown = marked === -1 ? titles : titles.slice(0, marked + 1)
  const needs = note.exec(shown.at(-1) ?? '')?.[1]?.split(', ') ?? []
  return { suite: `${file}: ${shown.map((title) => title.replace(note, '')).join(' > ')}`, needs }
}

/** A file that could not even be loaded has no tests in the report; it counts as one that failed. */
export function summarize(files: readonly FileResult[], root: string): Report {
  const suites = new Map<string, SkippedSuite>()
  let [passed, failed, skipped] = [0, 0, 0]
  for (const file of files) {
    const failedBefore = failed
    const name = relative(root, file.name).split(sep).join('/')
    for (const assertion of file.assertionResults) {
      if (assertion.status === 'passed') passed += 1
      else if (assertion.status === 'failed') failed += 1
      else {
        skipped += 1
        const found = suiteOf(name, assertion)
        suites.set(found.suite, { ...found, tests: (suites.get(found.suite)?.tests ?? 0) + 1 })
      }
    }
    if (file.status === 'failed' && failed === failedBefore) failed += 1
  }
  return { passed, failed, skipped, suites: [...suites.values()] }
}

/** @throws Error when there is no report: the run ended before it could write one. */
export function readReport(path: string, root: string): Report {
  const report: { readonly testResults: readonly FileResult[] } = JSON.parse(readFileSync(path, 'utf8'))
  return summarize(report.testResults, root)
}

/** What is wrong with the skips of a machine that can have every tool: unexplained ones, and explanations of nothing. */
export function unexplained(suites: readonly SkippedSuite[], explained: readonly ExplainedSkip[]): readonly string[] {
  const skipped = new Set(suites.map(({ suite }) => suite))
  const known = new Set(explained.map(({ suite }) => suite))
  return [
    ...[...skipped]
      .filter((suite) => !known.has(suite))
      .map((suite) => `skipped without a reason in test/skips.json: ${suite}`),
    ...[...known]
      .filter((suite) => !skipped.has(suite))
      .map((suite) => `in test/skips.json, but not skipped: ${suite}`),
  ]
}

/** One line for each skipped suite. */
export function skipLines(suites: readonly SkippedSuite[], explained: readonly ExplainedSkip[]): readonly string[] {
  const reasons = new Map(explained.map(({ suite, reason }) => [suite, reason]))
  return suites.map(({ suite, needs, tests }) => {
    const why = needs.length > 0 ? `needs ${needs.join(', ')} (npm run tools ${needs.join(' ')})` : 'switched off'
    return `skipped: ${suite} (${tests} ${tests === 1 ? 'test' : 'tests'}): ${reasons.get(suite) ?? why}`
  })
}
