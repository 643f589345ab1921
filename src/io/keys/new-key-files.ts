// Writes key files without ever opening a private key to others or replacing one by accident.

import type { FileHandle } from 'node:fs/promises'
import { open, rename, rm, stat } from 'node:fs/promises'
import { CodedError, messageOf } from '#core/errors.ts'

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

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function exists(path: string): CodedError {
  return new CodedError('file-exists', `${path}: is there already and is not overwritten`, { where: path })
}
