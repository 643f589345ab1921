// Warm admissions with every decision on record: the same load, the same yardstick, and a store that must keep up.

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Bench, Row, Scenario } from '../scenario.ts'
import { compare } from './warm.ts'

export const warmRecords: Scenario = {
  name: 'warm-records',
  about: 'warm-digest with --store: processor time of all threads, the writer of records among them',
  run: async (bench) => {
    const store = join(bench.folder, 'decisions.db')
    const goals = {
      perSecond: { kind: 'at least', limit: 0.5 },
      cpu: { kind: 'at most', limit: 2 },
      p50: undefined,
    } as const
    const rows = await compare(bench, ({ digest }) => digest, 1, goals, { flags: ['--store', store] })
    return [...rows, ...(await storeRows(bench, store))]
  },
}

async function storeRows(bench: Bench, store: string): Promise<readonly Row[]> {
  // The last batch leaves within the interval of the queue.
  await new Promise((resolve) => setTimeout(resolve, bench.smoke ? 500 : 2_000))
  const database = new DatabaseSync(store, { readOnly: true })
  const count = (kind: string) =>
    Number(database.prepare('SELECT count(*) AS n FROM entries WHERE kind = ?').get(kind)?.['n'])
  const [records, gaps] = [count('decision'), count('gap')]
  database.close()
  return [
    { figure: 'records written', value: records, unit: '' },
    { figure: 'gap entries', value: gaps, unit: '', goal: { kind: 'exactly', limit: 0, of: 'value' } },
  ]
}
