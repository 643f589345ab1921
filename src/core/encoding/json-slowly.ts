// Reads JSON member by member: for texts that the platform's parser may have misread, and to say which member a text
// names twice. It reads only text that the platform's parser has found well formed, of bounded depth; it is slow.

import { CodedError } from '#core/errors.ts'
import { printable } from './printable.ts'

interface Cursor {
  readonly text: string
  at: number
}

/**
 * The value of a well-formed text.
 *
 * @throws CodedError `json-duplicate`, naming the repeated member by its JSON pointer (RFC 6901)
 */
export function readJsonSlowly(text: string): unknown {
  return readValue({ text, at: 0 }, '')
}

function readValue(cursor: Cursor, pointer: string): unknown {
  skipSpace(cursor)
  switch (cursor.text.charAt(cursor.at)) {
    case '{':
      return readObject(cursor, pointer)
    case '[':
      return readArray(cursor, pointer)
    case '"':
      return readString(cursor)
    default:
      return readWord(cursor)
  }
}

function readObject(cursor: Cursor, pointer: string): unknown {
  const members = new Map<string, unknown>()
  do {
    cursor.at++
    skipSpace(cursor)
    if (cursor.text.charAt(cursor.at) === '}') break
    const name = readString(cursor)
    const below = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    if (members.has(name)) {
      throw new CodedError('json-duplicate', `JSON names a member twice: ${printable(below)}`, { where: below })
    }
    skipSpace(cursor)
    cursor.at++
    members.set(name, readValue(cursor, below))
    skipSpace(cursor)
  } while (cursor.text.charAt(cursor.at) === ',')
  cursor.at++
  // Defines properties rather than setting them: a member `__proto__` stays one.
  return Object.fromEntries(members)
}

function readArray(cursor: Cursor, pointer: string): unknown[] {
  const elements: unknown[] = []
  do {
    cursor.at++
    skipSpace(cursor)
    if (cursor.text.charAt(cursor.at) === ']') break
    elements.push(readValue(cursor, `${pointer}/${elements.length}`))
    skipSpace(cursor)
  } while (cursor.text.charAt(cursor.at) === ',')
  cursor.at++
  return elements
}

function readString(cursor: Cursor): string {
  const start = cursor.at++
  while (cursor.at < cursor.text.length && cursor.text.charAt(cursor.at) !== '"') {
    cursor.at += cursor.text.charAt(cursor.at) === '\\' ? 2 : 1
  }
  cursor.at++
  return String(JSON.parse(cursor.text.slice(start, cursor.at)))
}

/** A number, `true`, `false` or `null`. */
function readWord(cursor: Cursor): unknown {
  const start = cursor.at
  while (cursor.at < cursor.text.length && !' \t\n\r,]}'.includes(cursor.text.charAt(cursor.at))) cursor.at++
  return JSON.parse(cursor.text.slice(start, cursor.at))
}

function skipSpace(cursor: Cursor): void {
  while (cursor.at < cursor.text.length && ' \t\n\r'.includes(cursor.text.charAt(cursor.at))) cursor.at++
}
