// Reads JSON member by member: for texts that the platform's parser may have misread, and to say which member a text
// names twice. It reads only text that the platform's parser has found well formed, of bounded depth. Anybody may send
// such a text as large as a body may be: every character is looked at once or twice, whatever the text.

import { CodedError } from '#core/errors.ts'
import { printable } from './printable.ts'

interface Cursor {
  readonly text: string
  at: number
}

/** An object or a list that the text goes on with, and the way to it. */
export interface Begun {
  readonly container: Readonly<Record<string, unknown>> | readonly unknown[]
  readonly path: readonly (string | number)[]
}

const nothing: Begun = { container: {}, path: [] }

/**
 * The value of a well-formed text.
 *
 * @param begun what the object or list of the text continues: none of its members may come again
 * @throws CodedError `json-duplicate`, naming the repeated member by its JSON pointer
 */
export function readJsonSlowly(text: string, begun: Begun = nothing): unknown {
  try {
    return readValue({ text, at: 0 }, begun.container)
  } catch (error) {
    if (!(error instanceof Repeated)) throw error
    const where = pointerOf([...begun.path, ...error.path])
    throw new CodedError('json-duplicate', `JSON names a member twice: ${printable(where)}`, { where })
  }
}

/** Collects its way out to the root: a pointer that was carried inward would have to be made for every value. */
class Repeated extends Error {
  readonly #path: (string | number)[] = []

  within(step: string | number): this {
    this.#path.push(step)
    return this
  }

  get path(): readonly (string | number)[] {
    return this.#path.toReversed()
  }
}

/** What is told of a name. A name may have 2 MiB, and nobody can interrupt its escaping. */
const shownName = 256

/** RFC 6901, but for names that are too long to be told. */
export function pointerOf(path: readonly (string | number)[]): string {
  return path.map((step) => `/${escaped(String(step))}`).join('')
}

function escaped(name: string): string {
  const shown = name.length > shownName ? `${name.slice(0, shownName)}…` : name
  return shown.replaceAll('~', '~0').replaceAll('/', '~1')
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const closingBracket = 0x5d
const closingBrace = 0x7d

function readValue(cursor: Cursor, begun: Begun['container'] = nothing.container): unknown {
  skipSpace(cursor)
  switch (cursor.text.charCodeAt(cursor.at)) {
    case 0x7b:
      return readObject(cursor, begun)
    case 0x5b:
      return readArray(cursor, Array.isArray(begun) ? begun.length : 0)
    case quote:
      return readString(cursor)
    default:
      return readWord(cursor)
  }
}

function readObject(cursor: Cursor, begun: Begun['container']): unknown {
  const object: Record<string, unknown> = {}
  do {
    cursor.at++
    skipSpace(cursor)
    if (cursor.text.charCodeAt(cursor.at) === closingBrace) break
    const name = readString(cursor)
    if (Object.hasOwn(object, name) || Object.hasOwn(begun, name)) throw new Repeated().within(name)
    skipSpace(cursor)
    cursor.at++
    defineMember(object, name, readInside(cursor, name))
    skipSpace(cursor)
  } while (cursor.text.charCodeAt(cursor.at) === comma)
  cursor.at++
  return object
}

/** A member `__proto__` is defined, because setting it would change the prototype. */
export function defineMember(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') object[name] = value
  else Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
}

function readArray(cursor: Cursor, before: number): unknown[] {
  const elements: unknown[] = []
  do {
    cursor.at++
    skipSpace(cursor)
    if (cursor.text.charCodeAt(cursor.at) === closingBracket) break
    elements.push(readInside(cursor, before + elements.length))
    skipSpace(cursor)
  } while (cursor.text.charCodeAt(cursor.at) === comma)
  cursor.at++
  return elements
}

function readInside(cursor: Cursor, step: string | number): unknown {
  try {
    return readValue(cursor)
  } catch (error) {
    throw error instanceof Repeated ? error.within(step) : error
  }
}

function readString(cursor: Cursor): string {
  const { text } = cursor
  const start = ++cursor.at
  let isEscaped = false
  while (cursor.at < text.length) {
    const unit = text.charCodeAt(cursor.at++)
    if (unit === quote) break
    if (unit === backslash) {
      isEscaped = true
      cursor.at++
    }
  }
  // A lone string is read right by the platform; without a backslash it is what stands between the quotes.
  return isEscaped ? String(JSON.parse(text.slice(start - 1, cursor.at))) : text.slice(start, cursor.at - 1)
}

/** A number, `true`, `false` or `null`. */
function readWord(cursor: Cursor): unknown {
  const start = cursor.at
  while (cursor.at < cursor.text.length && !endsWord(cursor.text.charCodeAt(cursor.at))) cursor.at++
  const word = cursor.text.slice(start, cursor.at)
  switch (word) {
    case 'true':
      return true
    case 'false':
      return false
    case 'null':
      return null
    default:
      // The number that `JSON.parse` makes of it, at a third of the cost.
      return Number(word)
  }
}

function endsWord(unit: number): boolean {
  return unit === comma || unit === closingBracket || unit === closingBrace || isSpace(unit)
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09
}

function skipSpace(cursor: Cursor): void {
  while (isSpace(cursor.text.charCodeAt(cursor.at))) cursor.at++
}
