// The layers of classic signatures, where their place does not matter: which are read, what is kept of the others, and
// that a fault of ours is no finding about a signature.

import { expect, test } from 'vitest'
import type { SignatureManifest } from '#core/image/manifest.ts'
import { parseSignatureManifest } from '#core/image/manifest.ts'
import { gatherLayers, stringsOf, verifySimpleSigning } from '#signature/simple-signing.ts'
import { WrittenFacts } from '../support/evidence.ts'
import type { Layer } from '../support/signed-evidence.ts'
import {
  at,
  attestor,
  layer,
  manifestOf,
  manifestType,
  payloadOf,
  signatureAnnotation,
  subject,
  withBlobs,
} from '../support/signed-evidence.ts'

const maxBytes = 64 * 1024

function read(layers: readonly Layer[]): SignatureManifest {
  const manifest = parseSignatureManifest(manifestOf(layers), manifestType)
  if (manifest === undefined) throw new Error('no manifest')
  return manifest
}

const gathered = (layers: readonly Layer[], facts = withBlobs(new WrittenFacts(), layers, maxBytes)) =>
  gatherLayers(read(layers), 'the tag x', at, facts)

test('every layer is named by its number, the gaps and the oddities too', () => {
  const foreign = { ...layer(), mediaType: 'application/vnd.example' }
  const big = { ...layer(), size: maxBytes + 1 }
  const { materials, oddities, gaps } = gathered([foreign, big, layer()])
  expect(oddities).toEqual([
    {
      place: 'layer 1 of the tag x',
      code: 'layer-malformed',
      detail: 'it is of the type "application/vnd.example", not a signature',
    },
  ])
  expect(gaps).toEqual([
    { place: 'layer 2 of the tag x', code: 'content-too-large', detail: 'a payload of 65537 bytes' },
  ])
  expect(materials.map(({ place }) => place)).toEqual(['layer 3 of the tag x'])
})

test('what is said of foreign layers is bounded, and no foreign layer takes the place of a signature', () => {
  const foreign = Array.from({ length: 150 }, () => ({ ...layer(), mediaType: 'x/y' }))
  const { materials, oddities } = gathered([...foreign, layer()])
  expect([materials.length, oddities.length]).toEqual([1, 100])
})

test('what is read again is the same material only if all of its annotations are the same', () => {
  const one = layer()
  const more = { ...one, annotations: { ...one.annotations, certificate: 'x' } }
  expect(gathered([one, one]).materials).toHaveLength(1)
  expect(gathered([one, more]).materials).toHaveLength(2)
})

test('a signature of 8192 characters is still read, a longer one is not', async () => {
  const refusal = async (length: number) => {
    const [material] = gathered([{ ...layer(), annotations: { [signatureAnnotation]: 'A'.repeat(length) } }]).materials
    if (material === undefined) throw new Error('nothing found')
    const verification = await verifySimpleSigning(material, attestor, subject)
    return verification.accepted ? 'accepted' : `${verification.code}: ${verification.detail}`
  }
  expect(await refusal(8192)).toBe('signature-wrong-key: the signature was not made by this key')
  expect(await refusal(8196)).toBe('signature-encoding: the signature has 8196 characters')
})

test('a signature without a name claims none', async () => {
  const payload = payloadOf()
  payload.critical.identity['docker-reference'] = ''
  const [material] = gathered([layer(payload)]).materials
  if (material === undefined) throw new Error('nothing found')
  const verification = await verifySimpleSigning(material, attestor, subject)
  expect(verification).toMatchObject({ accepted: true })
  expect(verification.accepted && 'reference' in verification.claims).toBe(false)
})

test('a fault of ours is thrown, not found in the signature', async () => {
  const [material] = gathered([layer()]).materials
  if (material === undefined) throw new Error('nothing found')
  const broken = { ...attestor, keys: undefined as unknown as typeof attestor.keys }
  await expect(verifySimpleSigning(material, broken, subject)).rejects.toThrow(TypeError)
})

test('of annotations only text is kept', () => {
  expect(stringsOf({ a: 'x', b: 1, c: null, d: ['y'], e: '' })).toEqual({ a: 'x', e: '' })
})
