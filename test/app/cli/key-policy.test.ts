import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseIdentity } from '#app/cli/key-flags.ts'
import type { KeyPolicy } from '#app/cli/key-policy.ts'
import { keyPolicySet, keyPolicyText, loadKeys } from '#app/cli/key-policy.ts'
import { readerTools } from '#app/policy-files.ts'
import { readDocuments } from '#core/policy/read.ts'
import { generateKey } from '#signature/keys/private-key.ts'
import { tempFolder } from '../../support/cli.ts'

let folder: Awaited<ReturnType<typeof tempFolder>>
let paths: readonly string[]

beforeAll(async () => {
  folder = await tempFolder()
  paths = await Promise.all(
    (['ecdsa-p256', 'ed25519'] as const).map(async (kind) => {
      const path = join(folder.path, `${kind}.pub`)
      await writeFile(path, (await generateKey(kind)).publicKey.pem)
      return path
    }),
  )
})

afterAll(() => folder?.remove())

async function given(more: Partial<KeyPolicy> = {}): Promise<KeyPolicy> {
  return { keys: await loadKeys(paths), annotations: {}, identity: { type: 'Any' }, repository: undefined, ...more }
}

describe('the policy of --key', () => {
  test.each([
    ['alone', {}],
    ['with annotations', { annotations: { team: 'a', env: 'prod' } }],
    ['with an identity without a value', { identity: parseIdentity('MatchRepoDigestOrExact') }],
    ['with an identity and its value', { identity: parseIdentity('ExactRepository=docker.io/nginx') }],
    ['with two values', { identity: parseIdentity('RemapIdentity=a.example=b.example/mirror') }],
    ['with a repository of signatures', { repository: 'registry.example:5000/signatures' }],
    ['with one on Docker Hub', { repository: 'alpine' }],
  ] satisfies [string, Partial<KeyPolicy>][])('%s is what the reader makes of it as text', async (_, more) => {
    const policy = await given(more)
    const { policies, attestors, problems, revision } = readDocuments(
      [{ name: 'text', text: keyPolicyText(policy) }],
      readerTools(),
    )
    expect(problems).toEqual([])
    const set = await keyPolicySet(policy)
    // Without functions, which are never equal.
    expect(JSON.parse(JSON.stringify(set.policies))).toEqual(JSON.parse(JSON.stringify(policies)))
    expect(set.attestors).toEqual(attestors)
    expect(set.revision).toBe(revision)
  })

  test('applies in namespaces that a cluster would exempt, too', async () => {
    const set = await keyPolicySet(await given())
    const scope = { namespace: 'kube-system', objectLabels: {}, apiGroup: '', apiVersion: 'v1', resource: 'pods' }
    expect(set.match({ ...scope, operation: 'CREATE' }).isEmpty).toBe(false)
  })

  test('the same key in two files is one signer; two keys of one name keep apart', async () => {
    const twice = await loadKeys([...paths, paths[0] ?? ''])
    expect(twice.map(({ algorithm }) => algorithm)).toEqual(['ECDSA-P256', 'Ed25519'])
    const other = await tempFolder()
    try {
      const path = join(other.path, 'ed25519.pub')
      await writeFile(path, (await generateKey('ed25519')).publicKey.pem)
      const names = (await loadKeys([...paths, path])).map(({ name }) => name)
      expect(names).toEqual(['ecdsa-p256.pub', 'ed25519.pub', path])
    } finally {
      await other.remove()
    }
  })
})
