// NaCl's secretbox, the one cipher of sealed key files, out of @noble/ciphers: Node's own crypto has no XSalsa20.

import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'

export const secretboxKeyBytes = 32
export const secretboxNonceBytes = 24
/** The authenticator, in front of the ciphertext. */
export const secretboxTagBytes = 16

export function sealBox(plaintext: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array {
  return xsalsa20poly1305(key, nonce).encrypt(plaintext)
}

/** `undefined` where the authenticator does not fit: a wrong key, or damage. */
export function openBox(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  try {
    return xsalsa20poly1305(key, nonce).decrypt(box)
  } catch {
    return undefined
  }
}
