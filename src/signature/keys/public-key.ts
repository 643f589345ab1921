// Reads public keys: which kinds are accepted, and the one form and fingerprint that each key has. Keys are compared
// and counted by fingerprint, so a key that could be written in two ways would count as two signers.

import type { KeyObject } from 'node:crypto'
import { createHash, createPublicKey } from 'node:crypto'
import { encodePem, parsePem } from '#core/encoding/pem.ts'
import { printable } from '#core/encoding/printable.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { KeyAlgorithm } from '#core/policy/words.ts'

export interface PublicKeyInfo {
  /** SPKI in PEM, as OpenSSL and Go write it. */
  readonly pem: string
  /** SHA-256 of the SPKI, in hex. */
  readonly fingerprint: string
  readonly algorithm: KeyAlgorithm
}

interface LoadedKey {
  readonly info: PublicKeyInfo
  readonly object: KeyObject
}

/** RSA with 8192 bits takes 1.5 KB; whatever is much larger is no key. */
const maxPemLength = 16 * 1024
/** NIST SP 800-131A: less is broken within reach. */
const minRsaBits = 2048
/** Larger keys cost a check more than they add, and OpenSSL and Go have limits close above. */
const maxRsaBits = 8192
/** FIPS 186-5 asks for more than 2^16; Go, so cosign, reads no more than 31 bits. */
const minRsaExponent = 65537n
const maxRsaExponent = 2n ** 31n - 1n

const curves: Readonly<Record<string, KeyAlgorithm>> = {
  prime256v1: 'ECDSA-P256',
  secp384r1: 'ECDSA-P384',
  secp521r1: 'ECDSA-P521',
}

/**
 * A public key from PEM: `PUBLIC KEY` (RFC 5280 SubjectPublicKeyInfo) or `RSA PUBLIC KEY` (RFC 8017).
 *
 * @throws CodedError `key-malformed` (no key, or something else), `key-unsupported` (kind, curve, form), `key-weak` (RSA)
 */
export function readPublicKey(pem: string): PublicKeyInfo {
  return loaded(pem).info
}

/** The parsed key, kept: parsing costs several times what a check does. @throws CodedError as `readPublicKey` */
export function publicKeyObject(pem: string): KeyObject {
  return loaded(pem).object
}

/** What is known about a key that was made or opened here. @throws CodedError as `readPublicKey` */
export function describePublicKey(object: KeyObject): PublicKeyInfo {
  return accept(object).info
}

/** More keys than any set of policies seen; each entry takes a few kilobytes. */
const maxKept = 1024
const kept = new Map<string, LoadedKey>()

function loaded(pem: string): LoadedKey {
  const known = kept.get(pem)
  if (known !== undefined) return known
  const { object, spki } = parse(pem)
  const key = accept(object)
  if (spki !== undefined && !spki.equals(exportSpki(key.object))) throw otherForm(object)
  if (kept.size >= maxKept) kept.delete(kept.keys().next().value ?? '')
  kept.set(pem, key)
  return key
}

function parse(pem: string): { object: KeyObject; spki?: Buffer } {
  const { label, bytes } = onlyBlock(pem)
  const der = Buffer.from(bytes)
  switch (label) {
    case 'PUBLIC KEY':
      return { object: fromDer(der, 'spki'), spki: der }
    case 'RSA PUBLIC KEY':
      return { object: fromDer(der, 'pkcs1') }
    case 'CERTIFICATE':
      throw malformed('this is a certificate; take its key out: openssl x509 -in FILE -noout -pubkey')
    default:
      if (label.endsWith('PRIVATE KEY')) {
        throw malformed('this is a private key, which must stay secret; the public key is wanted here')
      }
      throw malformed(`this is a PEM block "${printable(label, 40)}"; wanted is PUBLIC KEY`)
  }
}

function onlyBlock(pem: string): { label: string; bytes: Uint8Array } {
  if (pem.length > maxPemLength) throw malformed(`it is longer than ${maxPemLength} characters`)
  try {
    const [block, ...others] = parsePem(pem)
    if (block !== undefined && others.length === 0) return block
  } catch (error) {
    throw malformed(messageOf(error))
  }
  throw malformed('it holds several PEM blocks; give one key, or each in a file of its own')
}

function fromDer(der: Buffer, type: 'spki' | 'pkcs1'): KeyObject {
  try {
    return createPublicKey({ key: der, format: 'der', type })
  } catch {
    throw malformed('the PEM block holds no public key')
  }
}

function accept(object: KeyObject): LoadedKey {
  const algorithm = algorithmOf(object)
  const canonical = inCanonicalForm(object)
  const spki = exportSpki(canonical)
  const fingerprint = createHash('sha256').update(spki).digest('hex')
  return { info: { pem: encodePem('PUBLIC KEY', spki), fingerprint, algorithm }, object: canonical }
}

function algorithmOf(object: KeyObject): KeyAlgorithm {
  const { namedCurve = '', modulusLength = 0, publicExponent = 0n } = object.asymmetricKeyDetails ?? {}
  switch (object.asymmetricKeyType) {
    case 'ec': {
      const algorithm = Object.hasOwn(curves, namedCurve) ? curves[namedCurve] : undefined
      if (algorithm === undefined) throw unsupported(`the curve ${namedCurve || 'without a name'} is not accepted`)
      return algorithm
    }
    case 'ed25519':
      return 'Ed25519'
    case 'rsa':
      refuseBadRsa(modulusLength, publicExponent)
      return 'RSA'
    default:
      throw unsupported(`keys of the kind ${object.asymmetricKeyType ?? 'secret'} are not accepted`)
  }
}

function refuseBadRsa(bits: number, exponent: bigint): void {
  if (bits < minRsaBits) {
    throw new CodedError('key-weak', `this RSA key has ${bits} bits; at least ${minRsaBits} are needed`)
  }
  if (bits > maxRsaBits) throw unsupported(`this RSA key has ${bits} bits; at most ${maxRsaBits} are accepted`)
  if (exponent < minRsaExponent) {
    throw new CodedError('key-weak', `this RSA key has the exponent ${exponent}; at least ${minRsaExponent} is needed`)
  }
  if (exponent > maxRsaExponent || exponent % 2n === 0n) {
    throw unsupported('this RSA key has an exponent that is even or longer than 31 bits')
  }
}

/** Through JWK, which knows neither compressed points nor explicit curves nor lenient DER. */
function inCanonicalForm(object: KeyObject): KeyObject {
  try {
    return createPublicKey({ key: object.export({ format: 'jwk' }), format: 'jwk' })
  } catch {
    throw malformed('its numbers make no key')
  }
}

function exportSpki(object: KeyObject): Buffer {
  return object.export({ format: 'der', type: 'spki' })
}

function otherForm(object: KeyObject): CodedError {
  const remedy =
    object.asymmetricKeyType === 'ec'
      ? ' (explicit curve parameters, or a compressed point): openssl ec -pubin -in FILE -pubout -param_enc named_curve -conv_form uncompressed'
      : ': openssl pkey -pubin -in FILE -pubout'
  return unsupported(`it is not written in the usual form of such keys; rewrite it${remedy}`)
}

function malformed(reason: string): CodedError {
  return new CodedError('key-malformed', `not a public key: ${reason}`)
}

function unsupported(reason: string): CodedError {
  return new CodedError(
    'key-unsupported',
    `this public key cannot be used: ${reason}; use ECDSA on P-256, P-384 or P-521, RSA, or Ed25519`,
  )
}
