// The readers of the store of decisions: its texts, and the file itself, in which anybody may have written.

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect } from 'vitest'
import { judgementText, recordOf, recordText } from '#core/decision/record.ts'
import { ChainWriter } from '#io/store/chain-writer.ts'
import { damageOfLog } from '#io/store/log-damage.ts'
import { RecordsReader } from '#io/store/records-reader.ts'
import { readEntry, readJudgement } from '#io/store/stored-record.ts'
import { verifyChain } from '#io/store/verify.ts'
import { answerOf, decisions, filledStore, request, runFacts } from '../support/decision-store.ts'
import { bytes, texts } from './hostile.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { fileWith, folder } from './scratch.ts'

const { good, bad } = await decisions()
const hash = 'a'.repeat(64)

const count = fc.nat(1_000_000)
const run = fc.stringMatching(/^[0-9a-zA-Z]{1,16}$/)
const decision = fc.tuple(run, count, fc.constantFrom(good, bad), fc.string()).map(([name, n, made, uid]) => {
  const answered = { path: 'mutate' as const, request: request({ uid }), answer: answerOf(made), decision: made }
  return ['decision', recordText(recordOf({ run: name, n }, answered, () => hash))] as const
})
const mark = fc.oneof(
  fc
    .record({
      run,
      version: fc.string(),
      host: fc.string(),
      previous: fc.constantFrom('none', 'clean'),
      previousRun: run,
    })
    .map((value) => ['start', recordText(value)] as const),
  fc
    .record({ run, n: count, count, why: fc.constantFrom('full', 'refused'), from: count, until: count })
    .map((value) => ['gap', recordText(value)] as const),
  fc.record({ run, n: count }).map((value) => ['stop', recordText(value)] as const),
)
/** The kind stands in a column of its own; here it is the first word. */
const stored = fc
  .oneof(decision, mark)
  .map(([kind, text]) => ({ input: `${kind} ${text}`, means: { kind, value: JSON.parse(text) } }))

const judgements = [...good.verdicts, ...bad.verdicts].flatMap(({ judgement }) =>
  judgement === undefined ? [] : [judgementText(judgement)],
)

const words = [
  'decision',
  'start',
  'gap',
  'uses',
  'outcome',
  'trusted',
  'digest',
  'finding',
  'signature',
  'of',
  'run',
  'n',
]

const entries = 5
const original = join(folder, 'original.db')
await filledStore(original, entries)
const store = { input: new Uint8Array(readFileSync(original)), means: 0 }

/** Always of one name, which messages tell. SQLite leaves logs beside a file. */
function copyOf(content: Uint8Array): string {
  const file = join(folder, 'decisions.db')
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
  return fileWith('decisions.db', content)
}

function walk(content: Uint8Array) {
  const reader = new RecordsReader(copyOf(content))
  try {
    const found = [...reader.newestFirst()].length
    return { found, findings: verifyChain(reader.database).findingCount }
  } finally {
    reader.close()
  }
}

const storeCodes = ['store-unusable', 'store-newer', 'store-foreign', 'store-malformed'] as const

/** Of a store whose process was killed: a start and three more transactions. */
const log = (() => {
  const file = join(folder, 'killed.db')
  const chain = new ChainWriter(file, runFacts(), 0)
  for (const n of [1, 2, 3]) {
    chain.append({ entries: `${n} stop 0  {"run":"run1","n":${n}}`, last: n, judgements: [], named: [] })
  }
  const input = new Uint8Array(readFileSync(`${file}-wal`))
  chain.close()
  return { input, means: undefined }
})()

export const storeReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/io/store/stored-record.ts readEntry'],
    form: texts('json', words),
    read: (text) => {
      const space = text.indexOf(' ')
      return readEntry(text.slice(0, Math.max(space, 0)), text.slice(space + 1), 'entry 1')
    },
    written: stored,
    meaningOf: (entry) => ({ kind: entry.kind, value: entry.kind === 'decision' ? entry.record : entry.mark }),
    refuses: ['store-malformed'],
    rewrite: (entry) => `${entry.kind} ${recordText(entry.kind === 'decision' ? entry.record : entry.mark)}`,
  }),
  propertiesOf({
    of: ['src/io/store/stored-record.ts readJudgement'],
    form: texts('json', words),
    read: (text) => readJudgement(text, 'judgement 1'),
    written: fc.constantFrom(...judgements).map((input) => ({ input, means: JSON.parse(input) })),
    refuses: ['store-malformed'],
    rewrite: recordText,
  }),
  propertiesOf({
    of: ['src/io/store/log-damage.ts damageOfLog'],
    form: bytes('bytes', ['7\u007f\u0006\u0082']),
    read: (content) => {
      const file = copyOf(store.input)
      fileWith('decisions.db-wal', content)
      return damageOfLog(file)
    },
    written: fc.constant(log),
    refuses: [],
    promises: (damage) => expect(damage?.transactions ?? 1).toBeGreaterThan(0),
    runs: 50,
  }),
  propertiesOf({
    of: ['src/io/store/database.ts openForReading'],
    form: bytes('bytes', ['SQLite format 3', 'CREATE TABLE', 'decision']),
    read: walk,
    written: fc.constant(store),
    meaningOf: ({ findings }) => findings,
    refuses: storeCodes,
    runs: 50,
  }),
  propertiesOf({
    of: ['src/io/store/database.ts openForWriting', 'src/io/store/chain-writer.ts placeOf'],
    form: bytes('bytes', ['SQLite format 3', '"run":"', '"n":']),
    read: (content) => {
      const file = copyOf(content)
      new ChainWriter(file, runFacts('run2'), 0).close()
      return walk(readFileSync(file)).findings
    },
    written: fc.constant(store),
    refuses: storeCodes,
    promises: (findings) => expect(findings).toBeGreaterThanOrEqual(0),
    runs: 30,
  }),
]
