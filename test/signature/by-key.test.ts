// Which of the attestor's keys made a signature, and what is said if none did.

import { generateKeyPairSync, sign } from 'node:crypto'
import { ed25519ph } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import type { Presented } from '#signature/by-key.ts'
import { verifyByKey } from '#signature/by-key.ts'
import { attestorOf } from '../support/evidence.ts'
import { image, pair, pemOf, stranger } from '../support/signed-evidence.ts'

const bytes = Buffer.from('signed')
const signature = sign('sha256', bytes, pair.privateKey)
const presented: Presented = {
  checked: ['encoding'],
  signedBytes: bytes,
  signature,
  digest: { matches: true },
  annotations: {},
  tellPrehashed: false,
}
const third = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const edwards = generateKeyPairSync('ed25519')

const verify = (parts: Partial<Presented>, ...keys: readonly { publicKey: typeof pair.publicKey }[]) =>
  verifyByKey({ ...presented, ...parts }, attestorOf(...keys.map(({ publicKey }) => pemOf(publicKey))), image)

describe('a signature', () => {
  test('counts with the name that its bytes give, or without one', async () => {
    expect(await verify({ reference: 'app' }, pair)).toMatchObject({ accepted: true, claims: { reference: 'app' } })
    const unnamed = await verify({}, pair)
    expect(unnamed.accepted && 'reference' in unnamed.claims).toBe(false)
  })

  test('is found whatever the hint says, by the last key too', async () => {
    for (const hint of [undefined, '', attestorOf(pemOf(stranger.publicKey)).keys[0]?.fingerprint]) {
      expect(await verify({ hint }, stranger, third, pair)).toMatchObject({ claims: { signer: { key: 'key 3' } } })
    }
  })

  test('for another digest is refused, and shows each check', async () => {
    expect(await verify({ digest: { matches: false, detail: 'it is for another' } }, pair)).toEqual({
      accepted: false,
      code: 'payload-other-image',
      detail: 'it is for another',
      checks: [
        { name: 'encoding', passed: true },
        { name: 'digest', passed: false, code: 'payload-other-image', detail: 'it is for another' },
        { name: 'signature', passed: true },
      ],
    })
  })

  test('by nobody asked for is refused, with the hint for those who look for the key', async () => {
    expect(await verify({ hint: 'ab' }, stranger)).toEqual({
      accepted: false,
      code: 'signature-wrong-key',
      detail: 'the signature was not made by this key',
      untrustedHint: 'ab',
      checks: [
        { name: 'encoding', passed: true },
        { name: 'digest', passed: true },
        {
          name: 'signature',
          passed: false,
          code: 'signature-wrong-key',
          detail: 'the signature was not made by this key',
        },
      ],
    })
  })
})

describe('the reason for a refusal', () => {
  const reason = async (...asked: Parameters<typeof verify>) => {
    const verification = await verify(...asked)
    return verification.accepted ? 'accepted' : `${verification.code}: ${verification.detail}`
  }

  test('is the same for several keys that say the same', async () => {
    expect(await reason({}, stranger, third)).toBe(
      'signature-wrong-key: the signature was not made by this key, nor by another of the attestor',
    )
  })

  test('is general where keys say different things, and where there are none', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const [weak] = attestorOf(pemOf(stranger.publicKey)).keys
    if (weak === undefined) throw new Error('no key')
    const attestor = attestorOf(pemOf(stranger.publicKey))
    const keys = [...attestor.keys, { ...weak, name: 'small', pem: pemOf(small.publicKey) }]
    const none = 'the signature was made by none of the keys'
    expect(await verifyByKey(presented, { ...attestor, keys }, image)).toMatchObject({
      code: 'signature-wrong-key',
      detail: none,
    })
    expect(await verifyByKey(presented, { ...attestor, keys: [] }, image)).toMatchObject({
      code: 'signature-wrong-key',
      detail: none,
    })
  })

  test('is the form of the signature where one of the keys made it so', async () => {
    const raw = sign('sha256', bytes, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' })
    expect(await reason({ signature: raw }, stranger, pair)).toMatch(/^ecdsa-raw-refused: /)
    const secret = Buffer.from(edwards.privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
    const prehashed = Buffer.from(ed25519ph.sign(bytes, secret))
    const told = { signature: prehashed, tellPrehashed: true }
    expect(await reason(told, stranger, edwards)).toMatch(/^ed25519ph-refused: /)
    expect(await reason({ ...told, tellPrehashed: false }, stranger, edwards)).toMatch(/^signature-wrong-key: /)
  })

  test('is found out by the first key of that kind only, since it costs milliseconds', async () => {
    const secret = Buffer.from(edwards.privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
    const told = { signature: Buffer.from(ed25519ph.sign(bytes, secret)), tellPrehashed: true }
    expect(await reason(told, generateKeyPairSync('ed25519'), edwards)).toMatch(/^signature-wrong-key: /)
  })
})
