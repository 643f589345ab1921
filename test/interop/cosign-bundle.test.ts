// Sigstore bundles, both ways, with the real cosign: on a registry with the referrers API and on one without.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { parseDigest } from '#core/image/digest.ts'
import { createRegistryClient, type RegistryClient } from '#io/registry/client.ts'
import { composeBundle } from '#signature/compose.ts'
import { bundle as bundleFormat } from '#signature/formats/bundle.ts'
import { cosignReferrer } from '#signature/formats/cosign-referrer.ts'
import { exportPkcs8, generateKey, type PrivateKey } from '#signature/keys/private-key.ts'
import { sealPrivateKey } from '#signature/keys/sealed-key.ts'
import { createSigner } from '#signature/keys/signer.ts'
import { type Cosign, createCosign, type Line, signBundle, signClassic, verifyBundle } from '../support/cosign.ts'
import { startDockerRegistry } from '../support/docker-registry.ts'
import { attestorOf, judge, outcome, subjectAt } from '../support/evidence.ts'
import { pushImage } from '../support/images.ts'
import { pushBundle } from '../support/signing.ts'
import { missing, titled } from '../support/tools.ts'

const tools = ['cosign2', 'cosign3', 'docker-registry'] as const
const lines: readonly Line[] = ['cosign2', 'cosign3']
const password = ''
const kinds = ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'ed25519'] as const

const registries = {
  'with the referrers API': () => startDemoRegistry({}),
  'without the referrers API': () => startDockerRegistry(),
} as const

describe.skipIf(missing(...tools))(titled('bundles and the real cosign', ...tools), { timeout: 60_000 }, () => {
  let cosign: Cosign
  const keys = new Map<string, PrivateKey>()

  beforeAll(async () => {
    cosign = await createCosign(password)
    for (const kind of kinds) {
      const key = await generateKey(kind)
      keys.set(kind, key)
      await cosign.file(`${kind}.pub`, key.publicKey.pem)
      await cosign.file(`${kind}.key`, await sealPrivateKey(exportPkcs8(key), password))
    }
  })
  afterAll(() => cosign?.close())

  const key = (kind: string): PrivateKey => {
    const found = keys.get(kind)
    if (found === undefined) throw new Error(`no key ${kind}`)
    return found
  }

  describe.each(Object.keys(registries) as (keyof typeof registries)[])('on a registry %s', (which) => {
    let registry: { readonly host: string; close(): Promise<void> }
    let client: RegistryClient

    beforeAll(async () => {
      registry = await registries[which]()
      client = createRegistryClient({ version: 'test', insecure: (host) => host === registry.host })
    })
    afterAll(async () => {
      await client?.close()
      await registry?.close()
    })

    const judged = (repository: string, digest: string, kind: string) =>
      judge(client, bundleFormat, subjectAt(registry.host, repository, digest), attestorOf(key(kind).publicKey.pem))

    test.each(kinds)('cosign 2 and 3 verify what we signed with %s, and refuse it by another key', async (kind) => {
      const repository = `ours/${kind}`
      const image = await pushImage(registry.host, repository, 'v1')
      await pushBundle({ client, host: registry.host, repository, image }, createSigner(key(kind)), {
        team: 'payments',
      })
      for (const line of lines) {
        const verify = [...verifyBundle[line], '-a', 'team=payments', image.reference]
        await cosign.must(line, ...verify, '--key', `${kind}.pub`)
        const stranger = kind === 'ecdsa-p256' ? 'ecdsa-p384.pub' : 'ecdsa-p256.pub'
        expect((await cosign.run(line, ...verify, '--key', stranger)).status).not.toBe(0)
        if (line === 'cosign2') continue // 2.6.5 does not compare annotations of bundles
        const mismatched = [...verifyBundle[line], '-a', 'team=other', image.reference, '--key', `${kind}.pub`]
        expect((await cosign.run(line, ...mismatched)).status).not.toBe(0)
      }
      const { verifications, gaps } = await judged(repository, image.digest, kind)
      expect(verifications.map(outcome)).toEqual(['accepted'])
      expect(gaps).toEqual([])
    })

    test.each([
      ['ecdsa-p256', 'accepted'],
      ['ecdsa-p384', 'accepted'],
      ['rsa-2048', 'accepted'],
      ['ed25519', 'ed25519ph-refused'],
    ])('what cosign 3 signs with %s is %s', async (kind, wanted) => {
      const repository = `theirs/${kind}`
      const image = await pushImage(registry.host, repository, 'v1')
      await cosign.must('cosign3', ...signBundle, '--key', `${kind}.key`, '-a', 'team=payments', image.pinned)
      const { verifications } = await judged(repository, image.digest, kind)
      expect(verifications.map(outcome)).toEqual([wanted])
      const [verification] = verifications
      if (verification?.accepted === true) expect(verification.claims.annotations).toEqual({ team: 'payments' })
      const stranger = await judged(repository, image.digest, kind === 'ecdsa-p256' ? 'rsa-2048' : 'ecdsa-p256')
      expect(stranger.verifications.map(outcome)).toEqual(['signature-wrong-key'])
    })

    test('an attestation by the same key is no signature, and is told from one', async () => {
      const repository = 'attested'
      const image = await pushImage(registry.host, repository, 'v1')
      await cosign.file('predicate.json', '{"passed":true}')
      const predicate = ['--type', 'custom', '--predicate', 'predicate.json', '--key', 'ecdsa-p256.key']
      await cosign.must('cosign3', 'attest', ...signBundle.slice(1), ...predicate, image.pinned)
      const attested = await judged(repository, image.digest, 'ecdsa-p256')
      expect([...attested.verifications.map(outcome), ...attested.oddities]).toEqual(['predicate-type-wrong'])
      await cosign.must('cosign3', ...signBundle, '--key', 'ecdsa-p256.key', image.pinned)
      const signed = await judged(repository, image.digest, 'ecdsa-p256')
      expect(signed.verifications.map(outcome).filter((code) => code !== 'predicate-type-wrong')).toEqual(['accepted'])
    })

    test('classic layers that cosign 2 and 3 attach as a referrer are read', async () => {
      for (const line of lines) {
        const repository = `experimental/${line}`
        const image = await pushImage(registry.host, repository, 'v1')
        const attached = [
          ...signClassic[line],
          '--registry-referrers-mode=oci-1-1',
          '--key',
          'ecdsa-p256.key',
          image.pinned,
        ]
        await cosign.must(line, ...attached)
        const subject = subjectAt(registry.host, repository, image.digest)
        const found = await judge(client, cosignReferrer, subject, attestorOf(key('ecdsa-p256').publicKey.pem))
        expect([line, ...found.verifications.map(outcome), ...found.gaps]).toEqual([line, 'accepted'])
        const other = await judge(client, cosignReferrer, subject, attestorOf(key('rsa-2048').publicKey.pem))
        expect(other.verifications.map(outcome)).toEqual(['signature-wrong-key'])
      }
    })

    test('both refuse a bundle with one byte of its payload changed', async () => {
      const repository = 'changed'
      const image = await pushImage(registry.host, repository, 'v1')
      const digest = parseDigest(image.digest)
      const { mediaType, size } = image.descriptor
      const signed = { descriptor: { mediaType, digest, size }, repository: `${registry.host}/${repository}` }
      const composed = await composeBundle(signed, { team: 'a' }, createSigner(key('ecdsa-p256')), 0)
      const json = JSON.parse(new TextDecoder().decode(composed.bundle.bytes))
      const payload = Buffer.from(json.dsseEnvelope.payload, 'base64').toString('utf8')
      json.dsseEnvelope.payload = Buffer.from(payload.replace('"team":"a"', '"team":"b"')).toString('base64')
      const at = { registry: registry.host, repository }
      const context = { signal: AbortSignal.timeout(10_000), scope: 'tests' }
      const changed = await client.putBlob(at, Buffer.from(JSON.stringify(json)), composed.artifactType, context)
      await client.putBlob(at, composed.config.bytes, composed.config.descriptor.mediaType, context)
      const manifest = { ...JSON.parse(new TextDecoder().decode(composed.manifest.bytes)), layers: [changed] }
      const bytes = new TextEncoder().encode(JSON.stringify(manifest))
      await client.putReferrer(at, digest, { bytes, mediaType: composed.manifest.descriptor.mediaType }, context)
      for (const line of lines) {
        const ran = await cosign.run(line, ...verifyBundle[line], '--key', 'ecdsa-p256.pub', image.reference)
        expect(ran.status).not.toBe(0)
      }
      const { verifications } = await judged(repository, image.digest, 'ecdsa-p256')
      expect(verifications.map(outcome)).toEqual(['signature-wrong-key'])
    })
  })
})
