// Reads the titles of tests out of their sources, with the titles around them. The parser is that of the bundler, so what
// is found does not hang on how a file is formatted.

import { globSync, readFileSync } from 'node:fs'
import { parseSync } from 'rolldown/utils'

export interface TestTitle {
  /** From the root of the repository. */
  readonly file: string
  /** The titles of the `describe`s around it, outermost first, and its own last. `%s` and `${…}` stay as they are. */
  readonly titles: readonly string[]
}

/** Titles of all tests in files that mention `needle`; those that are skipped or yet to be written do not count. */
export function testTitles(needle: RegExp, pattern = 'test/**/*.test.ts'): readonly TestTitle[] {
  return globSync(pattern)
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }))
    .filter(({ text }) => needle.test(text))
    .flatMap(({ path, text }) => titlesIn(path, text))
}

export function titlesIn(file: string, text: string): readonly TestTitle[] {
  const { program, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file} cannot be parsed`)
  const found: TestTitle[] = []
  visit(program, [], (titles) => found.push({ file, titles }))
  return found
}

function visit(node: unknown, around: readonly string[], tell: (titles: readonly string[]) => void): void {
  if (Array.isArray(node)) {
    for (const each of node) visit(each, around, tell)
    return
  }
  if (!isNode(node)) return
  const said = node['type'] === 'CallExpression' ? wordOf(node['callee']) : undefined
  const title = said === undefined ? undefined : textOf(firstOf(node['arguments']))
  if (said === 'skipped') return
  if (said === 'test' && title !== undefined) tell([...around, title])
  const inside = said === 'describe' && title !== undefined ? [...around, title] : around
  for (const [name, value] of Object.entries(node)) if (name !== 'parent') visit(value, inside, tell)
}

/** What a callee like `test`, `it.each(rows)` or `describe.skipIf(missing)` stands for. */
function wordOf(callee: unknown): 'describe' | 'test' | 'skipped' | undefined {
  const words: string[] = []
  let node = callee
  while (isNode(node)) {
    if (node['type'] === 'Identifier') {
      const [root = ''] = [node['name']].filter((name) => typeof name === 'string')
      const kind = root === 'describe' ? 'describe' : root === 'test' || root === 'it' ? 'test' : undefined
      return kind !== undefined && words.some((word) => word === 'skip' || word === 'todo') ? 'skipped' : kind
    }
    const property = node['property']
    if (isNode(property)) words.push(String(property['name']))
    node = node['type'] === 'CallExpression' ? node['callee'] : node['object']
  }
  return undefined
}

/** A text, the literal parts of a template, or the first text that a function which makes titles is given. */
function textOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (node['type'] === 'Literal') return typeof node['value'] === 'string' ? node['value'] : undefined
  if (node['type'] === 'CallExpression') return textOf(firstOf(node['arguments']))
  if (node['type'] !== 'TemplateLiteral' || !Array.isArray(node['quasis'])) return undefined
  return node['quasis'].map((quasi) => String(quasi.value.raw)).join('…')
}

function firstOf(list: unknown): unknown {
  return Array.isArray(list) ? list[0] : undefined
}

function isNode(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
