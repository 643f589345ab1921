// The words of the schema as a list: for the docs, and for tests that demand something of every word.

import { documentShapes, kinds } from './schema.ts'
import type { Shape, Word } from './shape.ts'

export interface DescribedWord {
  readonly kind: string
  /** `spec.rules[].images`; of a choice with its value: `spec.mode: Enforce`. */
  readonly path: string
  readonly doc: string
  /** A member of an object, or one of its values. */
  readonly role: 'member' | 'value'
  readonly shape?: Shape
  readonly word?: Word
  readonly supported: boolean
}

/** Every word under `spec`, those of versions to come included. A word that stands inside itself is listed once. */
export function describedWords(): readonly DescribedWord[] {
  return Object.keys(kinds).flatMap((kind) => {
    const words = wordsOf(kind)
    // Of its own a TrustPolicy has `attestors`. Inside stand the words of an Attestor, which are listed there.
    return kind === 'TrustPolicy' ? words.filter(({ path }) => path === 'spec.attestors') : words
  })
}

/** `kind path` of every word that this version acts on. */
export function supportedWords(): readonly string[] {
  return describedWords().flatMap(({ kind, path, supported }) => (supported ? [`${kind} ${path}`] : []))
}

/** `kind path` of every word, and every kind, that is read and refused as not supported yet. */
export function laterWords(): readonly string[] {
  const words = describedWords().flatMap(({ kind, path, supported }) => (supported ? [] : [`${kind} ${path}`]))
  return [...words, ...Object.keys(kinds).filter((kind) => !kinds[kind]?.spec)]
}

function wordsOf(kind: string): readonly DescribedWord[] {
  const shape = documentShapes.get(kind)
  const spec = shape?.kind === 'object' ? shape.members['spec']?.shape : undefined
  return spec ? inside(kind, 'spec', spec) : []
}

function inside(kind: string, path: string, shape: Shape): readonly DescribedWord[] {
  switch (shape.kind) {
    case 'object':
      return Object.entries(shape.members).flatMap(([name, word]) => {
        const at = `${path}.${name}`
        const { doc, later } = word
        const described = { kind, path: at, doc, role: 'member', shape: word.shape, word, supported: !later } as const
        return later ? [described] : [described, ...inside(kind, at, word.shape)]
      })
    case 'choice':
      return Object.entries(shape.values).map(([name, { doc, later }]) => ({
        kind,
        path: `${path}: ${name}`,
        doc,
        role: 'value',
        supported: !later,
      }))
    case 'list':
      return inside(kind, `${path}[]`, shape.of)
    case 'names':
      return inside(kind, `${path}.<name>`, shape.of)
    case 'text':
    case 'integer':
    case 'again':
    case 'ignored':
      return []
  }
}
