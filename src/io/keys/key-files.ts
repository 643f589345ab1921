// Key files on disk: reading with a cap, writing without ever opening a private key to others or replacing one by
// accident. It knows paths; what is inside the files is known to `signature/keys`.

import type { FileHandle } from 'node:fs/promises'
import { open, rename, rm, stat } from 'node:fs/promises'
import { CodedError, messageOf } from '#core/errors.ts'
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
  const bytes = await readCapped(path)
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
  const secret = await password()
  // Whoever only verifies never loads the ciphers.
  const { openPrivateKey } = await import('#signature/keys/sealed-key.ts')
  return await naming(path, () => openPrivateKey(pem, secret))
}

export interface KeyPairFiles {
  readonly privatePath: string
  readonly publicPath: string
  /** Sealed, in PEM. */
  readonly privatePem: string
  readonly publicPem: string
  readonly force: boolean
}

/**
 * Writes both halves, or neither. Both files are for their owner only until somebody decides otherwise.
 *
 * @throws CodedError `file-exists` (unless forced), `file-unwritable`
 */
export async function writeKeyPair(files: KeyPairFiles): Promise<void> {
  const { privatePath, publicPath, privatePem, publicPem, force } = files
  if (!force) for (const path of [privatePath, publicPath]) await refuseExisting(path)
  await writeKeyFile(privatePath, privatePem, force)
  try {
    await writeKeyFile(publicPath, publicPem, force)
  } catch (error) {
    if (!force) await rm(privatePath, { force: true })
    throw error
  }
}

/**
 * Writes one key file with mode 0600. A replaced file is exchanged as a whole, so that a crash leaves the old one.
 *
 * @throws CodedError `file-exists` (unless forced), `file-unwritable`
 */
export async function writeKeyFile(path: string, text: string, force: boolean): Promise<void> {
  const target = force ? `${path}.${process.pid}.new` : path
  try {
    const file = await open(target, 'wx', 0o600)
    await writeAndSync(file, text)
    if (force) await rename(target, path)
  } catch (error) {
    if (force) await rm(target, { force: true })
    else if (isErrno(error, 'EEXIST')) throw exists(path)
    throw new CodedError('file-unwritable', `${path}: cannot be written: ${messageOf(error)}`, {
      where: path,
      cause: error,
    })
  }
}

async function writeAndSync(file: FileHandle, text: string): Promise<void> {
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function refuseExisting(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined)
  if (there !== undefined) throw exists(path)
}

/** Reads no more than the cap even where the size lies, as it does for devices and pipes. */
async function readCapped(path: string): Promise<Uint8Array> {
  const buffer = Buffer.alloc(maxKeyFileBytes + 1)
  let length = 0
  try {
    const file = await open(path, 'r')
    try {
      while (length < buffer.length) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length)
        if (bytesRead === 0) break
        length += bytesRead
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw new CodedError('file-unreadable', `${path}: cannot be read: ${messageOf(error)}`, {
      where: path,
      cause: error,
    })
  }
  if (length <= maxKeyFileBytes) return buffer.subarray(0, length)
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

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function exists(path: string): CodedError {
  return new CodedError('file-exists', `${path}: is there already and is not overwritten`, { where: path })
}
