// Bundles the program for the published package and the image: `dist/main.js`, and chunks that are loaded on use.

import { rmSync } from 'node:fs'
import { build } from 'rolldown'

rmSync('dist', { recursive: true, force: true })
await build({
  input: { main: 'src/main.ts' },
  platform: 'node',
  logLevel: 'warn',
  output: {
    dir: 'dist',
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    minify: true,
  },
})
