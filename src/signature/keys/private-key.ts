// Makes private keys and reads them from the forms that other tools write. A private key is a value that is handed on
// to a signer; nothing here reads files, asks for passwords or prints. Sealed key files are `sealed-key.ts`'s.

import type { KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { parsePem } from '#core/encoding/pem.ts'
import { printable } from '#core/encoding/printable.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { PublicKeyInfo } from './public-key.ts'
import { describePublicKey } from './public-key.ts'

export interface PrivateKey {
  readonly object: KeyObject
  readonly publicKey: PublicKeyInfo
}

/** P-521 is absent on purpose: several verifiers refuse it. It can be imported. */
export const keyKinds = ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'ed25519'] as const
export type KeyKind = (typeof keyKinds)[number]

/** RSA with 8192 bits takes 6.5 KB of PEM. */
export const maxPrivateKeyLength = 64 * 1024

const generate = promisify(generateKeyPair)

/** A fresh key; off the main thread, since large RSA keys take seconds. */
export async function generateKey(kind: KeyKind): Promise<PrivateKey> {
  return toPrivateKey((await generatePair(kind)).privateKey)
}

function generatePair(kind: KeyKind): Promise<{ privateKey: KeyObject }> {
  switch (kind) {
    case 'ecdsa-p256':
      return generate('ec', { namedCurve: 'P-256' })
    case 'ecdsa-p384':
      return generate('ec', { namedCurve: 'P-384' })
    case 'rsa-2048':
      return generate('rsa', { modulusLength: 2048 })
    case 'rsa-3072':
      return generate('rsa', { modulusLength: 3072 })
    case 'rsa-4096':
      return generate('rsa', { modulusLength: 4096 })
    case 'ed25519':
      return generate('ed25519', {})
  }
}

/**
 * A private key from PEM (PKCS#8, also with a password; SEC1; PKCS#1) or from the bytes of a PKCS#8 in DER.
 *
 * @throws CodedError `key-malformed`, `key-unsupported`, `key-weak`, `key-password-wrong`
 */
export function importPrivateKey(source: string | Uint8Array, password?: string | Uint8Array): PrivateKey {
  if (source.length > maxPrivateKeyLength) throw malformed(`it is longer than ${maxPrivateKeyLength} bytes`)
  return toPrivateKey(typeof source === 'string' ? fromPem(source, password) : fromDer(source, 'pkcs8'))
}

/** The bytes that a key file seals. Whoever asks for them must wipe or seal them. */
export function exportPkcs8(key: PrivateKey): Buffer {
  return key.object.export({ format: 'der', type: 'pkcs8' })
}

function fromPem(pem: string, password: string | Uint8Array | undefined): KeyObject {
  const { label, bytes } = keyBlock(pem)
  switch (label) {
    case 'PRIVATE KEY':
      return fromDer(bytes, 'pkcs8')
    case 'EC PRIVATE KEY':
      return fromDer(bytes, 'sec1')
    case 'RSA PRIVATE KEY':
      return fromDer(bytes, 'pkcs1')
    case 'ENCRYPTED PRIVATE KEY':
      return fromEncryptedDer(bytes, password)
    case 'ENCRYPTED SIGSTORE PRIVATE KEY':
    case 'ENCRYPTED COSIGN PRIVATE KEY':
      throw malformed('this is a sealed key file already; it needs no import')
    case 'PUBLIC KEY':
    case 'RSA PUBLIC KEY':
    case 'CERTIFICATE':
      throw malformed('this holds only the public half; the private key is wanted here')
    default:
      throw malformed(`this is a PEM block "${printable(label, 40)}", not a private key`)
  }
}

function keyBlock(pem: string): { label: string; bytes: Uint8Array } {
  try {
    // `openssl ecparam -genkey` writes the curve once more in front of the key.
    const [block, ...others] = parsePem(pem).filter(({ label }) => label !== 'EC PARAMETERS')
    if (block !== undefined && others.length === 0) return block
  } catch (error) {
    throw malformed(messageOf(error))
  }
  throw malformed('it must hold exactly one key')
}

function fromDer(bytes: Uint8Array, type: 'pkcs8' | 'sec1' | 'pkcs1'): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(bytes), format: 'der', type })
  } catch {
    throw malformed('the bytes hold no private key')
  }
}

function fromEncryptedDer(bytes: Uint8Array, password: string | Uint8Array | undefined): KeyObject {
  if (password === undefined) throw new CodedError('key-password-wrong', 'this private key needs its password')
  try {
    const passphrase = typeof password === 'string' ? password : Buffer.from(password)
    return createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8', passphrase })
  } catch {
    // OpenSSL cannot tell a wrong password from damage either.
    throw new CodedError('key-password-wrong', 'the password does not open this private key')
  }
}

function toPrivateKey(object: KeyObject): PrivateKey {
  return { object, publicKey: describePublicKey(createPublicKey(object)) }
}

function malformed(reason: string): CodedError {
  return new CodedError('key-malformed', `not a private key: ${reason}`)
}
