// The syntax tree as the parser gives it, read by a few questions. Positions are offsets into the text of the file.

import { parseAst } from 'rolldown/parseAst'

export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

export function parseSource(text: string, path: string): Node {
  return parseAst(text, { lang: 'ts', preserveParens: false }, path) as unknown as Node
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}

/** The node in this field, if there is one. */
export function child(node: Node | undefined, field: string): Node | undefined {
  const value = node?.[field]
  return isNode(value) ? value : undefined
}

/** The nodes of a field that holds a list; holes of arrays are left out. */
export function childList(node: Node | undefined, field: string): readonly Node[] {
  const value = node?.[field]
  return Array.isArray(value) ? value.filter(isNode) : []
}

export function textField(node: Node | undefined, field: string): string {
  const value = node?.[field]
  return typeof value === 'string' ? value : ''
}

/** Around types there is code of interest only where an expression is cast. */
const castTypes: ReadonlySet<string> = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression'])

/** Fields that hold names, targets or types, none of which can be replaced by another expression. */
const untouchable: Readonly<Record<string, readonly string[]>> = {
  AssignmentExpression: ['left'],
  AssignmentPattern: ['left'],
  UpdateExpression: ['argument'],
  ImportDeclaration: ['specifiers', 'source', 'attributes'],
  ExportNamedDeclaration: ['specifiers', 'source', 'attributes'],
  ForOfStatement: ['left'],
  ForInStatement: ['left'],
  CatchClause: ['param'],
  TaggedTemplateExpression: ['quasi'],
  LabeledStatement: ['label'],
  BreakStatement: ['label'],
  ContinueStatement: ['label'],
}

const keyed: ReadonlySet<string> = new Set(['Property', 'MethodDefinition', 'PropertyDefinition'])

/** The children of a node that hold code which runs. */
export function runningChildren(node: Node): readonly Node[] {
  if (node.type.startsWith('TS') && !castTypes.has(node.type)) return []
  const skipped = untouchable[node.type] ?? []
  return Object.entries(node).flatMap(([field, value]) => {
    if (skipped.includes(field)) return []
    if (field === 'key' && keyed.has(node.type) && node['computed'] !== true) return []
    if (field === 'property' && node.type === 'MemberExpression' && node['computed'] !== true) return []
    if (Array.isArray(value)) return value.filter(isNode)
    return isNode(value) ? [value] : []
  })
}

const functionTypes: ReadonlySet<string> = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
])

export function isFunction(node: Node | undefined): boolean {
  return node !== undefined && functionTypes.has(node.type)
}

/** `outer.inner`, from the names that functions and the constants holding them carry; `(module)` outside of all. */
export function functionPath(ancestors: readonly Node[]): string {
  const names = ancestors.flatMap((node, index) => {
    const next = ancestors[index + 1]
    if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') {
      return [textField(child(node, 'id'), 'name')]
    }
    if (node.type === 'VariableDeclarator')
      return isTopLevel(ancestors, index) || isFunction(next) ? [nameOf(node)] : []
    return keyed.has(node.type) && isFunction(next) ? [nameOf(node)] : []
  })
  return names.filter((name) => name !== '').join('.') || '(module)'
}

function isTopLevel(ancestors: readonly Node[], index: number): boolean {
  return !ancestors.slice(0, index).some(isFunction)
}

function nameOf(node: Node): string {
  const name = child(node, 'id') ?? child(node, 'key')
  return textField(name, 'name')
}
