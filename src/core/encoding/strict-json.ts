// Reads JSON of which every reader must see the same: no member twice, bounded depth, nothing but Unicode text. One
// scan of the text, the platform's own parser, one count of the tree; only a text that looks odd pays for more.
// Below, accessors for readers that turn the result into types; they look at own members only.

import { CodedError, messageOf } from '#core/errors.ts'
import { readJsonSlowly } from './json-slowly.ts'
import { printable } from './printable.ts'

export interface JsonLimits {
  /** Objects and arrays inside each other; no more than `deepest`. */
  readonly maxDepth?: number
}

/** Kubernetes objects and every signature format stay below 25. */
export const defaultMaxDepth = 64
/** What the recursion here and in readers carries on a small stack. */
export const deepest = 500

/**
 * The value of a JSON text (RFC 8259), refusing what I-JSON (RFC 7493) refuses: duplicate members and lone surrogates.
 * A member `__proto__` becomes an ordinary own property.
 *
 * @throws CodedError `json-malformed`, `json-duplicate` (names the member by JSON pointer), `json-too-deep`
 */
export function parseStrictJson(text: string, limits: JsonLimits = {}): unknown {
  return parseEncoded(text, encoder.encode(text), limits)
}

/** @param bytes the same text in UTF-8: looking at each takes half as long as looking at the characters of a string */
function parseEncoded(text: string, bytes: Uint8Array, limits: JsonLimits): unknown {
  const value = valueOfText(text, bytes, depthOf(limits))
  if (holdsHalfCharacter(text, value)) throw halfCharacter()
  return value
}

/**
 * The value of a text, whatever its strings hold; the readers of whole texts and of pieces ask `holdsHalfCharacter`, too.
 *
 * @throws CodedError as `parseStrictJson`
 */
export function valueOfText(text: string, bytes: Uint8Array, maxDepth: number): unknown {
  const written = countWrittenMembers(bytes, maxDepth)
  const quick = parseJson(text)
  const counted = countPlainMembers(quick, text.includes('\\'))
  return counted === written ? quick : readJsonSlowly(text)
}

export function depthOf(limits: JsonLimits): number {
  return Math.min(limits.maxDepth ?? defaultMaxDepth, deepest)
}

/**
 * The same of bytes, which must be UTF-8 without a byte order mark.
 *
 * @throws CodedError as `parseStrictJson`
 */
export function parseStrictJsonBytes(bytes: Uint8Array, limits: JsonLimits = {}): unknown {
  return parseEncoded(textOfBytes(bytes), bytes, limits)
}

const encoder = new TextEncoder()

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws CodedError `json-malformed` */
export function textOfBytes(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new CodedError('json-malformed', 'not JSON: the bytes are not UTF-8')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (text.charCodeAt(0) === 0xfeff) {
      throw new CodedError('json-malformed', 'not JSON: it begins with a byte order mark')
    }
    // The platform's message quotes the text.
    throw new CodedError('json-malformed', `not JSON: ${printable(messageOf(error))}`)
  }
}

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a

/**
 * The colons outside of strings: in a text that turns out to be JSON, the number of its members. Bounds the depth.
 * Strings are skipped in line, since this looks at every byte of every request.
 */
function countWrittenMembers(bytes: Uint8Array, maxDepth: number): number {
  const end = bytes.length
  let colons = 0
  let depth = 0
  let at = 0
  while (at < end) {
    const unit = bytes[at++]
    if (unit === quote) {
      while (at < end) {
        const inner = bytes[at++]
        if (inner === quote) break
        if (inner === backslash) at++
      }
    } else if (unit === colon) {
      colons++
    } else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > maxDepth) throw tooDeep(maxDepth, at - 1)
    } else if (unit === 0x7d || unit === 0x5d) {
      depth--
    }
  }
  return colons
}

/**
 * The members of all objects of a tree, but for those with a backslash in their name: they are to be doubted. V8
 * misreads an escaped name if it knows a name that equals the first characters of the escape sequence: once
 * `{"a":1,"\\u006":1}` was parsed anywhere in the process, `{"a":1,"\u0069mage":1}` has a member `\u006` and no `image`
 * (nodejs/node#63785). What comes of it always has a backslash, so that names without any are right.
 *
 * `for in` is several times as fast here as lists of names; inherited members would only make the count differ.
 *
 * @param hasEscapes whether there is any backslash in the text; else there is none in a name
 */
function countPlainMembers(node: unknown, hasEscapes: boolean): number {
  let members = 0
  if (Array.isArray(node)) {
    for (let index = 0; index < node.length; index++) {
      const child: unknown = node[index]
      if (typeof child === 'object' && child !== null) members += countPlainMembers(child, hasEscapes)
    }
  } else if (typeof node === 'object' && node !== null) {
    const object = node as JsonObject
    for (const name in object) {
      if (!hasEscapes || !name.includes('\\')) members++
      const child = object[name]
      if (typeof child === 'object' && child !== null) members += countPlainMembers(child, hasEscapes)
    }
  }
  return members
}

export function tooDeep(maxDepth: number, offset: number): CodedError {
  const where = `offset ${offset}`
  return new CodedError('json-too-deep', `JSON nested more than ${maxDepth} deep, at ${where}`, { where })
}

export function halfCharacter(): CodedError {
  return new CodedError('json-malformed', 'not JSON: a string holds half of a surrogate pair, which is no character')
}

/** Is there half of a surrogate pair in a name or string of the text? The value is that of the text. */
export function holdsHalfCharacter(text: string, value: unknown): boolean {
  return mayHaveLoneSurrogates(text) && !isWellFormed(value)
}

function mayHaveLoneSurrogates(text: string): boolean {
  return !text.isWellFormed() || (text.includes('\\u') && /\\u[dD][89a-fA-F]/.test(text))
}

function isWellFormed(root: unknown): boolean {
  const open: unknown[] = [root]
  while (open.length > 0) {
    const node = open.pop()
    if (typeof node === 'string') {
      if (!node.isWellFormed()) return false
    } else if (typeof node === 'object' && node !== null) {
      for (const [name, child] of Object.entries(node)) open.push(name, child)
    }
  }
  return true
}

export type JsonObject = Readonly<Record<string, unknown>>

/** @throws CodedError `json-shape` */
export function asObject(value: unknown, where: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw wrongType('an object', value, where)
}

/** @throws CodedError `json-shape` */
export function asArray(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw wrongType('a list', value, where)
}

/** @throws CodedError `json-shape` */
export function asString(value: unknown, where: string): string {
  if (typeof value === 'string') return value
  throw wrongType('a string', value, where)
}

/** @throws CodedError `json-shape` */
export function asBoolean(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value
  throw wrongType('true or false', value, where)
}

/**
 * A whole number that this platform can hold exactly.
 *
 * @throws CodedError `json-shape`
 */
export function asInteger(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw wrongType('a whole number', value, where)
}

/** @throws CodedError `json-shape` */
export function asStringMap(value: unknown, where: string): Readonly<Record<string, string>> {
  const object = asObject(value, where)
  for (const name of Object.keys(object)) asString(object[name], memberPath(where, name))
  return object as Readonly<Record<string, string>>
}

/** The member, or `undefined`; never what an object inherits. */
export function ownMember(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/**
 * Refuses members that are not listed.
 *
 * @throws CodedError `json-shape`
 */
export function onlyMembers(object: JsonObject, names: readonly string[], where: string): void {
  for (const name of Object.keys(object)) {
    if (!names.includes(name)) {
      const path = memberPath(where, name)
      throw new CodedError('json-shape', `${path}: there is no such member here; known are ${names.join(', ')}`, {
        where: path,
      })
    }
  }
}

/** The path of a member or element: `spec.rules[0].images`. Names that are no plain words are quoted and escaped. */
export function memberPath(where: string, member: string | number): string {
  if (typeof member === 'number') return `${where}[${member}]`
  if (!/^[A-Za-z_$][\w$-]{0,99}$/.test(member)) return `${where}["${printable(member, 100)}"]`
  return where === '' ? member : `${where}.${member}`
}

function wrongType(wanted: string, found: unknown, where: string): CodedError {
  const place = where === '' ? 'the document' : where
  return new CodedError('json-shape', `${place}: expected ${wanted}, found ${describe(found)}`, { where })
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return `the string "${printable(value, 60)}"`
  return typeof value === 'object' ? 'an object' : `${String(value)}`
}
