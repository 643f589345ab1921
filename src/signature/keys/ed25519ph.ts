// Ed25519ph (RFC 8032 section 5.1), out of @noble/curves, only to name what is refused: cosign signs with Ed25519 keys
// in this pre-hashed form, and "signed by a stranger" would send people the wrong way. It never makes a signature count.

import { decodeBase64 } from '#core/encoding/base64.ts'
import type { SignatureRefusal } from './check.ts'
import { publicKeyObject } from './public-key.ts'

const refusal: SignatureRefusal = {
  code: 'ed25519ph-refused',
  detail: 'the signature is made by this key, but in the pre-hashed form (Ed25519ph), as cosign sign does',
}

/** A quarter of a second. Where more wait, somebody floods, and nobody's refusal should wait for its better name. */
const maxWaiting = 64

let waiting = 0
let before: Promise<unknown> = Promise.resolve()

/**
 * Is a signature that was refused one in the pre-hashed form? Takes milliseconds of the main thread: one a turn of the
 * event loop, so that hundreds, in as many images, hold up nobody else, and no answer at all where many wait already.
 *
 * @param key an Ed25519 key in PEM
 */
export async function prehashedRefusal(
  key: { readonly pem: string },
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<SignatureRefusal | undefined> {
  if (waiting === maxWaiting) return undefined
  waiting += 1
  const told = before.then(nextTurn).then(() => isPrehashed(key.pem, bytes, signature))
  before = told.catch(() => {})
  try {
    return (await told) ? refusal : undefined
  } finally {
    waiting -= 1
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

async function isPrehashed(pem: string, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  // Loaded when first needed: most processes never are asked.
  const { ed25519ph } = await import('@noble/curves/ed25519.js')
  try {
    const { x = '' } = publicKeyObject(pem).export({ format: 'jwk' })
    return ed25519ph.verify(signature, bytes, decodeBase64(`${x.replaceAll('-', '+').replaceAll('_', '/')}=`))
  } catch {
    return false
  }
}
