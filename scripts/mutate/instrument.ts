// One text that is the original and all of its mutants at once: at every changed place it asks which of them is switched on.
// So a mutant costs no compilation, and a run without any tells which of them a test comes by.

import type { Mutant } from './mutant.ts'
import type { Node } from './syntax.ts'
import { parseSource, runningChildren } from './syntax.ts'

/** The global function that is asked; `switchboard.ts` puts it there. */
export const switchName = '__mutant__'

interface Place {
  readonly start: number
  readonly end: number
  readonly isStatement: boolean
  readonly mutants: readonly Mutant[]
}

export function instrument(file: string, text: string, mutants: readonly Mutant[]): string {
  const places = new Map<string, Place>()
  for (const statement of expressionStatements(parseSource(text, file))) {
    add(places, { start: statement.start, end: statement.end, isStatement: true, mutants: [] })
  }
  for (const mutant of mutants) {
    add(places, { start: mutant.start, end: mutant.end, isStatement: mutant.isStatement, mutants: [mutant] })
  }
  const outermostFirst = [...places.values()].sort(
    (a, b) => a.start - b.start || b.end - a.end || Number(b.isStatement) - Number(a.isStatement),
  )
  return render(text, { start: 0, end: text.length }, outermostFirst)
}

function add(places: Map<string, Place>, place: Place): void {
  const key = `${place.start} ${place.end} ${place.isStatement}`
  const before = places.get(key)
  places.set(key, before === undefined ? place : { ...before, mutants: [...before.mutants, ...place.mutants] })
}

/** They get braces: without semicolons, a line that now opens with a parenthesis would go on with the line before it. */
function expressionStatements(node: Node): readonly Node[] {
  const inner = runningChildren(node).flatMap(expressionStatements)
  return node.type === 'ExpressionStatement' && typeof node['directive'] !== 'string' ? [node, ...inner] : inner
}

function render(
  text: string,
  span: { readonly start: number; readonly end: number },
  inside: readonly Place[],
): string {
  let result = ''
  let at = span.start
  let rest = inside
  while (rest.length > 0) {
    const [place, ...others] = rest
    if (place === undefined) break
    const nested = others.filter(({ start, end }) => start >= place.start && end <= place.end)
    result += text.slice(at, place.start) + switched(place, render(text, place, nested))
    at = place.end
    rest = others.slice(nested.length)
  }
  return result + text.slice(at, span.end)
}

function switched({ isStatement, mutants }: Place, original: string): string {
  if (isStatement) {
    const asked = mutants.map(({ id }) => `if (!${switchName}(${id})) `).join('')
    return `{ ${asked}${original} }`
  }
  const variants = mutants.map(({ id, replacement }) => `${switchName}(${id}) ? (${replacement}) : `).join('')
  return `(${variants}(${original}))`
}
