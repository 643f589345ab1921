// All DenyLists together, so that looking something up costs the same however long they are.

import type { Digest } from '#core/image/digest.ts'
import type { DenyList } from './words.ts'

export interface Denied {
  /** Part of every key under which a verdict is kept: what a list says is felt by the next request. */
  readonly revision: string
  /** The first list, by name, that has the digest. */
  readonly digests: ReadonlyMap<Digest, DenyList>
  /** By fingerprint. */
  readonly keys: ReadonlyMap<string, DenyList>
}

/** Keys of verdicts shall stay short. With more lists, any edit of any policy makes their revision a new one. */
const maxNamed = 4

/**
 * @param setRevision of everything that was read together
 * @returns `undefined` where there is no list: nothing has to be looked up then
 */
export function compileDenied(lists: readonly DenyList[], setRevision: string): Denied | undefined {
  if (lists.length === 0) return undefined
  const byName = lists.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const digests = new Map<Digest, DenyList>()
  const keys = new Map<string, DenyList>()
  // The first one stays.
  for (const list of byName.toReversed()) {
    for (const digest of list.digests) digests.set(digest, list)
    for (const key of list.keys) keys.set(key, list)
  }
  const revisions = byName.map(({ revision }) => revision)
  return { revision: revisions.length > maxNamed ? setRevision : revisions.join('+'), digests, keys }
}
