// The report of `npm test` is what people trust to say that nothing was left out; so it is tested like everything else.

import { describe, expect, test } from 'vitest'
import { skipLines, summarize, unexplained } from '../../scripts/test-report.ts'

const passed = { ancestorTitles: ['a suite'], title: 'works', status: 'passed' }
const failed = { ancestorTitles: ['a suite'], title: 'breaks', status: 'failed' }
const lacking = (title: string) => ({
  ancestorTitles: ['cosign agrees [needs cosign2, openssl]'],
  title,
  status: 'skipped',
})
const file = (name: string, assertionResults: readonly (typeof passed)[], status = 'passed') => ({
  name: `/repo/test/${name}`,
  status,
  assertionResults,
})

describe('the report', () => {
  test('counts tests, and a skipped suite once with what it needs', () => {
    const report = summarize([file('a.test.ts', [passed, failed, lacking('one'), lacking('two')], 'failed')], '/repo')
    expect(report).toEqual({
      passed: 1,
      failed: 1,
      skipped: 2,
      suites: [{ suite: 'test/a.test.ts: cosign agrees', needs: ['cosign2', 'openssl'], tests: 2 }],
    })
  })

  test('counts a file that could not be loaded as a failure', () => {
    expect(summarize([file('broken.test.ts', [], 'failed')], '/repo').failed).toBe(1)
  })

  test('counts a file whose tests all pass, and which failed outside of them, as a failure', () => {
    expect(summarize([file('a.test.ts', [passed], 'failed')], '/repo')).toMatchObject({ passed: 1, failed: 1 })
  })

  test('tells two files with suites of one title apart', () => {
    const { suites } = summarize([file('a.test.ts', [lacking('x')]), file('b.test.ts', [lacking('x')])], '/repo')
    expect(suites.map(({ suite }) => suite)).toEqual(['test/a.test.ts: cosign agrees', 'test/b.test.ts: cosign agrees'])
  })

  test('names a test that is switched off by its whole title', () => {
    const { suites } = summarize([file('a.test.ts', [{ ...passed, status: 'todo' }])], '/repo')
    expect(suites).toEqual([{ suite: 'test/a.test.ts: a suite > works', needs: [], tests: 1 }])
    expect(skipLines(suites, [])).toEqual(['skipped: test/a.test.ts: a suite > works (1 test): switched off'])
  })

  test('tells how to get what a skipped suite needs', () => {
    const { suites } = summarize([file('a.test.ts', [lacking('one'), lacking('two')])], '/repo')
    expect(skipLines(suites, [])).toEqual([
      'skipped: test/a.test.ts: cosign agrees (2 tests): needs cosign2, openssl (npm run tools cosign2 openssl)',
    ])
  })
})

describe('explained skips', () => {
  const suites = [{ suite: 'test/a.test.ts: cosign agrees', needs: ['cosign2'], tests: 2 }]
  const explained = [{ suite: 'test/a.test.ts: cosign agrees', reason: 'only on Linux' }]

  test('are fine when they are exactly the ones that happened', () => {
    expect(unexplained(suites, explained)).toEqual([])
    expect(skipLines(suites, explained)[0]).toContain('only on Linux')
  })

  test('are a problem when a suite was skipped without one', () => {
    expect(unexplained(suites, [])).toEqual([
      'skipped without a reason in test/skips.json: test/a.test.ts: cosign agrees',
    ])
  })

  test('are a problem when nothing was skipped', () => {
    expect(unexplained([], explained)).toEqual(['in test/skips.json, but not skipped: test/a.test.ts: cosign agrees'])
  })
})
