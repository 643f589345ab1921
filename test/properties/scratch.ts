// Files for readers that are given a path. Each worker has a folder of its own.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const folder = mkdtempSync(join(tmpdir(), 'sealward-properties-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

/** Always the same path for a name, since messages tell it. */
export function fileWith(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
