// Registries whose TLS is not what it should be, judged by the webhook.

import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RegistryClientOptions } from '#io/registry/client.ts'
import { type Attack, layerFor, putClassic, startAttack } from '../../support/attack.ts'
import { type CertificateFiles, selfSigned } from '../../support/certificates.ts'
import { challenging } from '../../support/hostile-answers.ts'
import { asServed, type HostileRegistry, json, startHostileRegistry, types } from '../../support/hostile-registry.ts'
import { type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'
import { missing, titled } from '../../support/tools.ts'

describe.skipIf(missing('openssl'))(titled('NW-05: a registry over TLS', 'openssl'), () => {
  let good: CertificateFiles
  let expired: CertificateFiles
  let misnamed: CertificateFiles
  beforeAll(async () => {
    good = await selfSigned(['IP:127.0.0.1'])
    expired = await selfSigned(['IP:127.0.0.1'], ['20200101000000Z', '20200102000000Z'])
    misnamed = await selfSigned(['DNS:registry.test'])
  })

  let attack: Attack | undefined
  let tokens: StubRegistry | undefined
  afterEach(async () => {
    await attack?.close()
    await tokens?.close()
    tokens = undefined
  })

  async function start(
    files: CertificateFiles | undefined,
    client: (registry: HostileRegistry) => Partial<RegistryClientOptions>,
  ) {
    const registry = await startHostileRegistry(files)
    attack = await startAttack({ registry, client: { insecure: () => false, ...client(registry) } })
    putClassic(registry, attack.digest, [layerFor(attack.digest)])
    return attack
  }
  const trusting = (files: CertificateFiles) => (registry: HostileRegistry) => ({
    registryCa: new Map([[registry.host, files.certificate]]),
  })

  test('neighbour: whose certificate comes from the authority of its host is admitted', async () => {
    const { admit } = await start(good, trusting(good))
    expect(await admit()).toMatchObject({ outcome: 'allowed' })
  })

  test('whose certificate is self-signed is denied, and is sent no request', async () => {
    const { admit, registry } = await start(good, () => ({}))
    expect(await admit()).toMatchObject({ outcome: 'denied', code: 'registry-unreachable' })
    expect(registry.requests).toEqual([])
  })

  test('whose certificate has expired is denied, although its authority is trusted', async () => {
    const { admit, registry } = await start(expired, trusting(expired))
    expect(await admit()).toMatchObject({ outcome: 'denied', code: 'registry-unreachable' })
    expect(registry.requests).toEqual([])
  })

  test('whose certificate is for another name is denied, although its authority is trusted', async () => {
    const { admit, registry } = await start(misnamed, trusting(misnamed))
    expect(await admit()).toMatchObject({ outcome: 'denied', code: 'registry-unreachable' })
    expect(registry.requests).toEqual([])
  })

  test('is not trusted by the authority that was given for another host', async () => {
    const { admit } = await start(good, () => ({ registryCa: new Map([['127.0.0.2:5000', good.certificate]]) }))
    expect(await admit()).toMatchObject({ outcome: 'denied', code: 'registry-unreachable' })
  })

  test('is not trusted because another host may be insecure', async () => {
    const { admit } = await start(good, (registry) => ({ insecure: (host) => host !== registry.host }))
    expect(await admit()).toMatchObject({ outcome: 'denied', code: 'registry-unreachable' })
  })

  test('is not spoken to without TLS because it has none, or because another host may be insecure', async () => {
    const { admit, registry } = await start(undefined, (plain) => ({ insecure: (host) => host !== plain.host }))
    expect(await admit()).toMatchObject({ outcome: 'denied', code: 'plain-http-refused' })
    expect(registry.requests).toEqual([])
  })

  test('neighbour: without TLS is admitted when this very host may be insecure', async () => {
    const { admit } = await start(undefined, (plain) => ({ insecure: (host) => host === plain.host }))
    expect(await admit()).toMatchObject({ outcome: 'allowed' })
  })

  test.each([
    ['self-signed', () => good, () => undefined],
    ['expired', () => expired, () => expired],
    ['for another name', () => misnamed, () => misnamed],
  ])(
    'whose token service has a certificate that is %s is denied, and no password leaves',
    async (_what, files, authority) => {
      const service = await startStubRegistry(files())
      tokens = service
      const ca = new Map<string, string>()
      const issuer = authority()
      if (issuer !== undefined) ca.set(service.host, issuer.certificate)
      const { admit, registry, tagged, bytes } = await start(undefined, (plain) => ({
        insecure: (host) => host === plain.host,
        registryCa: ca,
        credentials: async () => ({
          credentials: [{ kind: 'basic', username: 'alice', password: 'pw' }],
          problems: [],
        }),
      }))
      registry.on(
        'HEAD',
        '/v2/team/app/manifests/v1',
        challenging(`Bearer realm="${service.url}/token"`, asServed(bytes, types.manifest)),
      )
      service.on('GET', '/token', { body: json({ token: 'abc' }) })
      expect(await admit(tagged)).toMatchObject({ outcome: 'denied', code: 'token-service-failing' })
      expect(service.requests).toEqual([])
    },
  )

  test('neighbour: whose token service has the right one is admitted', async () => {
    const service = await startStubRegistry(good)
    tokens = service
    const { admit, registry, tagged, bytes } = await start(undefined, (plain) => ({
      insecure: (host) => host === plain.host,
      registryCa: new Map([[service.host, good.certificate]]),
    }))
    registry.on(
      'HEAD',
      '/v2/team/app/manifests/v1',
      challenging(`Bearer realm="${service.url}/token"`, asServed(bytes, types.manifest)),
    )
    service.on('GET', '/token', { body: json({ token: 'abc' }) })
    expect(await admit(tagged)).toMatchObject({ outcome: 'patched' })
  })
})
