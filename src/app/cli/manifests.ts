// Kubernetes manifests from files and standard input: any number of YAML or JSON documents, Lists taken apart, each
// object with its place. It reads as kubectl does (YAML 1.1, anchors allowed) and judges nothing.

import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Composer, type CST, LineCounter, Parser } from 'yaml'
import { printable } from '#core/encoding/printable.ts'
import { parseStrictJson } from '#core/encoding/strict-json.ts'
import { nestedBeyond } from '#core/encoding/yaml.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import { unreadableFile } from '#core/unreadable-file.ts'

export interface Manifest {
  readonly file: string
  /** Where its document begins. */
  readonly line: number
  readonly apiVersion: string
  readonly kind: string
  readonly value: Readonly<Record<string, unknown>>
}

/** What helm makes of the largest charts is a few megabytes. */
const maxBytes = 64 * 1024 * 1024
/** More than a cluster's worth of objects in one file. */
const maxObjects = 50_000
/** The schemas in definitions of custom resources nest some 60 levels; the reader below recurses. */
const maxDepth = 500

/**
 * @param paths files, directories (their *.yaml, *.yml and *.json, not those of their directories), `-`
 * @throws CodedError `file-unreadable`, `input-too-large`, `yaml-malformed` with file and line
 */
export async function loadManifests(
  paths: readonly string[],
  stdin: AsyncIterable<Uint8Array>,
): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = []
  for (const file of await filesOf(paths)) {
    const text = await readText(file, stdin)
    for (const manifest of parseManifests(file === '-' ? 'stdin' : file, text)) manifests.push(manifest)
  }
  return manifests
}

/** @throws CodedError `yaml-malformed`, `input-too-large` */
export function parseManifests(file: string, text: string): readonly Manifest[] {
  const found: Manifest[] = []
  for (const { value, line } of documentsOf(file, text)) {
    for (const object of takeApart(value, file, line)) {
      if (found.length >= maxObjects)
        throw new CodedError('input-too-large', `${file}: more than ${maxObjects} objects`)
      found.push(toManifest(object, file, line))
    }
  }
  return found
}

interface Document {
  readonly value: unknown
  readonly line: number
}

function documentsOf(file: string, text: string): readonly Document[] {
  const json = jsonDocument(text)
  if (json !== undefined) return [json]
  const lines = new LineCounter()
  // Merge keys and version 1.1 are what kubectl's reader knows.
  const composer = new Composer({ version: '1.1', prettyErrors: false, logLevel: 'silent' })
  const tokens = shallow(new Parser(lines.addNewLine).parse(text), (token) =>
    malformed(file, lines.linePos(token.offset).line, `nested deeper than ${maxDepth} levels`),
  )
  return [...composer.compose(tokens)].flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw malformed(file, lines.linePos(error.pos[0]).line, hint(error.message, text))
    const start = document.contents?.range?.[0] ?? 0
    const line = lines.linePos(start).line
    try {
      const value: unknown = document.toJS({ maxAliasCount: 1_000 })
      return value === null || value === undefined ? [] : [{ value, line }]
    } catch (failure) {
      throw malformed(file, line, messageOf(failure))
    }
  })
}

function* shallow(tokens: Iterable<CST.Token>, refusal: (token: CST.Token) => CodedError): Generator<CST.Token> {
  for (const token of tokens) {
    const deep = token.type === 'document' && token.value ? nestedBeyond(token.value, maxDepth) : undefined
    if (deep !== undefined) throw refusal(deep)
    yield token
  }
}

/** The YAML reader takes ten times as long for what is JSON. */
function jsonDocument(text: string): Document | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined
  try {
    return { value: parseStrictJson(text), line: 1 }
  } catch {
    return undefined
  }
}

function hint(message: string, text: string): string {
  return /\{\{.*\}\}/.test(text) ? `${message}; this looks like a template: render it first (helm template)` : message
}

function takeApart(value: unknown, file: string, line: number): readonly unknown[] {
  if (!isObject(value)) throw malformed(file, line, 'a document that is not an object')
  const { kind, items } = value
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [value]
  return items.flatMap((item) => takeApart(item, file, line))
}

function toManifest(value: unknown, file: string, line: number): Manifest {
  if (!isObject(value)) throw malformed(file, line, 'an item of a List that is not an object')
  const { apiVersion, kind } = value
  if (typeof apiVersion !== 'string' || apiVersion === '' || typeof kind !== 'string' || kind === '') {
    throw malformed(file, line, 'no Kubernetes object: apiVersion and kind must be there, as texts')
  }
  return { file, line, apiVersion, kind, value }
}

async function filesOf(paths: readonly string[]): Promise<readonly string[]> {
  const files = await Promise.all(
    paths.map(async (path) => {
      if (path === '-') return [path]
      try {
        if (!(await stat(path)).isDirectory()) return [path]
        const names = (await readdir(path)).filter((name) => /^[^.].*\.(?:yaml|yml|json)$/.test(name)).sort()
        return names.map((name) => join(path, name))
      } catch (error) {
        throw unreadableFile(path, error)
      }
    }),
  )
  return files.flat()
}

/** The whole text of a file or of standard input. @throws CodedError `file-unreadable`, `input-too-large` */
export async function readText(file: string, stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of file === '-' ? stdin : createReadStream(file)) {
      size += chunk.length
      if (size > maxBytes) throw new CodedError('input-too-large', `${file}: larger than ${maxBytes} bytes`)
      chunks.push(Buffer.from(chunk))
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (error) {
    if (error instanceof TypeError) throw malformed(file, 1, 'not UTF-8 text')
    throw unreadableFile(file, error)
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(file: string, line: number, message: string): CodedError {
  const where = `${printable(file)}:${line}`
  return new CodedError('yaml-malformed', `${where}: ${printable(message, 300)}`, { where })
}
