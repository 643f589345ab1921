// Mutants of calls: another method, none at all, and links of a chain that is no longer optional.

import type { Place, Proposal } from './proposal.ts'
import { propose } from './proposal.ts'
import type { Node } from './syntax.ts'
import { child, textField } from './syntax.ts'

const methods: ReadonlyMap<string, string> = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['startsWith', 'endsWith'],
  ['endsWith', 'startsWith'],
  ['min', 'max'],
  ['max', 'min'],
  ['toLowerCase', 'toUpperCase'],
  ['toUpperCase', 'toLowerCase'],
  ['find', 'findLast'],
  ['indexOf', 'lastIndexOf'],
  ['lastIndexOf', 'indexOf'],
])

/** Methods that may be left out, the value going on as it was. */
const removable: ReadonlySet<string> = new Set([
  'filter',
  'trim',
  'trimEnd',
  'trimStart',
  'sort',
  'toSorted',
  'reverse',
  'toReversed',
  'slice',
  'subarray',
  'toLowerCase',
])

export function method(node: Node, place: Place): readonly Proposal[] {
  const callee = child(node, 'callee')
  const [object, property] = [child(callee, 'object'), child(callee, 'property')]
  if (object === undefined || property === undefined || callee?.['computed'] === true) return []
  const name = textField(property, 'name')
  const found: Proposal[] = []
  const other = methods.get(name)
  if (other !== undefined) {
    const changed = spliced(node, { start: property.start, end: property.end, text: other }, place)
    found.push(onSpine(node, changed, `${name} to ${other}`, name === 'every', place))
  }
  if (removable.has(name)) {
    const dot = node.start + place.textOf(node).lastIndexOf('.', property.start - node.start)
    const start = place.textOf(node).charAt(dot - node.start - 1) === '?' ? dot - 1 : dot
    const removed = spliced(node, { start, end: node.end, text: '' }, place)
    found.push(onSpine(node, removed, `${name} removed`, name === 'filter', place))
  }
  return found
}

interface Splice {
  readonly start: number
  readonly end: number
  readonly text: string
}

function spliced(node: Node, { start, end, text }: Splice, { textOf }: Place): string {
  const whole = textOf(node)
  return whole.slice(0, start - node.start) + text + whole.slice(end - node.start)
}

/** Inside of `a?.b.c` no link can be replaced by itself: the chain as a whole is. */
function onSpine(node: Node, replacement: string, kind: string, removesCheck: boolean, place: Place): Proposal {
  const chain = chainAround(node, place.ancestors)
  if (chain === undefined) return propose(node, replacement, kind, removesCheck)
  const whole = spliced(chain, { start: node.start, end: node.end, text: replacement }, place)
  return propose(chain, whole, kind, removesCheck)
}

function chainAround(node: Node, ancestors: readonly Node[]): Node | undefined {
  let link = node
  for (const parent of ancestors.toReversed()) {
    if (parent.type === 'ChainExpression') return parent
    const isLink =
      (parent.type === 'MemberExpression' && child(parent, 'object') === link) ||
      (parent.type === 'CallExpression' && child(parent, 'callee') === link)
    if (!isLink) return undefined
    link = parent
  }
  return undefined
}

export function optionalChain(node: Node, place: Place): readonly Proposal[] {
  const found: Proposal[] = []
  let link = child(node, 'expression')
  while (link !== undefined) {
    const before = child(link, 'object') ?? child(link, 'callee')
    if (link['optional'] === true && before !== undefined) {
      const at = place.textOf(node).indexOf('?.', before.end - node.start) + node.start
      const next = place.textOf(node).charAt(at - node.start + 2)
      const text = next === '[' || next === '(' ? '' : '.'
      found.push(propose(node, spliced(node, { start: at, end: at + 2, text }, place), '?. to .'))
    }
    link = before
  }
  return found
}
