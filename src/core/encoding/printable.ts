// Makes untrusted text fit for messages, logs and terminals: one line, no escape sequences, no reordering, bounded.
// It does not quote for HTML, shells or JSON; whoever writes those does.

/**
 * Control, format (bidirectional marks, zero-width characters, tags), line and paragraph separators, unusual spaces,
 * lone surrogates, private and unassigned characters: everything that a reader would not see as what it is.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]|(?! )\p{Zs}/u

/** Long enough for an image name with its digest, short enough for a line of a log. */
const defaultMax = 200

/**
 * Untrusted text as one harmless line of at most `max` UTF-16 units: what cannot be seen is written `\u{1b}`, what is
 * too long ends in `…`. Total: never throws.
 */
export function printable(text: string, max: number = defaultMax): string {
  if (text.length <= max) {
    if (!unprintable.test(text)) return text
  } else if (max > 0) {
    // Most long texts are plain ones. Half of a character at the end is not printable either.
    const beginning = text.slice(0, max - 1)
    if (!unprintable.test(beginning)) return `${beginning}…`
  }
  const parts: string[] = []
  let length = 0
  // No more than `max + 1` characters can matter, so that a megabyte costs no more than a line.
  for (const character of text.slice(0, max + 1)) {
    const shown = unprintable.test(character) ? escaped(character) : character
    if (length + shown.length > max) return cut(parts, length, max)
    parts.push(shown)
    length += shown.length
  }
  return parts.join('')
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

function cut(parts: string[], length: number, max: number): string {
  if (max < 1) return ''
  let left = length
  while (left + 1 > max) left -= parts.pop()?.length ?? left
  return `${parts.join('')}…`
}
