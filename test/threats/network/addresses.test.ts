// Where nothing that comes from outside may send us.

import { createConnection } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { guardedLookup, type Resolve } from '#io/http/guard.ts'
import { type Attack, layerFor, putBundle, putClassic, putList, startAttack } from '../../support/attack.ts'
import { digestOf, types } from '../../support/hostile-registry.ts'
import { json } from '../../support/signed-evidence.ts'
import { type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'

let attack: Attack
let canary: StubRegistry
beforeEach(async () => {
  attack = await startAttack({ client: { insecure: () => true } })
  canary = await startStubRegistry(undefined, '127.0.0.2')
  putClassic(attack.registry, attack.digest, [layerFor(attack.digest)])
})
afterEach(async () => {
  await attack.close()
  await canary.close()
})

describe('NW-01: an image whose registry is no place to ask', () => {
  const image = (host: string) => `${host}/team/app@${attack.digest}`

  test.each([
    '169.254.169.254',
    '169.254.169.254:80',
    '100.100.100.200',
    '168.63.129.16',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::a9fe:a9fe]',
    'metadata.google.internal',
    'metadata.google.internal:80',
    '224.0.0.1',
  ])('(%s) is denied before a connection is opened', async (host) => {
    expect(await attack.admit(image(host))).toMatchObject({ outcome: 'denied', code: 'address-refused' })
  })

  test.each([
    '2852039166:80',
    '0251.0376.0251.0376',
    '0xa9fea9fe:80',
    '0xa9.0xfe.0xa9.0xfe',
    '169.254.43518',
    '[::ffff:169.254.169.254]',
    '[fe80::1%25eth0]',
  ])('written as %s is no name of an image at all', async (host) => {
    expect(await attack.admit(image(host))).toMatchObject({ outcome: 'denied', code: 'reference-malformed' })
  })

  test('neighbour: one at a private address is admitted', async () => {
    expect(attack.registry.host).toMatch(/^127\.0\.0\.1:/)
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
  })
})

describe('NW-01: a name that resolves to another address each time', () => {
  /** Connects as the client does, with a resolver that answers these one after another. */
  function connect(answers: readonly string[]) {
    const asked: string[] = []
    const resolve: Resolve = (name, _options, done) => {
      asked.push(name)
      done(null, [{ address: answers[asked.length - 1] ?? '169.254.169.254', family: 4 }])
    }
    const port = Number(canary.host.split(':')[1])
    const socket = createConnection({ host: 'rebinding.example', port, lookup: guardedLookup('any', resolve) })
    const reached = new Promise((settle) => {
      socket.once('connect', () => settle(socket.remoteAddress))
      socket.once('error', settle)
    })
    return reached.then((result) => {
      socket.destroy()
      return { result, asked: asked.length }
    })
  }

  test('neighbour: is connected to at the address that was judged, without being asked again', async () => {
    expect(await connect(['127.0.0.2'])).toEqual({ result: '127.0.0.2', asked: 1 })
  })

  test('is refused when the address is a forbidden one', async () => {
    expect(await connect(['169.254.169.254'])).toMatchObject({ result: { code: 'address-refused' }, asked: 1 })
    expect(canary.connections()).toBe(0)
  })
})

describe('NW-08: an address inside of what was signed or sent', () => {
  const lure = () => `${canary.url}/fetch-me`

  test('neighbour: beside a good signature it is not asked, and the image is admitted', async () => {
    const layer = layerFor(attack.digest)
    const annotations = {
      ...layer.annotations,
      'dev.cosignproject.cosign/bundle': JSON.stringify({ Payload: { logID: lure() } }),
      'dev.sigstore.cosign/certificate': lure(),
      'dev.sigstore.cosign/chain': lure(),
    }
    putClassic(attack.registry, attack.digest, [{ ...layer, annotations }], { annotations: { url: lure() } })
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
    expect(canary.connections()).toBe(0)
  })

  test('as the key of a bundle it is denied, and not asked', async () => {
    const bundle = {
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: lure() } },
      dsseEnvelope: {
        payload: Buffer.from(json({ url: lure() })).toString('base64'),
        payloadType: lure(),
        signatures: [{ sig: 'AAAA', keyid: lure() }],
      },
    }
    attack.registry.lie(`${attack.digest.replace(':', '-')}.sig`, () => ({ status: 404 }))
    putList(attack.registry, attack.digest, [putBundle(attack.registry, attack.digest, { bundle })])
    expect(await attack.admit()).toMatchObject({ outcome: 'denied' })
    expect(canary.connections()).toBe(0)
  })

  test('as the place of a layer (`urls`) it is denied when the registry lacks the layer, and not asked', async () => {
    const layer = layerFor(attack.digest)
    const descriptor = {
      mediaType: layer.mediaType,
      digest: digestOf(layer.bytes),
      size: layer.bytes.length,
      annotations: layer.annotations,
    }
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('{}'), size: 2 }
    const manifest = json({
      schemaVersion: 2,
      mediaType: types.manifest,
      config,
      layers: [{ ...descriptor, urls: [lure()] }],
    })
    attack.registry.putManifest(manifest, { tag: `${attack.digest.replace(':', '-')}.sig` })
    attack.registry.on('GET', `/v2/team/app/blobs/${digestOf(layer.bytes)}`, { status: 404 })
    canary.on('GET', '/fetch-me', { body: layer.bytes })
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'content-missing' })
    expect(canary.connections()).toBe(0)
  })
})
