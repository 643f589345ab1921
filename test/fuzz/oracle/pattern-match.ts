// Image patterns once more, by brute force: every way in which wildcards could stand for something is tried. For short
// texts only. It shares nothing with `src/core/image`.

/** Does a written host, path and tag fit a pattern of the documented form? Texts are normalised by the caller. */
export function globFits(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  if (pattern.startsWith('*')) {
    for (let taken = 0; taken <= text.length; taken++) if (globFits(pattern.slice(1), text.slice(taken))) return true
    return false
  }
  return text !== '' && pattern.charAt(0) === text.charAt(0) && globFits(pattern.slice(1), text.slice(1))
}

/** `**` as a whole segment stands for any number of segments. */
export function segmentsFit(pattern: readonly string[], segments: readonly string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return segments.length === 0
  if (first === '**') {
    for (let taken = 0; taken <= segments.length; taken++) if (segmentsFit(rest, segments.slice(taken))) return true
    return false
  }
  const [segment, ...others] = segments
  return segment !== undefined && globFits(first, segment) && segmentsFit(rest, others)
}
