// Classic signatures, both ways, with both lines of the real cosign and Debian's registry (no referrers API).

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDigest } from '#core/image/digest.ts'
import { createRegistryClient, type RegistryClient } from '#io/registry/client.ts'
import { appendCosignLayer, composeCosign } from '#signature/compose.ts'
import { cosign as cosignFormat, signatureTag } from '#signature/formats/cosign.ts'
import {
  exportPkcs8,
  generateKey,
  importPrivateKey,
  type KeyKind,
  type PrivateKey,
} from '#signature/keys/private-key.ts'
import { sealPrivateKey } from '#signature/keys/sealed-key.ts'
import { createSigner } from '#signature/keys/signer.ts'
import { type Cosign, createCosign, execute, type Line, signClassic, verifyClassic } from '../support/cosign.ts'
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts'
import { attestorOf, judge, outcome, subjectAt } from '../support/evidence.ts'
import { type PushedImage, pushImage } from '../support/images.ts'
import { pushClassic } from '../support/signing.ts'
import { missing, needed, titled } from '../support/tools.ts'

const tools = ['cosign2', 'cosign3', 'docker-registry', 'openssl'] as const
const lines: readonly Line[] = ['cosign2', 'cosign3']
const password = 'correct horse'
const generated: readonly KeyKind[] = ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'ed25519']

describe.skipIf(missing(...tools))(
  titled('classic signatures and the real cosign', ...tools),
  { timeout: 60_000 },
  () => {
    let cosign: Cosign
    let registry: DockerRegistry
    let client: RegistryClient
    let p521: PrivateKey
    const keys = new Map<string, PrivateKey>()

    beforeAll(async () => {
      cosign = await createCosign(password)
      registry = await startDockerRegistry()
      client = createRegistryClient({ version: 'test', insecure: (host) => host === registry.host })
      for (const kind of generated) keys.set(kind, await generateKey(kind))
      const made = await execute(
        needed('openssl'),
        ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
        cosign.folder,
        {},
      )
      p521 = importPrivateKey(made.stdout)
      keys.set('ecdsa-p521', p521)
      for (const [kind, key] of keys) {
        await cosign.file(`${kind}.pub`, key.publicKey.pem)
        await cosign.file(`${kind}.key`, await sealPrivateKey(exportPkcs8(key), password))
      }
    })
    afterAll(async () => {
      await client?.close()
      await registry?.close()
      await cosign?.close()
    })

    const key = (kind: string): PrivateKey => keys.get(kind) ?? p521
    const target = (image: PushedImage, repository: string) => ({ client, host: registry.host, repository, image })

    test.each([...generated, 'ecdsa-p521'])(
      'cosign 2 and 3 verify what we signed with %s, and refuse it by another key',
      async (kind) => {
        const repository = `ours/${kind}`
        const image = await pushImage(registry.host, repository, 'v1')
        await pushClassic(target(image, repository), createSigner(key(kind)), { team: 'payments' })
        for (const line of lines) {
          const verify = [...verifyClassic[line], '-a', 'team=payments', image.reference]
          const yes = await cosign.must(line, ...verify, '--key', `${kind}.pub`)
          expect(yes.stdout).toContain(`"docker-reference":"${registry.host}/${repository}"`)
          const stranger = kind === 'ecdsa-p256' ? 'ecdsa-p384.pub' : 'ecdsa-p256.pub'
          expect((await cosign.run(line, ...verify, '--key', stranger)).status).not.toBe(0)
        }
        const { verifications } = await judge(
          client,
          cosignFormat,
          subjectAt(registry.host, repository, image.digest),
          attestorOf(key(kind).publicKey.pem),
        )
        expect(verifications.map(outcome)).toEqual(['accepted'])
      },
    )

    test.each([
      ['ecdsa-p256', 'accepted'],
      ['ecdsa-p384', 'accepted'],
      ['ecdsa-p521', 'accepted'],
      ['rsa-2048', 'accepted'],
      ['rsa-4096', 'accepted'],
      ['ed25519', 'ed25519ph-refused'],
    ])('what cosign 2 and 3 sign with %s is %s', async (kind, wanted) => {
      for (const line of lines) {
        const repository = `theirs/${kind}/${line}`
        const image = await pushImage(registry.host, repository, 'v1')
        await cosign.must(line, ...signClassic[line], '--key', `${kind}.key`, '-a', 'team=payments', image.pinned)
        const subject = subjectAt(registry.host, repository, image.digest)
        const { verifications } = await judge(client, cosignFormat, subject, attestorOf(key(kind).publicKey.pem))
        expect(verifications.map(outcome)).toEqual([wanted])
        const [verification] = verifications
        if (verification?.accepted === true) {
          expect(verification.claims.annotations).toEqual({ team: 'payments' })
          expect(verification.claims.reference).toBe(`${registry.host}/${repository}`)
        }
        const stranger = await judge(
          client,
          cosignFormat,
          subject,
          attestorOf(key(kind === 'ecdsa-p256' ? 'rsa-2048' : 'ecdsa-p256').publicKey.pem),
        )
        expect(stranger.verifications.map(outcome)).toEqual(['signature-wrong-key'])
      }
    })

    test('signatures of both are kept beside each other, whoever signs last', async () => {
      const repository = 'both'
      const image = await pushImage(registry.host, repository, 'v1')
      await cosign.must('cosign2', ...signClassic.cosign2, '--key', 'ecdsa-p256.key', image.pinned)
      await pushClassic(target(image, repository), createSigner(key('ecdsa-p384')))
      await cosign.must('cosign3', ...signClassic.cosign3, '--key', 'rsa-2048.key', image.pinned)
      await pushClassic(target(image, repository), createSigner(key('ed25519')))
      for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'ed25519']) {
        for (const line of lines)
          await cosign.must(line, ...verifyClassic[line], '--key', `${kind}.pub`, image.reference)
        const { verifications } = await judge(
          client,
          cosignFormat,
          subjectAt(registry.host, repository, image.digest),
          attestorOf(key(kind).publicKey.pem),
        )
        expect(verifications.filter(({ accepted }) => accepted)).toHaveLength(1)
      }
    })

    test('both refuse a payload with one byte changed, a signature with one byte changed, and a copy for another image', async () => {
      const signer = createSigner(key('ecdsa-p256'))
      for (const what of ['payload', 'signature', 'other image'] as const) {
        const repository = `changed/${what.replace(' ', '-')}`
        const image = await pushImage(registry.host, repository, 'v1')
        const other = await pushImage(registry.host, repository, 'v2', { seed: 'other' })
        await pushChanged(what, image, other, repository, signer)
        for (const line of lines) {
          expect(
            (await cosign.run(line, ...verifyClassic[line], '--key', 'ecdsa-p256.pub', image.reference)).status,
          ).not.toBe(0)
        }
        const { verifications } = await judge(
          client,
          cosignFormat,
          subjectAt(registry.host, repository, image.digest),
          attestorOf(key('ecdsa-p256').publicKey.pem),
        )
        expect(verifications.map(outcome)).toEqual([
          what === 'other image' ? 'payload-other-image' : 'signature-wrong-key',
        ])
      }
    })

    async function pushChanged(
      what: 'payload' | 'signature' | 'other image',
      image: PushedImage,
      other: PushedImage,
      repository: string,
      signer: ReturnType<typeof createSigner>,
    ): Promise<void> {
      const annotation = 'dev.cosignproject.cosign/signature'
      const signed = parseDigest(what === 'other image' ? other.digest : image.digest)
      const { bytes, descriptor } = await composeCosign(
        signed,
        `${registry.host}/${repository}`,
        { team: 'payments' },
        signer,
      )
      let text = new TextDecoder().decode(bytes)
      let signature = Buffer.from(descriptor.annotations?.[annotation] ?? '', 'base64')
      if (what === 'payload') text = text.replace('payments', 'paymentz')
      if (what === 'signature')
        signature = Buffer.from(signature.map((byte, index) => (index === signature.length - 1 ? byte ^ 1 : byte)))
      const changed = new TextEncoder().encode(text)
      const at = { registry: registry.host, repository }
      const context = { signal: AbortSignal.timeout(10_000), scope: 'tests' }
      const blob = await client.putBlob(at, changed, descriptor.mediaType, context)
      const layer = { ...blob, annotations: { [annotation]: signature.toString('base64') } }
      const { config, manifest } = appendCosignLayer(null, layer)
      await client.putBlob(at, config.bytes, config.descriptor.mediaType, context)
      await client.putManifest(
        at,
        signatureTag(parseDigest(image.digest)),
        { bytes: manifest.bytes, mediaType: manifest.descriptor.mediaType },
        context,
      )
    }
  },
)
