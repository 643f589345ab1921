// Reads the sources as text: which files there are, what they import, and how long they are. It reads lines, not
// syntax, because TypeScript 7 has no compiler API; `test/architecture.test.ts` tests this reader too.

import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

export interface SourceFile {
  /** Path from the root of the repository, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

export interface Import {
  /** As it is written. */
  readonly specifier: string
  /** The file of ours that it names, from the root of the repository; absent for a package or a built-in. */
  readonly file?: string
  readonly typesOnly: boolean
  /** Loaded on use, when the importing file has long been evaluated. */
  readonly onUse: boolean
}

export function sourceFiles(pattern: string): readonly SourceFile[] {
  return globSync(pattern)
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => readSource(path, readFileSync(path, 'utf8')))
}

export function readSource(path: string, text: string): SourceFile {
  return { path, text, imports: importsOf(path, text) }
}

const importPattern =
  /^\s*(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm

function importsOf(path: string, text: string): readonly Import[] {
  return [...withoutComments(text).matchAll(importPattern)].map((match) => {
    const specifier = match[2] ?? match[3] ?? ''
    const file = fileOf(path, specifier)
    return {
      specifier,
      typesOnly: match[1] !== undefined,
      onUse: match[3] !== undefined,
      ...(file === undefined ? {} : { file }),
    }
  })
}

function fileOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(path), specifier))
  return specifier.startsWith('#') ? `src/${specifier.slice(1)}` : undefined
}

/** Code without comments; strings stay, so that imports can be read. Good enough for formatted sources. */
export function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|[^:'"`])\/\/[^\n]*/g, '$1')
}

/** The package of a bare specifier: `@noble/ciphers/salsa.js` → `@noble/ciphers`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
