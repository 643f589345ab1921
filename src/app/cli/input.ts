// Reads a file that was named on the command line, or standard input for `-`, up to a cap.

import { createReadStream } from 'node:fs'
import { CodedError, messageOf } from '#core/errors.ts'
import type { CommandContext } from './command.ts'

/**
 * @param maxBytes what is longer is refused, without being read to its end
 * @throws CodedError `file-unreadable`, `input-too-large`
 */
export async function readInput(path: string, context: CommandContext, maxBytes: number): Promise<Uint8Array> {
  const name = path === '-' ? 'standard input' : path
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const part of path === '-' ? context.stdin : createReadStream(path)) {
      const bytes = Buffer.from(part)
      size += bytes.length
      if (size > maxBytes) throw new CodedError('input-too-large', `${name} is larger than ${maxBytes} bytes`)
      parts.push(bytes)
    }
  } catch (error) {
    if (error instanceof CodedError) throw error
    throw new CodedError('file-unreadable', `${name} cannot be read: ${messageOf(error)}`, {
      where: path,
      cause: error,
    })
  }
  return Buffer.concat(parts)
}
