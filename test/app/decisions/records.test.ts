// The queue of records: what it writes, what it loses when it must, and what it says about that.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EntryBatch, RecordWriter, WriteOutcome } from '#app/decisions/writer.ts'
import { denied } from '#core/admission/answer.ts'
import { ChainWriter } from '#io/store/chain-writer.ts'
import { RecordsReader } from '#io/store/records-reader.ts'
import {
  answerOf,
  decisions,
  directWriter,
  recording,
  request,
  runFacts,
  tempStore,
  verified,
} from '../../support/decision-store.ts'
import { noon } from '../../support/judging.ts'

const { good, bad } = await decisions()
const answered = (decision = good) =>
  ({ path: 'mutate', request: request(), answer: answerOf(decision), decision }) as const
const serverDenial = { path: 'mutate', request: request(), answer: denied('overloaded', 'too many') } as const

let store: ReturnType<typeof tempStore>

beforeEach(() => {
  store = tempStore()
})

afterEach(() => store.remove())

const entriesOf = (batch: EntryBatch) =>
  batch.entries.split('\n').map((line) => {
    const [, n, kind, content = ''] = /^(\d+) ([a-z]+) \d+ \S* (.*)$/.exec(line) ?? []
    return { ...JSON.parse(content), n: Number(n), kind }
  })

/** A writer whose answers are given here; it keeps the batches that it wrote. */
function scripted(script: (batch: EntryBatch) => WriteOutcome | Promise<WriteOutcome>) {
  const batches: EntryBatch[] = []
  const writer: RecordWriter = {
    async write(batch) {
      const outcome = await script(batch)
      if (outcome.kind === 'written') batches.push(batch)
      return outcome
    },
    close: async () => {},
  }
  const entries = () => batches.flatMap(entriesOf)
  return { writer, batches, entries }
}

const written = (): WriteOutcome => ({ kind: 'written' })
const away = (): WriteOutcome => ({ kind: 'away', problem: 'disk full' })

describe('records', () => {
  test('are written in batches, each once and in order, with a stop mark at the end', async () => {
    const { writer, batches, entries } = scripted(written)
    const { records, events } = recording(writer)
    for (let index = 0; index < 5; index++) records.add(answered())
    records.add(serverDenial)
    expect(await records.close(1_000)).toBe(0)
    expect(batches).toHaveLength(1)
    expect(entries().map(({ n, kind }) => [n, kind])).toEqual([
      ...[1, 2, 3, 4, 5, 6].map((n) => [n, 'decision']),
      [7, 'stop'],
    ])
    expect(entries()[5]).toMatchObject({ answer: 'denied', code: 'overloaded' })
    expect(events).toEqual([{ kind: 'written', count: 6 }])
    // Five decisions share a judgement: its text goes along once.
    expect(batches[0]?.judgements).toHaveLength(2)
    expect(batches[0]?.named).toEqual([batches[0]?.judgements[0], 4])
  })

  test('leave by themselves, without anybody who closes', async () => {
    const { writer, entries } = scripted(written)
    const { records } = recording(writer)
    records.add(answered())
    await expect.poll(() => entries().length).toBe(1)
    expect(records.report()).toEqual({ state: 'writing', waiting: 0, dropped: 0 })
    records.add(answered())
    await expect.poll(() => entries().length).toBe(2)
    await records.close(1_000)
  })

  test('of one batch are no more than it may hold', async () => {
    const { writer, batches } = scripted(written)
    const { records } = recording(writer, { limits: { batchRecords: 3 } })
    for (let index = 0; index < 7; index++) records.add(answered())
    await records.close(1_000)
    expect(batches.map((batch) => entriesOf(batch).length)).toEqual([3, 3, 2])
  })

  test('of large texts make small batches', async () => {
    const { writer, batches } = scripted(written)
    const { records } = recording(writer, { limits: { batchBytes: 1 } })
    for (let index = 0; index < 3; index++) records.add(answered())
    await records.close(1_000)
    expect(batches.length).toBeGreaterThanOrEqual(3)
  })
})

describe('a full queue', () => {
  test.each([
    ['records', { records: 3 }],
    ['bytes', { bytes: 3_000 }],
  ])('by %s loses the newest, counts them, and leaves a gap at their place', async (_what, limits) => {
    let open: () => void = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const { writer, entries } = scripted(async () => {
      await opened
      return written()
    })
    const { records, events } = recording(writer, { limits })
    for (let index = 0; index < 10; index++) records.add(answered())
    const kept = records.report().waiting
    expect(kept).toBeGreaterThan(0)
    expect(kept).toBeLessThan(10)
    expect(records.report().dropped).toBe(10 - kept)
    open()
    await expect.poll(() => records.report().waiting).toBe(0)
    records.add(answered())
    await records.close(1_000)
    expect(entries().map(({ kind }) => kind)).toEqual([...Array(kept).fill('decision'), 'gap', 'decision', 'stop'])
    expect(entries()[kept]).toMatchObject({ kind: 'gap', count: 10 - kept, why: 'full', from: noon, until: noon })
    expect(events.filter(({ kind }) => kind === 'dropped')).toHaveLength(10 - kept)
  })

  test('that is emptied in time loses nothing', async () => {
    const { writer, entries } = scripted(written)
    const { records } = recording(writer, { limits: { records: 3 } })
    for (let index = 0; index < 10; index++) {
      records.add(answered())
      await expect.poll(() => records.report().waiting).toBe(0)
    }
    await records.close(1_000)
    expect(entries().filter(({ kind }) => kind === 'gap')).toEqual([])
  })
})

describe('a store that is away', () => {
  test('is tried again until it is back: told once, nothing lost, nothing twice', async () => {
    let [isBack, attempts] = [false, 0]
    const { writer, entries } = scripted(() => {
      attempts += 1
      return isBack ? written() : away()
    })
    const { records, events } = recording(writer)
    records.add(answered())
    await expect.poll(() => records.report()).toMatchObject({ state: 'away', problem: 'disk full', waiting: 1 })
    records.add(answered(bad))
    await expect.poll(() => attempts).toBeGreaterThan(3)
    isBack = true
    await expect.poll(() => records.report()).toEqual({ state: 'writing', waiting: 0, dropped: 0 })
    await records.close(1_000)
    expect(entries().map(({ kind }) => kind)).toEqual(['decision', 'decision', 'stop'])
    expect(events.filter(({ kind }) => kind !== 'written')).toEqual([
      { kind: 'away', problem: 'disk full' },
      { kind: 'back' },
    ])
  })

  test('for good: closing ends in time, and says how many are lost', async () => {
    const { writer } = scripted(away)
    const { records } = recording(writer)
    for (let index = 0; index < 4; index++) records.add(answered())
    expect(await records.close(50)).toBe(4)
    expect(records.report().state).toBe('away')
  })

  test('a writer that does not answer counts as away', async () => {
    const { writer } = scripted(() => new Promise(() => {}))
    const { records, events } = recording(writer, { timing: { patienceMs: 20 } })
    records.add(answered())
    await expect.poll(() => events).toEqual([{ kind: 'away', problem: 'nothing was written for 0.02 seconds' }])
    expect(await records.close(10)).toBe(1)
  })

  test('a batch that cannot be written is a gap, and the next one is written', async () => {
    let isFirst = true
    const { writer, entries } = scripted(() => {
      const outcome: WriteOutcome = isFirst ? { kind: 'refused', problem: 'a defect' } : written()
      isFirst = false
      return outcome
    })
    const { records, events } = recording(writer, { limits: { batchRecords: 2 } })
    for (let index = 0; index < 3; index++) records.add(answered())
    await records.close(1_000)
    expect(entries().map(({ kind }) => kind)).toEqual(['gap', 'decision', 'stop'])
    expect(entries()[0]).toMatchObject({ count: 2, why: 'refused' })
    expect(events).toContainEqual({ kind: 'dropped', count: 2, why: 'refused', problem: 'a defect' })
  })

  test('a store that forgot a judgement is told it again by the same process', async () => {
    const first = new ChainWriter(store.file, runFacts(), noon)
    let chain = first
    const { records } = recording({
      write: async (batch) => ({ kind: chain.append(batch) }),
      close: async () => chain.close(),
    })
    records.add(answered())
    await expect.poll(() => records.report().waiting).toBe(0)
    first.close()
    const other = tempStore()
    chain = new ChainWriter(other.file, runFacts(), noon)
    records.add(answered())
    await records.close(1_000)
    expect(verified(other.file)).toMatchObject({ records: 1, judgements: 1, findings: [] })
    other.remove()
  })
})

test('nobody who listens, and nothing that an answer holds, can stop the records', async () => {
  const { writer, entries } = scripted(written)
  const { records } = recording(writer)
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  const broken = { ...good, policies: circular } as never
  records.add({ ...answered(), decision: broken })
  records.add(answered())
  await records.close(1_000)
  expect(entries().map(({ kind }) => kind)).toEqual(['gap', 'decision', 'stop'])
  expect(entries()[0]).toMatchObject({ count: 1, why: 'refused' })
})

test('what is added after the end is counted as lost', async () => {
  const { writer, entries } = scripted(written)
  const { records, events } = recording(writer)
  await records.close(1_000)
  records.add(answered())
  expect(records.report().dropped).toBe(1)
  expect(events).toEqual([{ kind: 'dropped', count: 1, why: 'full' }])
  expect(entries().map(({ kind }) => kind)).toEqual(['stop'])
})

test('a reader finds a record by id, by uid, and by the beginning of either', async () => {
  const { records } = recording(directWriter(new ChainWriter(store.file, runFacts(), noon)))
  const id = '01KABCDEFGHJKMNPQRSTVWXYZ0'
  records.add({ ...answered(), request: request({ uid: 'f00-1' }), decision: { ...good, id } })
  records.add({
    ...answered(),
    request: request({ uid: 'f00-2', name: ',"uid":"f00-1' }),
    decision: { ...good, id: id.replace('C', 'X') },
  })
  await records.close(1_000)
  const reader = new RecordsReader(store.file)
  const uids = (name: string) =>
    reader.find(name).map(({ entry }) => (entry.kind === 'decision' ? entry.record.uid : entry.kind))
  expect(uids(id)).toEqual(['f00-1'])
  expect(uids(id.slice(0, 8).toLowerCase())).toEqual(['f00-1'])
  expect(uids('01K')).toEqual(['f00-2', 'f00-1'])
  expect(uids('f00-1')).toEqual(['f00-1'])
  expect(uids('f00')).toEqual(['f00-2', 'f00-1'])
  expect(uids('f00-3')).toEqual([])
  expect(uids('%')).toEqual([])
  reader.close()
})
