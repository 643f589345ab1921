import { describe, expect, test } from 'vitest'
import { parseManifest } from '#core/image/manifest.ts'
import { appendCosignLayer, composeBundle, composeCosign } from '#signature/compose.ts'
import { bundle } from '#signature/formats/bundle.ts'
import { cosign } from '#signature/formats/cosign.ts'
import { generateKey } from '#signature/keys/private-key.ts'
import { createSigner } from '#signature/keys/signer.ts'
import { attestorOf } from '../support/evidence.ts'
import {
  digestOf,
  image,
  type Json,
  json,
  type Layer,
  layer,
  manifestOf,
  manifestType,
  outcomes,
  referred,
  simpleSigning,
  tagged,
} from '../support/signed-evidence.ts'

const signer = createSigner(await generateKey('ed25519'))
const attestor = attestorOf(signer.publicKey.pem)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const read = (bytes: Uint8Array): Json => JSON.parse(text(bytes))
const existing = (bytes: Uint8Array) => ({ digest: digestOf(bytes), mediaType: manifestType, bytes })

describe('a classic signature', () => {
  test('has the payload that cosign writes, to the byte', async () => {
    const plain = await composeCosign(image, 'registry.example/team/app', {}, signer)
    expect(text(plain.bytes)).toBe(
      `{"critical":{"identity":{"docker-reference":"registry.example/team/app"},"image":{"docker-manifest-digest":"${image}"},"type":"cosign container image signature"},"optional":null}`,
    )
    const annotated = await composeCosign(image, 'docker.io/library/nginx', { b: '2', a: '1' }, signer)
    expect(text(annotated.bytes)).toContain('"docker-reference":"index.docker.io/library/nginx"')
    expect(text(annotated.bytes)).toContain('"optional":{"a":"1","b":"2"}')
  })

  test('verifies', async () => {
    const { descriptor, bytes } = await composeCosign(image, 'registry.example/team/app', { team: 'x' }, signer)
    expect(descriptor).toMatchObject({ mediaType: simpleSigning, digest: digestOf(bytes), size: bytes.length })
    const annotations = { ...descriptor.annotations }
    const found = await outcomes(cosign, tagged([{ bytes, mediaType: descriptor.mediaType, annotations }]), attestor)
    expect(found.verified).toEqual(['accepted'])
  })
})

describe('adding to the tag', () => {
  const one = async () => (await composeCosign(image, 'registry.example/team/app', {}, signer)).descriptor

  test('makes a manifest whose config lists its layers', async () => {
    const { config, manifest, added } = appendCosignLayer(null, await one())
    expect(added).toBe(true)
    const parsed = parseManifest(manifest.bytes, manifest.descriptor.mediaType)
    expect(parsed).toMatchObject({ kind: 'image', config: config.descriptor, layers: [await one()] })
    expect(read(config.bytes).rootfs).toEqual({ type: 'layers', diff_ids: [(await one()).digest] })
    expect(manifest.descriptor).toMatchObject({ digest: digestOf(manifest.bytes), size: manifest.bytes.length })
  })

  test('keeps everything that was there as it was, what is not ours too', async () => {
    const foreign: Layer = { ...layer(), mediaType: 'application/vnd.example' }
    const before = manifestOf([layer(), foreign], { annotations: { kept: 'yes' }, 'x-unknown': [1, { a: null }] })
    const after = read(appendCosignLayer(existing(before), await one()).manifest.bytes)
    const { layers, config, ...rest } = read(before)
    expect(after.layers).toEqual([...layers, await one()])
    expect(after).toMatchObject(rest)
    expect(after.config).not.toEqual(config)
  })

  test('adds no signature twice', async () => {
    const first = appendCosignLayer(null, await one())
    const again = appendCosignLayer(existing(first.manifest.bytes), await one())
    expect(again).toMatchObject({ added: false, manifest: { bytes: first.manifest.bytes } })
  })

  const foreign: readonly (readonly [string, Uint8Array])[] = [
    ['an image', manifestOf([{ ...layer(), mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }])],
    ['an index', json({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] })],
    [
      'an artifact',
      manifestOf([layer()], { config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: image, size: 2 } }),
    ],
    ['no manifest', new TextEncoder().encode('x')],
    ['100 signatures', manifestOf(Array.from({ length: 100 }, () => layer()))],
  ]
  test.each(foreign)('leaves alone a tag that holds %s', async (_what, bytes) => {
    const descriptor = await one()
    expect(() => appendCosignLayer(existing(bytes), descriptor)).toThrow(
      expect.objectContaining({ code: 'signature-place-occupied' }),
    )
  })

  test('still adds the hundredth', async () => {
    const almost = manifestOf(Array.from({ length: 99 }, () => layer()))
    expect(appendCosignLayer(existing(almost), await one()).added).toBe(true)
  })
})

describe('a bundle', () => {
  const compose = (annotations = {}) =>
    composeBundle(
      { descriptor: { mediaType: manifestType, digest: image, size: 7 }, repository: 'registry.example/team/app' },
      annotations,
      signer,
      Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    )

  test('is a referrer of the image, dated as told', async () => {
    const { bundle: blob, config, manifest, artifactType } = await compose()
    expect(read(manifest.bytes)).toEqual({
      schemaVersion: 2,
      mediaType: manifestType,
      artifactType,
      config: config.descriptor,
      layers: [blob.descriptor],
      subject: { mediaType: manifestType, digest: image, size: 7 },
      annotations: {
        'dev.sigstore.bundle.content': 'dsse-envelope',
        'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1',
        'org.opencontainers.image.created': '2026-01-02T03:04:05Z',
      },
    })
    expect(config.descriptor.digest).toBe('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a')
  })

  test('verifies, with its annotations', async () => {
    const { bundle: blob, manifest, artifactType } = await compose({ team: 'x' })
    const held = { bytes: blob.bytes, mediaType: blob.descriptor.mediaType, annotations: {} }
    const facts = referred([{ manifest: manifest.bytes, layers: [held], artifactType }])
    expect(await outcomes(bundle, facts, attestor)).toMatchObject({ verified: ['accepted'], oddities: [], gaps: [] })
  })
})
