// One wrong bit in what a killed `serve` has left beside its store: told by every command, and by the next start.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { outputs } from '#app/cli/output.ts'
import { runHere } from '../../support/cli.ts'
import { tempStore } from '../../support/decision-store.ts'
import type { Served } from '../../support/served.ts'
import { startServed } from '../../support/served.ts'

let store: ReturnType<typeof tempStore>
let served: Served | undefined

beforeEach(() => {
  store = tempStore()
})

afterEach(() => {
  served?.process.kill('SIGKILL')
  served = undefined
  store.remove()
})

const log = () => `${store.file}-wal`
const cli = (line: string) => runHere(`decisions ${line} --store ${store.file}`, { cwd: store.folder })
const verification = async () =>
  outputs['decision-verification'].schema.parse(JSON.parse((await cli('verify -o json')).stdout))
const list = async () => outputs['decision-list'].schema.parse(JSON.parse((await cli('list -o json')).stdout))

async function serve(): Promise<Served> {
  served = await startServed(store.folder, { flags: ['--store', store.file] })
  return served
}

/** Twenty decisions in as many batches, and the end of the process. */
async function killed(): Promise<void> {
  const now = await serve()
  for (let n = 1; n <= 20; n++) {
    await now.ask(`u${n}`)
    await expect.poll(() => now.metrics()).toContain(`sealward_decision_records_total{outcome="written"} ${n}\n`)
  }
  await now.end('SIGKILL')
}

function flipInTheMiddle(): void {
  const bytes = readFileSync(log())
  const frame = 24 + 16_384
  const place = 32 + Math.floor((bytes.length - 32) / frame / 2) * frame + 5_000
  bytes[place] = (bytes[place] ?? 0) ^ 4
  writeFileSync(log(), bytes)
}

test('neighbour: with no wrong bit, all is there, and nothing is said', async () => {
  await killed()
  expect(await cli('verify')).toMatchObject({ code: 0, stderr: '' })
  expect(await list()).toMatchObject({ exitCode: 0, endDamaged: false, decisions: { length: 20 } })
  const now = await serve()
  await now.end()
  expect(now.stderr()).not.toContain('damaged')
  expect(await verification()).toMatchObject({ whole: true, records: 20, damages: { marks: 0 } })
}, 60_000)

test('is a finding of verify, and a warning of list and show', async () => {
  await killed()
  flipInTheMiddle()
  const { code, stdout } = await cli('verify')
  expect([code, stdout]).toEqual([1, expect.stringContaining('decisions.db-wal is damaged: ')])
  expect(stdout).not.toContain('The record is whole')
  expect(await verification()).toMatchObject({ exitCode: 1, whole: false, findings: [{ kind: 'log' }] })
  const listed = await cli('list')
  expect([listed.code, listed.stderr]).toEqual([2, expect.stringContaining('the end of the record is damaged')])
  expect(await list()).toMatchObject({ exitCode: 2, endDamaged: true })
  const shown = await cli('show u20')
  expect([shown.code, shown.stderr]).toEqual([2, expect.stringContaining('the end of the record is damaged')])
}, 60_000)

test('is told by the next start, which keeps what it found and marks the loss', async () => {
  await killed()
  flipInTheMiddle()
  const bytes = readFileSync(log())
  const now = await serve()
  expect(now.stderr()).toMatch(/"level":"error".*the end of the record of decisions was damaged/)
  await now.ask('later')
  await now.end()
  const [copy = ''] = readdirSync(store.folder).filter((name) => name.startsWith('decisions.db-wal.damaged-'))
  expect(now.stderr()).toContain(copy)
  expect(readFileSync(`${store.folder}/${copy}`).equals(bytes)).toBe(true)
  const { code, stdout } = await cli('verify')
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^damages: {2}1, with at least \d+ batch/m)])
  expect(await verification()).toMatchObject({ whole: true, damages: { marks: 1 } })
  expect(await list()).toMatchObject({ exitCode: 0, damages: [{ transactions: expect.any(Number) }] })
  expect((await cli('list')).stdout).toMatch(/ {2}damage: at least \d+ batch/)
  expect((await cli('list --since 1m -n nowhere')).stdout).toContain('damage: ')
  expect((await cli('list --since 2100-01-01T00:00:00Z')).stdout).not.toContain('damage: ')
}, 60_000)
