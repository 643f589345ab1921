// What a mutator says: replace this node by that text, which is a change of such a kind.

import type { Texts } from './refusal.ts'
import type { Node } from './syntax.ts'

export interface Proposal {
  /** What is replaced. */
  readonly node: Node
  /** By what; an empty text for a statement that is left out. */
  readonly replacement: string
  readonly kind: string
  readonly removesCheck: boolean
}

export interface Place extends Texts {
  readonly ancestors: readonly Node[]
}

export type Mutator = (node: Node, place: Place) => readonly Proposal[]

export function propose(node: Node, replacement: string, kind: string, removesCheck = false): Proposal {
  return { node, replacement, kind, removesCheck }
}
