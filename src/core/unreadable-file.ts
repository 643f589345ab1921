// What is said of a file that could not be read: one wording for all that read files. Opens none.

import { printable } from '#core/encoding/printable.ts'
import { CodedError, messageOf } from './errors.ts'

/** A coded error passes as it is. @param name the path, or what else the file is called */
export function unreadableFile(name: string, error: unknown): CodedError {
  if (error instanceof CodedError) return error
  const text = `${printable(name)}: ${whyUnreadable(error)}`
  return new CodedError('file-unreadable', text, { where: name, cause: error })
}

/** The platform's own messages repeat the path, and name calls and constants. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file'
    case 'EACCES':
    case 'EPERM':
      return 'permission denied'
    case 'EISDIR':
      return 'it is a directory'
    default:
      return messageOf(error)
  }
}
