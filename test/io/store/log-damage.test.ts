// The write-ahead log of a store whose process was killed: what SQLite would silently drop is found before it does, and
// what a kill leaves behind is no damage.

import { copyFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Batch } from '#io/store/chain-writer.ts'
import { ChainWriter } from '#io/store/chain-writer.ts'
import { damageOfLog } from '#io/store/log-damage.ts'
import { runFacts, tempStore, verified } from '../../support/decision-store.ts'
import { noon } from '../../support/judging.ts'

let store: ReturnType<typeof tempStore>
/** As it lies there after a kill; and its log. */
let file: string
let log: string

beforeEach(() => {
  store = tempStore()
  file = `${store.folder}/killed.db`
  log = `${file}-wal`
})

afterEach(() => store.remove())

const batch = (n: number): Batch => ({
  entries: `${n} gap ${noon}  ${JSON.stringify({ run: 'run1', n, count: 1, why: 'full', from: 1, until: 1 })}`,
  last: n,
  judgements: [],
  named: [],
})

/** What is on the disk now, as if the process ended here. */
function killed(from: string): void {
  copyFileSync(from, file)
  copyFileSync(`${from}-wal`, log)
}

/** A start and five batches in the log. */
function killedUnderLoad(): void {
  const chain = new ChainWriter(store.file, runFacts(), noon)
  for (let n = 1; n <= 5; n++) chain.append(batch(n))
  killed(store.file)
  chain.close()
}

const headerBytes = 32
const frameBytes = 24 + 16_384

function flip(place: number, bit = 1): void {
  const bytes = readFileSync(log)
  bytes[place] = (bytes[place] ?? 0) ^ bit
  writeFileSync(log, bytes)
}

const frameAt = (n: number) => headerBytes + n * frameBytes
const frames = () => (statSync(log).size - headerBytes) / frameBytes

describe('a log that a kill left behind', () => {
  test('is read to its end', () => {
    killedUnderLoad()
    expect(frames()).toBeGreaterThan(8)
    expect(damageOfLog(file)).toBeUndefined()
    expect(verified(file)).toMatchObject({ entries: 6, findings: [] })
  })

  test.each([
    ['within its last frame', () => frameAt(frames() - 1) + 1_000],
    ['behind the header of its last frame', () => frameAt(frames() - 1) + 24],
    ['between two frames', () => frameAt(frames() - 1)],
    ['within its header', () => 20],
    ['at its beginning', () => 0],
  ])('cut off %s has lost nothing that is certain', (_where, size) => {
    killedUnderLoad()
    truncateSync(log, size())
    expect(damageOfLog(file)).toBeUndefined()
  })

  test('whose last frame was not written whole has lost nothing that is certain', () => {
    killedUnderLoad()
    flip(frameAt(frames() - 1) + 5_000)
    expect(damageOfLog(file)).toBeUndefined()
  })

  test('that is not there is no damage', () => {
    expect(damageOfLog(file)).toBeUndefined()
    killedUnderLoad()
    writeFileSync(log, '')
    expect(damageOfLog(file)).toBeUndefined()
  })

  test('behind which lies what was written before the file was used anew is whole', () => {
    const chain = new ChainWriter(store.file, runFacts(), noon)
    for (let n = 1; n <= 5; n++) chain.append(batch(n))
    const other = new DatabaseSync(store.file)
    other.exec('PRAGMA wal_checkpoint(RESTART)')
    other.close()
    const before = statSync(`${store.file}-wal`).size
    chain.append(batch(6))
    killed(store.file)
    chain.close()
    // The new transaction stands at the beginning, the old ones still behind it.
    expect(statSync(log).size).toBe(before)
    expect(damageOfLog(file)).toBeUndefined()
    expect(verified(file)).toMatchObject({ entries: 7, findings: [] })
  })

  test('behind which lies what is left of a transaction that was never committed is whole', () => {
    const chain = new ChainWriter(store.file, runFacts(), noon)
    chain.append(batch(1))
    const other = new DatabaseSync(store.file)
    // So small a cache that pages are written before the commit.
    other.exec('PRAGMA cache_size = 1; BEGIN IMMEDIATE')
    const insert = other.prepare(
      "INSERT INTO judgements (hash, content, last) VALUES (?, printf('%.*c', 10000, 'x'), 1)",
    )
    for (let n = 0; n < 40; n++) insert.run(String(n))
    other.exec('ROLLBACK')
    other.close()
    const before = statSync(`${store.file}-wal`).size
    chain.append(batch(2))
    killed(store.file)
    chain.close()
    expect(statSync(log).size).toBe(before)
    expect(damageOfLog(file)).toBeUndefined()
    expect(verified(file)).toMatchObject({ entries: 3, findings: [] })
    flip(frameAt(0) + 100)
    expect(damageOfLog(file)).toMatchObject({ transactions: expect.any(Number) })
  })
})

describe('one wrong bit', () => {
  test.each([
    ['the number of the page', 0],
    ['what says that it is a commit', 5],
    ['the first salt', 8],
    ['the second salt', 15],
    ['the first checksum', 16],
    ['the second checksum', 23],
    ['the first byte of the page', 24],
    ['the last byte of the page', frameBytes - 1],
  ])('in %s of any frame but the last is found', (_what, offset) => {
    killedUnderLoad()
    const bytes = readFileSync(log)
    for (let n = 0; n < frames() - 1; n++) {
      flip(frameAt(n) + offset)
      const damage = damageOfLog(file)
      expect(damage?.frames, `frame ${n}`).toBeGreaterThan(0)
      expect(damage?.frames, `frame ${n}`).toBeLessThanOrEqual(frames())
      writeFileSync(log, bytes)
    }
    expect(damageOfLog(file)).toBeUndefined()
  })

  test('in any byte of the header is found', () => {
    killedUnderLoad()
    for (let n = 0; n < headerBytes; n++) {
      flip(n)
      expect(damageOfLog(file), `byte ${n}`).toMatchObject({ frames: frames(), transactions: 7 })
      flip(n)
    }
    expect(damageOfLog(file)).toBeUndefined()
  })

  test.each([
    ['sector', 512],
    ['block', 4_096],
    ['page', headerBytes + frameBytes],
  ])('of its first %s, header and all, is found', (_what, bytes) => {
    killedUnderLoad()
    writeFileSync(log, readFileSync(log).fill(0, 0, bytes))
    expect(damageOfLog(file)).toMatchObject({ frames: frames(), transactions: expect.toSatisfy((n: number) => n >= 5) })
  })

  test('is a finding of whoever verifies, as often as it is asked', () => {
    killedUnderLoad()
    flip(frameAt(frames() - 3) + 100)
    for (let turn = 0; turn < 2; turn++) {
      const { findings } = verified(file)
      expect(findings.map(({ kind }) => kind)).toEqual(['log'])
      expect(findings[0]?.message).toMatch(/-wal is damaged: \d+ frames of it, with at least \d+ batch/)
    }
  })
})

describe('whoever opens a store whose log is damaged', () => {
  const next = () => new ChainWriter(file, runFacts('run2'), noon)

  test('keeps a copy, marks the loss in the chain, and finds nothing more to tell', () => {
    killedUnderLoad()
    flip(frameAt(3) + 100)
    const bytes = readFileSync(log)
    const found = damageOfLog(file)
    const chain = next()
    const { damage } = chain
    expect(damage).toMatchObject({ log, frames: found?.frames, transactions: found?.transactions })
    const copy = damage !== undefined && 'file' in damage.copy ? damage.copy.file : ''
    expect(readFileSync(copy).equals(bytes)).toBe(true)
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    chain.append(batch(1))
    // While it writes, and after a kill of its own.
    expect(verified(file)).toMatchObject({
      damages: { marks: 1, transactions: found?.transactions },
      findings: [],
    })
    expect(damageOfLog(file)).toBeUndefined()
    chain.close()
    const again = new ChainWriter(file, runFacts('run3'), noon)
    expect(again.damage).toBeUndefined()
    again.close()
    expect(verified(file)).toMatchObject({ damages: { marks: 1 }, findings: [] })
  })

  test('does so in the midst of a run, too', () => {
    killedUnderLoad()
    flip(frameAt(frames() - 2) + 100)
    const chain = new ChainWriter(file, runFacts('run1'), noon)
    expect(chain.damage).toBeDefined()
    chain.close()
    expect(verified(file)).toMatchObject({ runs: 1, damages: { marks: 1 }, findings: [] })
  })

  test('leaves a copy alone that was kept before', () => {
    killedUnderLoad()
    flip(frameAt(3) + 100)
    const copy = `${log}.damaged-${damageOfLog(file)?.salts}`
    writeFileSync(copy, 'an earlier start has kept it')
    const chain = next()
    expect(chain.damage?.copy).toEqual({ file: copy })
    chain.close()
    expect(readFileSync(copy, 'utf8')).toBe('an earlier start has kept it')
  })

  test('goes on where no copy can be kept, and says why', () => {
    // With what is added to the name of a copy, it is too long for the file system.
    file = `${store.folder}/${'x'.repeat(235)}`
    log = `${file}-wal`
    killedUnderLoad()
    flip(frameAt(3) + 100)
    const chain = next()
    expect(chain.damage?.copy).toEqual({ problem: expect.stringContaining('ENAMETOOLONG') })
    chain.close()
    expect(verified(file)).toMatchObject({ damages: { marks: 1 }, findings: [] })
  })

  test('neighbour: of one that is not damaged keeps and marks nothing', () => {
    killedUnderLoad()
    const chain = next()
    expect(chain.damage).toBeUndefined()
    chain.close()
    expect(readdirSync(store.folder).filter((name) => name.includes('damaged'))).toEqual([])
    expect(verified(file)).toMatchObject({ damages: { marks: 0 }, records: 0, entries: 7, findings: [] })
  })
})
