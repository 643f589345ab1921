// Globs over one segment of a name: `*` is any run of characters, everything else is itself. Whoever splits names into
// segments sees to it that no separator comes here.

export type Glob =
  | { readonly kind: 'literal'; readonly text: string }
  /** Begins with `prefix`, ends with `suffix`, and holds `middles` in this order between them. */
  | { readonly kind: 'glob'; readonly prefix: string; readonly middles: readonly string[]; readonly suffix: string }

export function parseGlob(text: string): Glob {
  const pieces = text.split('*')
  if (pieces.length === 1) return { kind: 'literal', text }
  return {
    kind: 'glob',
    prefix: pieces[0] ?? '',
    middles: pieces.slice(1, -1).filter((piece) => piece !== ''),
    suffix: pieces.at(-1) ?? '',
  }
}

/** How many characters stand for themselves; none in `*`. */
export function globLength(glob: Glob): number {
  return glob.kind === 'literal'
    ? glob.text.length
    : glob.prefix.length + glob.middles.join('').length + glob.suffix.length
}

/** Without backtracking: if any place for a piece leads to a match, the leftmost does. */
export function globMatches(glob: Glob, text: string): boolean {
  if (glob.kind === 'literal') return glob.text === text
  const { prefix, middles, suffix } = glob
  const end = text.length - suffix.length
  if (end < prefix.length || !text.startsWith(prefix) || !text.endsWith(suffix)) return false
  let from = prefix.length
  for (const piece of middles) {
    const found = text.indexOf(piece, from)
    if (found < 0) return false
    from = found + piece.length
  }
  return from <= end
}
