import { ECDH, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { encodePem, parsePem } from '#core/encoding/pem.ts'
import { publicKeyObject, readPublicKey } from '#signature/keys/public-key.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = ec.publicKey.export({ format: 'pem', type: 'spki' }).toString()
const der = ec.publicKey.export({ format: 'der', type: 'spki' })

function refusal(text: string): { code: string; message: string } {
  try {
    readPublicKey(text)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { code: String(error.code), message: error.message }
  }
  throw new Error('not refused')
}

describe('readPublicKey', () => {
  test('answers one PEM and one fingerprint for a key, however it is wrapped', () => {
    const info = readPublicKey(pem)
    expect(info).toMatchObject({ pem, algorithm: 'ECDSA-P256', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) })
    const oneLine = `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----`
    expect(readPublicKey(oneLine)).toEqual(info)
    expect(readPublicKey(pem.replaceAll('\n', '\r\n'))).toEqual(info)
  })

  test('reads RSA keys in PKCS#1 as the same key as in SPKI', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const spki = readPublicKey(publicKey.export({ format: 'pem', type: 'spki' }).toString())
    expect(readPublicKey(publicKey.export({ format: 'pem', type: 'pkcs1' }).toString())).toEqual(spki)
    expect(spki.algorithm).toBe('RSA')
  })

  test('keeps parsed keys', () => {
    expect(publicKeyObject(pem)).toBe(publicKeyObject(pem))
  })

  test('refuses a key with anything after it', () => {
    expect(refusal(encodePem('PUBLIC KEY', Buffer.concat([der, Buffer.from([0])]))).code).toMatch(/^key-/)
    expect(readPublicKey(encodePem('PUBLIC KEY', der)).pem).toBe(pem)
  })

  test('refuses several keys in one text', () => {
    expect(refusal(pem + pem)).toEqual({
      code: 'key-malformed',
      message: expect.stringContaining('several PEM blocks'),
    })
  })

  test('refuses a private key without repeating it, and a certificate with the way out', () => {
    const secret = ec.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    const refused = refusal(secret)
    expect(refused).toEqual({ code: 'key-malformed', message: expect.stringContaining('private key') })
    expect(refused.message).not.toContain(secret.split('\n')[1] ?? '?')
    expect(refusal(encodePem('CERTIFICATE', der)).message).toContain('openssl x509')
  })

  test.each([
    ['nothing', ''],
    ['prose', 'my key'],
    ['an empty block', '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----'],
    ['bytes that are no key', encodePem('PUBLIC KEY', new Uint8Array([1, 2, 3]))],
    ['a megabyte', `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(1 << 20)}\n-----END PUBLIC KEY-----`],
    ['another kind of block', encodePem('OPENSSH KEY', der)],
  ])('refuses %s as malformed', (_what, text) => {
    expect(refusal(text).code).toBe('key-malformed')
  })

  test('refuses a point that is not on the curve', () => {
    const off = Buffer.from(der)
    off[off.length - 1] = (off.at(-1) ?? 0) ^ 1
    expect(refusal(encodePem('PUBLIC KEY', off)).code).toBe('key-malformed')
  })

  test('refuses RSA with fewer than 2048 bits, and more than 8192', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 2040 }).publicKey
    expect(refusal(weak.export({ format: 'pem', type: 'spki' }).toString()).code).toBe('key-weak')
    expect(refusal(rsaOf(8200)).code).toBe('key-unsupported')
    expect(readPublicKey(rsaOf(8192)).algorithm).toBe('RSA')
  })

  test('refuses RSA with an exponent that is small, even, or longer than 31 bits', () => {
    expect(refusal(rsaOf(2048, 65_535)).code).toBe('key-weak')
    expect(refusal(rsaOf(2048, 65_538))).toEqual({ code: 'key-unsupported', message: expect.stringContaining('even') })
    expect(refusal(rsaOf(2048, 2 ** 31 + 1)).code).toBe('key-unsupported')
    for (const exponent of [65_537, 65_539, 2 ** 31 - 1]) {
      expect(readPublicKey(rsaOf(2048, exponent)).algorithm).toBe('RSA')
    }
  })

  test('refuses a key in another than its usual form, and says how to rewrite one of that kind', () => {
    const compressed = ECDH.convertKey(der.subarray(26), 'prime256v1', undefined, undefined, 'compressed')
    const head = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex')
    const short = refusal(encodePem('PUBLIC KEY', Buffer.concat([head, Buffer.from(compressed)])))
    expect(short).toEqual({ code: 'key-unsupported', message: expect.stringContaining('openssl ec -pubin') })
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const spki = publicKey.export({ format: 'der', type: 'spki' })
    const bare = refusal(encodePem('PUBLIC KEY', withoutNull(spki)))
    expect(bare).toEqual({ code: 'key-unsupported', message: expect.stringContaining('openssl pkey -pubin') })
    expect(readPublicKey(encodePem('PUBLIC KEY', spki)).algorithm).toBe('RSA')
  })
})

/** A modulus without its primes: enough for a public key, and quick to make. */
function rsaOf(bits: number, exponent = 65_537): string {
  const modulus = Buffer.alloc(bits / 8, 0xff)
  const integer = (bytes: Buffer) => Buffer.concat([header(2, bytes.length + 1), Buffer.from([0]), bytes])
  const [odd, ...four] = Buffer.from(exponent.toString(16).padStart(10, '0'), 'hex')
  const content = Buffer.concat([integer(modulus), Buffer.from([2, 5, odd ?? 0, ...four])])
  return encodePem('RSA PUBLIC KEY', Buffer.concat([header(0x30, content.length), content]))
}

/** An RSA key whose algorithm has no parameters, where the usual form has NULL. */
function withoutNull(spki: Buffer): Buffer {
  const algorithm = Buffer.from('300b06092a864886f70d010101', 'hex')
  const rest = Buffer.concat([algorithm, spki.subarray(4 + algorithm.length + 2)])
  return Buffer.concat([header(0x30, rest.length), rest])
}

function header(tag: number, length: number): Buffer {
  return Buffer.from([tag, 0x82, length >> 8, length & 0xff])
}

test('the PEM that is answered is read again as the same block', () => {
  expect(parsePem(readPublicKey(pem).pem)).toEqual([{ label: 'PUBLIC KEY', bytes: new Uint8Array(der) }])
})
