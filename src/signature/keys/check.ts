// Does this signature fit this key and these bytes? Key and algorithm come from what is trusted, never from what came
// with the signature. No format is known here.

import type { KeyObject } from 'node:crypto'
import { constants, verify } from 'node:crypto'
import type { ErrorCode } from '#core/errors.ts'
import { CodedError } from '#core/errors.ts'
import type { KeyAlgorithm } from '#core/policy/words.ts'
import { publicKeyObject, readPublicKey } from './public-key.ts'

export interface SignatureRefusal {
  readonly code: ErrorCode
  readonly detail: string
}

/**
 * SHA-256 for every key is what cosign's verifiers take; the second hash is what its signer writes for the larger curves.
 * The bytes of r and s in a raw signature stand beside them.
 */
const ecdsa: Readonly<Partial<Record<KeyAlgorithm, { hashes: readonly string[]; rawBytes: number }>>> = {
  'ECDSA-P256': { hashes: ['sha256'], rawBytes: 64 },
  'ECDSA-P384': { hashes: ['sha256', 'sha384'], rawBytes: 96 },
  'ECDSA-P521': { hashes: ['sha256', 'sha512'], rawBytes: 132 },
}

/**
 * Accepts ECDSA in strict DER, RSA PKCS#1 v1.5 with SHA-256, and pure Ed25519.
 *
 * @param key a public key that somebody trusts, in PEM
 * @returns `valid`, or why not: `signature-wrong-key`, `ecdsa-raw-refused`, `rsa-too-small`
 * @throws only what is a fault of ours
 */
export async function checkSignature(
  key: { readonly pem: string },
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<'valid' | SignatureRefusal> {
  try {
    const object = publicKeyObject(key.pem)
    const { algorithm } = readPublicKey(key.pem)
    switch (algorithm) {
      case 'ECDSA-P256':
      case 'ECDSA-P384':
      case 'ECDSA-P521':
        return await checkEcdsa(object, algorithm, bytes, signature)
      case 'RSA':
        return (await fits('sha256', bytes, { key: object, padding: constants.RSA_PKCS1_PADDING }, signature))
          ? 'valid'
          : wrongKey
      case 'Ed25519':
        return signature.length === 64 && (await fits(null, bytes, { key: object }, signature)) ? 'valid' : wrongKey
    }
  } catch (error) {
    // A key that is none cannot have signed; any other fault is ours, and no finding about the signature.
    if (!(error instanceof CodedError)) throw error
    return { code: error.code === 'key-weak' ? 'rsa-too-small' : 'signature-wrong-key', detail: error.message }
  }
}

const wrongKey: SignatureRefusal = { code: 'signature-wrong-key', detail: 'the signature was not made by this key' }

/** OpenSSL takes DER in its one form only: it encodes what it has read again, and compares. */
async function checkEcdsa(
  object: KeyObject,
  algorithm: KeyAlgorithm,
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<'valid' | SignatureRefusal> {
  const { hashes, rawBytes } = ecdsa[algorithm] ?? { hashes: [], rawBytes: 0 }
  for (const hash of hashes) {
    if (await fits(hash, bytes, { key: object, dsaEncoding: 'der' }, signature)) return 'valid'
  }
  if (signature.length !== rawBytes) return wrongKey
  for (const hash of hashes) {
    if (await fits(hash, bytes, { key: object, dsaEncoding: 'ieee-p1363' }, signature)) {
      return { code: 'ecdsa-raw-refused', detail: 'the signature is made by this key, but written as raw r‖s' }
    }
  }
  return wrongKey
}

interface VerifyingKey {
  readonly key: KeyObject
  readonly padding?: number
  readonly dsaEncoding?: 'der' | 'ieee-p1363'
}

/** On the thread pool, so that no admission waits for another's signatures. */
function fits(hash: string | null, bytes: Uint8Array, key: VerifyingKey, signature: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    verify(hash, bytes, key, signature, (error, valid) => resolve(error === null && valid === true))
  })
}
