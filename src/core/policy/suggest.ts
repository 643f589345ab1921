// "Did you mean …?": the nearest of the names that would have been right. For messages only.

import { printable } from '#core/encoding/printable.ts'

/** `; did you mean "release"?`, or nothing where none is near. */
export function didYouMean(written: string, names: Iterable<string>): string {
  let best: string | undefined
  // A third of the letters may be wrong, and no more than three; without case, since that is the usual slip.
  let bestDistance = Math.min(3, Math.floor(written.length / 3)) + 1
  const wanted = written.toLowerCase()
  if (wanted.length > 64) return ''
  for (const name of names) {
    if (Math.abs(name.length - wanted.length) >= bestDistance) continue
    const found = distance(wanted, name.toLowerCase())
    if (found < bestDistance) {
      best = name
      bestDistance = found
    }
  }
  return best === undefined ? '' : `; did you mean "${printable(best, 80)}"?`
}

/** Levenshtein, with two rows. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 0; i < a.length; i++) {
    const current = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const replaced = (previous[j] ?? 0) + (a[i] === b[j] ? 0 : 1)
      current.push(Math.min(replaced, (previous[j + 1] ?? 0) + 1, (current[j] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
