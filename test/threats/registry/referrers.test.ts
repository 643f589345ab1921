// Where the signature is found, and when "nobody has signed it" may be said.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Attack,
  demanding,
  layerFor,
  putBundle,
  putClassic,
  putFallback,
  putList,
  startAttack,
  stranger,
} from '../../support/attack.ts'
import { descriptorOf, digestOf, imageManifest, json, types } from '../../support/hostile-registry.ts'
import { bundleType } from '../../support/signed-evidence.ts'

const byReferrer = { policies: [demanding(['Bundle'])] }

let attack: Attack
beforeEach(async () => {
  attack = await startAttack(byReferrer)
})
afterEach(() => attack.close())

const api = () => `/v2/team/app/referrers/${attack.digest}`
const fallback = () => `/v2/team/app/manifests/${attack.digest.replace(':', '-')}`
const foreign = () => descriptorOf(imageManifest('a bill of materials'), { artifactType: 'application/spdx+json' })

describe('RG-10: a registry with a referrers API that knows of nothing', () => {
  test('neighbour: the signature under the fallback tag is found, and admits', async () => {
    putList(attack.registry, attack.digest, [])
    putFallback(attack.registry, attack.digest, [putBundle(attack.registry, attack.digest)])
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
  })

  test('is denied as unsigned when nothing lies under the tag either', async () => {
    putList(attack.registry, attack.digest, [])
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
  })

  test.each([404, 405, 501])('neighbour: one that answers %i has none; the fallback tag admits', async (status) => {
    attack.registry.on('GET', api(), { status })
    putFallback(attack.registry, attack.digest, [putBundle(attack.registry, attack.digest)])
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
  })

  test.each([
    [401, 'access-denied'],
    [403, 'access-denied'],
    [400, 'registry-protocol'],
    [429, 'registry-throttled'],
    [500, 'registry-failing'],
  ])('and one that answers %i is denied, and never as unsigned', async (status, code) => {
    attack.registry.on('GET', api(), { status })
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code })
  })

  test.each([
    [401, 'access-denied'],
    [403, 'access-denied'],
    [410, 'registry-protocol'],
    [500, 'registry-failing'],
  ])('and a fallback tag that answers %i is denied, and never as unsigned', async (status, code) => {
    attack.registry.on('GET', fallback(), { status })
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code })
  })

  test('is denied as missing, not as unsigned, when the image itself is not there', async () => {
    attack.registry.lie(attack.digest, () => ({ status: 404 }))
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'image-not-found' })
  })
})

describe('RG-10: a list that names other things than the signature', () => {
  test('neighbour: the signature under the fallback tag beside it still admits', async () => {
    putList(attack.registry, attack.digest, [foreign()])
    putFallback(attack.registry, attack.digest, [putBundle(attack.registry, attack.digest)])
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
  })

  test("is denied when the signature there is a stranger's", async () => {
    putList(attack.registry, attack.digest, [foreign()])
    putFallback(attack.registry, attack.digest, [
      putBundle(attack.registry, attack.digest, { key: stranger.privateKey }),
    ])
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'signature-by-stranger' })
  })

  test('is denied as unsigned when both are read and neither names one', async () => {
    putList(attack.registry, attack.digest, [foreign()])
    putFallback(attack.registry, attack.digest, [foreign()])
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
  })

  test.each([
    ['answers 500', () => attack.registry.on('GET', fallback(), { status: 500 }), 'registry-failing'],
    ['holds no index', () => attack.registry.on('GET', fallback(), { body: 'x' }), 'manifest-malformed'],
  ])('is not denied as unsigned when the fallback tag %s', async (_what, spoil, code) => {
    putList(attack.registry, attack.digest, [foreign()])
    spoil()
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code })
  })

  test('the fallback tag costs nothing where the list suffices', async () => {
    putList(attack.registry, attack.digest, [foreign(), putBundle(attack.registry, attack.digest)])
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
    expect(attack.registry.seen()).not.toContain(`GET ${fallback()}`)
    expect(attack.registry.requests).toHaveLength(3)
  })

  test('what both name is looked at once', async () => {
    const entry = putBundle(attack.registry, attack.digest, { key: stranger.privateKey })
    putList(attack.registry, attack.digest, [entry])
    putFallback(attack.registry, attack.digest, [entry])
    const { message } = await attack.admit()
    expect(message.match(/the referrer [0-9a-f]+/g)).toHaveLength(1)
  })
})

describe('RG-10: a referrer of another image', () => {
  const subject = () => ({ mediaType: types.manifest, digest: attack.digest, size: 1 })

  test.each(['putList', 'putFallback'] as const)(
    'is denied where the list (%s) says that it is one of this',
    async (how) => {
      const put = how === 'putList' ? putList : putFallback
      const other = { ...subject(), digest: digestOf('another image') }
      put(attack.registry, attack.digest, [putBundle(attack.registry, attack.digest, { more: { subject: other } })])
      const answer = await attack.admit()
      expect(answer).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
    },
  )

  test('is denied when it names no subject at all', async () => {
    putList(attack.registry, attack.digest, [
      putBundle(attack.registry, attack.digest, { more: { subject: undefined } }),
    ])
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
  })

  test('neighbour: one that names this image is admitted', async () => {
    putList(attack.registry, attack.digest, [
      putBundle(attack.registry, attack.digest, { more: { subject: subject() } }),
    ])
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
  })
})

describe('RG-11: malformed entries in a list of referrers', () => {
  const good = () => descriptorOf(imageManifest('x'), { artifactType: bundleType })
  const bad: readonly (readonly [string, () => unknown])[] = [
    ['null', () => null],
    ['a text', () => 'sha256'],
    ['an entry without a digest', () => ({ ...good(), digest: undefined })],
    ['an entry with a garbage digest', () => ({ ...good(), digest: 'sha256:../../x' })],
    ['an entry with a size that is none', () => ({ ...good(), size: '12' })],
    ['an entry of a negative size', () => ({ ...good(), size: -1 })],
    ['annotations that are a list', () => ({ ...good(), annotations: ['a'] })],
    ['annotations that are numbers', () => ({ ...good(), annotations: { a: 7 } })],
    ['a type that is a number', () => ({ ...good(), artifactType: 7 })],
    ['an entry that another reader reads otherwise', () => ({ ...good(), Digest: attack.digest })],
  ]

  test.each(bad)('neighbour: %s beside a valid one is admitted', async (_what, entry) => {
    putList(attack.registry, attack.digest, [entry(), putBundle(attack.registry, attack.digest), entry()])
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
  })

  test.each(bad)('%s alone is denied, and not as unsigned', async (_what, entry) => {
    putList(attack.registry, attack.digest, [entry()])
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'manifest-malformed' })
  })

  test.each(bad)('%s under the fallback tag is denied, and not as unsigned', async (_what, entry) => {
    putFallback(attack.registry, attack.digest, [entry()])
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'manifest-malformed' })
  })
})

describe('RG-11: a malformed signature manifest', () => {
  const byTag = { policies: [demanding(['Tag'])] }
  const valid = () => {
    const layer = layerFor(attack.digest)
    attack.registry.putBlob(layer.bytes)
    return {
      mediaType: layer.mediaType,
      digest: digestOf(layer.bytes),
      size: layer.bytes.length,
      annotations: layer.annotations,
    }
  }
  const put = (layers: unknown, more: object = {}) => {
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('{}'), size: 2 }
    const manifest = json({ schemaVersion: 2, mediaType: types.manifest, config, layers, ...more })
    attack.registry.putManifest(manifest, { tag: `${attack.digest.replace(':', '-')}.sig` })
  }
  const bad: readonly (readonly [string, () => unknown])[] = [
    ['a null layer', () => null],
    ['a layer without annotations', () => ({ ...valid(), annotations: undefined })],
    ['a layer with null annotations', () => ({ ...valid(), annotations: null })],
    ['a layer whose annotations are a text', () => ({ ...valid(), annotations: 'x' })],
    ['a signature that is a number', () => ({ ...valid(), annotations: { 'dev.cosignproject.cosign/signature': 7 } })],
    [
      'a signature that is not base64',
      () => ({ ...valid(), annotations: { 'dev.cosignproject.cosign/signature': '***' } }),
    ],
    ['an empty signature', () => ({ ...valid(), annotations: { 'dev.cosignproject.cosign/signature': '' } })],
    ['a layer with a garbage digest', () => ({ ...valid(), digest: 'x' })],
    ['a layer of a foreign type', () => ({ ...valid(), mediaType: 'text/plain' })],
  ]

  test.each(bad)('neighbour: %s beside a valid one is admitted', async (_what, layer) => {
    put([layer(), valid(), layer()])
    expect(await attack.admit(attack.pinned, byTag)).toMatchObject({ outcome: 'allowed' })
  })

  test.each(bad)('%s alone is denied', async (_what, layer) => {
    put([layer()])
    expect(await attack.admit(attack.pinned, byTag)).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
  })

  test.each([
    ['null layers', () => put(null)],
    ['layers that are an object', () => put({ 0: valid() })],
    ['annotations of wrong types', () => put([valid()], { annotations: { a: null } })],
    ['a config that is null', () => put([valid()], { config: null })],
    [
      'no JSON at all',
      () => attack.registry.putManifest(Buffer.from('x'), { tag: `${attack.digest.replace(':', '-')}.sig` }),
    ],
  ])('%s is denied, and the next image is served', async (_what, spoil) => {
    spoil()
    expect(await attack.admit(attack.pinned, byTag)).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
    const other = attack.registry.putManifest(imageManifest('another'), { tag: 'other' })
    putClassic(attack.registry, other, [layerFor(other)])
    expect(await attack.admit(`${attack.registry.host}/team/app:other`, byTag)).toMatchObject({ outcome: 'patched' })
  })
})

describe('RG-11: a malformed bundle', () => {
  const bad: readonly (readonly [string, unknown])[] = [
    ['no JSON', 'x'],
    ['null', 'null'],
    ['a list', '[]'],
    [
      'an envelope that is null',
      { mediaType: bundleType, verificationMaterial: { publicKey: { hint: '' } }, dsseEnvelope: null },
    ],
    [
      'an empty certificate chain',
      { mediaType: bundleType, verificationMaterial: { x509CertificateChain: { certificates: [] } } },
    ],
    ['nested a hundred thousand deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ]

  test.each(bad)('(%s) is denied', async (_what, bundle) => {
    putList(attack.registry, attack.digest, [putBundle(attack.registry, attack.digest, { bundle })])
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
  })

  test.each(bad)('neighbour: (%s) beside a valid one is admitted', async (_what, bundle) => {
    const entries = [putBundle(attack.registry, attack.digest, { bundle }), putBundle(attack.registry, attack.digest)]
    putList(attack.registry, attack.digest, entries)
    expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
  })
})
