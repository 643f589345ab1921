// A registry that says one thing now and another later, or calls bytes by a name that is not theirs.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Attack, demanding, layerFor, putBundle, putClassic, putList, startAttack } from '../../support/attack.ts'
import { flipping } from '../../support/hostile-answers.ts'
import { asServed, digestOf, imageManifest, indexOf, types } from '../../support/hostile-registry.ts'

let attack: Attack
beforeEach(async () => {
  attack = await startAttack({ policies: [demanding(['Tag'])] })
  putClassic(attack.registry, attack.digest, [layerFor(attack.digest)])
})
afterEach(() => attack.close())

const evil = imageManifest('another image')

describe('RG-01: a registry that answers with another image from some request on', () => {
  /** The tag's truth for so many requests, then the attacker's image. */
  const flipAfter = (times: number) =>
    attack.registry.lie('v1', flipping(times, asServed(attack.bytes, types.manifest), asServed(evil, types.manifest)))
  const asked = () => attack.registry.seen().filter((line) => line.endsWith('/manifests/v1'))

  test.each([1, 2, 3, 5, 10])(
    'neighbour: is pinned to what was verified, if it flips only after request %i',
    async (times) => {
      flipAfter(times)
      const answer = await attack.admit(attack.tagged)
      expect(answer).toMatchObject({ outcome: 'patched', image: `${attack.tagged}@${attack.digest}` })
      expect(asked()).toHaveLength(1)
    },
  )

  test('is denied when it flips before the first, and its image is never fetched', async () => {
    flipAfter(0)
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
    expect(asked()).toHaveLength(1)
  })

  test('is denied at the next request, with everything of the first still in memory', async () => {
    flipAfter(1)
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'patched' })
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
  })

  test('is denied where signature and image flip apart: a genuine signature of the old one vouches for nothing else', async () => {
    flipAfter(0)
    putClassic(attack.registry, digestOf(evil), [layerFor(attack.digest)])
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
  })
})

describe('RG-02: bytes under a digest that is not theirs', () => {
  const each = { policies: [demanding(['Tag'], { platforms: 'Each' })] }

  test('neighbour: what hashes to its digest is admitted', async () => {
    expect(await attack.admit(attack.pinned, each)).toMatchObject({ outcome: 'allowed' })
  })

  test('are denied as the manifest of the image', async () => {
    attack.registry.lie(attack.digest, () => ({ ...asServed(evil, types.manifest) }))
    expect(await attack.admit(attack.pinned, each)).toMatchObject({ outcome: 'denied', code: 'digest-mismatch' })
  })

  test('are denied whatever digest the header claims for them', async () => {
    const headers = { 'content-type': types.manifest, 'docker-content-digest': attack.digest }
    attack.registry.lie(attack.digest, () => ({ headers, body: evil }))
    expect(await attack.admit(attack.pinned, each)).toMatchObject({ outcome: 'denied', code: 'digest-mismatch' })
  })

  test('are denied where only the header lies about true bytes', async () => {
    const headers = { 'content-type': types.manifest, 'docker-content-digest': digestOf(evil) }
    attack.registry.lie(attack.digest, () => ({ headers, body: attack.bytes }))
    expect(await attack.admit(attack.pinned, each)).toMatchObject({ outcome: 'denied', code: 'digest-mismatch' })
  })

  test('are denied as the payload of a signature', async () => {
    const [path] = [`/v2/team/app/blobs/${digestOf(layerFor(attack.digest).bytes)}`]
    attack.registry.on('GET', path, { body: layerFor(digestOf(evil)).bytes })
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'digest-mismatch' })
  })

  test('are denied as the signature manifest under the tag', async () => {
    const tag = `${attack.digest.replace(':', '-')}.sig`
    const headers = { 'content-type': types.manifest, 'docker-content-digest': digestOf('something else') }
    attack.registry.lie(tag, () => ({ headers, body: evil }))
    expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'digest-mismatch' })
  })

  test('are denied as a referrer', async () => {
    const bundle = { policies: [demanding(['Bundle'])] }
    const entry = putBundle(attack.registry, attack.digest)
    putList(attack.registry, attack.digest, [entry])
    expect(await attack.admit(attack.pinned, bundle)).toMatchObject({ outcome: 'allowed' })
    const again = await startAttack({ registry: attack.registry })
    attack.registry.lie(entry.digest, () => asServed(indexOf(), types.index))
    expect(await again.admit(attack.pinned, bundle)).toMatchObject({ outcome: 'denied', code: 'digest-mismatch' })
    await again.client.close()
  })

  test('of a HEAD that names another digest than the GET: the one that was named is judged, and nothing else', async () => {
    attack.registry.on('HEAD', '/v2/team/app/manifests/v1', asServed(evil, types.manifest))
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'signature-missing' })
    attack.registry.on('HEAD', '/v2/team/app/manifests/v1', asServed(attack.bytes, types.manifest))
    attack.registry.on('GET', '/v2/team/app/manifests/v1', asServed(evil, types.manifest))
    const answer = await attack.admit(attack.tagged)
    expect(answer).toMatchObject({ outcome: 'patched', image: `${attack.tagged}@${attack.digest}` })
  })

  test.each(['', 'sha256:short', 'md5:d41d8cd98f00b204e9800998ecf8427e', `SHA256:${'a'.repeat(64)}`])(
    'with the garbage %j for a digest are denied',
    async (garbage) => {
      const headers = { 'content-type': types.manifest, 'docker-content-digest': garbage }
      attack.registry.on('HEAD', '/v2/team/app/manifests/v1', { headers, body: attack.bytes })
      expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'registry-protocol' })
    },
  )
})
