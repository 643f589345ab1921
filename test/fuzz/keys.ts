// Keys and signatures that are the same in every run: drawn from names, with nonces drawn from what is signed (RFC 6979).
// They protect nothing and are used nowhere else.

import { createECDH, createHash, createPublicKey } from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'

export interface FuzzKey {
  readonly pem: string
  /** SHA-256 of the SPKI, in hex. */
  readonly fingerprint: string
  /** ECDSA on P-256 with SHA-256, in DER. */
  sign(bytes: Uint8Array): Uint8Array
}

function keyNamed(name: string): FuzzKey {
  const secret = createHash('sha256').update(`a key of the fuzzer: ${name}`).digest()
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(secret)
  const point = pair.getPublicKey()
  const coordinates = { x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') }
  const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', ...coordinates }, format: 'jwk' })
  const kept = new Map<string, Uint8Array>()
  return {
    pem: key.export({ format: 'pem', type: 'spki' }).toString(),
    fingerprint: createHash('sha256')
      .update(key.export({ format: 'der', type: 'spki' }))
      .digest('hex'),
    sign: (bytes) => {
      const about = Buffer.from(bytes).toString('latin1')
      const known = kept.get(about)
      if (known !== undefined) return known
      const made = p256.sign(bytes, secret, { format: 'der', lowS: false })
      if (kept.size < 500 && bytes.length < 10_000) kept.set(about, made)
      return made
    },
  }
}

/** Whom the policies of the fuzzer trust, one more of them, and somebody whom nobody trusts. */
export const fuzzKeys = { trusted: keyNamed('trusted'), second: keyNamed('second'), stranger: keyNamed('stranger') }
export type KeyName = keyof typeof fuzzKeys
