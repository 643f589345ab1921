// Bundles the program for the published package and the image: `dist/main.js`, and chunks that are loaded on use; beside
// them the bill of materials and the licences of what was bundled. An argument names another folder than `dist`.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import { billOfMaterials } from './bill-of-materials.ts'
import { bundledPackages, licenceList } from './bundled-packages.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const dir = process.argv[2] ?? 'dist'

rmSync(dir, { recursive: true, force: true })
const { output } = await build({
  // A worker's entry is a program of its own.
  input: { main: 'src/main.ts', 'records-thread': 'src/records-thread.ts' },
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

const packages = bundledPackages(
  output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : [])),
  root,
)
writeFileSync(join(dir, 'THIRD-PARTY-LICENSES.txt'), licenceList(packages))

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const beside = ['LICENSE', 'bin/sealward.js', 'package.json'].map((path) => ({
  path,
  bytes: readFileSync(join(root, path)),
}))
const bundled = readdirSync(dir)
  .sort()
  .map((name) => ({ path: `dist/${name}`, bytes: readFileSync(join(dir, name)) }))
const subject = { name: manifest.name, version: manifest.version, licence: manifest.license }
writeFileSync(join(dir, 'sbom.cdx.json'), billOfMaterials(subject, packages, [...beside, ...bundled]))
