// `decisions show` and `decisions list` of a record that somebody has changed: it is not shown as if it were genuine.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { outputs } from '#app/cli/output.ts'
import { ChainWriter } from '#io/store/chain-writer.ts'
import { runHere } from '../../support/cli.ts'
import { filledStore, idOf, runFacts, tamper, tempStore } from '../../support/decision-store.ts'
import { noon } from '../../support/judging.ts'

let store: ReturnType<typeof tempStore>

beforeEach(async () => {
  store = tempStore()
  // Entries 1 (start), 2 to 13 (records 0 to 11, every third a denial), 14 (stop).
  await filledStore(store.file, 12)
})

afterEach(() => store.remove())

const cli = (line: string) => runHere(`decisions ${line} --store ${store.file}`, { cwd: store.folder })
const show = (index: number) => cli(`show ${idOf(index)}`)

async function shown(index: number) {
  const { code, stdout } = await cli(`show ${idOf(index)} -o json`)
  const { exitCode, decisions } = outputs.decision.schema.parse(JSON.parse(stdout))
  expect(exitCode).toBe(code)
  return { code, asWritten: decisions[0]?.asWritten }
}

const said = '✗ This is not what was written: '

describe('a record that was changed', () => {
  test.each([
    ['in its content', `UPDATE entries SET content = replace(content, 'somebody', 'nobody!!') WHERE seq = 6`],
    ['in its time', 'UPDATE entries SET at = at + 1 WHERE seq = 6'],
    ['in its hash', `UPDATE entries SET hash = '${'0'.repeat(64)}' WHERE seq = 6`],
  ])('%s is shown as such, as verify has it; those beside it are not', async (_what, statement) => {
    tamper(store.file, statement)
    const { code, stdout } = await show(4)
    expect([code, stdout.split('\n')[0]]).toEqual([1, expect.stringContaining(`${said}its hash does not follow`)])
    expect(stdout).toContain(`decision: ${idOf(4)}`)
    expect(await shown(4)).toEqual({ code: 1, asWritten: false })
    expect((await cli('verify')).code).toBe(1)
    for (const neighbour of [3, 5]) expect(await shown(neighbour)).toEqual({ code: 0, asWritten: true })
  })

  test('behind one that was removed is not vouched for', async () => {
    tamper(store.file, 'DELETE FROM entries WHERE seq = 5')
    expect(await shown(4)).toEqual({ code: 1, asWritten: false })
    expect(await shown(5)).toEqual({ code: 0, asWritten: true })
  })

  test('in a judgement behind it is shown as such', async () => {
    tamper(store.file, `UPDATE judgements SET content = replace(content, 'untrusted', 'trusted')`)
    const { code, stdout } = await show(2)
    expect([code, stdout]).toEqual([1, expect.stringContaining(`${said}a judgement behind it was changed`)])
    expect(await shown(2)).toEqual({ code: 1, asWritten: false })
    expect(await shown(1)).toEqual({ code: 0, asWritten: true })
  })

  test('is marked in a list', async () => {
    tamper(store.file, `UPDATE entries SET content = replace(content, 'somebody', 'nobody!!') WHERE seq = 6`)
    const { code, stdout, stderr } = await cli('list')
    expect([code, stderr]).toEqual([1, expect.stringContaining('1 entry is not what was written')])
    expect(stdout.split('\n').filter((line) => line.includes('(changed)'))).toEqual([expect.stringContaining(idOf(4))])
    const report = outputs['decision-list'].schema.parse(JSON.parse((await cli('list -o json')).stdout))
    expect(report.exitCode).toBe(1)
    expect(report.decisions.filter(({ asWritten }) => !asWritten).map(({ seq }) => seq)).toEqual([6])
    expect(await cli('list --limit 3')).toMatchObject({ code: 0, stderr: '' })
  })
})

test('neighbour: a record that nobody touched is shown without a word, the first that retention has left, too', async () => {
  const chain = new ChainWriter(store.file, runFacts('run2'), noon)
  chain.prune(5, noon)
  chain.close()
  const { code, stdout, stderr } = await show(4)
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).not.toContain('not what was written')
  expect(await shown(4)).toEqual({ code: 0, asWritten: true })
  expect(await shown(5)).toEqual({ code: 0, asWritten: true })
  expect(await cli('list')).toMatchObject({ code: 0, stderr: '', stdout: expect.not.stringContaining('(changed)') })
})
