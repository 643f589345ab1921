import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadPolicyFiles } from '#app/policy-files.ts'
import { CodedError } from '#core/errors.ts'
import { apiVersion, attestor, clusterPolicy, pems, someRules } from '../support/policy-documents.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'policy-files-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

function write(name: string, content: unknown): string {
  const path = join(directory, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const denyAll = (name: string) => clusterPolicy({ otherwise: 'Deny' }, name)

async function failure(paths: readonly string[], options = {}): Promise<CodedError> {
  try {
    await loadPolicyFiles(paths, options)
  } catch (error) {
    if (error instanceof CodedError) return error
    throw error
  }
  throw new Error('loaded')
}

describe('policy files', () => {
  it('are loaded from files in the order given', async () => {
    const { set, read } = await loadPolicyFiles([
      write('b.yaml', attestor()),
      write('a.json', clusterPolicy({ rules: someRules })),
    ])
    expect(set.policies.map(({ name }) => name)).toEqual(['production'])
    expect(set.revision).toBe(read.revision)
  })

  it('are loaded from a directory: YAML and JSON, nothing hidden, nothing below', async () => {
    write('a.yaml', denyAll('a'))
    write('b.yml', denyAll('b'))
    write('c.json', denyAll('c'))
    write('d.txt', denyAll('d'))
    write('.e.yaml', denyAll('e'))
    mkdirSync(join(directory, 'f.yaml'))
    write('f.yaml/g.yaml', denyAll('g'))
    const { set } = await loadPolicyFiles([directory])
    expect(set.policies.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  })

  it('are loaded from a directory as Kubernetes mounts a ConfigMap', async () => {
    mkdirSync(join(directory, '..2026_01'))
    write('..2026_01/a.yaml', denyAll('a'))
    symlinkSync('..2026_01', join(directory, '..data'))
    symlinkSync('..data/a.yaml', join(directory, 'a.yaml'))
    const { set } = await loadPolicyFiles([directory])
    expect(set.policies.map(({ name }) => name)).toEqual(['a'])
  })

  it('are loaded from standard input', async () => {
    const stdin = Readable.from([Buffer.from(JSON.stringify(denyAll('a')))])
    const once = new Map<string, string>()
    const first = await loadPolicyFiles(['-'], { stdin, once })
    const second = await loadPolicyFiles(['-'], { stdin, once })
    expect([first, second].map(({ set }) => set.policies.length)).toEqual([1, 1])
  })

  it('are loaded from a pipe', async () => {
    const pipe = join(directory, 'pipe')
    execFileSync('mkfifo', [pipe])
    const loading = loadPolicyFiles([pipe])
    const { open } = await import('node:fs/promises')
    const writer = await open(pipe, 'w')
    await writer.writeFile(JSON.stringify(denyAll('a')))
    await writer.close()
    expect((await loading).set.policies).toHaveLength(1)
  })

  it('that are named twice are read once', async () => {
    const path = write('a.yaml', denyAll('a'))
    expect((await loadPolicyFiles([path, path, directory])).set.policies).toHaveLength(1)
  })

  it('name their key files relative to themselves', async () => {
    mkdirSync(join(directory, 'keys'))
    write('keys/release.pub', pems.first)
    write(
      'policy.yaml',
      [
        attestor('release', { key: { keys: [{ name: 'k', file: 'keys/release.pub' }] } }),
        clusterPolicy({ rules: someRules }),
      ]
        .map((each) => JSON.stringify(each))
        .join('\n---\n'),
    )
    const { read, stamps } = await loadPolicyFiles([join(directory, 'policy.yaml')])
    expect(read.attestors[0]?.keys[0]?.pem).toBe(pems.first)
    expect([...stamps.keys()]).toEqual([join(directory, 'policy.yaml'), join(directory, 'keys/release.pub')])
  })

  it('fail with everything that is wrong in all of them', async () => {
    write(
      'a.yaml',
      `apiVersion: ${apiVersion}\nkind: ClusterTrustPolicy\nmetadata:\n  name: a\nspec:\n  mode: Off\n  otherwise: Deny\n`,
    )
    write(
      'b.yaml',
      [attestor('release', { key: { keys: [{ name: 'k', file: 'nowhere.pub' }] } }), 'x']
        .map((each) => JSON.stringify(each))
        .join('\n---\n'),
    )
    const error = await failure([directory, join(directory, 'nothing.yaml')])
    expect(error.code).toBe('policy-invalid')
    expect(error.message.split('\n')).toEqual([
      expect.stringMatching(/^5 problems in the policy files:$/),
      expect.stringMatching(/nothing\.yaml: there is no such file$/),
      expect.stringMatching(/a\.yaml:6: spec\.mode: kubectl reads Off as a boolean/),
      expect.stringMatching(
        /a\.yaml:6: ClusterTrustPolicy a: spec\.mode: must be one of Enforce, Warn, Audit, not "Off"/,
      ),
      expect.stringMatching(
        /b\.yaml:1: Attestor release: spec\.key\.keys\[0\]\.file: .*nowhere\.pub: there is no such file/,
      ),
      expect.stringMatching(/b\.yaml:3: must be an object/),
    ])
  })

  it('fail with the code of what is wrong, if that is one thing', async () => {
    expect((await failure([join(directory, 'nothing.yaml')])).code).toBe('file-unreadable')
    expect(
      (await failure([write('a.yaml', { apiVersion, kind: 'NodeTrust', metadata: { name: 'a' }, spec: {} })])).code,
    ).toBe('policy-unsupported')
    expect((await failure([write('b.yaml', clusterPolicy({ policyJson: '{}', mode: 'x' }))])).code).toBe(
      'policy-invalid',
    )
    expect((await failure([write('c.yaml', attestor())])).code).toBe('policy-empty')
    expect((await failure([write('d.yaml', '')])).code).toBe('policy-empty')
    mkdirSync(join(directory, 'empty'))
    expect((await failure([join(directory, 'empty')])).code).toBe('policy-empty')
  })

  it('fail when they are not UTF-8, or too large', async () => {
    writeFileSync(join(directory, 'latin'), Buffer.from([0x61, 0x3a, 0x20, 0xe9]))
    expect((await failure([join(directory, 'latin')])).message).toMatch(/latin: is not UTF-8 text$/)
    const huge = join(directory, 'huge')
    execFileSync('truncate', ['-s', '65M', huge])
    expect((await failure([huge])).message).toMatch(/huge: is larger than 67108864 bytes$/)
    const key = write('key.pub', 'x'.repeat(20_000))
    const text = JSON.stringify(attestor('release', { key: { keys: [{ name: 'k', file: key }] } }))
    expect((await failure([write('a.yaml', text)])).message).toMatch(/has 20000 bytes/)
  })

  it('fail when a directory on the way is none', async () => {
    const path = write('a.yaml', denyAll('a'))
    expect((await failure([join(path, 'b.yaml')])).message).toMatch(/there is no such file/)
  })

  it('report objects of other systems unless they are to be ignored', async () => {
    const path = write(
      'a.yaml',
      `${JSON.stringify(denyAll('a'))}\n---\n${JSON.stringify({ apiVersion: 'v1', kind: 'Pod' })}`,
    )
    expect((await failure([path])).message).toMatch(/"v1" Pod is no policy/)
    expect((await loadPolicyFiles([path], { ignoreForeign: true })).set.policies).toHaveLength(1)
  })

  it('compile with the exempt namespaces that the caller names', async () => {
    const { set } = await loadPolicyFiles([write('a.yaml', denyAll('a'))], { exempt: ['infra'] })
    expect(set.exempt).toEqual(['infra'])
  })
})
