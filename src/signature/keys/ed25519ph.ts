// Ed25519ph (RFC 8032 section 5.1), out of @noble/curves, only to name what is refused: cosign signs with Ed25519 keys
// in this pre-hashed form, and "signed by a stranger" would send people the wrong way. It never makes a signature count.

import type { KeyObject } from 'node:crypto'
import { decodeBase64 } from '#core/encoding/base64.ts'

/** Would the signature verify in the pre-hashed form? About 4 ms on the main thread, so ask seldom. */
export async function isPrehashed(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const { x } = key.export({ format: 'jwk' })
  if (x === undefined) return false
  // Loaded when first needed: most processes never are asked.
  const { ed25519ph } = await import('@noble/curves/ed25519.js')
  try {
    return ed25519ph.verify(signature, bytes, decodeBase64(`${x.replaceAll('-', '+').replaceAll('_', '/')}=`))
  } catch {
    return false
  }
}
