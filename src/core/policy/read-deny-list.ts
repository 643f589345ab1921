// A DenyList out of a checked document.

import { toDigest } from '#core/image/digest.ts'
import type { Field, Report } from './problem.ts'
import { isGiven, member, textOf, textsOf } from './problem.ts'
import type { DenyList } from './words.ts'

export interface DenyListContext {
  readonly report: Report
  readonly revision: (value: unknown) => string
}

/** The list, or `undefined` where something is wrong; everything wrong has been reported. */
export function readDenyList(name: string | undefined, spec: Field, context: DenyListContext): DenyList | undefined {
  const written = textsOf(member(spec, 'digests'))
  const digests = written.flatMap((text) => toDigest(text) ?? [])
  const keys = textsOf(member(spec, 'keys'))
  const reason = textOf(member(spec, 'reason'))
  if (name === undefined || reason === undefined || digests.length < written.length) return undefined
  if (digests.length + keys.length === 0) return undefined
  const list = { kind: 'DenyList', name, digests, keys, reason } as const
  const decisive = { ...list, digests: digests.toSorted(), keys: keys.toSorted() }
  return { ...list, revision: context.revision(decisive) }
}

/** A list of nothing would be thought to deny something. */
export function refuseEmptyList(written: Field, report: Report): void {
  if (!isGiven(written, 'digests') && !isGiven(written, 'keys') && !isGiven(written, 'identities')) {
    report(written.path, 'needs digests or keys')
  }
}
