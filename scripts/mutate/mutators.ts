// What may be changed in a piece of code, by the kind of its node: each proposal is one mutant.

import { method, optionalChain } from './calls.ts'
import type { Mutator, Place, Proposal } from './proposal.ts'
import { propose } from './proposal.ts'
import type { Meaning } from './refusal.ts'
import { isCheckingCall, meaningOf, refuses } from './refusal.ts'
import type { Node } from './syntax.ts'
import { child, childList, isFunction, textField } from './syntax.ts'

const mutators: Readonly<Record<string, readonly Mutator[]>> = {
  IfStatement: [condition],
  ConditionalExpression: [condition],
  WhileStatement: [loopCondition],
  ForStatement: [loopCondition],
  LogicalExpression: [logical, answer],
  BinaryExpression: [binary, answer],
  UnaryExpression: [unary, answer],
  UpdateExpression: [update],
  AssignmentExpression: [compoundAssignment],
  Literal: [literal, regularExpression],
  TemplateLiteral: [template],
  ArrayExpression: [array],
  CallExpression: [method, answer],
  ChainExpression: [optionalChain],
  ThrowStatement: [statement],
  ReturnStatement: [statement],
  ExpressionStatement: [statement],
  ContinueStatement: [statement],
  BreakStatement: [statement],
}

export function proposals(node: Node, place: Place): readonly Proposal[] {
  return (mutators[node.type] ?? []).flatMap((mutator) => mutator(node, place))
}

function condition(node: Node, place: Place): readonly Proposal[] {
  const test = child(node, 'test')
  if (test === undefined) return []
  const meaning = meaningOf(test, [node], place)
  return [
    propose(test, 'true', 'condition always true', meaning === 'accepts when true'),
    propose(test, 'false', 'condition always false', meaning === 'refuses when true'),
    ...(isNegatedAnyway(test) ? [] : [propose(test, `!(${place.textOf(test)})`, 'condition negated')]),
  ]
}

/** By the mutators of its operator. */
function isNegatedAnyway(test: Node): boolean {
  return textField(test, 'operator') === '!' || test.type === 'BinaryExpression'
}

function loopCondition(node: Node): readonly Proposal[] {
  const test = child(node, 'test')
  return test === undefined || test.type === 'Literal' ? [] : [propose(test, 'false', 'loop never entered')]
}

/** Dropping one of several conditions removes a check if fewer things are refused, or more accepted, without it. */
function logical(node: Node, place: Place): readonly Proposal[] {
  const left = place.textOf(child(node, 'left') ?? node)
  const right = place.textOf(child(node, 'right') ?? node)
  const operator = textField(node, 'operator')
  if (operator === '??') {
    return [propose(node, `(${left})`, '?? left'), propose(node, `(${right})`, '?? right')]
  }
  const meaning = meaningOf(node, place.ancestors, place)
  const weaker: Meaning = operator === '||' ? 'refuses when true' : 'accepts when true'
  const other = operator === '||' ? '&&' : '||'
  return [
    propose(node, `(${left}) ${other} (${right})`, `${operator} to ${other}`),
    propose(node, `(${left})`, 'right condition dropped', meaning === weaker),
    propose(node, `(${right})`, 'left condition dropped', meaning === weaker),
  ]
}

const binaryOperators: Readonly<Record<string, readonly string[]>> = {
  '===': ['!=='],
  '!==': ['==='],
  '==': ['!='],
  '!=': ['=='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
}

function binary(node: Node, { textOf }: Place): readonly Proposal[] {
  const left = child(node, 'left')
  const right = child(node, 'right')
  if (left === undefined || right === undefined) return []
  const operator = textField(node, 'operator')
  if (operator === '+' && [left, right].some(isText)) return []
  return (binaryOperators[operator] ?? []).map((other) =>
    propose(node, `(${textOf(left)}) ${other} (${textOf(right)})`, `${operator} to ${other}`),
  )
}

function isText(node: Node): boolean {
  return node.type === 'TemplateLiteral' || typeof node['value'] === 'string'
}

function unary(node: Node, { textOf }: Place): readonly Proposal[] {
  const operator = textField(node, 'operator')
  const argument = child(node, 'argument')
  if (argument === undefined || (operator !== '!' && operator !== '-')) return []
  return [propose(node, `(${textOf(argument)})`, `${operator} removed`)]
}

function update(node: Node, { textOf }: Place): readonly Proposal[] {
  const [from, to] = textField(node, 'operator') === '++' ? ['++', '--'] : ['--', '++']
  return [propose(node, textOf(node).replace(from, to), `${from} to ${to}`)]
}

const assignments: Readonly<Record<string, string>> = { '+=': '-=', '-=': '+=', '*=': '/=', '??=': '=', '|=': '&=' }

function compoundAssignment(node: Node, { textOf }: Place): readonly Proposal[] {
  const operator = textField(node, 'operator')
  const other = assignments[operator]
  const [left, right] = [child(node, 'left'), child(node, 'right')]
  if (other === undefined || left === undefined || right === undefined || isText(right)) return []
  return [propose(node, `${textOf(left)} ${other} ${textOf(right)}`, `${operator} to ${other}`)]
}

/** Sentences for people are left alone: a test of each would only say it again. Codes, names and keys are not. */
function literal(node: Node, { textOf }: Place): readonly Proposal[] {
  const value = node['value']
  if (typeof value === 'boolean') return [propose(node, String(!value), 'boolean')]
  return typeof value === 'string' && value !== '' && !isProse(textOf(node)) ? [propose(node, `''`, 'text')] : []
}

function template(node: Node, { textOf }: Place): readonly Proposal[] {
  const isEmpty = textOf(node) === '``'
  return isEmpty || childList(node, 'quasis').some((quasi) => isProse(textOf(quasi)))
    ? []
    : [propose(node, '``', 'text')]
}

function isProse(text: string): boolean {
  return /\s|[。，：；（）、]/.test(text)
}

/** Anchors and repetitions: what a pattern lets in changes with each of them. */
function regularExpression(node: Node, { textOf }: Place): readonly Proposal[] {
  if (node['regex'] === undefined || node['regex'] === null) return []
  const text = textOf(node)
  const end = text.lastIndexOf('/')
  const [pattern, flags] = [text.slice(1, end), text.slice(end + 1)]
  const variants = new Map<string, string>()
  if (pattern.startsWith('^') && pattern.length > 1) variants.set(pattern.slice(1), '^ removed')
  if (pattern.endsWith('$') && !pattern.endsWith('\\$') && pattern.length > 1)
    variants.set(pattern.slice(0, -1), '$ removed')
  const repeated = pattern.replace(/([\])])\+(?!\?)/, '$1*')
  if (repeated !== pattern) variants.set(repeated, '+ to *')
  return [...variants].map(([variant, kind]) => propose(node, `/${variant}/${flags}`, kind, kind.endsWith('removed')))
}

const inertElements: ReadonlySet<string> = new Set([
  'Literal',
  'TemplateLiteral',
  'ObjectExpression',
  'ArrayExpression',
])

function array(node: Node, { textOf }: Place): readonly Proposal[] {
  const elements = childList(node, 'elements')
  if (elements.length === 0) return []
  const emptied = propose(node, '[]', 'list emptied')
  if (elements.length === 1) return [emptied]
  const isListOfChecks = elements.some(({ type }) => !inertElements.has(type))
  const shortened = elements.map((element) => {
    const rest = elements.filter((other) => other !== element).map((other) => textOf(other))
    return propose(node, `[${rest.join(', ')}]`, 'element dropped', isListOfChecks)
  })
  return [emptied, ...shortened]
}

const yesNoOperators: ReadonlySet<string> = new Set([
  '===',
  '!==',
  '<',
  '<=',
  '>',
  '>=',
  '&&',
  '||',
  '!',
  'in',
  'instanceof',
])
const yesNoMethods: ReadonlySet<string> = new Set([
  'every',
  'some',
  'includes',
  'startsWith',
  'endsWith',
  'has',
  'test',
])

/** A yes or no that a function answers with, made always yes and always no. */
function answer(node: Node, place: Place): readonly Proposal[] {
  const parent = place.ancestors.at(-1)
  const isReturned = parent?.type === 'ReturnStatement' || (isFunction(parent) && child(parent, 'body') === node)
  if (!isReturned) return []
  const name = textField(child(child(node, 'callee'), 'property'), 'name')
  const isYesNo =
    node.type === 'CallExpression' ? yesNoMethods.has(name) : yesNoOperators.has(textField(node, 'operator'))
  return isYesNo ? [propose(node, 'true', 'always yes', true), propose(node, 'false', 'always no')] : []
}

function statement(node: Node, place: Place): readonly Proposal[] {
  if (typeof node['directive'] === 'string') return []
  if (answersNothing(node, place) && isLastOfFunction(node, place.ancestors)) return []
  const expression = child(node, 'expression')
  const removesCheck = node.type === 'ExpressionStatement' ? isCheckingCall(expression, place) : refuses(node, place)
  return [propose(node, '', 'statement removed', removesCheck)]
}

function answersNothing(node: Node, { textOf }: Place): boolean {
  const argument = child(node, 'argument')
  return node.type === 'ReturnStatement' && (argument === undefined || textOf(argument) === 'undefined')
}

/** Nothing follows in the function: without such a `return undefined` it ends in the same way. */
function isLastOfFunction(node: Node, ancestors: readonly Node[]): boolean {
  let inner = node
  for (const parent of ancestors.toReversed()) {
    if (isFunction(parent)) return true
    const passes =
      parent.type === 'BlockStatement' ? childList(parent, 'body').at(-1) === inner : transparent.has(parent.type)
    if (!passes) return false
    inner = parent
  }
  return false
}

/** Statements after whose last part comes what is after themselves; not so for loops, cases and `finally`. */
const transparent: ReadonlySet<string> = new Set(['IfStatement', 'TryStatement', 'CatchClause'])
