// `sealward decisions`: what an auditor sees, and what tampering looks like from outside.

import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { outputs } from '#app/cli/output.ts'
import { allowedWithPatch, denied } from '#core/admission/answer.ts'
import { denialText } from '#core/decision/explain.ts'
import { ChainWriter } from '#io/store/chain-writer.ts'
import { runCli, runHere } from '../../support/cli.ts'
import {
  decisions,
  directWriter,
  filledStore,
  idOf,
  recording,
  request,
  runFacts,
  tamper,
  tempStore,
} from '../../support/decision-store.ts'
import { name, noon } from '../../support/judging.ts'

const { good, bad } = await decisions()

let store: ReturnType<typeof tempStore>

beforeEach(() => {
  store = tempStore()
})

afterEach(() => store.remove())

const cli = (line: string) => runHere(line, { cwd: store.folder })
const list = async (flags = '') => cli(`decisions list --store ${store.file}${flags}`)
const listed = async (flags = '') => {
  const { code, stdout, stderr } = await list(`${flags} -o json`)
  expect([code, stderr]).toEqual([0, ''])
  return outputs['decision-list'].schema.parse(JSON.parse(stdout))
}

/** Three hours of three decisions: allowed in prod, denied in test, and a dry run that a server denied. */
async function mixed(): Promise<void> {
  const { records } = recording(directWriter(new ChainWriter(store.file, runFacts(), noon)))
  records.add({
    path: 'mutate',
    request: request({ uid: 'aa-1', name: 'web' }),
    answer: allowedWithPatch([{ op: 'replace', path: '/x', value: 'y' }]),
    decision: { ...good, id: idOf(1), at: noon },
  })
  records.add({
    path: 'validate',
    request: request({ uid: 'aa-2', namespace: 'test', userInfo: { username: 'mallory', groups: [] } }),
    answer: denied('signature-by-stranger', denialText({ ...bad, id: idOf(2) })),
    decision: { ...bad, id: idOf(2), at: noon + 3_600_000 },
  })
  records.add({
    path: 'mutate',
    request: request({ uid: 'bb-3', dryRun: true }),
    answer: denied('overloaded', 'Too many requests wait to be judged.'),
  })
  await records.close(1_000)
}

describe('decisions list', () => {
  test('shows the newest first, one line each', async () => {
    await mixed()
    const { code, stdout, stderr } = await list()
    expect([code, stderr]).toEqual([0, ''])
    const [head, ...lines] = stdout.trimEnd().split('\n')
    expect(head).toMatch(/^TIME +ANSWER +NAMESPACE +OBJECT +CODE +IMAGES +ID$/)
    expect(lines.map((line) => line.split(/ {2,}/).slice(1, 6))).toEqual([
      ['denied (dry run)', 'prod', 'Pod', 'overloaded', '-'],
      ['denied', 'test', 'Pod', 'signature-by-stranger', `${name}:v1 +1`],
      ['pinned', 'prod', 'Pod/web', '-', `${name}:v1`],
    ])
    expect(lines[2]).toMatch(new RegExp(`^2026-06-01T12:00:00Z .* ${idOf(1)}$`))
  })

  test.each([
    ['', ['bb-3', 'aa-2', 'aa-1']],
    [' --outcome denied', ['bb-3', 'aa-2']],
    [' --outcome allowed', ['aa-1']],
    [' -n test', ['aa-2']],
    [' -n prod', ['bb-3', 'aa-1']],
    [' --image app:v2', ['aa-2']],
    [' --image app:v1', ['aa-2', 'aa-1']],
    [' --code overloaded', ['bb-3']],
    [' --code signature-by-stranger', ['aa-2']],
    [' --since 2026-06-01T13:00:00Z', ['aa-2']],
    [' --until 2026-06-01T12:30:00Z', ['bb-3', 'aa-1']],
    [' --since 1h', []],
    [' --outcome denied -n test --image v1 --code signature-by-stranger', ['aa-2']],
    [' --outcome allowed -n test', []],
  ])('with%s lists those and no others', async (flags, uids) => {
    await mixed()
    expect((await listed(flags)).decisions.map(({ uid }) => uid)).toEqual(uids)
  })

  test('ends at its limit, and says that there are more', async () => {
    await filledStore(store.file, 30)
    expect(await listed()).toMatchObject({ more: true })
    expect((await listed()).decisions).toHaveLength(20)
    expect(await listed(' --limit 30')).toMatchObject({ more: false })
    expect((await listed(' --limit 2')).decisions.map(({ seq }) => seq)).toEqual([31, 30])
    expect((await list(' --limit 2')).stdout).toContain('There are more; --limit shows them.')
  })

  test('shows gaps where one might belong to the answer', async () => {
    const { records } = recording(directWriter(new ChainWriter(store.file, runFacts(), noon)), {
      limits: { records: 1 },
    })
    for (const uid of ['u1', 'u2', 'u3']) {
      records.add({ path: 'mutate', request: request({ uid }), answer: denied('overloaded', 'no') })
    }
    await records.close(1_000)
    expect(await listed()).toMatchObject({ gaps: [{ count: 2, why: 'full' }], decisions: [{ uid: 'u1' }] })
    expect((await listed(' -n elsewhere')).gaps).toHaveLength(1)
    expect((await listed(' --since 2026-06-02T00:00:00Z')).gaps).toEqual([])
    expect((await list()).stdout).toContain('gap: 2 records until 2026-06-01T12:00:00.000Z lost')
  })

  test('says that a store holds nothing that fits', async () => {
    await filledStore(store.file, 1)
    expect(await list(' -n nowhere')).toMatchObject({ code: 0, stdout: 'No decision on record fits.\n' })
  })

  test('lists what can be read, and fails for what cannot', async () => {
    await filledStore(store.file, 4)
    tamper(store.file, `UPDATE entries SET content = '{}' WHERE seq = 3`)
    const { code, stdout, stderr } = await list(' -o json')
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ exitCode: 2, unreadable: 1, decisions: { length: 3 } })
    expect(stderr).toContain('1 entry is not as Sealward writes them')
  })

  test('refuses a time that ends before it begins', async () => {
    await filledStore(store.file, 1)
    const { code, stderr } = await list(' --since 1h --until 2h')
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--since is later than --until\ncode: usage/)])
    for (const times of [' --since 2h --until 1h', ' --since 2026-06-01T12:00:00Z --until 2026-06-01T12:00:00Z']) {
      expect(await list(times)).toMatchObject({ code: 0 })
    }
  })

  test.each([' --since yesterday', ' --until 5', ' --limit 0', ' --limit x', ' --code signature-mising'])(
    'refuses%s',
    async (flags) => {
      await filledStore(store.file, 1)
      expect(await list(flags)).toMatchObject({ code: 2, stderr: expect.stringContaining('code: usage') })
    },
  )

  test('prints nothing that steers a terminal', async () => {
    const { records } = recording(directWriter(new ChainWriter(store.file, runFacts(), noon)))
    const evil = '\u001b[31mred\u202e\n'
    const kind = { group: evil, version: evil, kind: evil }
    records.add({
      path: 'mutate',
      request: request({ uid: 'u1', name: evil, namespace: evil, kind, userInfo: { username: evil, groups: [] } }),
      answer: denied('overloaded', evil),
    })
    await records.close(1_000)
    for (const { stdout } of [await list(), await cli(`decisions show --store ${store.file} u1`)]) {
      expect(stdout).toContain('red')
      expect(stdout.match(/[^\P{Cc}\n]|\p{Cf}/u)).toBeNull()
    }
  })
})

describe('decisions show', () => {
  const show = (words: string) => cli(`decisions show --store ${store.file} ${words}`)
  const shown = async (words: string) => {
    const { code, stdout, stderr } = await show(`${words} -o json`)
    expect([code, stderr]).toEqual([0, ''])
    return outputs.decision.schema.parse(JSON.parse(stdout)).decisions
  }

  test('prints the denial word for word, with who, what, when and which policies', async () => {
    await mixed()
    const { code, stdout } = await show(idOf(2))
    expect(code).toBe(0)
    expect(stdout).toContain(denialText({ ...bad, id: idOf(2) }))
    for (const line of [
      `decision: ${idOf(2)}  (entry 3 of the record)`,
      'at:       2026-06-01T13:00:00.000Z',
      'answer:   denied by /validate',
      'code:     signature-by-stranger',
      'object:   CREATE v1 Pod in namespace test',
      'user:     mallory',
      'request:  aa-2',
      `policy:   production (Enforce, revision ${bad.policies[0]?.revision})`,
    ]) {
      expect(stdout).toContain(`${line}\n`)
    }
    expect(stdout).toContain(`trusted  ${name}:v1`)
    expect(stdout).toContain('✗ signature by "release" (key "release"): unsatisfied, signature-by-stranger')
  })

  test('prints what was trusted, by whom, and what was pinned', async () => {
    await mixed()
    const { stdout } = await show(idOf(1))
    expect(stdout).toContain('answer:   patched by /mutate')
    expect(stdout).toContain(`pinned:   ${name}:v1 → ${good.pins[0]?.to}`)
    expect(stdout).toContain('✓ line 1 of the toy tag [toy] by "release"')
  })

  test('speaks another language when asked', async () => {
    await mixed()
    const { stdout } = await show(`${idOf(2)} --language zh`)
    expect(stdout).toContain(denialText({ ...bad, id: idOf(2) }, 'zh').split('\n')[0])
    const [report] = await shown(`${idOf(2)} --language zh`)
    expect(report?.message).toBe(denialText({ ...bad, id: idOf(2) }, 'zh'))
    expect((await shown(`${idOf(2)} --language en`))[0]?.message).toBe(denialText({ ...bad, id: idOf(2) }))
  })

  test('keeps the words of the day, even if today’s would be others', async () => {
    const { records } = recording(directWriter(new ChainWriter(store.file, runFacts(), noon)))
    const answer = denied('signature-by-stranger', 'as an older version put it')
    records.add({ path: 'mutate', request: request(), answer, decision: { ...bad, id: idOf(1) } })
    await records.close(1_000)
    expect((await shown(idOf(1)))[0]?.message).toBe('as an older version put it')
    expect((await show(idOf(1))).stdout).toContain('as an older version put it')
  })

  test('takes an id, a uid, or the beginning of one that begins so', async () => {
    await mixed()
    for (const words of [idOf(2), 'aa-2', 'bb', idOf(2).toLowerCase()]) {
      expect((await shown(words))[0]?.uid, words).toBe(words === 'bb' ? 'bb-3' : 'aa-2')
    }
    expect(await show('aa')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the beginning of several: aa-2, aa-1'),
    })
    expect(await show('zz')).toMatchObject({ code: 2, stderr: expect.stringContaining('code: record-not-found') })
  })

  test('shows every record of a request that was sent twice', async () => {
    const { records } = recording(directWriter(new ChainWriter(store.file, runFacts(), noon)))
    for (const path of ['mutate', 'validate'] as const) {
      records.add({ path, request: request({ uid: 'twice' }), answer: denied('overloaded', 'no') })
    }
    await records.close(1_000)
    expect((await shown('twice')).map(({ path }) => path)).toEqual(['validate', 'mutate'])
  })

  test('fails where the judgement behind a verdict is not there any more', async () => {
    await mixed()
    tamper(store.file, 'DELETE FROM judgements')
    expect(await show(idOf(2))).toMatchObject({ code: 2, stderr: expect.stringContaining('code: store-malformed') })
  })
})

describe('decisions verify', () => {
  const verify = (flags = '') => cli(`decisions verify --store ${store.file}${flags}`)
  const report = async (flags = '') => {
    const { stdout } = await verify(`${flags} -o json`)
    return outputs['decision-verification'].schema.parse(JSON.parse(stdout))
  }

  test('of a whole record ends with 0 and prints its head, which can be held against it later', async () => {
    const head = await filledStore(store.file, 12)
    const { code, stdout, stderr } = await verify()
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      new RegExp(
        `^The record is whole\\.\nrecords: {2}12\ngaps: {5}none\nruns: {5}1\nchain: {4}[0-9a-f]{32}\nhead: {5}14:${head.hash}\n$`,
      ),
    )
    const note = stdout.slice(stdout.indexOf('head:') + 5).trim()
    await filledStore(store.file, 3, 'run2')
    expect(await verify(` --expect-head ${note}`)).toMatchObject({ code: 0 })
    expect(await report(` --expect-head ${note}`)).toMatchObject({ expectedHead: 'found', whole: true, runs: 2 })
  })

  test('of a changed record ends with 1 and names it', async () => {
    await filledStore(store.file, 12)
    tamper(store.file, `UPDATE entries SET content = replace(content, 'somebody', 'nobody!!') WHERE seq = 6`)
    const { code, stdout } = await verify()
    expect(code).toBe(1)
    expect(stdout).toContain(`✗ entry 6 (decision ${idOf(4)}) was changed\nThe record is not as it was written.`)
    expect(await report()).toMatchObject({
      exitCode: 1,
      whole: false,
      findings: [{ kind: 'changed', seq: 6, id: idOf(4) }],
    })
  })

  test('of a record whose end was cut off ends with 1 for those who noted the head', async () => {
    const head = await filledStore(store.file, 12)
    const flags = ` --expect-head ${head.seq}:${head.hash}`
    expect((await verify(flags)).code).toBe(0)
    tamper(store.file, 'DELETE FROM entries WHERE seq > 10', 'UPDATE judgements SET last = 10')
    expect(await verify(flags)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('what came after 10 was cut off'),
    })
  })

  test('of a head that retention has removed ends with 3', async () => {
    const head = await filledStore(store.file, 5)
    const chain = new ChainWriter(store.file, runFacts('next'), noon)
    chain.prune(head.seq, noon)
    chain.close()
    expect((await verify(` --expect-head ${head.seq}:${head.hash}`)).code).toBe(0)
    expect(await verify(` --expect-head 2:${head.hash}`)).toMatchObject({ code: 3 })
    expect(await verify()).toMatchObject({ code: 0, stdout: expect.stringContaining('that retention removed') })
  })

  test.each(['1', '1:abc', `x:${'a'.repeat(64)}`, `1:${'A'.repeat(64)}`])('refuses the head %s', async (head) => {
    await filledStore(store.file, 1)
    expect(await verify(` --expect-head ${head}`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('SEQ:HASH'),
    })
  })

  test.each([
    ['nothing at all', (file: string) => writeFileSync(file, '')],
    ['a database of something else', (file: string) => tamper(file, 'CREATE TABLE accounts (x INTEGER)')],
  ])('of a file that holds %s does not send anybody to itself', async (_what, make) => {
    make(store.file)
    const { code, stderr } = await verify()
    expect([code, stderr]).toEqual([2, expect.stringContaining('code: store-foreign\nnext: Name the store')])
    expect(stderr).not.toContain('decisions verify')
  })

  test('of a file that is missing or cut short says nothing that only serve can do', async () => {
    for (const line of ['verify', 'list']) {
      const { stderr } = await cli(`decisions ${line} --store ${store.file}`)
      expect(stderr).toContain('code: store-unusable\nnext: Check the path')
      expect(stderr).not.toContain('without --store')
    }
  })

  test('of a file that cannot be read ends with 2', async () => {
    const missing = await verify()
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringContaining(`${store.file}: there is no such file\n`),
    ])
    expect(missing.stderr).toContain('code: store-unusable')
    writeFileSync(store.file, 'no database')
    expect(await verify()).toMatchObject({ code: 2, stderr: expect.stringContaining('code: store-unusable') })
  })
})

describe('--store', () => {
  test('of a folder is the file in it', async () => {
    await filledStore(store.file, 1)
    expect(await cli(`decisions verify --store ${store.folder}`)).toMatchObject({ code: 0 })
  })

  test.each([
    ['decisions list', 'name the store'],
    ['decisions verify --store postgres://db/x', 'not supported yet'],
  ])('%s is refused', async (line, message) => {
    expect(await cli(line)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })

  test('of a copy that nobody may write is read, without a word of SQLite’s or Node’s on standard error', async () => {
    await filledStore(store.file, 3)
    const folder = join(store.folder, 'frozen')
    mkdirSync(folder)
    copyFileSync(store.file, join(folder, 'decisions.db'))
    chmodSync(join(folder, 'decisions.db'), 0o444)
    chmodSync(folder, 0o555)
    const verified = await runCli(['decisions', 'verify', '--store', folder])
    const listedAll = await runCli(['decisions', 'list', '--store', folder])
    chmodSync(folder, 0o755)
    expect(verified).toMatchObject({ code: 0, stderr: '' })
    expect(listedAll).toMatchObject({ code: 0, stderr: '' })
  })
})

test('SQLite is loaded by those commands alone', async () => {
  await filledStore(store.file, 1)
  const used = async (...args: string[]) => {
    const { stderr } = await runCli(args, { env: { NODE_OPTIONS: `--import ${spy()}` } })
    return stderr.includes('node:sqlite was loaded')
  }
  expect(await used('decisions', 'verify', '--store', store.file)).toBe(true)
  expect(await used('--help')).toBe(false)
  expect(await used('decisions', 'verify', '--help')).toBe(false)
})

/** Says on standard error when the module is asked for. */
function spy(): string {
  const code = `
    const get = process.getBuiltinModule
    process.getBuiltinModule = (name) => {
      if (name === 'node:sqlite') process.stderr.write('node:sqlite was loaded\\n')
      return get(name)
    }`
  return `data:text/javascript,${encodeURIComponent(code)}`
}
