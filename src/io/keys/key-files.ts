// Key files on disk, read with a cap; `new-key-files.ts` writes them. It knows paths; what is inside the files is known
// to `signature/keys`.

import { CodedError } from '#core/errors.ts'
import { unreadableFile } from '#core/unreadable-file.ts'
import { readBounded } from '#io/bounded-file.ts'
import type { PrivateKey } from '#signature/keys/private-key.ts'
import type { PublicKeyInfo } from '#signature/keys/public-key.ts'
import { readPublicKey } from '#signature/keys/public-key.ts'

/** The largest key in PEM takes 10 KB; whatever is larger is not a key file. */
export const maxKeyFileBytes = 64 * 1024

/**
 * The text of a key file.
 *
 * @throws CodedError `file-unreadable`, `input-too-large`, `key-malformed` (not UTF-8)
 */
export async function loadKeyFile(path: string): Promise<string> {
  const bytes = readCapped(path)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CodedError('key-malformed', `${path}: not a key file: it is not text`, { where: path })
  }
}

/** @throws CodedError as `loadKeyFile` and `readPublicKey`, naming the file */
export async function loadPublicKey(path: string): Promise<PublicKeyInfo> {
  const pem = await loadKeyFile(path)
  return await naming(path, () => readPublicKey(pem))
}

/**
 * Opens a sealed private key. The password is asked for only after the file could be read.
 *
 * @throws CodedError as `loadKeyFile` and `openPrivateKey`, naming the file
 */
export async function loadPrivateKey(path: string, password: () => Promise<string | Uint8Array>): Promise<PrivateKey> {
  const pem = await loadKeyFile(path)
  // Whoever only verifies never loads the ciphers.
  const { isSealedKey, openPrivateKey } = await import('#signature/keys/sealed-key.ts')
  // What no password opens is refused before anybody is asked for one.
  const secret = isSealedKey(pem) ? await password() : ''
  return await naming(path, () => openPrivateKey(pem, secret))
}

function readCapped(path: string): Uint8Array {
  let bytes: Buffer | undefined
  try {
    bytes = readBounded(path, maxKeyFileBytes)
  } catch (error) {
    throw unreadableFile(path, error)
  }
  if (bytes !== undefined) return bytes
  throw new CodedError('input-too-large', `${path}: larger than ${maxKeyFileBytes} bytes, so no key file`, {
    where: path,
  })
}

async function naming<T>(path: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    throw new CodedError(error.code, `${path}: ${error.message}`, { where: path, cause: error })
  }
}
