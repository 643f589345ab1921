// The program as it is published: built, bundled and minified, in a folder of its own without the sources.

import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** @returns the path of `bin/sealward.js` */
export function buildPackage(folder: string): string {
  execFileSync(process.execPath, [join(root, 'scripts/build.ts'), join(folder, 'dist')], {
    cwd: root,
    stdio: 'inherit',
  })
  for (const name of ['bin', 'package.json']) cpSync(join(root, name), join(folder, name), { recursive: true })
  return join(folder, 'bin', 'sealward.js')
}
