// Bundles the program for the published package and the image: `dist/main.js`, and chunks that are loaded on use. An
// argument names another folder than `dist`.

import { rmSync } from 'node:fs'
import process from 'node:process'
import { build } from 'rolldown'

const dir = process.argv[2] ?? 'dist'

rmSync(dir, { recursive: true, force: true })
await build({
  input: { main: 'src/main.ts' },
  platform: 'node',
  logLevel: 'warn',
  output: {
    dir,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    minify: true,
  },
})
