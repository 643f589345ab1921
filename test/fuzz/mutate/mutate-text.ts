// Mutations of texts: characters, words of a dictionary, ranges, lines, and pieces of other texts.

import type { Random } from '../random.ts'
import type { Sources } from './mutate-json.ts'
import { lengths, oddTexts } from './words.ts'

/** No mutation makes a text longer than this: sizes beyond the caps are tried, but not for their own sake. */
export const longestText = 300_000

/** The text with one change. */
export function mutateText(text: string, random: Random, { dictionary, others }: Sources): string {
  const { start, end } = random.range(text.length)
  const put = (piece: string, until = start) => `${text.slice(0, start)}${piece}${text.slice(until)}`
  switch (random.below(11)) {
    case 0:
      return put('', end)
    case 1:
      return put(text.slice(start, end), start)
    case 2:
      return put(random.pick(oddTexts))
    case 3:
      return put(random.pick(oddTexts), end)
    case 4:
    case 5:
      return dictionary.length === 0 ? put('', end) : put(random.pick(dictionary), random.oneIn(2) ? start : end)
    case 6:
      return put(String.fromCodePoint(randomPoint(random)), start + 1)
    case 7:
      return put(swapCase(text.slice(start, end)), end)
    case 8:
      return repeated(text, { start, end }, random)
    case 9: {
      const other = others.length === 0 ? text : random.pick(others)
      const piece = random.range(other.length)
      return put(other.slice(piece.start, piece.end), random.oneIn(2) ? start : end).slice(0, longestText)
    }
    default:
      return random.oneIn(3) ? text.slice(0, start) : text.slice(start)
  }
}

/** The same for texts whose lines matter. */
export function mutateLines(text: string, random: Random, sources: Sources): string {
  const lines = text.split('\n')
  const { start, end } = random.range(lines.length)
  const piece = lines.slice(start, end)
  switch (random.below(7)) {
    case 0:
      return lines.toSpliced(start, piece.length).join('\n')
    case 1:
      return lines.toSpliced(start, 0, ...piece).join('\n')
    case 2:
      return lines.toSpliced(random.below(lines.length), 0, ...piece).join('\n')
    case 3: {
      const indent = random.pick(['  ', ' ', '\t', '    ', '- '])
      return lines.toSpliced(start, piece.length, ...piece.map((line) => `${indent}${line}`)).join('\n')
    }
    case 4:
      return lines.toSpliced(start, piece.length, ...piece.map((line) => line.replace(/^ {1,2}/, ''))).join('\n')
    default:
      return mutateText(text, random, sources)
  }
}

function repeated(text: string, { start, end }: { start: number; end: number }, random: Random): string {
  const piece = text.slice(start, end)
  const wanted = random.pick(lengths)
  const times = Math.max(2, Math.ceil(wanted / Math.max(piece.length, 1)))
  if (piece.length * times > longestText) return text
  return `${text.slice(0, start)}${piece.repeat(times)}${text.slice(end)}`
}

function randomPoint(random: Random): number {
  return random.oneIn(3) ? random.below(0xd7ff) : random.below(128)
}

function swapCase(text: string): string {
  return text.replace(/[A-Za-z]/g, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()))
}
