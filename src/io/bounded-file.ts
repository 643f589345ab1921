// A file read whole, but no more of it than a cap, also where its size lies, as it does for devices and pipes. For what a
// command reads before it begins: it waits for nothing else meanwhile, and `node:fs/promises`, which brings line editing
// along, takes longer to load than all these files to read.

import { closeSync, openSync, readSync } from 'node:fs'

/** What is read first; key files and most configurations are smaller. */
const firstBytes = 16 * 1024

/**
 * `undefined` if there are more bytes than the cap.
 *
 * @throws NodeJS.ErrnoException
 */
export function readBounded(path: string, maxBytes: number): Buffer | undefined {
  const file = openSync(path, 'r')
  try {
    let buffer = Buffer.alloc(Math.min(firstBytes, maxBytes + 1))
    let length = 0
    for (;;) {
      const bytes = readSync(file, buffer, length, buffer.length - length, null)
      if (bytes === 0) return buffer.subarray(0, length)
      length += bytes
      if (length > maxBytes) return undefined
      if (length < buffer.length) continue
      buffer = Buffer.concat([buffer, Buffer.alloc(Math.min(length, maxBytes + 1 - length))])
    }
  } finally {
    closeSync(file)
  }
}
