// The house rules that a compiler does not check. A failure prints the chain or the line that broke a rule.

import { existsSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { describe, expect, test } from 'vitest'
import { errorTable } from '#core/errors.ts'
import { renderErrors } from '../scripts/render-errors.ts'
import type { SourceFile } from './support/source-files.ts'
import { packageOf, readSource, sourceFiles, withoutComments } from './support/source-files.ts'

const files = sourceFiles('src/**/*.ts').filter(({ path }) => !path.endsWith('.d.ts'))
const byPath = new Map(files.map((file) => [file.path, file]))
const builtins = new Set(builtinModules)

/** Who may import whom: a folder may import the folders named, besides itself. First match wins. */
const mayImport: readonly (readonly [folder: string, allowed: readonly string[]])[] = [
  ['src/core/encoding/', ['src/core/errors.ts']],
  ['src/core/error', ['src/core/error']],
  ['src/core/image/', ['src/core/encoding/', 'src/core/errors.ts', 'src/core/decision/question.ts (types)']],
  ['src/core/admission/', ['src/core/image/', 'src/core/encoding/', 'src/core/errors.ts']],
  ['src/core/policy/', ['src/core/image/', 'src/core/encoding/', 'src/core/errors.ts']],
  ['src/core/decision/', ['src/core/']],
  ['src/core/', ['src/core/']],
  ['src/signature/', ['src/core/', 'src/signature/']],
  [
    'src/io/registry/',
    [
      'src/core/',
      'src/signature/ (types)',
      'src/io/http/',
      'src/io/bounded-file.ts',
      'src/io/cache.ts',
      'src/version.ts',
    ],
  ],
  [
    'src/io/',
    [
      'src/core/',
      'src/signature/',
      'src/io/http/',
      'src/io/bounded-file.ts',
      'src/io/cache.ts',
      'src/version.ts',
      'src/hardening.ts',
    ],
  ],
  ['src/app/cli/', ['src/']],
  ['src/app/', ['src/core/', 'src/signature/', 'src/app/', 'src/io/ (types)', 'src/version.ts']],
  ['src/', ['src/']],
]

/** Third-party code that core and signature may use, each through one file, each with its reason. */
const thirdParty: Readonly<Record<string, { readonly file: string; readonly reason: string }>> = {
  yaml: {
    file: 'src/core/encoding/yaml.ts',
    reason: 'YAML is too large a language to read by hand; ours only narrows it',
  },
  '@noble/ciphers': {
    file: 'src/signature/keys/secretbox.ts',
    reason: 'NaCl secretbox, which cosign seals keys with, is not in node:crypto',
  },
  '@noble/curves': {
    file: 'src/signature/keys/ed25519ph.ts',
    reason: 'tells an Ed25519ph signature from a foreign key; never makes one count',
  },
}

/** Built-in modules that `signature` may use: cryptography, and nothing that reaches out of the process. */
const signatureBuiltins = new Set(['node:crypto', 'node:util', 'node:buffer'])

describe('imports', () => {
  test('the reader of imports sees every form, and nothing in comments', () => {
    const file = readSource(
      'src/a/b.ts',
      [
        `import { x } from '#core/errors.ts'`,
        `import type { Y } from './c.ts'`,
        `export { z } from '../d.ts'`,
        `const lazy = await import('undici')`,
        `import 'node:fs'`,
        `import {\n  many,\n} from '#io/e.ts'`,
        `// import { no } from './no.ts'`,
        `/* import './never.ts' */`,
      ].join('\n'),
    )
    expect(file.imports.map(({ file: target, specifier }) => target ?? specifier).sort()).toEqual(
      ['node:fs', 'src/a/c.ts', 'src/core/errors.ts', 'src/d.ts', 'src/io/e.ts', 'undici'].sort(),
    )
    expect(file.imports.find(({ specifier }) => specifier === './c.ts')?.typesOnly).toBe(true)
  })

  test('every import of ours names a file that exists', () => {
    const missing = files.flatMap(({ path, imports }) =>
      imports
        .filter(({ file }) => file !== undefined && !existsSync(file))
        .map(({ specifier }) => `${path} → ${specifier}`),
    )
    expect(missing).toEqual([])
  })

  test('each folder imports only what its layer may', () => {
    const broken = files.flatMap((file) =>
      file.imports.filter((found) => !isAllowed(file, found)).map(({ specifier }) => `${file.path} → ${specifier}`),
    )
    expect(broken).toEqual([])
  })

  test('there is no cycle', () => {
    expect(findCycle(byPath)).toBeUndefined()
    const loop = new Map(
      [readSource('src/a.ts', `import { b } from './b.ts'`), readSource('src/b.ts', `import { a } from './a.ts'`)].map(
        (file) => [file.path, file],
      ),
    )
    expect(findCycle(loop)).toBe('src/a.ts → src/b.ts → src/a.ts')
  })

  test('cross-folder imports are written #folder/…, so that a crossing is visible in the line', () => {
    const relative = files.flatMap(({ path, imports }) =>
      imports.filter(({ specifier }) => specifier.startsWith('../')).map(({ specifier }) => `${path} → ${specifier}`),
    )
    expect(relative).toEqual([])
  })
})

describe('third-party code', () => {
  test('enters core and signature through one file each, listed with its reason', () => {
    const found = layerFiles('src/core/', 'src/signature/').flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier, file }) => file === undefined && !isBuiltin(specifier))
        .map(({ specifier }) => `${packageOf(specifier)} in ${path}`),
    )
    const listed = Object.entries(thirdParty).map(([name, { file }]) => `${name} in ${file}`)
    expect([...new Set(found)].filter((entry) => !listed.includes(entry))).toEqual([])
    expect(listed.filter((entry) => !found.includes(entry))).toEqual([])
  })

  test('is imported by one file a package everywhere else too', () => {
    const importers = new Map<string, Set<string>>()
    for (const { path, imports } of layerFiles('src/io/', 'src/app/')) {
      for (const { specifier, file, typesOnly } of imports) {
        if (file !== undefined || isBuiltin(specifier) || typesOnly) continue
        const name = packageOf(specifier)
        importers.set(name, (importers.get(name) ?? new Set()).add(path))
      }
    }
    const shared = [...importers].filter(([name, paths]) => paths.size > 1 && !sharedPackages.has(name))
    expect(shared.map(([name, paths]) => `${name}: ${[...paths].join(', ')}`)).toEqual([])
  })

  test('core imports no built-in module, and signature only cryptography', () => {
    const core = builtinImports('src/core/')
    const signature = builtinImports('src/signature/').filter(
      (entry) => !signatureBuiltins.has(entry.split(' ')[0] ?? ''),
    )
    expect([...core, ...signature]).toEqual([])
  })
})

/** Data structures and shapes, not services: several files may use these. */
const sharedPackages: ReadonlySet<string> = new Set(['lru-cache', 'zod'])

describe('core', () => {
  test('uses no clock, randomness, environment or promises', () => {
    const forbidden =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\basync\b|\bawait\b|\bprocess\b\.|\bglobalThis\b|\bfetch\(|\bconsole\.|\bsetTimeout\b|\bnew Promise\b/
    const found = layerFiles('src/core/').flatMap(({ path, text }) => linesMatching(path, text, forbidden))
    expect(found).toEqual([])
    expect(linesMatching('x', 'const t = Date.now()', forbidden)).toHaveLength(1)
  })

  test('knows promises only as the type of the verification that others do', () => {
    const found = layerFiles('src/core/').filter(({ text }) => /\bPromise</.test(withoutComments(text)))
    expect(found.map(({ path }) => path)).toEqual(['src/core/decision/format.ts'])
  })
})

describe('files', () => {
  test('have at most 400 lines', () => {
    const long = files.filter(({ path, text }) => text.split('\n').length > 401 && !tables.has(path))
    expect(long.map(({ path }) => path)).toEqual([])
  })

  test('are named for a noun', () => {
    const drawers = files.filter(({ path }) => /(^|\/)(index|utils?|helpers?|common|constants|misc)\.ts$/.test(path))
    expect(drawers.map(({ path }) => path)).toEqual([])
  })

  test('open with what they are for', () => {
    const silent = files.filter(({ text }) => !/^(#!.*\n)?(\/\/|\/\*)/.test(text))
    expect(silent.map(({ path }) => path)).toEqual([])
  })

  test('export by name, without barrels', () => {
    const found = files.flatMap(({ path, text }) => linesMatching(path, text, /^export (default|\*)/))
    expect(found).toEqual([])
  })

  test('evaluate no text as code', () => {
    const found = files.flatMap(({ path, text }) => linesMatching(path, text, /\beval\(|\bnew Function\b/))
    expect(found).toEqual([])
  })
})

/** Tables: one row a fact, so length is no sign of a second noun. */
const tables: ReadonlySet<string> = new Set(['src/core/error-table.ts'])

describe('error codes', () => {
  const docs = readFileSync('docs/errors.md', 'utf8')

  test('are documented, all of them and no others', () => {
    expect(docs).toBe(renderErrors(errorTable))
  })

  test('are all used', () => {
    const sources = files.filter(({ path }) => path !== 'src/core/error-table.ts' && !path.includes('sentences-'))
    const unused = Object.keys(errorTable).filter((code) => !sources.some(({ text }) => text.includes(`'${code}'`)))
    expect(unused).toEqual([])
  })

  test('are all provoked by a test', () => {
    const tests = sourceFiles('test/**/*.ts')
    const untested = Object.keys(errorTable).filter(
      (code) => !tests.some(({ text }) => new RegExp(`['"\`: ]${code}\\b`).test(text)),
    )
    expect(untested).toEqual([])
  })
})

function isAllowed(file: SourceFile, found: SourceFile['imports'][number]): boolean {
  if (found.file === undefined) return true
  const { file: target, typesOnly } = found
  const rule = mayImport.find(([folder]) => file.path.startsWith(folder))
  if (rule === undefined) return false
  const [folder, allowed] = rule
  return [folder, ...allowed].some((entry) => {
    const typesRequired = entry.endsWith(' (types)')
    return target.startsWith(typesRequired ? entry.slice(0, -8) : entry) && (!typesRequired || typesOnly)
  })
}

/** Follows imports of values: types leave no trace at run time. */
function findCycle(graph: ReadonlyMap<string, SourceFile>): string | undefined {
  const done = new Set<string>()
  const visit = (path: string, chain: readonly string[]): string | undefined => {
    if (chain.includes(path)) return [...chain.slice(chain.indexOf(path)), path].join(' → ')
    if (done.has(path)) return undefined
    for (const { file, typesOnly, onUse } of graph.get(path)?.imports ?? []) {
      const cycle = file === undefined || typesOnly || onUse ? undefined : visit(file, [...chain, path])
      if (cycle !== undefined) return cycle
    }
    done.add(path)
    return undefined
  }
  for (const path of graph.keys()) {
    const cycle = visit(path, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}

function layerFiles(...folders: readonly string[]): readonly SourceFile[] {
  return files.filter(({ path }) => folders.some((folder) => path.startsWith(folder)))
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtins.has(specifier)
}

function builtinImports(folder: string): readonly string[] {
  return layerFiles(folder).flatMap(({ path, imports }) =>
    imports
      .filter(({ specifier, file }) => file === undefined && isBuiltin(specifier))
      .map(({ specifier }) => `${specifier} in ${path}`),
  )
}

function linesMatching(path: string, text: string, pattern: RegExp): readonly string[] {
  return withoutComments(text)
    .split('\n')
    .filter((line) => pattern.test(line.replaceAll(/'[^']*'|"[^"]*"|`[^`]*`/g, "''")))
    .map((line) => `${path}: ${line.trim()}`)
}
