// A mutant: one small change of one place of a source file, and the name by which it is known from run to run.

import { proposals } from './mutators.ts'
import type { Proposal } from './proposal.ts'
import type { Node } from './syntax.ts'
import { functionPath, parseSource, runningChildren } from './syntax.ts'

export interface Mutant {
  readonly id: number
  readonly file: string
  readonly line: number
  /** Where the changed code is, as offsets into the file. */
  readonly start: number
  readonly end: number
  readonly original: string
  readonly replacement: string
  /** A statement that is left out, and not an expression that is another one. */
  readonly isStatement: boolean
  readonly kind: string
  readonly removesCheck: boolean
  /** What it is known by as long as the code around it may move: function, change, and which of several alike. */
  readonly name: MutantName
}

export interface MutantName {
  readonly file: string
  readonly function: string
  readonly original: string
  readonly replacement: string
  /** Counts those of the same function and change, from 1. */
  readonly occurrence: number
}

export function nameKey({ file, function: path, original, replacement, occurrence }: MutantName): string {
  return JSON.stringify([file, path, original, replacement, occurrence])
}

/** All mutants of a file, in the order of their places; `firstId` and up. */
export function mutantsOf(file: string, text: string, firstId: number): readonly Mutant[] {
  const lines = lineStarts(text)
  const seen = new Map<string, number>()
  const places = new Set<string>()
  const mutants: Mutant[] = []
  for (const { proposal, path } of allProposals(text, file)) {
    const { node, replacement, kind, removesCheck } = proposal
    const place = `${node.start} ${node.end} ${replacement}`
    if (places.has(place)) continue
    places.add(place)
    const original = text.slice(node.start, node.end)
    const name = { file, function: path, original: squeezed(original), replacement: squeezed(replacement) }
    const occurrence = (seen.get(JSON.stringify(name)) ?? 0) + 1
    seen.set(JSON.stringify(name), occurrence)
    mutants.push({
      id: firstId + mutants.length,
      file,
      line: lines.findLastIndex((start) => start <= node.start) + 1,
      start: node.start,
      end: node.end,
      original,
      replacement,
      isStatement: replacement === '',
      kind,
      removesCheck,
      name: { ...name, occurrence },
    })
  }
  return mutants
}

interface Found {
  readonly proposal: Proposal
  readonly path: string
}

function allProposals(text: string, file: string): readonly Found[] {
  const found: Found[] = []
  const textOf = ({ start, end }: Node): string => text.slice(start, end)
  const visit = (node: Node, ancestors: readonly Node[]): void => {
    for (const proposal of proposals(node, { ancestors, textOf })) {
      found.push({ proposal, path: functionPath([...ancestors, node]) })
    }
    const inner = [...ancestors, node]
    for (const next of runningChildren(node)) visit(next, inner)
  }
  visit(parseSource(text, file), [])
  return found
}

function lineStarts(text: string): readonly number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
}

function squeezed(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
