// The thread that writes: dies, is started again, and neither loses nor repeats what it was given.

import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { spawnThread } from '#app/cli/store-flags.ts'
import type { Batch } from '#io/store/chain-writer.ts'
import { startWriter } from '#io/store/writer-handle.ts'
import { refusalCode } from '../../support/coded.ts'
import { answerOf, decisions, recording, request, runFacts, tempStore, verified } from '../../support/decision-store.ts'
import { noon } from '../../support/judging.ts'

const { good } = await decisions()

let store: ReturnType<typeof tempStore>
let workers: Worker[]

beforeEach(() => {
  store = tempStore()
  workers = []
})

afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.terminate()))
  store.remove()
})

function spawn(): Worker {
  const worker = spawnThread({ file: store.file, facts: runFacts(), keep: {} })
  workers.push(worker)
  return worker
}

const batch = (from: number, count: number): Batch => ({
  entries: Array.from({ length: count }, (_, index) => {
    const n = from + index
    return `${n} gap ${noon}  ${JSON.stringify({ run: 'run1', n, count: 1, why: 'full', from: 1, until: 1 })}`
  }).join('\n'),
  last: from + count - 1,
  judgements: [],
  named: [],
})

describe('the thread', () => {
  test('writes, and ends when it is told', async () => {
    const writer = await startWriter(spawn)
    expect(await writer.write(batch(1, 3))).toEqual({ kind: 'written' })
    await writer.close()
    expect(verified(store.file)).toMatchObject({ entries: 4, findings: [] })
    expect(workers).toHaveLength(1)
  })

  test('that died is started again for the next batch; nothing is written twice', async () => {
    const writer = await startWriter(spawn)
    expect(await writer.write(batch(1, 3))).toEqual({ kind: 'written' })
    const dying = writer.write(batch(4, 20_000))
    await workers[0]?.terminate()
    const first = await dying
    // It may have come so far as to write, and not so far as to say so.
    expect(['written', 'away']).toContain(first.kind)
    expect(await writer.write(batch(4, 20_000))).toEqual({ kind: 'written' })
    expect(await writer.write(batch(20_004, 1))).toEqual({ kind: 'written' })
    await writer.close()
    expect(workers).toHaveLength(2)
    expect(verified(store.file)).toMatchObject({ entries: 20_005, runs: 1, findings: [] })
  })

  test('that dies of the same batch again and again refuses it', async () => {
    let isOpened = false
    const writer = await startWriter(() => {
      const worker = spawn()
      if (isOpened) worker.once('online', () => void worker.terminate())
      isOpened = true
      return worker
    })
    await workers[0]?.terminate()
    const outcomes: string[] = []
    for (let attempt = 0; attempt < 5; attempt++) outcomes.push((await writer.write(batch(1, 1))).kind)
    expect(outcomes).toEqual(['away', 'away', 'away', 'away', 'refused'])
  })

  test('that cannot open the store says so at once', async () => {
    const place = { file: `${store.folder}/no/such/place.db`, facts: runFacts(), keep: {} }
    expect(await refusalCode(startWriter(() => spawnThread(place)))).toBe('store-unusable')
  })

  test('that cannot be started is no exception later', async () => {
    let isFirst = true
    const writer = await startWriter(() => {
      if (!isFirst) throw new Error('no more threads')
      isFirst = false
      return spawn()
    })
    await workers[0]?.terminate()
    expect(await writer.write(batch(1, 1))).toEqual({
      kind: 'away',
      problem: expect.stringContaining('no more threads'),
    })
  })

  test('killed while records come loses none of them', async () => {
    const { records, events } = recording(await startWriter(spawn))
    for (let n = 0; n < 600; n++) {
      records.add({ path: 'mutate', request: request({ uid: `u${n}` }), answer: answerOf(good), decision: good })
      if (n % 200 !== 100) continue
      await workers.at(-1)?.terminate()
      // One death a batch: whoever is dead before it has begun to write dies of the same batch again.
      await expect.poll(() => records.report().waiting, { timeout: 20_000 }).toBe(0)
    }
    expect(await records.close(20_000)).toBe(0)
    expect(workers.length).toBeGreaterThan(1)
    expect(verified(store.file)).toMatchObject({ records: 600, gaps: { records: 0 }, unended: [], findings: [] })
    expect(events.some(({ kind }) => kind === 'dropped')).toBe(false)
  }, 60_000)
})
