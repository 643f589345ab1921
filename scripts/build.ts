// Bundles the program for the published package and the image: `dist/main.js`, and chunks that are loaded on use; beside
// them the bill of materials and the licences of what was bundled. An argument names another folder than `dist`.
//
// CommonJS, for the time that a command takes to start: an ES module that imports a built-in module makes Node evaluate
// all that this one could export, which for `node:http` is a second HTTP client, and takes as long as a whole `verify`.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { build, type OutputChunk, type RolldownOptions } from 'rolldown'
import { billOfMaterials } from './bill-of-materials.ts'
import { bundledPackages, licenceList } from './bundled-packages.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const dir = process.argv[2] ?? 'dist'

const options: RolldownOptions = {
  // A worker's entry is a program of its own.
  input: { main: 'src/main.ts', 'records-thread': 'src/records-thread.ts' },
  platform: 'node',
  logLevel: 'warn',
}

/** The modules that are needed before a command is known, and those that judging needs in addition. */
async function modulesInUse(): Promise<{ readonly start: ReadonlySet<string>; readonly judge: ReadonlySet<string> }> {
  const { output } = await build({ ...options, write: false, output: { format: 'esm', chunkFileNames: '[name].js' } })
  const chunks = new Map(output.filter((each) => each.type === 'chunk').map((each) => [each.fileName, each]))
  const start = closure(chunks, 'main.js')
  const judge = closure(chunks, 'verify-run.js')
  // Not the entries themselves: what one of them shares with the other must not begin to run by being loaded.
  const entries = new Set([...chunks.values()].filter((each) => each.isEntry).map((each) => each.facadeModuleId))
  return {
    start: new Set([...start].filter((id) => !entries.has(id))),
    judge: new Set([...judge].filter((id) => !start.has(id))),
  }
}

function closure(chunks: ReadonlyMap<string, OutputChunk>, name: string): Set<string> {
  const seen = new Set<string>()
  const visit = (fileName: string): readonly string[] => {
    const chunk = chunks.get(fileName)
    if (chunk === undefined || seen.has(fileName)) return []
    seen.add(fileName)
    return [...chunk.moduleIds, ...chunk.imports.flatMap(visit)]
  }
  return new Set(visit(name))
}

const { start, judge } = await modulesInUse()
if (start.size === 0 || judge.size === 0) throw new Error('the commands are not where this script looks for them')

rmSync(dir, { recursive: true, force: true })
const { output } = await build({
  ...options,
  output: {
    dir,
    format: 'cjs',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    minify: true,
    // One file for each of both: looking for files takes longer than reading a little more.
    codeSplitting: {
      groups: [
        { name: 'start', test: (id) => start.has(id), priority: 2 },
        { name: 'judge', test: (id) => judge.has(id), priority: 1 },
      ],
    },
  },
})
// The package says of itself that its files are ES modules.
writeFileSync(join(dir, 'package.json'), '{ "type": "commonjs" }\n')

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
