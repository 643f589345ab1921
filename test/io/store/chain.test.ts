// The chain of records: what was written is found whole, and whatever was done to the file is named.

import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CodedError } from '#core/errors.ts'
import type { EntryHead } from '#io/store/chain.ts'
import { anchorSeal, entryHash } from '#io/store/chain.ts'
import type { Batch } from '#io/store/chain-writer.ts'
import { ChainWriter, judgementWindow } from '#io/store/chain-writer.ts'
import { RecordsReader } from '#io/store/records-reader.ts'
import { migrate, migrations, schemaVersion } from '#io/store/schema.ts'
import { filledStore, idOf, runFacts, tamper, tempStore, verified } from '../../support/decision-store.ts'
import { noon } from '../../support/judging.ts'

let store: ReturnType<typeof tempStore>
let file: string

beforeEach(() => {
  store = tempStore()
  file = store.file
})

afterEach(() => store.remove())

const found = (noted?: EntryHead) => verified(file, noted).findings.map(({ kind, seq }) => [kind, seq])

function reading<T>(work: (reader: RecordsReader) => T): T {
  const reader = new RecordsReader(file)
  try {
    return work(reader)
  } finally {
    reader.close()
  }
}

const shown = () => reading((reader) => [...reader.newestFirst()].map(({ seq }) => seq))
const named = (name: string) => reading((reader) => reader.find(name).map(({ seq }) => seq))

function entryAt(seq: number): { readonly hash: string; readonly content: string } {
  const row = reading(({ database }) => database.prepare('SELECT hash, content FROM entries WHERE seq = ?').get(seq))
  return { hash: String(row?.['hash']), content: String(row?.['content']) }
}

/** Entries 1 (start), 2 to 13 (records), 14 (stop). */
const fill = () => filledStore(file, 12)

describe('a store that nobody touched', () => {
  test('is whole, and says what is in it', async () => {
    await fill()
    expect(verified(file)).toMatchObject({
      head: { seq: 14 },
      removed: 0,
      entries: 14,
      records: 12,
      runs: 1,
      unended: [],
      gaps: { marks: 0, records: 0 },
      findings: [],
    })
    // Two judgements for twelve records with sixteen uses.
    expect(verified(file).judgements).toBe(2)
  })

  test('goes on in the next run, which says how the one before ended', async () => {
    await fill()
    const killed = new ChainWriter(file, runFacts('run2'), noon)
    killed.close()
    await filledStore(file, 3, 'run3')
    const reader = new RecordsReader(file)
    const starts = [...reader.newestFirst()].flatMap((each) =>
      'entry' in each && each.entry.kind === 'start' ? [each.entry.mark] : [],
    )
    reader.close()
    expect(starts.map(({ run, previous, previousRun }) => [run, previous, previousRun])).toEqual([
      ['run3', 'unclean', 'run2'],
      ['run2', 'clean', 'run1'],
      ['run1', 'none', undefined],
    ])
    expect(verified(file)).toMatchObject({ runs: 3, unended: ['run2'], findings: [], records: 15 })
  })

  test('is found to hold a head that was noted', async () => {
    const head = await fill()
    expect(verified(file, head)).toMatchObject({ noted: 'found', findings: [] })
    expect(verified(file, { ...head, hash: '0'.repeat(64) }).noted).toBe('differs')
    await filledStore(file, 3, 'run2')
    expect(verified(file, head)).toMatchObject({ noted: 'found', findings: [] })
  })
})

describe('tampering is named', () => {
  test.each([
    ['content', `UPDATE entries SET content = replace(content, '"allowed"', '"patched"') WHERE seq = 3`, 3],
    ['the last byte', `UPDATE entries SET content = substr(content, 1, length(content) - 1) || ' ' WHERE seq = 3`, 3],
    ['time', 'UPDATE entries SET at = at + 1 WHERE seq = 4', 4],
    ['id', `UPDATE entries SET id = '${idOf(99)}' WHERE seq = 5`, 5],
    ['kind', `UPDATE entries SET kind = 'gap' WHERE seq = 6`, 6],
    ['hash', `UPDATE entries SET hash = '${'0'.repeat(64)}' WHERE seq = 7`, 7],
    ['the first entry', 'UPDATE entries SET at = at - 1 WHERE seq = 1', 1],
    ['the last entry', 'UPDATE entries SET at = at - 1 WHERE seq = 14', 14],
  ])('a changed %s', async (_what, statement, seq) => {
    await fill()
    expect(found()).toEqual([])
    tamper(file, statement)
    expect(found()).toEqual([['changed', seq]])
  })

  test('a deleted entry', async () => {
    await fill()
    tamper(file, 'DELETE FROM entries WHERE seq = 5')
    expect(found()).toEqual([['missing', 5]])
  })

  test('a deleted entry whose followers were numbered anew', async () => {
    await fill()
    tamper(
      file,
      'DELETE FROM entries WHERE seq = 5',
      ...Array.from({ length: 9 }, (_, index) => `UPDATE entries SET seq = ${5 + index} WHERE seq = ${6 + index}`),
    )
    expect(found()[0]).toEqual(['changed', 5])
  })

  test('two entries that were swapped', async () => {
    await fill()
    tamper(
      file,
      'UPDATE entries SET seq = -1 WHERE seq = 5',
      'UPDATE entries SET seq = 5 WHERE seq = 6',
      'UPDATE entries SET seq = 6 WHERE seq = -1',
    )
    expect(found()[0]).toEqual(['changed', 5])
  })

  test('an entry that was put in', async () => {
    await fill()
    tamper(file, `INSERT INTO entries SELECT 15, kind, at, id, content, hash FROM entries WHERE seq = 14`)
    expect(found()).toEqual([['changed', 15]])
  })

  test('the front cut off, with and without another anchor', async () => {
    await fill()
    const { chain } = verified(file)
    tamper(file, 'DELETE FROM entries WHERE seq <= 4')
    expect(found()).toEqual([['missing', 1]])
    const hash = 'a'.repeat(64)
    tamper(
      file,
      `UPDATE chain SET anchor_seq = 4, anchor_hash = '${hash}', seal = '${anchorSeal(chain, { seq: 4, hash })}'`,
    )
    expect(found()).toEqual([
      ['changed', 5],
      ['anchor', undefined],
    ])
  })

  test('the tail cut off, to those who have noted the head', async () => {
    const head = await fill()
    tamper(file, 'DELETE FROM entries WHERE seq > 9')
    expect(found()).toContainEqual(['judgement', undefined])
    tamper(file, 'UPDATE judgements SET last = 9')
    expect(verified(file, head).noted).toBe('beyond')
    expect(found(head)).toContainEqual(['head', 14])
  })

  test.each([0, -1])('an entry that was put before the first one, as number %i; no reader shows it', async (seq) => {
    await fill()
    tamper(file, `INSERT INTO entries SELECT ${seq}, kind, at, '${idOf(99)}', content, hash FROM entries WHERE seq = 3`)
    expect(found()).toEqual([['outside', seq]])
    expect(shown()).toEqual(Array.from({ length: 14 }, (_, index) => 14 - index))
    expect(named(idOf(99))).toEqual([])
    expect(named('uid-1')).not.toContain(seq)
  })

  test('old entries that were changed behind a beginning that was moved; no reader shows them', async () => {
    const head = await fill()
    const { chain } = verified(file)
    const { hash, content } = entryAt(9)
    const seal = anchorSeal(chain, { seq: 9, hash })
    const { run } = JSON.parse(content)
    const mark = JSON.stringify({ run, upTo: 9, hash, count: 9 })
    const made = entryHash(head.hash, { seq: 15, kind: 'pruned', at: noon, id: '', content: mark })
    tamper(
      file,
      `UPDATE chain SET anchor_seq = 9, anchor_hash = '${hash}', seal = '${seal}'`,
      `INSERT INTO entries VALUES (15, 'pruned', ${noon}, '', '${mark}', '${made}')`,
      `UPDATE entries SET content = replace(content, '"allowed"', '"patched"') WHERE seq = 3`,
    )
    expect(found(head)).toEqual(Array.from({ length: 9 }, (_, index) => ['outside', index + 1]))
    expect(shown()).toEqual([15, 14, 13, 12, 11, 10])
  })

  test.each([
    [
      'a view in the place of a table',
      'ALTER TABLE entries RENAME TO hidden',
      'CREATE VIEW entries AS SELECT * FROM hidden',
    ],
    ['a trigger', 'CREATE TRIGGER again AFTER INSERT ON entries BEGIN DELETE FROM entries WHERE seq = 1; END'],
    ['a table beside ours', 'CREATE TABLE more (a TEXT)'],
  ])('%s: the file is not read', async (_what, ...statements) => {
    await fill()
    tamper(file, ...statements)
    expect(() => verified(file)).toThrow(/the tables of the file are not those that Sealward makes/)
    expect(() => new RecordsReader(file)).toThrow(/the tables of the file/)
  })

  test('neighbour: statistics that SQLite itself has kept are no foreign table', async () => {
    await fill()
    tamper(file, 'ANALYZE')
    expect(found()).toEqual([])
  })

  test.each(['id', 'anchor_seq', 'anchor_hash', 'seal'])('a changed %s of the anchor', async (column) => {
    await fill()
    tamper(file, `UPDATE chain SET ${column} = ${column === 'anchor_seq' ? '7' : `'${'b'.repeat(32)}'`}`)
    expect(found()).toContainEqual(['anchor', undefined])
  })

  test('a missing anchor', async () => {
    await fill()
    tamper(file, 'DELETE FROM chain')
    expect(found()).toContainEqual(['anchor', undefined])
  })

  test('a changed judgement, with the first entry that names it', async () => {
    await fill()
    tamper(file, `UPDATE judgements SET content = replace(content, 'untrusted', 'trusted')`)
    // The third record is the first denial.
    expect(found()).toEqual([['judgement', 4]])
    expect(verified(file).findings[0]?.message).toMatch(
      /^the judgement [0-9a-f]{16}…, which entry 4 names, was changed$/,
    )
  })

  test('a missing judgement, and one under another name', async () => {
    await fill()
    tamper(file, `DELETE FROM judgements WHERE content LIKE '%"enforced":{"outcome":"trusted"%'`)
    expect(found()).toEqual([['judgement', 2]])
    tamper(file, `UPDATE judgements SET hash = '${'c'.repeat(64)}'`)
    expect(found().map(([kind]) => kind)).toEqual(['judgement', 'judgement', 'judgement'])
  })

  test.each([
    ['of the far past', -judgementWindow],
    ['that does not name it', 14],
    ['that is not there', 15],
  ])('a judgement noted as last named by an entry %s', async (_what, last) => {
    await fill()
    tamper(file, `UPDATE judgements SET last = ${last} WHERE content LIKE '%mallory%' OR last > 0`)
    expect(found().map(([kind]) => kind)).toContain('judgement')
  })

  test('every byte of an entry, a judgement and the anchor counts', async () => {
    await fill()
    const head = verified(file).head
    const texts = rowsOf(file)
    const bytes = readFileSync(file)
    // A text that goes on in another page stands there in parts, and a page may hold what is left of an older order of
    // its rows: the byte is changed wherever it stands.
    const parts = texts.flatMap((text) => text.match(/.{32}/gs) ?? [])
    let flips = 0
    for (const [index, part] of parts.entries()) {
      const changed = Buffer.from(bytes)
      for (let at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + 1)) {
        const place = at + (index % 32)
        changed[place] = (bytes[place] ?? 0) ^ 1
      }
      if (changed.equals(bytes)) continue
      flips += 1
      writeFileSync(file, changed)
      expect(isNoticed(head), `byte ${index % 32} of ${part}`).toBe(true)
    }
    expect(flips).toBeGreaterThan(parts.length * 0.9)
    expect(flips).toBeGreaterThan(200)
    writeFileSync(file, bytes)
    expect(isNoticed(head)).toBe(false)
  }, 60_000)

  test('a page of the file overwritten', async () => {
    await filledStore(file, 300)
    const bytes = readFileSync(file)
    expect(bytes.length).toBeGreaterThan(10 * 16_384)
    bytes.fill(0xff, 6 * 16_384, 7 * 16_384)
    writeFileSync(file, bytes)
    expect(isNoticed()).toBe(true)
  })
})

function rowsOf(path: string): readonly string[] {
  const database = new DatabaseSync(path)
  // Everything in one file, and nothing in it that does not count.
  database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
  const texts = [
    'SELECT content AS t FROM entries',
    'SELECT hash AS t FROM entries',
    'SELECT content AS t FROM judgements',
  ]
    .flatMap((query) => database.prepare(query).all())
    .map((row) => String(row['t']))
  const chain = database.prepare('SELECT * FROM chain').get() ?? {}
  database.close()
  return [...texts, String(chain['id']), String(chain['anchor_hash']), String(chain['seal'])]
}

function isNoticed(noted?: EntryHead): boolean {
  try {
    return verified(file, noted).findingCount > 0
  } catch (error) {
    if (error instanceof CodedError) return true
    throw error
  }
}

describe('retention', () => {
  const prune = (upTo: number) => {
    const chain = new ChainWriter(file, runFacts('pruner'), noon)
    const removed = chain.prune(upTo, noon)
    chain.close()
    return removed
  }

  test('removes the oldest, and the rest is still whole', async () => {
    const head = await fill()
    expect(prune(6)).toBe(6)
    expect(verified(file, head)).toMatchObject({ removed: 6, records: 7, noted: 'found', findings: [] })
    expect(prune(9)).toBe(3)
    expect(verified(file, { seq: 3, hash: 'x' })).toMatchObject({ removed: 9, noted: 'removed', findings: [] })
  })

  test('forgets no run of which something is left, and not that it was killed', async () => {
    await fill()
    const killed = new ChainWriter(file, runFacts('run2'), noon)
    killed.append({
      entries: `1 gap ${noon}  {"run":"run2","n":1,"count":1,"why":"full","from":1,"until":1}`,
      last: 1,
      judgements: [],
      named: [],
    })
    // Its start mark, too; what is left of it are a gap and the mark of retention.
    expect(killed.prune(15, noon)).toBe(15)
    expect(verified(file)).toMatchObject({ runs: 1, unended: ['run2'], findings: [] })
    killed.close()
    new ChainWriter(file, runFacts('run3'), noon).close()
    expect(verified(file)).toMatchObject({ runs: 2, unended: ['run2', 'run3'], findings: [] })
    const start = reading((reader) => [...reader.newestFirst()][0])
    expect(start).toMatchObject({ entry: { kind: 'start', mark: { previous: 'unclean', previousRun: 'run2' } } })
  })

  test('neighbour: of a run that ended in order it is not said that it was killed', async () => {
    await fill()
    const pruner = new ChainWriter(file, runFacts('run2'), noon)
    pruner.append({ entries: `1 stop ${noon}  {"run":"run2","n":1}`, last: 1, judgements: [], named: [] })
    expect(pruner.prune(15, noon)).toBe(15)
    pruner.close()
    new ChainWriter(file, runFacts('run3'), noon).close()
    expect(verified(file)).toMatchObject({ runs: 2, unended: ['run3'], findings: [] })
    const start = reading((reader) => [...reader.newestFirst()][0])
    expect(start).toMatchObject({ entry: { kind: 'start', mark: { previous: 'clean', previousRun: 'run2' } } })
  })

  test('never removes the newest entry', async () => {
    await fill()
    prune(1_000_000)
    expect(verified(file)).toMatchObject({ findings: [] })
    expect(verified(file).entries).toBeGreaterThan(0)
  })

  test('a front that was cut off beyond what was removed is found', async () => {
    await fill()
    prune(6)
    tamper(file, 'DELETE FROM entries WHERE seq = 7')
    expect(found()).toEqual([['missing', 7]])
  })

  test.each([
    [{ since: noon + 5 }, 6],
    [{ since: noon - 1 }, 0],
    [{ records: 4 }, 10],
    [{ since: noon + 5, records: 4 }, 10],
    [{ records: 100 }, 0],
    [{ since: noon + 1_000_000 }, 14],
  ])('by age and number: %j', async (keep, upTo) => {
    await fill()
    const chain = new ChainWriter(file, runFacts(), noon)
    expect(chain.outdated(keep, 1_000)).toBe(upTo)
    expect(chain.outdated(keep, 2)).toBe(Math.min(upTo, 2))
    chain.close()
  })

  test('removes judgements that no entry names any more, and no others', () => {
    const chain = new ChainWriter(file, runFacts(), noon)
    const gap = (n: number) => JSON.stringify({ run: 'run1', n, count: 1, why: 'full', from: 1, until: 1 })
    const append = (
      from: number,
      count: number,
      judgements: readonly string[],
      named: readonly (string | number)[],
    ) => {
      const numbers = Array.from({ length: count }, (_, index) => from + index)
      const entries = numbers.map((n) => `${n} gap ${noon}  ${gap(n)}`).join('\n')
      chain.append({ entries, last: from + count - 1, judgements, named })
    }
    append(1, 1, ['old', '{}', 'used', '{}'], ['old', 0, 'used', 0])
    append(2, judgementWindow, [], [])
    append(2 + judgementWindow, 1, [], ['used', 0])
    chain.prune(3 + judgementWindow, noon)
    chain.close()
    const database = new DatabaseSync(file)
    expect(database.prepare('SELECT hash FROM judgements').all()).toMatchObject([{ hash: 'used' }])
    database.close()
  })
})

describe('the file', () => {
  test('of an older version is brought up to date, and keeps its chain', async () => {
    const step = migrations[0]
    if (step === undefined) throw new Error('there is no first version')
    const database = new DatabaseSync(file)
    migrate(database, [step])
    const chain = database.prepare('SELECT id FROM chain').get()?.['id']
    const added = (each: DatabaseSync) => each.exec('CREATE TABLE later (x INTEGER) STRICT')
    migrate(database, [step, added])
    migrate(database, [step, added])
    expect(database.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: 2 })
    expect(database.prepare('SELECT count(*) AS n FROM later').get()).toMatchObject({ n: 0 })
    expect(database.prepare('SELECT id FROM chain').get()?.['id']).toBe(chain)
    database.close()
  })

  test('a step that fails leaves the version before', () => {
    const database = new DatabaseSync(file)
    migrate(database)
    const broken = () => {
      database.exec('CREATE TABLE half (x INTEGER) STRICT')
      throw new Error('power cut')
    }
    expect(() => migrate(database, [...migrations, broken])).toThrow('power cut')
    expect(database.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: schemaVersion })
    expect(database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'half'").get()).toMatchObject({
      n: 0,
    })
    database.close()
  })

  const codeOfOpening = (open: () => { close(): void }) => {
    try {
      open().close()
      return 'opened'
    } catch (error) {
      return error instanceof CodedError ? error.code : error
    }
  }
  const write = () => new ChainWriter(file, runFacts(), noon)
  const read = () => new RecordsReader(file)

  test('of a later version is refused, and left as it is', async () => {
    await fill()
    expect([codeOfOpening(write), codeOfOpening(read)]).toEqual(['opened', 'opened'])
    tamper(file, `PRAGMA user_version = ${schemaVersion + 1}`)
    const before = statSync(file).mtimeMs
    expect([codeOfOpening(write), codeOfOpening(read)]).toEqual(['store-newer', 'store-newer'])
    expect(statSync(file).mtimeMs).toBe(before)
  })

  test('of something else is refused', () => {
    tamper(file, 'CREATE TABLE accounts (x INTEGER)')
    expect([codeOfOpening(write), codeOfOpening(read)]).toEqual(['store-foreign', 'store-foreign'])
    writeFileSync(file, 'this is no database, however long it is'.repeat(100))
    expect([codeOfOpening(write), codeOfOpening(read)]).toEqual(['store-unusable', 'store-unusable'])
  })

  test('that is not there is made for a writer, and refused to a reader', () => {
    expect(codeOfOpening(read)).toBe('store-unusable')
    expect(codeOfOpening(write)).toBe('opened')
    expect(codeOfOpening(read)).toBe('opened')
  })

  test('that is made is for its owner alone, and so are the files beside it; one that is there keeps its mode', () => {
    const modes = () => ['', '-wal', '-shm'].map((end) => (statSync(`${file}${end}`).mode & 0o777).toString(8))
    const chain = write()
    expect(modes()).toEqual(['600', '600', '600'])
    chain.close()
    chmodSync(file, 0o640)
    const again = write()
    expect(modes()).toEqual(['640', '640', '640'])
    again.close()
  })

  test('can be read while somebody writes', async () => {
    const chain = new ChainWriter(file, runFacts(), noon)
    expect(verified(file)).toMatchObject({ entries: 1, findings: [] })
    chain.close()
  })
})

describe('appending', () => {
  const batch = (run: string, numbers: readonly number[], parts: Partial<Batch> = {}): Batch => ({
    entries: numbers.map((n) => `${n} stop ${noon}  ${JSON.stringify({ run, n })}`).join('\n'),
    last: numbers.at(-1) ?? 0,
    judgements: [],
    named: [],
    ...parts,
  })

  test('what was written already is not written again, by the same run in another thread', () => {
    const first = new ChainWriter(file, runFacts(), noon)
    expect(first.append(batch('run1', [1, 2]))).toBe('written')
    first.close()
    const second = new ChainWriter(file, runFacts(), noon)
    expect(second.append(batch('run1', [1, 2]))).toBe('written')
    expect(second.append(batch('run1', [3]))).toBe('written')
    second.close()
    // One start, three entries.
    expect(verified(file)).toMatchObject({ entries: 4, runs: 1, findings: [] })
  })

  test('an entry whose judgement is nowhere is not written; with its text it is', () => {
    const chain = new ChainWriter(file, runFacts(), noon)
    expect(chain.append(batch('run1', [1], { named: ['x', 0] }))).toBe('missing')
    expect(chain.append(batch('run1', [1], { named: ['x', 0], judgements: ['x', '{}'] }))).toBe('written')
    expect(chain.append(batch('run1', [2], { named: ['x', 0] }))).toBe('written')
    chain.close()
    expect(verified(file).entries).toBe(3)
  })

  test('two processes share one chain', () => {
    const [one, two] = [new ChainWriter(file, runFacts('one'), noon), new ChainWriter(file, runFacts('two'), noon)]
    for (const n of [1, 2, 3]) {
      one.append(batch('one', [n]))
      two.append(batch('two', [n]))
    }
    one.close()
    two.close()
    expect(verified(file)).toMatchObject({ entries: 8, runs: 2, findings: [] })
  })

  test('a file that was removed, or replaced by another, is noticed', async () => {
    const chain = new ChainWriter(file, runFacts(), noon)
    expect(chain.append(batch('run1', [1]))).toBe('written')
    rmSync(file)
    expect(() => chain.append(batch('run1', [2]))).toThrow(/ENOENT/)
    writeFileSync(file, '')
    expect(() => chain.append(batch('run1', [2]))).toThrow(/replaced/)
    chain.close()
  })
})
