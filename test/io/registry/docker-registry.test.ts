import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Credential } from '#io/registry/credentials.ts'
import { type CertificateFiles, selfSigned } from '../../support/certificates.ts'
import { refusalCode } from '../../support/coded.ts'
import { type DockerRegistry, startDockerRegistry } from '../../support/docker-registry.ts'
import { missing, titled } from '../../support/tools.ts'
import {
  at,
  clientFor,
  closeClients,
  context,
  credentialsOf,
  descriptorOf,
  digestOf,
  emptyConfig,
  manifest,
  manifestType,
} from './fixtures.ts'

const user: Credential = { kind: 'basic', username: 'alice', password: 's3cret' }
const wrong: Credential = { kind: 'basic', username: 'alice', password: 'wrong' }
/** bcrypt of that password; made by libxcrypt. */
const htpasswd = 'alice:$2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n'

describe.skipIf(missing('docker-registry', 'openssl'))(
  titled('distribution 2.8 with TLS and passwords', 'docker-registry', 'openssl'),
  () => {
    let registry: DockerRegistry
    let files: CertificateFiles
    beforeAll(async () => {
      files = await selfSigned(['IP:127.0.0.1'])
      registry = await startDockerRegistry({ htpasswd, tls: files })
    })
    afterAll(async () => {
      await closeClients()
      await registry?.close()
    })
    const trusting = { insecure: () => false }
    const client = (...known: readonly Credential[]) =>
      clientFor({
        ...trusting,
        registryCa: new Map([[registry.host, files.certificate]]),
        credentials: credentialsOf(registry.host, ...known),
      })

    it('takes and gives back an image', async () => {
      const own = client(user)
      const image = manifest({ annotations: { n: 'round trip' } })
      await own.putBlob(at(registry), emptyConfig, 'application/vnd.oci.empty.v1+json', context())
      const pushed = await own.putManifest(at(registry), 'v1', { bytes: image, mediaType: manifestType }, context())
      expect(pushed).toEqual({ digest: digestOf(image), subjectHonoured: false })
      expect(await own.resolve(at(registry), 'v1', context())).toEqual({
        digest: pushed.digest,
        mediaType: manifestType,
      })
      await own.access(at(registry), pushed.digest, context())
      const byDigest = await own.manifest(at(registry), pushed.digest, context())
      expect(byDigest).toEqual(await own.tagged(at(registry), 'v1', context()))
      expect(Buffer.from(byDigest.bytes)).toEqual(image)
      expect(Buffer.from(await own.blob(at(registry), digestOf(emptyConfig), 2, context()))).toEqual(emptyConfig)
      expect(await own.listTags(at(registry), context())).toEqual(['v1'])
    })

    it('says what it does not have', async () => {
      const own = client(user)
      expect(await own.tagged(at(registry), 'none', context())).toBeNull()
      expect(await own.tagged(at(registry, 'no/such'), 'none', context())).toBeNull()
      expect(await own.referrers(at(registry), digestOf('nothing'), context())).toEqual([])
      expect(await refusalCode(own.resolve(at(registry), 'none', context()))).toBe('image-not-found')
      expect(await refusalCode(own.manifest(at(registry), digestOf('x'), context()))).toBe('content-missing')
      expect(await refusalCode(own.blob(at(registry), digestOf('x'), 9, context()))).toBe('content-missing')
    })

    it('finds referrers by the fallback tag, from several writers', async () => {
      const image = manifest({ annotations: { n: 'subject' } })
      const own = client(user)
      await own.putBlob(at(registry), emptyConfig, 'application/vnd.oci.empty.v1+json', context())
      await own.putManifest(at(registry), 'subject', { bytes: image, mediaType: manifestType }, context())
      const signatures = ['a', 'b', 'c'].map((n) => manifest({ subject: descriptorOf(image), annotations: { n } }))
      await Promise.all(
        signatures.map((bytes) =>
          own.putReferrer(at(registry), digestOf(image), { bytes, mediaType: manifestType }, context()),
        ),
      )
      const found = await own.referrers(at(registry), digestOf(image), context())
      expect(found.map((each) => ('digest' in each ? each.digest : each.malformed)).sort()).toEqual(
        signatures.map((each) => digestOf(each)).sort(),
      )
    })

    it('lets nobody in without the password, or with a wrong one', async () => {
      for (const other of [client(), client(wrong)]) {
        expect(await refusalCode(other.tagged(at(registry), 'v1', context()))).toBe('access-denied')
        const push = other.putBlob(at(registry), Buffer.from('new'), 'text/plain', context())
        expect(await refusalCode(push)).toBe('push-refused')
      }
    })

    it('lets the second of two passwords in', async () => {
      const both = client(wrong, user)
      expect(await both.tagged(at(registry), 'none', context())).toBeNull()
      expect(await both.resolve(at(registry), 'v1', context())).toMatchObject({ mediaType: manifestType })
    })

    it('is not reached without its authority, nor in plain HTTP', async () => {
      const stranger = clientFor({ ...trusting })
      expect(await refusalCode(stranger.tagged(at(registry), 'v1', context()))).toBe('registry-unreachable')
      expect(await refusalCode(clientFor().tagged(at(registry), 'v1', context()))).toBe('registry-protocol')
    })
  },
)
