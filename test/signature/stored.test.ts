import { expect, test } from 'vitest'
import { readImageManifest, readSignatureManifest } from '#signature/stored.ts'
import { digestOf, json, layer, manifestOf, manifestType } from '../support/signed-evidence.ts'

const fetched = (bytes: Uint8Array) => ({ digest: digestOf(bytes), mediaType: manifestType, bytes })
const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] }

test('the same bytes are read once, since formats look at them after every answer', () => {
  const manifest = fetched(manifestOf([layer()]))
  expect(readSignatureManifest(manifest)).toMatchObject({ kind: 'image' })
  expect(readSignatureManifest(manifest)).toBe(readSignatureManifest(manifest))
})

test('what is none is a sentence', () => {
  const none = 'it is an index, not a manifest with layers'
  const { mediaType } = index
  expect(readSignatureManifest({ ...fetched(json(index)), mediaType })).toBe(none)
  expect(readImageManifest({ ...fetched(json(index)), mediaType })).toBe(none)
  expect(readImageManifest(fetched(new TextEncoder().encode('x')))).toMatch(/not JSON/)
})

test('one malformed layer spoils an image, and no signature beside it', () => {
  const spoilt = fetched(manifestOf([layer()], { layers: [{ mediaType: 'x' }] }))
  expect(readImageManifest(spoilt)).toBeTypeOf('string')
  expect(readSignatureManifest(spoilt)).toMatchObject({ layers: [{ malformed: expect.any(String) }] })
})
