import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PolicyChange, PolicyWatch, WatchOptions } from '#app/policy-watch.ts'
import { watchPolicyFiles } from '#app/policy-watch.ts'
import { attestor, clusterPolicy, pems, someRules } from '../support/policy-documents.ts'

const quick: WatchOptions = { pollMilliseconds: 25, settleMilliseconds: 10 }
let directory: string
let watches: PolicyWatch[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'policy-watch-'))
})

afterEach(() => {
  for (const watch of watches) watch.close()
  watches = []
  rmSync(directory, { recursive: true })
})

function write(name: string, content: unknown): string {
  const path = join(directory, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const denyAll = (name: string) => clusterPolicy({ otherwise: 'Deny' }, name)

/** The watch, and its changes one by one. */
async function watching(paths: readonly string[]) {
  const changes: PolicyChange[] = []
  let wake: () => void = () => {}
  const watch = await watchPolicyFiles(
    paths,
    (change) => {
      changes.push(change)
      wake()
    },
    quick,
  )
  watches.push(watch)
  const next = async (): Promise<PolicyChange> => {
    for (;;) {
      const change = changes.shift()
      if (change) return change
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { watch, next, changes }
}

function names(change: PolicyChange): readonly string[] | string {
  return change.outcome === 'loaded' ? change.loaded.set.policies.map(({ name }) => name) : change.error.code
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

describe('PC-06: watched policy files', () => {
  it('neighbour: are loaded at once, and again when they change', async () => {
    const path = write('a.yaml', denyAll('a'))
    const { watch, next } = await watching([path])
    expect(watch.first.set.policies.map(({ name }) => name)).toEqual(['a'])
    write('a.yaml', denyAll('b'))
    expect(names(await next())).toEqual(['b'])
    const other = write('new', denyAll('c'))
    renameSync(other, path)
    expect(names(await next())).toEqual(['c'])
  })

  it('keep the last good set after a bad edit, and recover', async () => {
    write('a.yaml', denyAll('a'))
    const { next } = await watching([directory])
    write('a.yaml', 'kind: [')
    const bad = await next()
    expect(bad.outcome).toBe('kept')
    write('a.yaml', clusterPolicy({ otherwise: 'Deni' }))
    const worse = await next()
    expect(worse.outcome === 'kept' && worse.error.message).toMatch(
      /a\.yaml:1: ClusterTrustPolicy production: spec\.otherwise: /,
    )
    write('a.yaml', denyAll('b'))
    expect(names(await next())).toEqual(['b'])
  })

  it('neighbour: take files that appear and files that go', async () => {
    write('a.yaml', denyAll('a'))
    const { next } = await watching([directory])
    write('b.yaml', denyAll('b'))
    expect(names(await next())).toEqual(['a', 'b'])
    rmSync(join(directory, 'a.yaml'))
    expect(names(await next())).toEqual(['b'])
  })

  it('neighbour: take a named file that goes for an edit, too', async () => {
    const paths = [write('a.yaml', denyAll('a')), write('b.yaml', denyAll('b'))]
    const { next } = await watching(paths)
    rmSync(join(directory, 'a.yaml'))
    expect(names(await next())).toEqual(['b'])
  })

  it('keep the last good set rather than none', async () => {
    write('a.yaml', denyAll('a'))
    const { next } = await watching([directory])
    rmSync(join(directory, 'a.yaml'))
    expect(names(await next())).toBe('policy-empty')
    write('c.yaml', denyAll('c'))
    expect(names(await next())).toEqual(['c'])
  })

  it('do not lose policies to a link that leads nowhere', async () => {
    write('a.yaml', denyAll('a'))
    const { next } = await watching([directory])
    symlinkSync('nowhere', join(directory, 'b.yaml'))
    expect(names(await next())).toEqual(['a'])
  })

  it('neighbour: follow the key files that they name, from when these are missing', async () => {
    const keyed = [
      attestor('release', { key: { keys: [{ name: 'k', file: 'keys/k.pub' }] } }),
      clusterPolicy({ rules: someRules }),
    ]
    mkdirSync(join(directory, 'keys'))
    write('keys/k.pub', pems.first)
    write('a.yaml', keyed.map((each) => JSON.stringify(each)).join('\n---\n'))
    const { watch, next } = await watching([directory])
    write('keys/k.pub', pems.second)
    const changed = await next()
    expect(changed.outcome === 'loaded' && changed.loaded.set.revision).not.toBe(watch.first.set.revision)
    expect(changed.outcome === 'loaded' && changed.loaded.read.attestors[0]?.keys[0]?.pem).toBe(pems.second)
    rmSync(join(directory, 'keys/k.pub'))
    const missing = await next()
    expect(missing.outcome === 'kept' && missing.error.message).toMatch(/k\.pub: there is no such file/)
    write('keys/k.pub', pems.third)
    expect((await next()).outcome).toBe('loaded')
  })

  it('are told nothing when nothing changes, and nothing after the end', async () => {
    write('a.yaml', denyAll('a'))
    const { watch, changes } = await watching([directory])
    await pause(150)
    expect(changes).toEqual([])
    watch.close()
    write('a.yaml', denyAll('b'))
    await pause(150)
    expect(changes).toEqual([])
  })

  it('refuse to start with what is wrong', async () => {
    await expect(watching([write('a.yaml', denyAll('A'))])).rejects.toMatchObject({ code: 'policy-invalid' })
  })
})
