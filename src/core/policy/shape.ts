// The little language in which `schema.ts` says what may stand where: shapes are data, so that the reader, the docs
// and later the CRDs come from one description. It reads nothing itself; `check.ts` does.

export type Scalar = string | number | boolean

/** What a text has to be. `problem` judges what can be judged by the text alone; readers parse the rest. */
export interface TextFormat {
  /** For the docs: "a duration such as 24h". */
  readonly doc: string
  readonly problem?: (text: string) => string | undefined
  /** For an API server: a pattern (RE2) that every right text has. */
  readonly pattern?: string
}

export interface Choice {
  readonly doc: string
  /** Known, but of a version to come: refused as "not supported yet". */
  readonly later?: true
}

/** One member of an object. */
export interface Word {
  readonly doc: string
  readonly shape: Shape
  readonly required?: true
  /** What stands there if nothing is written; plain JSON of this shape. */
  readonly default?: Scalar | readonly Scalar[] | Readonly<Record<string, Scalar>>
  readonly later?: true
  /** Absent: in files and in a cluster alike. */
  readonly only?: 'files' | 'cluster'
}

export interface ObjectShape {
  readonly kind: 'object'
  readonly members: Readonly<Record<string, Word>>
  /** Exactly one of these members must be given. */
  readonly exactlyOne?: readonly string[]
  readonly goesWith?: GoesWith
  readonly together?: readonly Together[]
}

/** Which other members stand beside which value of a choice: those, and none that only other values have. */
export interface GoesWith {
  /** The member that chooses. */
  readonly choice: string
  readonly members: Readonly<Record<string, readonly string[]>>
}

/** For an API server: what members must fulfil together. The readers know it by themselves. */
export interface Together {
  /** CEL; `self` is the object. */
  readonly rule: string
  readonly message: string
  /** The member at fault. */
  readonly at?: string
}

export type Shape =
  | { readonly kind: 'text'; readonly format: TextFormat; readonly max: number }
  | { readonly kind: 'choice'; readonly values: Readonly<Record<string, Choice>> }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | {
      readonly kind: 'list'
      readonly of: Shape
      readonly min: number
      readonly max: number
      readonly distinct: boolean
      /** No two elements have the same value of this member. */
      readonly distinctBy?: string
    }
  /** An object whose member names are the user's. */
  | { readonly kind: 'names'; readonly format: TextFormat; readonly of: Shape; readonly max: number }
  | ObjectShape
  /** The shape again, inside itself. */
  | { readonly kind: 'again'; readonly name: string; readonly shape: () => Shape }
  /** Not looked at. An API server wants to know what it will be. */
  | { readonly kind: 'ignored'; readonly written: 'text' | 'list' | 'object' }

export const ignored: Shape = { kind: 'ignored', written: 'object' }

export function text(format: TextFormat, max: number): Shape {
  return { kind: 'text', format, max }
}

export function choice(values: Readonly<Record<string, Choice>>): Shape {
  return { kind: 'choice', values }
}

interface ListLimits {
  readonly min?: number
  readonly max: number
  readonly distinct?: boolean
  readonly distinctBy?: string
}

export function list(of: Shape, { min = 0, max, distinct = false, distinctBy }: ListLimits): Shape {
  return { kind: 'list', of, min, max, distinct, ...(distinctBy !== undefined && { distinctBy }) }
}

export function names(format: TextFormat, of: Shape, max: number): Shape {
  return { kind: 'names', format, of, max }
}

export function object(
  members: Readonly<Record<string, Word>>,
  more: Pick<ObjectShape, 'exactlyOne' | 'goesWith' | 'together'> = {},
): ObjectShape {
  return { kind: 'object', members, ...more }
}

/** A word of a version to come: its inside is not described before something acts on it. */
export function later(doc: string, written: 'text' | 'list' | 'object'): Word {
  return { doc, shape: { kind: 'ignored', written }, later: true }
}
