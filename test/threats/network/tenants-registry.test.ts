// Tenants at a real registry that asks for passwords: what they share, and what they do not.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Engine } from '#app/engine/engine.ts'
import { createEngine } from '#app/engine/engine.ts'
import type { Sources } from '#app/engine/sources.ts'
import type { RegistryClient } from '#io/registry/client.ts'
import { createRegistryClient } from '#io/registry/client.ts'
import type { Credential } from '#io/registry/credentials.ts'
import { formats } from '#signature/formats.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { use } from '../../support/judging.ts'
import { matching } from '../../support/policies.ts'
import {
  alice,
  bob,
  type PrivateRegistry,
  signedByRelease,
  startPrivateRegistry,
} from '../../support/private-registry.ts'
import { missing, titled } from '../../support/tools.ts'

describe.skipIf(missing('docker-registry'))(titled('NW-06: tenants of a private registry', 'docker-registry'), () => {
  let registry: PrivateRegistry
  let client: RegistryClient
  let engine: Engine
  let read: string[]
  let verified: number

  beforeAll(async () => {
    registry = await startPrivateRegistry()
  })
  afterAll(() => registry?.close())
  beforeEach(() => {
    read = []
    verified = 0
    const passwords: Readonly<Record<string, string>> = { alice: alice.password, bob: bob.password }
    client = createRegistryClient({
      version: 'test',
      insecure: (host) => host === registry.host,
      // A scope is `TENANT` or `TENANT/NUMBER`.
      credentials: async (_at, scope) => {
        const [username = ''] = scope.split('/')
        const password = passwords[username]
        const known: readonly Credential[] = password === undefined ? [] : [{ kind: 'basic', username, password }]
        return { credentials: known, problems: [] }
      },
      random: () => 0,
    })
    engine = createEngine({
      sources: noting(client),
      formats,
      verify: (question) => {
        verified += 1
        return verifyMaterial(question)
      },
      now: Date.now,
      newId: () => 'id',
    })
  })
  afterEach(() => client.close())

  function noting(from: RegistryClient): Sources {
    const note =
      <A extends readonly unknown[], R>(kind: string, ask: (...args: A) => R) =>
      (...args: A): R => {
        read.push(kind)
        return ask(...args)
      }
    return {
      resolve: note('resolve', from.resolve),
      access: note('access', from.access),
      manifest: note('manifest', from.manifest),
      tagged: note('tagged', from.tagged),
      referrers: note('referrers', from.referrers),
      blob: note('blob', from.blob),
    }
  }
  const ask = async (credentialScope: string, image = registry.signed.pinned) => {
    const request = { purpose: 'validate', uses: [use(image)], unchanged: new Set<string>(), bystanders: [] } as const
    const decision = await engine.judge(
      { ...request, matched: matching([signedByRelease()]), credentialScope },
      AbortSignal.timeout(30_000),
    )
    return decision.verdicts[0]
  }
  const many = (tenant: string, count: number) => Array.from({ length: count }, (_, index) => `${tenant}/${index}`)

  test('who has no password is denied, however well the image is remembered, and while others are answered', async () => {
    expect(await ask('alice')).toMatchObject({ outcome: 'trusted' })
    const [again, stranger] = await Promise.all([ask('alice'), ask('stranger')])
    expect(again).toMatchObject({ outcome: 'trusted' })
    expect(stranger).toMatchObject({ outcome: 'undetermined', code: 'access-denied' })
    expect(await ask('stranger', registry.unsigned.pinned)).toMatchObject({ code: 'access-denied' })
    expect(await ask('alice', registry.unsigned.pinned)).toMatchObject({ code: 'signature-missing' })
    expect(await ask('stranger', registry.signed.reference)).toMatchObject({ code: 'access-denied' })
  })

  test('neighbour: five hundred that may read one image have it verified once, and look at the registry once each', async () => {
    expect(await ask('alice')).toMatchObject({ outcome: 'trusted' })
    read.length = 0
    const verdicts = await Promise.all([...many('alice', 250), ...many('bob', 250)].map((scope) => ask(scope)))
    expect(verdicts.every((verdict) => verdict?.outcome === 'trusted')).toBe(true)
    expect(verified).toBe(1)
    expect(read).toEqual(Array.from({ length: 500 }, () => 'access'))
    read.length = 0
    await Promise.all(many('alice', 250).map((scope) => ask(scope)))
    expect(read).toEqual([])
  })

  test('neighbour: fifty that want it at the same moment, when nobody knows it, have it verified once', async () => {
    const verdicts = await Promise.all(many('alice', 50).map((scope) => ask(scope)))
    expect(verdicts.every((verdict) => verdict?.outcome === 'trusted')).toBe(true)
    expect(verified).toBe(1)
  })

  test('fifty without a password are denied among them', async () => {
    const [owners, strangers] = await Promise.all(
      ['alice', 'stranger'].map((tenant) => Promise.all(many(tenant, 50).map((scope) => ask(scope)))),
    )
    expect(new Set(owners?.map((verdict) => verdict?.outcome))).toEqual(new Set(['trusted']))
    expect(new Set(strangers?.map((verdict) => verdict?.code))).toEqual(new Set(['access-denied']))
  })
})
