// Starts that go wrong: without policies, with policies that cannot be read, and of the cluster itself while its webhook
// is asked about everything.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Attack, demanding, startAttack } from '../../support/attack.ts'
import { runHere } from '../../support/cli.ts'
import { stall } from '../../support/hostile-answers.ts'
import { attestor, clusterPolicy } from '../../support/policy-documents.ts'
import { startServed } from '../../support/served.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sealward-start-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, content: unknown) =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))

describe('FT-03: a server whose policies', () => {
  test.each([
    ['are not there', () => {}, 'file-unreadable'],
    ['are an empty file', () => write('policies', ''), 'policy-empty'],
    ['are an empty folder', () => mkdirSync(join(folder, 'policies')), 'policy-empty'],
    ['are no YAML', () => write('policies', 'kind: ['), 'policy-invalid'],
    ['have a word that nobody knows', () => write('policies', clusterPolicy({ otherwize: 'Deny' })), 'policy-invalid'],
    [
      'name a key file that is not there',
      () => write('policies', attestor('release', { key: { keys: [{ name: 'k', file: 'k.pub' }] } })),
      'file-unreadable',
    ],
  ])('%s does not serve, and says why', async (_what, prepare, code) => {
    prepare()
    const run = await runHere('serve --policy @policies --listen 127.0.0.1:0 --log-level silent', { cwd: folder })
    expect(run.code).toBe(2)
    expect(run.stderr).toContain(`code: ${code}`)
    expect(run.stderr).not.toContain('listening')
  })

  test('neighbour: are right is ready with its first answer, which they decide', async () => {
    const served = await startServed(folder)
    expect(await served.ready()).toMatchObject({ ready: true, policies: 1 })
    expect(await served.ask('u1')).toMatchObject({ allowed: false })
    expect(await served.end()).toBe(0)
  })
})

describe('FT-07: a cluster that starts with the registry away', () => {
  let attack: Attack
  beforeEach(async () => {
    attack = await startAttack()
    attack.registry.on('GET', '*', stall)
    attack.registry.on('HEAD', '*', stall)
  })
  afterEach(() => attack.close())

  const inNamespace = (namespace: string, policies = [demanding()]) =>
    attack.admit(attack.pinned, { namespace, policies, signal: AbortSignal.timeout(200) })

  test.each(['sealward', 'kube-system', 'kube-public', 'kube-node-lease'])(
    'neighbour: gets the Pods of %s, signed or not, without asking a registry',
    async (namespace) => {
      expect(await inNamespace(namespace)).toMatchObject({ outcome: 'allowed' })
      expect(attack.registry.requests).toEqual([])
    },
  )

  test.each(['prod', 'default', 'sealward2', 'my-sealward', 'kube-systems'])(
    'does not get those of %s',
    async (name) => {
      expect(await inNamespace(name)).toMatchObject({ outcome: 'denied', code: 'registry-timeout' })
    },
  )

  test('does not get those of an exempt namespace that a policy names by its name', async () => {
    const policy = demanding()
    const named = { text: 'kube-system', matches: (name: string) => name === 'kube-system' }
    const match = { ...policy.match, namespaces: [named] }
    expect(await inNamespace('kube-system', [{ ...policy, match }])).toMatchObject({ outcome: 'denied' })
  })
})
