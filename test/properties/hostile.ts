// What may come instead of what a reader expects: what somebody wrote with some changes, by the mutations of the fuzzer,
// and texts and bytes that were never anything.

import fc from 'fast-check'
import { bytesOf, textOf } from '../fuzz/case.ts'
import { mutateCase } from '../fuzz/mutate/mutate.ts'
import { oddTexts } from '../fuzz/mutate/words.ts'
import { Random } from '../fuzz/random.ts'
import type { Syntax } from '../fuzz/target.ts'

export type Input = string | Uint8Array

/** How inputs are written, and as what a reader takes them. */
export interface Form<I extends Input> {
  readonly syntax: Syntax
  /** Words that mean something here. */
  readonly dictionary: readonly string[]
  readonly fromBytes: (bytes: Uint8Array) => I
  readonly fromText: (text: string) => I
  readonly toBytes: (input: I) => Uint8Array
}

export function texts(syntax: Syntax, dictionary: readonly string[] = []): Form<string> {
  return { syntax, dictionary, fromBytes: textOf, fromText: (text) => text, toBytes: bytesOf }
}

export function bytes(syntax: Syntax, dictionary: readonly string[] = []): Form<Uint8Array> {
  return { syntax, dictionary, fromBytes: (same) => same, fromText: bytesOf, toBytes: (same) => same }
}

/** Halves of surrogate pairs among them. Ready-made strings of all characters take seconds to prepare. */
const anyText = fc
  .array(fc.oneof(fc.nat(0x10ffff), fc.nat(0x7f)), { maxLength: 100 })
  .map((points) => String.fromCodePoint(...points))

/** Long enough to make what is quadratic slow and what is exponential endless. */
const longest = 20_000

export function hostile<I extends Input>(form: Form<I>, written: fc.Arbitrary<{ readonly input: I }>): fc.Arbitrary<I> {
  const piece = fc.constantFrom(
    ...oddTexts,
    ...form.dictionary,
    '\ud800',
    '{',
    '}',
    '[',
    ']',
    ',',
    '=',
    ' ',
    '\t',
    '\n',
    '0',
    'a',
  )
  const soup = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))
  const run = fc.tuple(soup, piece, fc.nat(longest), soup).map(([before, each, length, after]) => {
    return `${before}${each.repeat(Math.ceil(length / Math.max(each.length, 1)))}${after}`.slice(0, longest)
  })
  return fc.oneof(
    { weight: 7, arbitrary: changed(form, written) },
    { weight: 1, arbitrary: fc.oneof(soup, run, anyText).map(form.fromText) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map(form.fromBytes) },
  )
}

function changed<I extends Input>(form: Form<I>, written: fc.Arbitrary<{ readonly input: I }>): fc.Arbitrary<I> {
  const target = { name: '', about: '', syntax: { input: form.syntax }, dictionary: form.dictionary, open: noTarget }
  const parts = written.map(({ input }) => ({ input: form.toBytes(input) }))
  return fc.tuple(parts, parts, fc.string({ minLength: 8 })).map(([whole, other, seed]) => {
    const { input = new Uint8Array() } = mutateCase(target, whole, new Random(seed), [other])
    return form.fromBytes(input)
  })
}

function noTarget(): never {
  throw new Error('only its syntax is used')
}
