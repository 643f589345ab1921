// Reads a file that was named on the command line, or standard input for `-`, up to a cap.

import { createReadStream } from 'node:fs'
import { CodedError } from '#core/errors.ts'
import { unreadableFile } from '#core/unreadable-file.ts'
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
    throw unreadableFile(name, error)
  }
  return Buffer.concat(parts)
}
