// Manifests that two readers understand differently, and signatures that cover another part of an image than what runs.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Attack, demanding, layerFor, putClassic, startAttack } from '../../support/attack.ts'
import { descriptorOf, imageManifest, indexOf, json, types } from '../../support/hostile-registry.ts'

const each = { policies: [demanding(['Tag'], { platforms: 'Each' })] }

let attack: Attack
beforeEach(async () => {
  attack = await startAttack(each)
})
afterEach(() => attack.close())

const amd64 = { platform: { os: 'linux', architecture: 'amd64' } }
const arm64 = { platform: { os: 'linux', architecture: 'arm64' } }

/** Serves bytes as the image, and a good signature for whatever their digest is. */
async function admitSigned(bytes: Buffer, mediaType: string = types.manifest) {
  const digest = attack.registry.putManifest(bytes, { mediaType })
  putClassic(attack.registry, digest, [layerFor(digest)])
  return attack.admit(`${attack.registry.host}/team/app@${digest}`)
}

describe('RG-03: an image manifest that can be read in two ways', () => {
  const image = JSON.parse(imageManifest('an image').toString())

  test('neighbour: one that can be read in one way only is admitted', async () => {
    expect(await admitSigned(json(image))).toMatchObject({ outcome: 'allowed' })
  })

  test.each([
    ['is an image and an index at once', { ...image, manifests: [] }, types.manifest, 'manifest-ambiguous'],
    ['is an index by its Content-Type', image, types.index, 'manifest-ambiguous'],
    ['says that it is an index', { ...image, mediaType: types.index }, types.index, 'manifest-ambiguous'],
    ['is of schema 1', { ...image, schemaVersion: 1 }, types.manifest, 'manifest-unsupported'],
    ['was sent as schema 1', { ...image, mediaType: undefined }, types.schema1, 'manifest-unsupported'],
    ['is of an unknown type', { ...image, mediaType: 'text/plain' }, 'text/plain', 'manifest-unsupported'],
    ['has its layers twice, in another case', { ...image, Layers: [] }, types.manifest, 'manifest-ambiguous'],
    ['has neither layers nor manifests', { schemaVersion: 2 }, types.manifest, 'manifest-malformed'],
  ])('that %s is denied, signed or not', async (_what, manifest, mediaType, code) => {
    expect(await admitSigned(json(manifest), mediaType)).toMatchObject({ outcome: 'denied', code })
  })

  test('with one member twice is denied', async () => {
    const twice = imageManifest('an image').toString().replace('"layers":[]', '"layers":[],"layers":[]')
    expect(await admitSigned(Buffer.from(twice))).toMatchObject({
      outcome: 'denied',
      code: expect.stringMatching(/^(json|manifest)-/),
    })
  })

  test('under a tag: schema 1 is denied before anything else is asked', async () => {
    attack.registry.lie('v1', () => ({ headers: { 'content-type': types.schema1 }, body: '{}' }))
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'manifest-unsupported' })
    expect(attack.registry.requests).toHaveLength(1)
  })

  test('as the signature manifest never counts', async () => {
    const layers = [layerFor(attack.digest)]
    putClassic(attack.registry, attack.digest, layers, { manifests: [] })
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
    putClassic(attack.registry, attack.digest, layers)
    // The refusal is remembered for seconds under the image's name; by its tag it is judged anew.
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'patched' })
  })
})

describe('RG-04: a multi-platform image of which only a part is signed', () => {
  const children = [imageManifest('amd64'), imageManifest('arm64')] as const
  const index = indexOf(descriptorOf(children[0], amd64), descriptorOf(children[1], arm64))
  const onlyIndex = { policies: [demanding(['Tag'])] }

  function put(signed: { readonly index: boolean; readonly children: number }) {
    const digests = children.map((child) => attack.registry.putManifest(child))
    for (const digest of digests.slice(0, signed.children)) putClassic(attack.registry, digest, [layerFor(digest)])
    const digest = attack.registry.putManifest(index, { mediaType: types.index, tag: 'multi' })
    if (signed.index) putClassic(attack.registry, digest, [layerFor(digest)])
    return { digest, tagged: `${attack.registry.host}/team/app:multi` }
  }

  test('neighbour: is admitted and pinned to the index when the index is signed, and that is all that is asked for', async () => {
    const { digest, tagged } = put({ index: true, children: 0 })
    expect(await attack.admit(tagged, onlyIndex)).toMatchObject({ outcome: 'patched', image: `${tagged}@${digest}` })
  })

  test('is denied when its platforms are signed and the index, which would be pinned, is not', async () => {
    const { tagged } = put({ index: false, children: 2 })
    expect(await attack.admit(tagged, onlyIndex)).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
  })

  test('is denied under `platforms: Each` when one platform is not signed', async () => {
    const { tagged } = put({ index: true, children: 1 })
    expect(await attack.admit(tagged)).toMatchObject({ outcome: 'denied', code: 'platform-untrusted' })
  })

  test('neighbour: is admitted under `platforms: Each` when index and platforms are signed', async () => {
    const { tagged } = put({ index: true, children: 2 })
    expect(await attack.admit(tagged)).toMatchObject({ outcome: 'patched' })
  })

  test('is denied under `platforms: Each` when it holds another index', async () => {
    attack.registry.putManifest(index, { mediaType: types.index })
    const outer = indexOf({ ...descriptorOf(index), mediaType: types.index })
    expect(await admitSigned(outer, types.index)).toMatchObject({ outcome: 'denied', code: 'manifest-unsupported' })
  })

  test('is denied when the signature of one platform is copied to the index', async () => {
    const { digest, tagged } = put({ index: false, children: 2 })
    const [first = digest] = children.map((child) => descriptorOf(child).digest)
    putClassic(attack.registry, digest, [layerFor(first)])
    expect(await attack.admit(tagged, onlyIndex)).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
  })
})
