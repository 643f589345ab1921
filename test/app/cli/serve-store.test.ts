// `sealward serve --store` as a process: what is on record after a stop, a kill, and whatever can happen to a file. The
// decisions themselves are made all the while, and their answers are the right ones.

import { execFile, spawn } from 'node:child_process'
import { openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RecordsReader } from '#io/store/records-reader.ts'
import { schemaVersion } from '#io/store/schema.ts'
import { runCli } from '../../support/cli.ts'
import { filledStore, tamper, tempStore, verified } from '../../support/decision-store.ts'
import type { Served, ServedOptions } from '../../support/served.ts'
import { startServed } from '../../support/served.ts'

const run = promisify(execFile)

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

async function serve(options: ServedOptions = {}): Promise<Served> {
  served = await startServed(store.folder, { ...options, flags: ['--store', store.file, ...(options.flags ?? [])] })
  return served
}

/** The uids on record, the oldest first, and how many entries are no decisions. */
function recorded(): { readonly uids: readonly string[]; readonly gaps: number } {
  const reader = new RecordsReader(store.file)
  const entries = [...reader.newestFirst()].reverse()
  reader.close()
  const uids = entries.flatMap((each) =>
    'entry' in each && each.entry.kind === 'decision' ? [each.entry.record.uid] : [],
  )
  return { uids, gaps: entries.filter((each) => 'entry' in each && each.entry.kind === 'gap').length }
}

async function isDenied({ ask }: Served, uid: string, parts?: object): Promise<void> {
  const { allowed, status } = await ask(uid, parts)
  expect([allowed, status?.message]).toEqual([false, expect.stringContaining('code: no-rule')])
}

const state = async ({ ready }: Served) => ((await ready())['decisions'] as { state: string } | undefined)?.state

describe('a store', () => {
  test('holds every decision after a stop, ends its run, and is silent about it', async () => {
    const now = await serve()
    for (let n = 0; n < 20; n++) await isDenied(now, `u${n}`)
    await expect.poll(() => now.metrics()).toContain('sealward_decision_records_total{outcome="written"} 20')
    expect(await now.metrics()).toContain('sealward_decision_store_up 1')
    expect(await state(now)).toBe('writing')
    expect(await now.end()).toBe(0)
    expect(now.stderr()).toMatch(/^sealward: listening on \S+\n$/)
    expect(recorded()).toEqual({ uids: Array.from({ length: 20 }, (_, n) => `u${n}`), gaps: 0 })
    expect(verified(store.file)).toMatchObject({ records: 20, unended: [], findings: [] })
  }, 60_000)

  test('is flushed by a stop at once, without waiting for its interval', async () => {
    const now = await serve()
    await Promise.all(Array.from({ length: 50 }, (_, n) => isDenied(now, `u${n}`)))
    expect(await now.end()).toBe(0)
    expect(verified(store.file)).toMatchObject({ records: 50, unended: [], gaps: { records: 0 } })
  }, 60_000)

  test('is not made, and nothing is kept, where none was named', async () => {
    served = await startServed(store.folder)
    await isDenied(served, 'u')
    expect(await served.ready()).not.toHaveProperty('decisions')
    expect(await served.end()).toBe(0)
    expect(() => readFileSync(store.file)).toThrow(/ENOENT/)
  }, 60_000)

  test('holds nothing of an object, a token or a group', async () => {
    const now = await serve()
    const secret = 'hunter2-is-my-token'
    await isDenied(now, 'u', {
      object: {
        metadata: { annotations: { token: secret } },
        spec: { containers: [{ name: 'c', image: 'alpine', env: [{ name: 'PASSWORD', value: secret }] }] },
      },
      oldObject: { metadata: { labels: { secret } } },
      userInfo: { username: 'somebody', uid: secret, groups: [secret], extra: { secret: [secret] } },
    })
    expect(await now.end()).toBe(0)
    expect(recorded().uids).toEqual(['u'])
    expect(readFileSync(store.file).includes('somebody')).toBe(true)
    expect(readFileSync(store.file).includes(secret)).toBe(false)
  }, 60_000)

  test('keeps no more records than it was told', async () => {
    await filledStore(store.file, 500)
    const now = await serve({ flags: ['--store-keep', 'forever', '--store-keep-records', '100'] })
    await isDenied(now, 'u1')
    await expect.poll(() => verified(store.file).removed, { timeout: 5_000 }).toBeGreaterThan(400)
    await now.end()
    expect(verified(store.file).findings).toEqual([])
    expect(verified(store.file).entries).toBeLessThan(110)
  }, 60_000)

  test('keeps records no longer than it was told', async () => {
    // Made at a noon of the past.
    await filledStore(store.file, 30)
    const forever = await serve({ flags: ['--store-keep', 'forever'] })
    await isDenied(forever, 'u1')
    await forever.end()
    expect(verified(store.file).removed).toBe(0)
    const now = await serve({ flags: ['--store-keep', '1h'] })
    await isDenied(now, 'u2')
    await expect.poll(() => verified(store.file).removed, { timeout: 5_000 }).toBeGreaterThan(30)
    await now.end()
    expect(recorded().uids).toContain('u2')
    expect(verified(store.file).findings).toEqual([])
  }, 60_000)
})

describe('AD-17: a dry run', () => {
  /** What is on record, and the files that there are beside those that were there before. */
  async function outcomeOf(dryRun: boolean) {
    const now = await serve()
    const before = readdirSync(store.folder)
    await isDenied(now, 'u1', { dryRun })
    await now.end()
    const { stdout } = await runCli(['decisions', 'list', '--store', store.file, '-o', 'json'])
    const marks = JSON.parse(stdout).decisions.map((each: { uid: string; dryRun: boolean }) => [each.uid, each.dryRun])
    return { marks, more: readdirSync(store.folder).filter((name) => !before.includes(name)) }
  }

  test('is on record, marked so, and writes nothing else', async () => {
    expect(await outcomeOf(true)).toEqual({ marks: [['u1', true]], more: [] })
  }, 60_000)

  test('neighbour: another run is on record without the mark', async () => {
    expect(await outcomeOf(false)).toEqual({ marks: [['u1', false]], more: [] })
  }, 60_000)
})

describe('FT-02: a process that ends under load', () => {
  interface Load {
    readonly answered: readonly { readonly uid: string; readonly at: number }[]
    readonly wrong: readonly string[]
    readonly endedAt: number
    readonly code: number | null
  }

  /** Eight clients, who ask until the process is ended, after some seconds. */
  async function underLoad(now: Served, name: string, signal: NodeJS.Signals): Promise<Load> {
    const answered: { uid: string; at: number }[] = []
    const wrong: string[] = []
    let sent = 0
    let isOver = false
    const clients = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const uid = `${name}-${++sent}`
        // Who gets no answer any more has to ask elsewhere; that is no wrong answer.
        const answer = await now.ask(uid).catch(() => undefined)
        if (answer === undefined) return
        if (answer.allowed) wrong.push(uid)
        answered.push({ uid, at: performance.now() })
      }
    })
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    isOver = signal === 'SIGKILL'
    const endedAt = performance.now()
    const code = await now.end(signal)
    await Promise.all(clients)
    return { answered, wrong, endedAt, code }
  }

  const missing = ({ answered }: Pick<Load, 'answered'>) => {
    const known = new Set(recorded().uids)
    return answered.map(({ uid }) => uid).filter((uid) => !known.has(uid))
  }

  test('neighbour: told to stop, has recorded everything that it answered, and ends its run', async () => {
    const load = await underLoad(await serve(), 'r', 'SIGTERM')
    expect([load.code, load.wrong, missing(load)]).toEqual([0, [], []])
    expect(load.answered.length).toBeGreaterThan(20)
    expect(verified(store.file)).toMatchObject({ unended: [], gaps: { records: 0 }, findings: [] })
  }, 60_000)

  test('killed, has given no wrong answer: the record is whole, and lacks only what was answered in the last moment', async () => {
    for (const round of [1, 2]) {
      const { answered, wrong, endedAt } = await underLoad(await serve(), `r${round}`, 'SIGKILL')
      // A batch leaves after 50 ms; the rest is for the transaction, on a machine that does ten other things.
      const due = answered.filter(({ at }) => at < endedAt - 1_000)
      expect(due.length).toBeGreaterThan(20)
      expect([wrong, missing({ answered: due })]).toEqual([[], []])
      const { uids, gaps } = recorded()
      expect([new Set(uids).size, gaps]).toEqual([uids.length, 0])
      const { code, stdout } = await runCli(['decisions', 'verify', '--store', store.file])
      expect([code, stdout]).toEqual([0, expect.stringContaining('The record is whole.')])
    }
    const now = await serve()
    await isDenied(now, 'last')
    await now.end()
    expect(verified(store.file)).toMatchObject({ runs: 3, unended: { length: 2 }, findings: [] })
  }, 90_000)
})

describe('FT-06: a store that is away costs no answer', () => {
  test('locked by another process: records wait for it, and are all written after', async () => {
    const now = await serve()
    await isDenied(now, 'before')
    await expect.poll(() => recorded().uids).toEqual(['before'])
    const lock = spawn(process.execPath, [
      '-e',
      `const { DatabaseSync } = require('node:sqlite')
       const database = new DatabaseSync(${JSON.stringify(store.file)})
       database.exec('BEGIN IMMEDIATE')
       process.stdout.write('locked')
       setInterval(() => {}, 1000)`,
    ])
    await new Promise((resolve) => lock.stdout.once('data', resolve))
    for (let n = 0; n < 5; n++) await isDenied(now, `during-${n}`)
    await expect.poll(() => state(now), { timeout: 15_000 }).toBe('away')
    expect(await now.ready()).toMatchObject({ ready: true, decisions: { problem: expect.stringContaining('locked') } })
    expect(await now.metrics()).toContain('sealward_decision_store_up 0')
    await isDenied(now, 'while-away')
    expect(await now.metrics()).toMatch(/^sealward_decision_records_waiting 6$/m)
    const freed = new Promise((resolve) => lock.once('exit', resolve))
    lock.kill('SIGKILL')
    await freed
    await expect.poll(() => state(now), { timeout: 20_000 }).toBe('writing')
    await isDenied(now, 'after')
    expect(await now.end()).toBe(0)
    const expected = ['before', ...[0, 1, 2, 3, 4].map((n) => `during-${n}`), 'while-away', 'after']
    expect(recorded()).toEqual({ uids: expected, gaps: 0 })
    expect(verified(store.file).findings).toEqual([])
    // Said once, however often it was tried.
    expect(now.stderr().match(/"the store of decision records is away/g)).toHaveLength(1)
  }, 90_000)

  test('disk full: records wait for room, and are all written when there is some', async () => {
    // Files of this process may not grow beyond 256 KiB: what a full disk looks like, with an end.
    const now = await serve({ shell: "trap '' XFSZ; ulimit -S -f 256" })
    let n = 0
    while ((await state(now)) === 'writing' && n < 5_000) {
      await Promise.all(Array.from({ length: 50 }, () => isDenied(now, `u${++n}`)))
    }
    expect(await state(now)).toBe('away')
    await isDenied(now, `u${++n}`)
    expect(verified(store.file).findings).toEqual([])
    await run('prlimit', ['--pid', String(now.process.pid), '--fsize=unlimited'])
    await expect.poll(() => state(now), { timeout: 20_000 }).toBe('writing')
    expect(await now.end()).toBe(0)
    const { uids, gaps } = recorded()
    expect([new Set(uids).size, uids.length, gaps]).toEqual([n, n, 0])
    expect(verified(store.file).findings).toEqual([])
  }, 90_000)

  test('the file overwritten while nobody serves: the next start says so', async () => {
    const now = await serve()
    for (let n = 0; n < 50; n++) await isDenied(now, `u${n}`)
    await expect.poll(() => recorded().uids.length).toBe(50)
    await now.end('SIGKILL')
    rmSync(`${store.file}-wal`, { force: true })
    rmSync(`${store.file}-shm`, { force: true })
    writeFileSync(store.file, 'this was a database'.repeat(5_000))
    await expect(startServed(store.folder, { flags: ['--store', store.file] })).rejects.toThrow(/code: store-unusable/)
  }, 60_000)

  test('the file damaged while it is in use: answers go on, and the log says it', async () => {
    const now = await serve()
    await isDenied(now, 'u1')
    await expect.poll(() => recorded().uids).toEqual(['u1'])
    const handle = openSync(store.file, 'r+')
    writeSync(handle, Buffer.alloc(100_000, 0xff), 0, 100_000, 0)
    for (const file of [`${store.file}-wal`, `${store.file}-shm`]) {
      writeSync(openSync(file, 'r+'), Buffer.alloc(100_000, 0xff), 0, 100_000, 0)
    }
    for (let n = 0; n < 10; n++) await isDenied(now, `v${n}`)
    await expect.poll(() => state(now), { timeout: 10_000 }).toBe('away')
    await isDenied(now, 'w')
    expect(await now.end()).toBe(0)
    expect(now.stderr()).toContain('the store of decision records is away')
    expect(now.stderr()).toContain('"lost":11')
  }, 60_000)

  test('the file removed: a new one is begun, with what was answered since', async () => {
    const now = await serve()
    await isDenied(now, 'u1')
    await expect.poll(() => recorded().uids).toEqual(['u1'])
    for (const end of ['', '-wal', '-shm']) rmSync(`${store.file}${end}`, { force: true })
    await isDenied(now, 'u2')
    await expect.poll(() => recorded().uids, { timeout: 10_000 }).toEqual(['u2'])
    expect(await now.end()).toBe(0)
    expect(verified(store.file)).toMatchObject({ runs: 1, records: 1, findings: [] })
  }, 60_000)
})

describe('a store that cannot be used is refused before anything is served', () => {
  const refused = async (path: string, ...flags: string[]) => {
    writeFileSync(
      join(store.folder, 'policy.yaml'),
      'apiVersion: sealward.dev/v1alpha1\nkind: ClusterTrustPolicy\nmetadata: { name: a }\nspec: { mode: Enforce, otherwise: Deny }\n',
    )
    const args = ['serve', '--policy', join(store.folder, 'policy.yaml'), '--listen', '127.0.0.1:0', '--store', path]
    const { code, stderr } = await runCli([...args, ...flags])
    expect(code).toBe(2)
    return /code: (\S+)/.exec(stderr)?.[1]
  }

  test('a folder that is not there, a file that is none of ours, or a later version’s', async () => {
    expect(await refused(join(store.folder, 'no', 'such', 'place.db'))).toBe('store-unusable')
    writeFileSync(store.file, 'no database at all'.repeat(1_000))
    expect(await refused(store.file)).toBe('store-unusable')
    rmSync(store.file)
    tamper(store.file, 'CREATE TABLE accounts (x INTEGER)')
    expect(await refused(store.file)).toBe('store-foreign')
    rmSync(store.file)
    await filledStore(store.file, 1)
    tamper(store.file, `PRAGMA user_version = ${schemaVersion + 1}`)
    expect(await refused(store.folder)).toBe('store-newer')
  }, 60_000)

  test.each([
    ['--store-keep', 'soon'],
    ['--store-keep', '0d'],
    ['--store-keep-records', '0'],
  ])('%s %s', async (flag, value) => {
    expect(await refused(store.file, flag, value)).toBe('usage')
  })

  test('a database elsewhere', async () => {
    expect(await refused('postgres://db/sealward')).toBe('usage')
  })
})
