// JSON as it is written: a tree of members in their order, repeated ones included, and of the literals as they stand. The
// mutator changes such trees, and oracles compare them with what our reader makes of the text. It shares nothing with
// `src/core/encoding`.

export type JsonNode =
  | { readonly kind: 'object'; readonly members: readonly JsonMember[] }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  /** A string, number, true, false or null; `text` as it is written. */
  | { readonly kind: 'literal'; readonly text: string }

export interface JsonMember {
  /** With its quotes and escapes. */
  readonly name: string
  readonly value: JsonNode
}

const space = /[ \t\n\r]*/y
const literal =
  /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null/y

/** RFC 8259 by its grammar; `undefined` where the text is none, or nests deeper than the stack should carry. */
export function parseJsonText(text: string, deepest = 1_500): JsonNode | undefined {
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  const mark = (wanted: string): boolean => {
    take(space)
    if (text.charAt(at) !== wanted) return false
    at++
    return true
  }
  const value = (depth: number): JsonNode | undefined => {
    if (depth > deepest) return undefined
    if (mark('{')) return object(depth)
    if (mark('[')) return array(depth)
    const found = take(literal)
    return found === undefined ? undefined : { kind: 'literal', text: found }
  }
  const object = (depth: number): JsonNode | undefined => {
    const members: JsonMember[] = []
    if (mark('}')) return { kind: 'object', members }
    do {
      take(space)
      const name = text.charAt(at) === '"' ? take(literal) : undefined
      if (name === undefined || !mark(':')) return undefined
      const child = value(depth + 1)
      if (child === undefined) return undefined
      members.push({ name, value: child })
    } while (mark(','))
    return mark('}') ? { kind: 'object', members } : undefined
  }
  const array = (depth: number): JsonNode | undefined => {
    const items: JsonNode[] = []
    if (mark(']')) return { kind: 'array', items }
    do {
      const item = value(depth + 1)
      if (item === undefined) return undefined
      items.push(item)
    } while (mark(','))
    return mark(']') ? { kind: 'array', items } : undefined
  }
  const root = value(1)
  take(space)
  return root !== undefined && at === text.length ? root : undefined
}

export function renderJsonText(node: JsonNode): string {
  switch (node.kind) {
    case 'literal':
      return node.text
    case 'array':
      return `[${node.items.map(renderJsonText).join(',')}]`
    case 'object':
      return `{${node.members.map(({ name, value }) => `${name}:${renderJsonText(value)}`).join(',')}}`
  }
}

/** The text between the quotes, without escapes. */
export function unquoted(name: string): string {
  return String(JSON.parse(name))
}

/** The value; of repeated members the last one. */
export function jsonValue(node: JsonNode): unknown {
  switch (node.kind) {
    case 'literal':
      return JSON.parse(node.text)
    case 'array':
      return node.items.map(jsonValue)
    case 'object':
      return Object.fromEntries(node.members.map(({ name, value }) => [unquoted(name), jsonValue(value)]))
  }
}

/** Is a member named twice anywhere? */
export function hasRepeatedMember(node: JsonNode): boolean {
  if (node.kind === 'literal') return false
  if (node.kind === 'array') return node.items.some(hasRepeatedMember)
  const names = new Set(node.members.map(({ name }) => unquoted(name)))
  return names.size < node.members.length || node.members.some(({ value }) => hasRepeatedMember(value))
}

/** Objects and arrays inside each other. */
export function jsonDepth(node: JsonNode): number {
  if (node.kind === 'literal') return 0
  const below = node.kind === 'array' ? node.items : node.members.map(({ value }) => value)
  return 1 + below.reduce((deepest, child) => Math.max(deepest, jsonDepth(child)), 0)
}

/** Is every text and every name whole Unicode? */
export function isWholeUnicode(node: JsonNode): boolean {
  if (node.kind === 'literal') return !node.text.startsWith('"') || unquoted(node.text).isWellFormed()
  if (node.kind === 'array') return node.items.every(isWholeUnicode)
  return node.members.every(({ name, value }) => unquoted(name).isWellFormed() && isWholeUnicode(value))
}
