// What counts as a signature, attacks on encodings (threats CS-10, CS-11): one changed byte, BER, raw r‖s, other hashes,
// other paddings, other keys.

import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { ed25519ctx, ed25519ph } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkSignature } from '#signature/keys/check.ts'
import { prehashedRefusal } from '#signature/keys/ed25519ph.ts'

interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const bytes = Buffer.from('{"critical":{}}')
const pairs = {
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ed25519: generateKeyPairSync('ed25519'),
} as const satisfies Record<string, Pair>

function key(pair: Pair): { pem: string } {
  return { pem: pair.publicKey.export({ format: 'pem', type: 'spki' }).toString() }
}

async function codeOf(pair: Pair, signature: Uint8Array, over: Uint8Array = bytes): Promise<string> {
  const result = await checkSignature(key(pair), over, signature)
  return result === 'valid' ? result : result.code
}

describe('accepts', () => {
  test.each([
    ['P-256 with SHA-256', pairs.p256, 'sha256'],
    ['P-384 with SHA-256', pairs.p384, 'sha256'],
    ['P-384 with SHA-384', pairs.p384, 'sha384'],
    ['P-521 with SHA-256', pairs.p521, 'sha256'],
    ['P-521 with SHA-512', pairs.p521, 'sha512'],
    ['RSA with SHA-256', pairs.rsa, 'sha256'],
    ['Ed25519', pairs.ed25519, null],
  ] as const)('%s', async (_what, pair, hash) => {
    expect(await codeOf(pair, sign(hash, bytes, pair.privateKey))).toBe('valid')
  })
})

describe('refuses', () => {
  test.each([
    ['P-256 with SHA-384', pairs.p256, 'sha384'],
    ['P-256 with SHA-1', pairs.p256, 'sha1'],
    ['P-384 with SHA-512', pairs.p384, 'sha512'],
    ['P-521 with SHA-384', pairs.p521, 'sha384'],
    ['RSA with SHA-1', pairs.rsa, 'sha1'],
    ['RSA with SHA-512', pairs.rsa, 'sha512'],
  ] as const)('%s', async (_what, pair, hash) => {
    expect(await codeOf(pair, sign(hash, bytes, pair.privateKey))).toBe('signature-wrong-key')
  })

  test.each([
    ['p256', ['sha256']],
    ['p384', ['sha256', 'sha384']],
    ['p521', ['sha256', 'sha512']],
  ] as const)('raw r‖s of %s, which is told from a foreign signature', async (name, hashes) => {
    for (const hash of hashes) {
      const raw = sign(hash, bytes, { key: pairs[name].privateKey, dsaEncoding: 'ieee-p1363' })
      expect(await codeOf(pairs[name], raw)).toBe('ecdsa-raw-refused')
      raw[0] = (raw[0] ?? 0) ^ 1
      expect(await codeOf(pairs[name], raw)).toBe('signature-wrong-key')
    }
  })

  test('Ed25519ph and Ed25519ctx, the former by name where that is asked', async () => {
    const { d, x } = pairs.ed25519.privateKey.export({ format: 'jwk' })
    const secret = Buffer.from(d ?? '', 'base64url')
    expect(Buffer.from(x ?? '', 'base64url')).toHaveLength(32)
    const prehashed = ed25519ph.sign(bytes, secret)
    const context = ed25519ctx.sign(bytes, secret, { context: Buffer.from('a') })
    expect(await codeOf(pairs.ed25519, prehashed)).toBe('signature-wrong-key')
    expect(await codeOf(pairs.ed25519, context)).toBe('signature-wrong-key')
    const told = async (signature: Uint8Array, over = bytes, pair: Pair = pairs.ed25519) =>
      (await prehashedRefusal(key(pair), over, signature))?.code
    expect(await told(prehashed)).toBe('ed25519ph-refused')
    expect(await told(prehashed, Buffer.from('other'))).toBeUndefined()
    expect(await told(context)).toBeUndefined()
    expect(await told(sign(null, bytes, pairs.ed25519.privateKey))).toBeUndefined()
    for (const other of [prehashed.subarray(1), new Uint8Array(0)]) expect(await told(other)).toBeUndefined()
    expect(await told(prehashed, bytes, pairs.p256)).toBeUndefined()
  })

  test('Ed25519ph, not by name where as many wait for theirs as may, and by name again after them', async () => {
    const { d } = pairs.ed25519.privateKey.export({ format: 'jwk' })
    const prehashed = ed25519ph.sign(bytes, Buffer.from(d ?? '', 'base64url'))
    const told = async () => (await prehashedRefusal(key(pairs.ed25519), bytes, prehashed))?.code
    const codes = await Promise.all(Array.from({ length: 66 }, told))
    expect(codes.map((code) => code === 'ed25519ph-refused')).toEqual([...Array(64).fill(true), false, false])
    expect(await told()).toBe('ed25519ph-refused')
  })

  test('RSA-PSS by an RSA key', async () => {
    const pss = sign('sha256', bytes, { key: pairs.rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING })
    expect(await codeOf(pairs.rsa, pss)).toBe('signature-wrong-key')
  })

  test('an RSA key with fewer than 2048 bits, whatever it signed', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
    expect(await codeOf(small, sign('sha256', bytes, small.privateKey))).toBe('rsa-too-small')
  })

  test('every other key, whatever its kind', async () => {
    for (const signer of Object.values(pairs)) {
      const signature = sign(signer === pairs.ed25519 ? null : 'sha256', bytes, signer.privateKey)
      for (const other of Object.values(pairs)) {
        expect(await codeOf(other, signature)).toBe(other === signer ? 'valid' : 'signature-wrong-key')
      }
    }
  })

  test('what is no key', async () => {
    const result = await checkSignature({ pem: 'no key' }, bytes, new Uint8Array(64))
    expect(result).toMatchObject({ code: 'signature-wrong-key' })
  })
})

describe('ECDSA is DER in its one form', () => {
  const signature = sign('sha256', bytes, pairs.p256.privateKey)
  const [r, s] = integersOf(signature)
  const der = (...integers: Buffer[]) => sequence(Buffer.concat(integers.map(integer)))

  test('the pieces put together again are the signature', async () => {
    expect(der(r, s).equals(signature)).toBe(true)
    expect(await codeOf(pairs.p256, der(r, s))).toBe('valid')
  })

  test.each([
    ['a long-form length', Buffer.concat([Buffer.from([0x30, 0x81, signature.length - 2]), signature.subarray(2)])],
    ['an indefinite length', Buffer.concat([Buffer.from([0x30, 0x80]), signature.subarray(2), Buffer.from([0, 0])])],
    ['a leading zero too many', der(Buffer.concat([Buffer.from([0]), r]), s)],
    ['bytes after it', Buffer.concat([signature, Buffer.from([0])])],
    ['a third integer', der(r, s, Buffer.from([1]))],
    ['r missing', der(s)],
    ['r = 0', der(Buffer.from([0]), s)],
    ['s = 0', der(r, Buffer.from([0]))],
    ['r = s = 0', der(Buffer.from([0]), Buffer.from([0]))],
    ['r and s exchanged', der(s, r)],
    ['nothing', Buffer.alloc(0)],
  ])('%s is refused', async (_what, changed) => {
    expect(await codeOf(pairs.p256, changed)).toBe('signature-wrong-key')
  })
})

describe('one changed bit', () => {
  test.each(Object.entries(pairs))('of a signature or of what is signed is refused: %s', async (_name, pair) => {
    const signature = sign(pair === pairs.ed25519 ? null : 'sha256', bytes, pair.privateKey)
    const place = (length: number) => fc.tuple(fc.nat(length - 1), fc.integer({ min: 0, max: 7 }))
    await fc.assert(
      fc.asyncProperty(place(signature.length), async ([at, bit]) => {
        expect(await codeOf(pair, flip(signature, at, bit))).toBe('signature-wrong-key')
      }),
      { numRuns: 40 },
    )
    await fc.assert(
      fc.asyncProperty(place(bytes.length), async ([at, bit]) => {
        expect(await codeOf(pair, signature, flip(bytes, at, bit))).toBe('signature-wrong-key')
      }),
      { numRuns: 20 },
    )
  })

  test('and any bytes at all are an answer, never an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (any) => {
        for (const pair of Object.values(pairs)) expect(await codeOf(pair, any)).toBe('signature-wrong-key')
      }),
      { numRuns: 20 },
    )
  })
})

function flip(original: Uint8Array, at: number, bit: number): Uint8Array {
  return original.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte))
}

function integersOf(signature: Buffer): [Buffer, Buffer] {
  const length = signature[3] ?? 0
  return [signature.subarray(4, 4 + length), signature.subarray(6 + length)]
}

function integer(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([2, content.length]), content])
}

function sequence(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x30, content.length]), content])
}
