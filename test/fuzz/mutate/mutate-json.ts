// Mutations of JSON texts that keep them JSON, mostly: nodes are removed, repeated, renamed, retyped, moved, wrapped and
// taken from other texts.

import type { JsonMember, JsonNode } from '../json-text.ts'
import { parseJsonText, renderJsonText } from '../json-text.ts'
import type { Random } from '../random.ts'
import { mutateText } from './mutate-text.ts'
import { depths, oddLiterals, oddTexts } from './words.ts'

/** Where texts and nodes to splice in come from. */
export interface Sources {
  readonly dictionary: readonly string[]
  /** Other texts of this or another part. */
  readonly others: readonly string[]
}

/** More nodes than this are not looked at: hostile sizes are for the byte mutator. */
const mostNodes = 4_000

/** The text with one change, or `undefined` where it is no JSON. */
export function mutateJson(text: string, random: Random, sources: Sources): string | undefined {
  const root = parseJsonText(text)
  if (root === undefined) return undefined
  const changed = random.below(countNodes(root))
  let seen = 0
  const walk = (node: JsonNode): JsonNode => {
    if (seen++ === changed) return changeNode(node, root, random, sources)
    if (seen > changed || node.kind === 'literal') return node
    if (node.kind === 'array') return changeItems(node, walk)
    return { kind: 'object', members: node.members.map(({ name, value }) => ({ name, value: walk(value) })) }
  }
  const mutant = renderJsonText(walk(root))
  return random.oneIn(20) ? respace(mutant, random) : mutant
}

function changeItems(node: JsonNode & { readonly kind: 'array' }, walk: (node: JsonNode) => JsonNode): JsonNode {
  return { kind: 'array', items: node.items.map(walk) }
}

function countNodes(node: JsonNode): number {
  let count = 0
  const open: JsonNode[] = [node]
  for (let each = open.pop(); each !== undefined && count < mostNodes; each = open.pop()) {
    count++
    if (each.kind === 'array') open.push(...each.items.slice(0, mostNodes))
    if (each.kind === 'object') open.push(...each.members.slice(0, mostNodes).map(({ value }) => value))
  }
  return count
}

function changeNode(node: JsonNode, root: JsonNode, random: Random, sources: Sources): JsonNode {
  if (node.kind === 'object' && !random.oneIn(5)) return changeMembers(node.members, root, random, sources)
  if (node.kind === 'array' && !random.oneIn(5)) return changeList(node.items, root, random, sources)
  switch (random.below(8)) {
    case 0:
    case 1:
      return { kind: 'literal', text: random.pick(oddLiterals) }
    case 2:
      return wrapped(node, random)
    case 3:
      return retyped(node, random)
    case 4:
      return anyNode(root, random, sources)
    default:
      return node.kind === 'literal' && node.text.startsWith('"')
        ? changeString(node.text, random, sources)
        : retyped(node, random)
  }
}

function changeMembers(members: readonly JsonMember[], root: JsonNode, random: Random, sources: Sources): JsonNode {
  const place = random.below(members.length)
  const member = members[place]
  const other: JsonMember = { name: nameFor(member, random, sources), value: anyNode(root, random, sources) }
  if (member === undefined) return { kind: 'object', members: [other] }
  const replace = (...by: readonly JsonMember[]): JsonNode => ({
    kind: 'object',
    members: members.toSpliced(place, 1, ...by),
  })
  switch (random.below(7)) {
    case 0:
      return replace()
    case 1:
      // The same name again, before or behind, with the same or another value.
      return random.oneIn(2)
        ? replace(member, { ...other, name: member.name })
        : replace({ ...other, name: member.name }, member)
    case 2:
      return replace({ ...member, name: escapedName(member.name, random) }, ...(random.oneIn(2) ? [member] : []))
    case 3:
      return replace({ ...member, name: nameFor(member, random, sources) })
    case 4:
      return replace(member, other)
    case 5: {
      const second = random.below(members.length)
      const with2 = members[second] ?? member
      return {
        kind: 'object',
        members: members.map((each, at) =>
          at === place ? { ...each, value: with2.value } : at === second ? { ...each, value: member.value } : each,
        ),
      }
    }
    default:
      return replace({ ...member, value: anyNode(root, random, sources) })
  }
}

function changeList(items: readonly JsonNode[], root: JsonNode, random: Random, sources: Sources): JsonNode {
  const place = random.below(items.length)
  const item = items[place]
  const replace = (...by: readonly JsonNode[]): JsonNode => ({ kind: 'array', items: items.toSpliced(place, 1, ...by) })
  if (item === undefined) return { kind: 'array', items: [anyNode(root, random, sources)] }
  switch (random.below(5)) {
    case 0:
      return replace()
    case 1:
      return replace(item, item)
    case 2:
      return replace(...Array.from({ length: random.oneIn(4) ? 150 : 3 }, () => item))
    case 3:
      return replace(item, anyNode(root, random, sources))
    default:
      return { kind: 'array', items: items.toReversed() }
  }
}

function nameFor(member: JsonMember | undefined, random: Random, { dictionary }: Sources): string {
  const name = member?.name ?? '"a"'
  switch (random.below(5)) {
    case 0:
      return JSON.stringify(random.pick(oddTexts))
    case 1:
      return name.replace(/[a-z]/, (letter) => letter.toUpperCase())
    case 2:
      return name.replace(/[sk]/i, (letter) => (letter.toLowerCase() === 's' ? 'ſ' : '\u212a'))
    case 3:
      return `${name.slice(0, -1)}${random.pick([' ', '\\u0000', '_', '.'])}"`
    default:
      return JSON.stringify(dictionary.length === 0 ? 'a' : random.pick(dictionary))
  }
}

/** The same name, written otherwise: JSON lets every character be escaped. */
function escapedName(name: string, random: Random): string {
  const place = 1 + random.below(name.length - 2)
  const letter = name.charAt(place)
  if (letter === '\\' || letter === '"' || name.charAt(place - 1) === '\\') return name
  const escaped = `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
  return `${name.slice(0, place)}${escaped}${name.slice(place + 1)}`
}

function changeString(text: string, random: Random, sources: Sources): JsonNode {
  const inner = mutateText(text.slice(1, -1), random, sources)
  return { kind: 'literal', text: random.oneIn(8) ? `"${inner}"` : JSON.stringify(inner) }
}

function wrapped(node: JsonNode, random: Random): JsonNode {
  const depth = random.pick(depths)
  const open = random.oneIn(2) ? '[' : '{"a":'
  // A literal, so that no later mutation has to walk down so deep.
  const text = `${open.repeat(depth)}${renderJsonText(node)}${(open === '[' ? ']' : '}').repeat(depth)}`
  return { kind: 'literal', text }
}

function retyped(node: JsonNode, random: Random): JsonNode {
  switch (random.below(4)) {
    case 0:
      return { kind: 'array', items: [node] }
    case 1:
      return { kind: 'object', members: [{ name: '"value"', value: node }] }
    case 2:
      return { kind: 'literal', text: JSON.stringify(renderJsonText(node)) }
    default:
      return node.kind === 'array' ? (node.items[0] ?? node) : { kind: 'literal', text: random.pick(oddLiterals) }
  }
}

/** A node of this text or of another, or a word. */
function anyNode(root: JsonNode, random: Random, { dictionary, others }: Sources): JsonNode {
  if (random.oneIn(3) && dictionary.length > 0)
    return { kind: 'literal', text: JSON.stringify(random.pick(dictionary)) }
  if (random.oneIn(4)) return { kind: 'literal', text: random.pick(oddLiterals) }
  const other = random.oneIn(2) && others.length > 0 ? parseJsonText(random.pick(others)) : undefined
  return nodeAt(other ?? root, random)
}

function nodeAt(root: JsonNode, random: Random): JsonNode {
  let node = root
  for (let steps = random.below(12); steps > 0; steps--) {
    const below: readonly JsonNode[] =
      node.kind === 'array' ? node.items : node.kind === 'object' ? node.members.map(({ value }) => value) : []
    if (below.length === 0) break
    node = random.pick(below)
  }
  return node
}

function respace(text: string, random: Random): string {
  const place = random.below(text.length + 1)
  return `${text.slice(0, place)}${random.pick([' ', '\n', '\t', '\r\n', '\f', '\u00a0', '\0', '/**/', ','])}${text.slice(place)}`
}
