// Policy files that change while verdicts are remembered: what is in force then decides the next request.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DemoRegistry } from '#app/demo/registry.ts'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { loadPolicyFiles } from '#app/policy-files.ts'
import { createWebhook } from '#app/webhook.ts'
import type { RegistryClient } from '#io/registry/client.ts'
import { createRegistryClient } from '#io/registry/client.ts'
import { formats } from '#signature/formats.ts'
import { generateKey } from '#signature/keys/private-key.ts'
import { createSigner } from '#signature/keys/signer.ts'
import type { PushedImage } from '../support/images.ts'
import { pushImage } from '../support/images.ts'
import { judging, noon } from '../support/judging.ts'
import { podRequest } from '../support/pods.ts'
import type { Spec } from '../support/policy-documents.ts'
import { attestor, clusterPolicy, denyList, rule } from '../support/policy-documents.ts'
import { pushClassic } from '../support/signing.ts'

let directory: string
let registry: DemoRegistry
let client: RegistryClient
let image: PushedImage
let pem: string
let fingerprint: string

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'policy-change-'))
  registry = await startDemoRegistry()
  client = createRegistryClient({ version: 'test', insecure: () => true })
  image = await pushImage(registry.host, 'team/app', 'v1')
  const signer = createSigner(await generateKey('ecdsa-p256'))
  pem = signer.publicKey.pem
  fingerprint = signer.publicKey.fingerprint
  await pushClassic({ client, host: registry.host, repository: 'team/app', image }, signer)
})

afterEach(async () => {
  await client.close()
  await registry.close()
  rmSync(directory, { recursive: true })
})

interface Files {
  readonly key?: Spec
  readonly otherKey?: boolean
  /** A second key of the attestor, which has signed nothing. */
  readonly beside?: Spec
  readonly require?: Spec
  readonly more?: Spec
  /** Of a DenyList. */
  readonly denied?: Spec
}

/** Writes the files anew, loads them as a reload does, and asks for the same Pod again. */
async function world() {
  const { engine, clock } = judging(client, formats)
  const other = createSigner(await generateKey('ecdsa-p256')).publicKey.pem
  const file = join(directory, 'policy.yaml')
  let current = await load({})
  async function load({ key = {}, otherKey = false, beside, require, more = {}, denied }: Files) {
    const keys = [{ name: '2026', pem: otherKey ? other : pem, ...key }]
    if (beside !== undefined) keys.push({ name: 'old', pem: other, ...beside })
    const rules = [rule(['**'], require ?? { signature: { attestor: 'release' } })]
    const documents = [
      attestor('release', { key: { keys }, storage: { layouts: ['Tag'] } }),
      clusterPolicy({ rules, ...more }),
      ...(denied === undefined ? [] : [denyList(denied)]),
    ]
    writeFileSync(file, documents.map((each) => JSON.stringify(each)).join('\n---\n'))
    return (await loadPolicyFiles([file])).set
  }
  const webhook = createWebhook({ engine, policies: () => current })
  return {
    clock,
    edit: async (files: Files) => {
      current = await load(files)
    },
    admit: async () => {
      registry.forgetRequests()
      const { outcome, ...answer } = await webhook.mutate(podRequest([image.pinned]), new AbortController().signal)
      return outcome === 'denied' && 'code' in answer ? `denied ${answer.code}` : outcome
    },
  }
}

const iso = (time: number) => new Date(time).toISOString()

describe('PC-02: policy files change while a yes is warm', () => {
  const edits: readonly (readonly [string, Files, string])[] = [
    ['another key', { otherKey: true }, 'denied signature-by-stranger'],
    [
      'an annotation',
      { require: { signature: { attestor: 'release', annotations: { team: 'a' } } } },
      'denied annotation-mismatch',
    ],
    [
      'an identity',
      {
        require: {
          signature: {
            attestor: 'release',
            identity: { type: 'ExactRepository', repository: 'registry.example.com/other' },
          },
        },
      },
      'denied identity-mismatch',
    ],
    ['deny', { require: { deny: { message: 'closed' } } }, 'denied denied-by-rule'],
    ['a key that has expired', { key: { notAfter: iso(noon - 1) } }, 'denied key-not-valid'],
    ['a policy for other namespaces', { more: { match: { namespaces: ['test'] } } }, 'allowed'],
  ]

  test.each(edits)(
    '%s: the next request is judged by it, and by the first ones when they are back',
    async (_, files, outcome) => {
      const { admit, edit } = await world()
      expect([await admit(), await admit()]).toEqual(['allowed', 'allowed'])
      await edit(files)
      expect(await admit()).toBe(outcome)
      await edit({})
      expect(await admit()).toBe('allowed')
    },
  )

  test('neighbour: files that say the same in a new writing change nothing, and cost nothing', async () => {
    const { admit, edit } = await world()
    expect(await admit()).toBe('allowed')
    await edit({})
    expect(await admit()).toBe('allowed')
    expect(registry.requests).toEqual([])
  })
})

describe('PC-05: a key is revoked while what it signed is warm', () => {
  test('the first request after the reload is denied, without asking anybody, as often as it is asked', async () => {
    const { admit, edit } = await world()
    expect(await admit()).toBe('allowed')
    await edit({ key: { revoked: { at: iso(noon), reason: 'Compromised' } } })
    expect([await admit(), await admit()]).toEqual(['denied key-not-valid', 'denied key-not-valid'])
  })

  test('one that was superseded counts until then, to the millisecond, however warm', async () => {
    const { admit, edit, clock } = await world()
    await edit({ key: { revoked: { at: iso(noon + 30_000), reason: 'Superseded' } } })
    expect(await admit()).toBe('allowed')
    clock.now = noon + 29_999
    expect(await admit()).toBe('allowed')
    clock.now = noon + 30_000
    expect(await admit()).toBe('denied key-not-valid')
  })

  test('neighbour: a key beside it that is revoked takes nothing from the one that signed', async () => {
    const { admit, edit } = await world()
    expect(await admit()).toBe('allowed')
    await edit({ beside: { revoked: { at: iso(noon), reason: 'Compromised' } } })
    expect(await admit()).toBe('allowed')
  })
})

describe('PC-05: a DenyList names what is warm', () => {
  const other = 'f'.repeat(64)

  test('the image: the next request is denied, and the one after the entry is gone is not', async () => {
    const { admit, edit } = await world()
    expect([await admit(), await admit()]).toEqual(['allowed', 'allowed'])
    await edit({ denied: { digests: [image.digest] } })
    expect([await admit(), await admit()]).toEqual(['denied digest-denied', 'denied digest-denied'])
    await edit({})
    expect(await admit()).toBe('allowed')
    expect(registry.requests).toEqual([])
  })

  test('the key: the next request is denied, and the one after the entry is gone is not', async () => {
    const { admit, edit } = await world()
    expect([await admit(), await admit()]).toEqual(['allowed', 'allowed'])
    await edit({ denied: { keys: [fingerprint] } })
    expect([await admit(), await admit()]).toEqual(['denied key-denied', 'denied key-denied'])
    await edit({})
    expect(await admit()).toBe('allowed')
    expect(registry.requests).toEqual([])
  })

  test('neighbour: a list of something else takes nothing from it, and asks nobody anew', async () => {
    const { admit, edit } = await world()
    expect(await admit()).toBe('allowed')
    await edit({ denied: { digests: [`sha256:${other}`], keys: [other] } })
    expect(await admit()).toBe('allowed')
    expect(registry.requests).toEqual([])
  })
})
