// What a registry holds after a case has been filled in: manifests, blobs, tags and the list of referrers.

import type { Parts } from './case.ts'
import { list, plainJson, type Shelf, text } from './oracle/signed-by.ts'
import { digestOf, filled } from './template.ts'

export interface FilledShelf extends Shelf {
  /** Digest of the part `image`. */
  readonly digest: string
  /** The list of referrers as bytes, for readers. */
  readonly list: Uint8Array
}

const manifests = ['image', 'child', 'tagged', 'childtagged', 'bundled', 'classic'] as const
const blobs = ['payload', 'other', 'bundle', 'statement'] as const

export function shelve(parts: Parts): FilledShelf {
  const all = new Map([...manifests, ...blobs].map((name) => [name, filled(parts, name)]))
  const bytesOf = (name: (typeof manifests)[number]) => all.get(name) ?? new Uint8Array()
  const byDigest = new Map([...all.values()].map((bytes) => [digestOf(bytes), bytes]))
  const digest = digestOf(bytesOf('image'))
  const child = digestOf(bytesOf('child'))
  const byTag = new Map([['v1', bytesOf('image')]])
  for (const [tag, name] of [
    [digest, 'tagged'],
    [child, 'childtagged'],
  ] as const) {
    if (bytesOf(name).length > 0) byTag.set(`${tag.replace(':', '-')}.sig`, bytesOf(name))
  }
  const written = filled(parts, 'list')
  const entries = list(plainJson(written)?.['manifests']).map((each) =>
    typeof each === 'object' && each !== null && 'digest' in each ? text(each.digest) : '',
  )
  return { digest, byDigest, byTag, list: written, referrers: new Map([[digest, entries]]) }
}
