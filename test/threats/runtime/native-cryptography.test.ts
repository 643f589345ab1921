// What a cryptographic library written in JavaScript says never makes a signature count.

import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { checkSignature } from '#signature/keys/check.ts'

/** The worst that such a library could be: it finds everything right. */
vi.mock('@noble/curves/ed25519.js', () => ({ ed25519ph: { verify: () => true } }))

const bytes = Buffer.from('{"critical":{}}')
const told = { tellPrehashed: true }
const pairs = {
  'ECDSA P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ECDSA P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'ECDSA P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  Ed25519: generateKeyPairSync('ed25519'),
}
const cases = Object.entries(pairs).map(([name, { publicKey, privateKey }]) => ({
  name,
  key: { pem: publicKey.export({ format: 'pem', type: 'spki' }).toString() },
  signature: sign(name === 'Ed25519' ? null : 'sha256', bytes, privateKey),
}))

describe('JS-03: a library in JavaScript that finds every signature right', () => {
  test.each(cases)('makes no forged one of $name count', async ({ key, signature }) => {
    const forged = Buffer.from(signature)
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    expect(await checkSignature(key, bytes, forged, told)).not.toBe('valid')
    expect(await checkSignature(key, Buffer.from('other'), signature, told)).not.toBe('valid')
  })

  test('is believed only in why a signature is refused', async () => {
    const { key } = cases.at(-1) ?? { key: { pem: '' } }
    const refusal = await checkSignature(key, bytes, new Uint8Array(64), told)
    expect(refusal).toMatchObject({ code: 'ed25519ph-refused' })
  })

  test.each(cases)('neighbour: the true one of $name counts', async ({ key, signature }) => {
    expect(await checkSignature(key, bytes, signature, told)).toBe('valid')
  })
})
