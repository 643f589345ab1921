// From one case to another: some of its parts, each with a few mutations fit for its syntax.

import type { Parts } from '../case.ts'
import { bytesOf, textOf } from '../case.ts'
import type { Random } from '../random.ts'
import type { Syntax, Target } from '../target.ts'
import { mutateJson, type Sources } from './mutate-json.ts'
import { longestText, mutateLines, mutateText } from './mutate-text.ts'
import { oddTexts } from './words.ts'

/**
 * The bytes that a longest text can take. A piece of JSON that is put in many times over would make megabytes of a few, and
 * the oracles hold a node for each value; the product's own caps are tried elsewhere.
 */
const longestPart = 4 * longestText

/** @param pool cases to take pieces from */
export function mutateCase(target: Target, parts: Parts, random: Random, pool: readonly Parts[]): Parts {
  const names = Object.keys(parts)
  const mutated: Record<string, Uint8Array> = { ...parts }
  for (let times = random.few(6); times > 0; times--) {
    const name = random.pick(names)
    const other = random.pick(pool)
    // A whole part of another case, now and then.
    if (names.length > 1 && random.oneIn(15)) mutated[name] = other[name] ?? mutated[name] ?? new Uint8Array()
    else {
      const mutant = mutatePart(target, name, mutated, random, other)
      if (mutant.length <= longestPart) mutated[name] = mutant
    }
  }
  return mutated
}

function mutatePart(target: Target, name: string, parts: Parts, random: Random, other: Parts): Uint8Array {
  const bytes = parts[name] ?? new Uint8Array()
  const syntax = target.syntax[name] ?? 'text'
  if (bytes.length > 2 * longestText) return bytes.slice(0, random.below(bytes.length))
  if (syntax === 'bytes' || random.oneIn(12)) return mutateBytes(bytes, random, target.dictionary)
  const others = [...Object.values(other), ...Object.values(parts)].map(textOf)
  return bytesOf(mutateWritten(syntax, textOf(bytes), random, { dictionary: target.dictionary, others }))
}

function mutateWritten(syntax: Syntax, text: string, random: Random, sources: Sources): string {
  if (syntax === 'json' && !random.oneIn(10)) {
    const mutant = mutateJson(text, random, sources)
    if (mutant !== undefined) return mutant
  }
  return syntax === 'lines' ? mutateLines(text, random, sources) : mutateText(text, random, sources)
}

/** Always bytes of their own: `slice` of a Buffer would share the memory of what it was made of. */
function mutateBytes(bytes: Uint8Array, random: Random, dictionary: readonly string[]): Uint8Array {
  const { start, end } = random.range(bytes.length)
  const join = (...pieces: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(pieces))
  const [before, piece, after] = [bytes.subarray(0, start), bytes.subarray(start, end), bytes.subarray(end)]
  switch (random.below(7)) {
    case 0:
      return join(before, after)
    case 1:
      return join(before, piece, piece, after)
    case 2: {
      const word = random.oneIn(2) || dictionary.length === 0 ? random.pick(oddTexts) : random.pick(dictionary)
      return join(before, bytesOf(word), random.oneIn(2) ? after : bytes.subarray(start))
    }
    case 3:
      return join(before)
    default: {
      const flipped = join(bytes)
      for (let times = random.few(8); times > 0; times--) {
        const at = random.below(flipped.length)
        const old = flipped[at]
        if (old === undefined) break
        flipped[at] = random.oneIn(3) ? random.below(256) : old ^ (1 << random.below(8))
      }
      return flipped
    }
  }
}
