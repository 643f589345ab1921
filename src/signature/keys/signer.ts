// Makes signatures in the forms that `cosign verify --key` accepts for every kind of key. What is signed is the caller's.

import type { KeyObject } from 'node:crypto'
import { sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { PrivateKey } from './private-key.ts'
import type { PublicKeyInfo } from './public-key.ts'

/** Something that signs: a key at hand, later a KMS or a token. */
export interface Signer {
  readonly publicKey: PublicKeyInfo
  /** The signature over these bytes: ECDSA with SHA-256 in DER, RSA PKCS#1 v1.5 with SHA-256, or pure Ed25519. */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

const signElsewhere = promisify<string | null, Uint8Array, KeyObject, Buffer>(sign)

/** A signer with the key in memory; it signs off the main thread. */
export function createSigner({ object, publicKey }: PrivateKey): Signer {
  const hash = publicKey.algorithm === 'Ed25519' ? null : 'sha256'
  // Node's defaults are DER for ECDSA and PKCS#1 v1.5 for RSA; options for one kind of key disturb the others.
  return { publicKey, sign: (bytes) => signElsewhere(hash, bytes, object) }
}
