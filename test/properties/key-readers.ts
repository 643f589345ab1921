// The readers of keys and of what seals them: `src/signature/keys`.

import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { expect } from 'vitest'
import { encodePem } from '#core/encoding/pem.ts'
import { exportPkcs8, importPrivateKey } from '#signature/keys/private-key.ts'
import { readPublicKey } from '#signature/keys/public-key.ts'
import { openPrivateKey } from '#signature/keys/sealed-key.ts'
import { openBox, sealBox } from '#signature/keys/secretbox.ts'
import { bytes, texts } from './hostile.ts'
import { demanded } from './outcome.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { password, sealed } from './sealed.ts'

const pairs = [
  ...['prime256v1', 'secp384r1', 'secp521r1'].map((namedCurve) => generateKeyPairSync('ec', { namedCurve })),
  generateKeyPairSync('ed25519'),
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
]

const spkiOf = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }))
const fingerprintOf = (key: KeyObject) => createHash('sha256').update(spkiOf(key)).digest('hex')
const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()

const publicKey = fc.constantFrom(
  ...pairs.map((pair) => ({
    pem: pemOf(pair.publicKey),
    spki: spkiOf(pair.publicKey),
    means: fingerprintOf(pair.publicKey),
  })),
)

const privateKey = fc.constantFrom(
  ...pairs.map((pair) => ({
    pem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    pkcs8: pair.privateKey.export({ type: 'pkcs8', format: 'der' }),
    means: fingerprintOf(pair.publicKey),
  })),
)

const words = [
  '-----BEGIN PUBLIC KEY-----',
  'RSA PUBLIC KEY',
  'CERTIFICATE',
  'EC PARAMETERS',
  'EC PRIVATE KEY',
  'ENCRYPTED',
]
const keyCodes = ['key-malformed', 'key-unsupported', 'key-weak'] as const

/** The fingerprint is of the key itself: in whatever form it came, it counts as one signer. */
function isOneSigner({ pem, fingerprint }: { readonly pem: string; readonly fingerprint: string }): void {
  const object = createPublicKey(pem)
  expect({ pem, fingerprint }).toEqual({ pem: pemOf(object), fingerprint: fingerprintOf(object) })
}

const nonce = new Uint8Array(24).fill(1)
const secret = new Uint8Array(32).fill(2)

export const keyReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/signature/keys/public-key.ts readPublicKey'],
    form: texts('lines', words),
    read: readPublicKey,
    written: publicKey.map(({ pem, means }) => ({ input: pem, means })),
    meaningOf: ({ fingerprint }) => fingerprint,
    refuses: keyCodes,
    promises: isOneSigner,
    rewrite: ({ pem }) => pem,
  }),
  propertiesOf({
    of: ['src/signature/keys/public-key.ts fromDer'],
    form: bytes('bytes'),
    read: (der) => readPublicKey(encodePem('PUBLIC KEY', der)),
    written: publicKey.map(({ spki, means }) => ({ input: spki, means })),
    meaningOf: ({ fingerprint }) => fingerprint,
    refuses: keyCodes,
    promises: isOneSigner,
    rewrite: ({ pem }) => spkiOf(createPublicKey(pem)),
    isExact: true,
  }),
  propertiesOf({
    of: ['src/signature/keys/private-key.ts importPrivateKey'],
    form: texts('lines', words),
    read: (pem) => importPrivateKey(pem, 'password').publicKey,
    written: privateKey.map(({ pem, means }) => ({ input: pem, means })),
    meaningOf: ({ fingerprint }) => fingerprint,
    refuses: [...keyCodes, 'key-password-wrong'],
    promises: isOneSigner,
  }),
  propertiesOf({
    of: ['src/signature/keys/private-key.ts fromDer'],
    form: bytes('bytes'),
    read: (der) => importPrivateKey(der).publicKey,
    written: privateKey.map(({ pkcs8, means }) => ({ input: pkcs8, means })),
    meaningOf: ({ fingerprint }) => fingerprint,
    refuses: keyCodes,
    promises: (info, der) => {
      isOneSigner(info)
      const again = importPrivateKey(exportPkcs8(importPrivateKey(der)))
      expect(again.publicKey.fingerprint).toBe(info.fingerprint)
    },
  }),
  propertiesOf({
    of: ['src/signature/keys/sealed-key.ts openPrivateKey'],
    form: texts('lines', ['-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----', 'AAAA', '====']),
    read: async (pem) => (await openPrivateKey(pem, password)).publicKey,
    written: fc.constant(sealed),
    meaningOf: ({ fingerprint }) => fingerprint,
    refuses: [...keyCodes, 'key-password-wrong'],
    promises: isOneSigner,
    runs: 5,
  }),
  propertiesOf({
    of: ['src/signature/keys/sealed-key.ts readSealed'],
    form: texts('json', ['N', 'r', 'p', 'scrypt', 'nacl/secretbox', 'salt', 'nonce', 'ciphertext', '32768', '1048576']),
    read: async (json) => (await openPrivateKey(sealedPem(json), password)).publicKey,
    written: fc.constant({ ...sealed, input: sealedJson(sealed.input) }),
    meaningOf: ({ fingerprint }) => fingerprint,
    refuses: [...keyCodes, 'key-password-wrong'],
    promises: isOneSigner,
    runs: 5,
  }),
  propertiesOf({
    of: ['src/signature/keys/sealed-key.ts deriveKey'],
    form: texts('text', ['', '密码']),
    read: async (given) => (await openPrivateKey(sealed.input, given)).publicKey,
    written: fc.constant({ ...sealed, input: password }),
    meaningOf: ({ fingerprint }) => fingerprint,
    refuses: ['key-password-wrong'],
    promises: (_key, given) => expect(given).toBe(password),
    runs: 4,
  }),
  propertiesOf({
    of: ['src/signature/keys/secretbox.ts openBox'],
    form: bytes('bytes'),
    read: (box) => demanded(openBox(box, nonce, secret), 'key-password-wrong'),
    written: fc.uint8Array({ maxLength: 100 }).map((means) => ({ input: sealBox(means, nonce, secret), means })),
    refuses: ['key-password-wrong'],
    rewrite: (plain) => sealBox(plain, nonce, secret),
    isExact: true,
  }),
]

function sealedJson(pem: string): string {
  return Buffer.from(pem.replaceAll(/-----.*-----/g, ''), 'base64').toString('utf8')
}

function sealedPem(json: string): string {
  return encodePem('ENCRYPTED SIGSTORE PRIVATE KEY', new TextEncoder().encode(json))
}
