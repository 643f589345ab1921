// YAML as policies are written in it: the subset whose meaning no reader disputes, with the line of everything for
// messages. It knows nothing of policies. JSON is read too, as the subset of YAML 1.2 that it is.
//
// Refused, beyond what is malformed: aliases, anchors, tags, merge keys and directives (a policy is what stands there),
// duplicate members, and plain text that YAML 1.2 and the YAML 1.1 reader of kubectl take for different values.

import type { CST, Document, Node, Pair, ParsedNode, Scalar, YAMLMap } from 'yaml'
import { Composer, isAlias, isMap, isScalar, isSeq, Parser } from 'yaml'
import { printable } from './printable.ts'

export interface YamlProblem {
  /** 1-based line in the whole text. */
  readonly line: number
  readonly path: YamlPath
  readonly message: string
}

/** Member names and list indexes from the document's root. */
export type YamlPath = readonly (string | number)[]

export interface YamlDocument {
  /** Plain objects, arrays, text, finite numbers, booleans and null; `undefined` if the document holds nothing. */
  readonly value: unknown
  readonly problems: readonly YamlProblem[]
  /** The line of what stands at the path, or of its nearest ancestor that is there. */
  lineOf(path: YamlPath): number
}

/** A policy of 256 rules with 256 patterns each is far below this; an object in a cluster (etcd) may not be larger. */
export const maxDocumentLength = 1024 * 1024
/** The deepest policy that means anything, inside a List, nests fewer than 20 levels. */
export const maxDepth = 32
/** Loading is built for 10,000 policies, with attestors and namespaces beside them; it bounds what "---" repeated may cost. */
export const maxDocuments = 20_000
/** Nobody reads on after so many in one document. */
const maxProblems = 100

/** Never throws: what cannot be read is a document with problems. */
export function parseYamlDocuments(text: string): readonly YamlDocument[] {
  const lines = lineFinder(text)
  const control = /[^\t\n\r\u0020-\u{10ffff}]|[\u007f\ufffe\uffff]/u.exec(text)
  if (control) return [failed(lines(control.index), 'a control character; write it as an escape inside "…"')]
  const documents: YamlDocument[] = []
  const composer = new Composer<ParsedNode, false>(composerOptions)
  const add = (document: Document.Parsed<ParsedNode, false>) => documents.push(toDocument(document, text, lines))
  try {
    for (const token of new Parser().parse(text)) {
      const problem = refusedToken(token)
      if (problem) return [...documents, failed(lines(problem.offset), problem.message)]
      for (const document of composer.next(token)) add(document)
      if (documents.length >= maxDocuments) {
        return [...documents, failed(lines(token.offset), `more than ${maxDocuments} documents`)]
      }
    }
    for (const document of composer.end(false, text.length)) add(document)
  } catch (error) {
    return [...documents, failed(1, `the YAML reader gave up: ${error instanceof Error ? error.message : 'unknown'}`)]
  }
  return documents
}

const composerOptions = {
  version: '1.2',
  schema: 'core',
  merge: false,
  // Its check compares every key with every other; ours is a set.
  uniqueKeys: false,
  prettyErrors: false,
  strict: true,
} as const

/** What must not reach the composer, whose cost and stack grow with it. */
function refusedToken(token: CST.Token): { offset: number; message: string } | undefined {
  if (token.type === 'directive') return { offset: token.offset, message: 'directives (%…) are not read' }
  if (token.type !== 'document' || !token.value) return undefined
  const end = endOf(token)
  if (end - token.offset > maxDocumentLength) {
    return { offset: token.offset, message: `a document of more than ${maxDocumentLength} characters` }
  }
  const deep = nestedBeyond(token.value, maxDepth)
  return deep && { offset: deep.offset, message: `nested deeper than ${maxDepth} levels` }
}

function endOf(token: CST.Document): number {
  const last = deepestLast(token.value ?? token)
  return last.offset + ('source' in last && typeof last.source === 'string' ? last.source.length : 0)
}

/** The token that ends last, without recursion: its offset bounds the document's length from below by one token. */
function deepestLast(token: CST.Token): CST.Token {
  let last = token
  for (;;) {
    const item: CST.CollectionItem | undefined = 'items' in last ? last.items.at(-1) : undefined
    const next: CST.Token | undefined = item && (item.value ?? item.key ?? item.sep?.at(-1) ?? item.start.at(-1))
    if (next === undefined || next === null) return last
    last = next
  }
}

/** The first token that lies deeper than so many levels. Without recursion: what comes after it needs a stack. */
export function nestedBeyond(root: CST.Token, levels: number): CST.Token | undefined {
  let level: CST.Token[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    const first = level[0]
    if (depth >= levels && first) return first
    const below: CST.Token[] = []
    for (const token of level) {
      if (!('items' in token)) continue
      for (const item of token.items) {
        if (item.key && 'items' in item.key) below.push(item.key)
        if (item.value && 'items' in item.value) below.push(item.value)
      }
    }
    level = below
  }
  return undefined
}

interface Walk {
  readonly problems: YamlProblem[]
  readonly lines: (offset: number) => number
}

type Composed = Document.Parsed<ParsedNode, false>

function toDocument(document: Composed, text: string, lines: (offset: number) => number): YamlDocument {
  const walk: Walk = { problems: [], lines }
  for (const error of [...document.errors, ...document.warnings].slice(0, maxProblems)) {
    // Both say "unresolved tag" where our own walk says that tags are refused.
    if (error.code !== 'TAG_RESOLVE_FAILED') {
      walk.problems.push({ line: lines(error.pos[0]), path: [], message: printable(firstLine(error.message)) })
    }
  }
  const root = document.contents
  const value = root === null || isEmptyScalar(root) ? undefined : toValue(walk, root, [])
  const [start, , end] = document.range
  let again: Node | null | undefined
  return {
    value,
    problems: walk.problems,
    lineOf: (path) => {
      // Made again for the rare problem: thousands of trees kept for that would be hundreds of megabytes.
      again ??= composeAgain(text.slice(start, end))
      return lines(start + (offsetAt(again, path) ?? 0))
    },
  }
}

function composeAgain(text: string): Node | null {
  for (const document of new Composer<ParsedNode, false>(composerOptions).compose(new Parser().parse(text))) {
    return document.contents
  }
  return null
}

function isEmptyScalar(node: Node): boolean {
  return isScalar(node) && node.value === null && !node.source
}

function toValue(walk: Walk, node: Node | null, path: YamlPath): unknown {
  if (node === null) return null
  if (isAlias(node)) return report(walk, node, path, 'aliases (*name) are not read; write the value out')
  if (node.anchor !== undefined) report(walk, node, path, 'anchors (&name) are not read')
  if (node.tag !== undefined) report(walk, node, path, 'tags (!name) are not read')
  if (isScalar(node)) return scalarValue(walk, node, path)
  if (isSeq(node)) return node.items.map((item, index) => toValue(walk, item as Node | null, [...path, index]))
  if (isMap(node)) return objectValue(walk, node as YAMLMap<Node | null, Node | null>, path)
  return null
}

function objectValue(walk: Walk, node: YAMLMap<Node | null, Node | null>, path: YamlPath): unknown {
  const object: Record<string, unknown> = {}
  for (const pair of node.items) {
    const name = memberName(walk, pair, node, path)
    if (name === undefined) continue
    if (Object.hasOwn(object, name)) {
      report(walk, pair.key ?? node, [...path, name], 'this member stands here twice')
      continue
    }
    object[name] = toValue(walk, pair.value, [...path, name])
  }
  return object
}

function memberName(walk: Walk, pair: Pair<Node | null, Node | null>, map: Node, path: YamlPath): string | undefined {
  const key = pair.key
  if (isAlias(key)) {
    report(walk, key, path, 'aliases (*name) are not read; write the value out')
    return undefined
  }
  const name = isScalar(key) ? scalarValue(walk, key, path) : undefined
  if (typeof name !== 'string' || !isScalar(key)) {
    report(walk, key ?? map, path, 'a member name must be text; write it in quotes')
    return undefined
  }
  if (key.anchor !== undefined || key.tag !== undefined) report(walk, key, path, 'anchors and tags are not read')
  if (name === '<<' && key.type === 'PLAIN') {
    report(walk, key, path, 'merge keys (<<) are not read; write the members out')
    return undefined
  }
  if (name === '__proto__') {
    report(walk, key, path, 'no member has this name')
    return undefined
  }
  return name
}

/** YAML 1.1 reads these as booleans (go-yaml, which kubectl uses, all of them). */
const legacyBoolean = /^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$/
const legacyNumber =
  /^[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?)$/
const jsonNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/

function scalarValue(walk: Walk, node: Scalar, path: YamlPath): unknown {
  const { value, source = '' } = node
  if (node.type !== 'PLAIN') return typeof value === 'string' ? value : null
  if (typeof value === 'string') {
    if (legacyBoolean.test(value)) {
      report(walk, node, path, `kubectl reads ${value} as a boolean; write "${value}" or true/false`)
    } else if (legacyNumber.test(value)) {
      report(walk, node, path, `kubectl reads ${short(value)} as a number; quote it`)
    }
    return value
  }
  if (typeof value === 'number') {
    if (!jsonNumber.test(source) || !Number.isFinite(value)) {
      report(walk, node, path, `readers differ about ${short(source)}; write a plain number, or quote it`)
    }
    return value
  }
  return typeof value === 'boolean' || value === null ? value : null
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

function report(walk: Walk, node: Node, path: YamlPath, message: string): undefined {
  if (walk.problems.length < maxProblems) {
    walk.problems.push({ line: walk.lines(offsetOf(node) ?? 0), path, message })
  }
}

function offsetOf(node: Node | null | undefined): number | undefined {
  return node?.range?.[0]
}

/** The offset of what the path names, as far as it leads; a member stands where its name stands. */
function offsetAt(root: Node | null, path: YamlPath): number | undefined {
  let node: Node | null = root
  let offset = offsetOf(root)
  for (const step of path) {
    if (isMap(node)) {
      const pair = (node as YAMLMap<Node | null, Node | null>).items.find(
        ({ key }) => isScalar(key) && key.value === step,
      )
      if (!pair) break
      offset = offsetOf(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node) && typeof step === 'number') {
      node = (node.items[step] as Node | null | undefined) ?? null
      offset = offsetOf(node) ?? offset
    } else break
  }
  return offset
}

function failed(line: number, message: string): YamlDocument {
  return { value: undefined, problems: [{ line, path: [], message }], lineOf: () => line }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

/** Offsets to lines; the table of line starts is made when the first one is asked for. */
function lineFinder(text: string): (offset: number) => number {
  let starts: number[] | undefined
  return (offset) => {
    if (starts === undefined) {
      starts = [0]
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
    }
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
