// `npm test`: types, lint, then every test; arguments go on to Vitest. With CI=true it first brings the real tools, and a
// skipped suite that `test/skips.json` does not explain is a failure. The last line is `N passed, N failed[, N skipped]`.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { type ExplainedSkip, type Report, readReport, skipLines, unexplained } from './test-report.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const inCi = process.env['CI'] === 'true'

interface Step {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
}

const steps: readonly Step[] = [
  ...(inCi ? [{ name: 'tools', command: process.execPath, args: ['scripts/tools.ts'] }] : []),
  { name: 'types of the core', command: 'tsc', args: ['--noEmit', '-p', 'src/core'] },
  { name: 'types', command: 'tsc', args: ['--noEmit', '-p', '.'] },
  { name: 'lint', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
]

function run(step: Step): boolean {
  process.stdout.write(`\n== ${step.name}\n`)
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`
  const done = spawnSync(step.command, step.args, {
    cwd: root,
    stdio: ['ignore', 1, 2],
    env: { ...process.env, PATH: path },
  })
  if (done.status === 0) return true
  process.stdout.write(
    `== ${step.name}: failed (${done.error?.message ?? done.signal ?? `exit code ${done.status}`})\n`,
  )
  return false
}

/** Runs Vitest and reads its report; `undefined` where it ended without one. */
function runTests(args: readonly string[]): { readonly report: Report | undefined; readonly ok: boolean } {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-test-report-'))
  try {
    const file = join(folder, 'report.json')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const ok = run({ name: 'tests', command: 'vitest', args: ['run', ...reporters, ...args] })
    return { report: readReport(file, root), ok }
  } catch (error) {
    process.stdout.write(`== tests: no report (${error instanceof Error ? error.message : String(error)})\n`)
    return { report: undefined, ok: false }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function main(args: readonly string[]): number {
  const explained: readonly ExplainedSkip[] = JSON.parse(readFileSync(join(root, 'test', 'skips.json'), 'utf8'))
  const failedSteps = steps.filter((step) => !run(step)).map(({ name }) => name)
  const { report = { passed: 0, failed: 0, skipped: 0, suites: [] }, ok } = runTests(args)
  const problems = [
    ...failedSteps.map((name) => `step failed: ${name}`),
    // An error outside of every test, or a run that broke off: no test says "failed", and the run still did.
    ...(ok || report.failed > 0 ? [] : ['step failed: tests']),
    ...(inCi && args.length === 0 ? unexplained(report.suites, explained) : []),
  ]
  const lines = [...skipLines(report.suites, explained), ...problems]
  const failed = report.failed + problems.length
  const skipped = report.skipped === 0 ? '' : `, ${report.skipped} skipped`
  process.stdout.write(
    `\n${lines.map((line) => `${line}\n`).join('')}${report.passed} passed, ${failed} failed${skipped}\n`,
  )
  return failed === 0 && ok ? 0 : 1
}

process.exitCode = main(process.argv.slice(2))
