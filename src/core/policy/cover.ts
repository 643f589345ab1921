// Does one image pattern match everything that another does? Says so only where it is certain: for warnings about rules
// that never govern, never for a decision.

import type { Glob } from '#core/image/glob.ts'
import { globMatches } from '#core/image/glob.ts'
import type { ImagePattern } from '#core/image/pattern.ts'
import { matchesPattern } from '#core/image/pattern.ts'

type Part = ImagePattern['path'][number]

/** Patterns with many `**` could branch without end; past this the answer is "not certain". */
const maxSteps = 2000

export function covers(wide: ImagePattern, narrow: ImagePattern): boolean {
  return (
    hostCovers(wide, narrow) &&
    pathCovers(wide.path, narrow.path, { left: maxSteps }) &&
    (wide.tag === undefined || (narrow.tag !== undefined && globCovers(wide.tag, narrow.tag)))
  )
}

function hostCovers(wide: ImagePattern, narrow: ImagePattern): boolean {
  if (wide.host.kind === 'any') return true
  if (narrow.host.kind !== 'literal') return JSON.stringify(wide.host) === JSON.stringify(narrow.host)
  const anyPath = { text: wide.text, host: wide.host, path: [{ kind: 'segments' }] } as const
  return matchesPattern(anyPath, { text: '', registry: narrow.host.registry, repository: 'any' })
}

function pathCovers(wide: readonly Part[], narrow: readonly Part[], steps: { left: number }): boolean {
  if (steps.left-- <= 0) return false
  const [first, ...rest] = wide
  const [other, ...others] = narrow
  if (first === undefined) return other === undefined
  if (first.kind === 'segments') {
    return pathCovers(rest, narrow, steps) || (other !== undefined && pathCovers(wide, others, steps))
  }
  if (other === undefined) return false
  if (other.kind === 'segments') {
    // None, or one of any name and again any number.
    return pathCovers(wide, others, steps) && pathCovers(wide, [anySegment, ...narrow], steps)
  }
  return globCovers(first, other) && pathCovers(rest, others, steps)
}

const anySegment: Glob = { kind: 'glob', prefix: '', middles: [], suffix: '' }

function globCovers(wide: Glob, narrow: Glob): boolean {
  if (narrow.kind === 'literal') return globMatches(wide, narrow.text)
  return JSON.stringify(wide) === JSON.stringify(narrow) || JSON.stringify(wide) === JSON.stringify(anySegment)
}
