// What a cryptographic library written in JavaScript says never makes a signature count.

import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { verifyByKey } from '#signature/by-key.ts'
import { attestorOf } from '../../support/evidence.ts'
import { digestOf } from '../../support/memory-registry.ts'

/** The worst that such a library could be: it finds everything right. */
const library = vi.hoisted(() => ({ verify: vi.fn(() => true) }))
vi.mock('@noble/curves/ed25519.js', () => ({ ed25519ph: library }))

const signedBytes = Buffer.from('{"critical":{}}')
const digest = digestOf('an image')
const pairs = {
  'ECDSA P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ECDSA P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'ECDSA P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  Ed25519: generateKeyPairSync('ed25519'),
}
const cases = Object.entries(pairs).map(([name, { publicKey, privateKey }]) => ({
  name,
  attestor: attestorOf(publicKey.export({ format: 'pem', type: 'spki' }).toString()),
  signature: sign(name === 'Ed25519' ? null : 'sha256', signedBytes, privateKey),
}))

const verify = ({ attestor }: Pick<(typeof cases)[number], 'attestor'>, signature: Uint8Array, bytes = signedBytes) => {
  const presented = { checked: [], signedBytes: bytes, signature, annotations: {}, tellPrehashed: true }
  return verifyByKey({ ...presented, digest: { matches: true } }, attestor, digest)
}

describe('JS-03: a library in JavaScript that finds every signature right', () => {
  test.each(cases)('makes no forged one of $name count', async (each) => {
    const forged = Buffer.from(each.signature)
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    expect(await verify(each, forged)).toMatchObject({ accepted: false })
    expect(await verify(each, each.signature, Buffer.from('other'))).toMatchObject({ accepted: false })
  })

  test('is believed only in why a signature is refused', async () => {
    const attestor = attestorOf(...cases.flatMap((each) => each.attestor.keys.map(({ pem }) => pem)))
    expect(await verify({ attestor }, new Uint8Array(64))).toMatchObject({ accepted: false, code: 'ed25519ph-refused' })
  })

  test('is not even asked about what a later key of the attestor has signed', async () => {
    library.verify.mockClear()
    const { publicKey } = generateKeyPairSync('ed25519')
    const first = publicKey.export({ format: 'pem', type: 'spki' }).toString()
    for (const each of cases) {
      const attestor = attestorOf(first, ...each.attestor.keys.map(({ pem }) => pem))
      expect(await verify({ attestor }, each.signature)).toMatchObject({ accepted: true })
    }
    expect(library.verify).not.toHaveBeenCalled()
  })

  test.each(cases)('neighbour: the true one of $name counts', async (each) => {
    expect(await verify(each, each.signature)).toMatchObject({ accepted: true })
  })
})
