// Bundles the program for the published package and the image: `dist/main.js`, and chunks that are loaded on use. An
// argument names another folder than `dist`.

import { rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import process from 'node:process'
import type { Plugin } from 'rolldown'
import { build } from 'rolldown'

const dir = process.argv[2] ?? 'dist'

/**
 * `import … from 'node:x'` makes Node evaluate every export of the module, lazy ones too: 8 ms for node:process, 40 ms
 * for node:http, which brings a second HTTP client. Asked for as an object, only what is used is evaluated.
 */
const builtinsOnUse: Plugin = {
  name: 'builtins-on-use',
  resolveId: (source) => (isBuiltin(source) ? `\0builtin:${source}` : null),
  load: (id) =>
    id.startsWith('\0builtin:')
      ? `module.exports = process.getBuiltinModule(${JSON.stringify(id.slice('\0builtin:'.length))})`
      : null,
}

rmSync(dir, { recursive: true, force: true })
await build({
  input: { main: 'src/main.ts' },
  platform: 'node',
  logLevel: 'warn',
  plugins: [builtinsOnUse],
  output: {
    dir,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    minify: true,
  },
})
