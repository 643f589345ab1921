// Private keys as other tools write them: each form that is read, beside its neighbours that are not.

import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { encodePem } from '#core/encoding/pem.ts'
import { CodedError } from '#core/errors.ts'
import {
  exportPkcs8,
  generateKey,
  importPrivateKey,
  keyKinds,
  maxPrivateKeyLength,
} from '#signature/keys/private-key.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const pkcs8 = ec.export({ format: 'der', type: 'pkcs8' })
const plain = encodePem('PRIVATE KEY', pkcs8)
const sealed = ec.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'secret' }).toString()
/** What `openssl ecparam -genkey -name prime256v1` writes in front of the key. */
const parameters = encodePem('EC PARAMETERS', Buffer.from('06082a8648ce3d030107', 'hex'))

function refusal(source: string | Uint8Array, password?: string | Uint8Array): string {
  try {
    importPrivateKey(source, password)
  } catch (error) {
    if (error instanceof CodedError) return `${error.code}: ${error.message}`
    throw error
  }
  throw new Error('accepted')
}

describe('a private key is read', () => {
  const sec1 = ec.export({ format: 'pem', type: 'sec1' }).toString()
  const forms: readonly (readonly [string, string | Uint8Array, string | Uint8Array | undefined])[] = [
    ['PKCS#8 in PEM', plain, undefined],
    ['PKCS#8 in DER', pkcs8, undefined],
    ['SEC1', sec1, undefined],
    ['SEC1 behind its curve', `${parameters}${sec1}`, undefined],
    ['PKCS#8 with a password', sealed, 'secret'],
    ['PKCS#8 with a password in bytes', sealed, Buffer.from('secret')],
  ]
  test.each(forms)('from %s', (_form, source, password) => {
    const key = importPrivateKey(source, password)
    expect(exportPkcs8(key)).toEqual(pkcs8)
    expect(createPublicKey(key.publicKey.pem).equals(createPublicKey(ec))).toBe(true)
  })

  test('from PKCS#1', () => {
    const key = importPrivateKey(rsa.export({ format: 'pem', type: 'pkcs1' }).toString())
    expect(key.publicKey.algorithm).toBe('RSA')
    expect(key.object.equals(rsa)).toBe(true)
  })
})

describe('a private key is refused', () => {
  const curve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['two keys', `${plain}${plain}`, /^key-malformed: .*exactly one key/],
    ['a curve alone', parameters, /^key-malformed: .*exactly one key/],
    ['no PEM', 'garbage', /^key-malformed: .*line 1: "garbage" stands outside/],
    ['bytes of another kind', Buffer.from('garbage'), /^key-malformed: .*hold no private key/],
    ['a public key', encodePem('PUBLIC KEY', pkcs8), /^key-malformed: .*only the public half/],
    ['a public RSA key', encodePem('RSA PUBLIC KEY', pkcs8), /^key-malformed: .*only the public half/],
    ['a certificate', encodePem('CERTIFICATE', pkcs8), /^key-malformed: .*only the public half/],
    ['a sealed key', encodePem('ENCRYPTED SIGSTORE PRIVATE KEY', pkcs8), /^key-malformed: .*sealed key file already/],
    ['an older sealed key', encodePem('ENCRYPTED COSIGN PRIVATE KEY', pkcs8), /^key-malformed: .*sealed key file/],
    ['another block', encodePem('X509 CRL', pkcs8), /^key-malformed: .*PEM block "X509 CRL"/],
    ['a curve that no verifier takes', curve.export({ format: 'der', type: 'pkcs8' }), /^key-unsupported: /],
    ['a key that is weak', weak.export({ format: 'der', type: 'pkcs8' }), /^key-weak: /],
  ]
  test.each(cases)('%s', (_what, source, reason) => {
    expect(refusal(source)).toMatch(reason)
  })

  test('without its password, and with another', () => {
    expect(refusal(sealed)).toBe('key-password-wrong: this private key needs its password')
    expect(refusal(sealed, 'Secret')).toBe('key-password-wrong: the password does not open this private key')
    expect(refusal(sealed, Buffer.from('Secret'))).toMatch(/^key-password-wrong: /)
  })

  test('longer than any key, before it is read', () => {
    const padded = (length: number): string => plain.padEnd(length, '\n')
    expect(exportPkcs8(importPrivateKey(padded(maxPrivateKeyLength)))).toEqual(pkcs8)
    expect(refusal(padded(maxPrivateKeyLength + 1))).toMatch(/^key-malformed: .*longer than 65536 bytes/)
  })
})

describe('a fresh key', () => {
  // Larger RSA keys take seconds, and differ by one number; cosign opens all of them (test/interop).
  const details = {
    'ecdsa-p256': { namedCurve: 'prime256v1' },
    'ecdsa-p384': { namedCurve: 'secp384r1' },
    'rsa-2048': { modulusLength: 2048 },
    ed25519: {},
  } as const
  test.each(keyKinds.filter((kind) => kind in details))('is of the kind %s', async (kind) => {
    const { object, publicKey } = await generateKey(kind)
    expect(object.asymmetricKeyDetails).toMatchObject(details[kind as keyof typeof details])
    const hash = kind === 'ed25519' ? null : 'sha256'
    expect(verify(hash, Buffer.from('x'), publicKey.pem, sign(hash, Buffer.from('x'), object))).toBe(true)
  })
})
