// Finds the manifests that refer to an image and hold one kind of signature (OCI distribution 1.1, "Listing
// Referrers"). A list comes from a registry, or from an index that any pusher may write: the manifest itself decides.

import type { Gap, Oddity, SignedSubject } from '#core/decision/format.ts'
import type { Facts, FetchQuestion, Referrer } from '#core/decision/question.ts'
import { printable } from '#core/encoding/printable.ts'
import { digestHex } from '#core/image/digest.ts'
import type { ImageManifest } from '#core/image/manifest.ts'
import { readImageManifest } from './stored.ts'

export interface ReferrerKind {
  /** By an artifact, config or layer type: is it one of these? */
  holds(type: string): boolean
  /** Read out of the list: a reason why the manifest need not be read at all. */
  dismiss?(referrer: Referrer): Oddity['detail'] | undefined
}

export interface FoundManifest {
  readonly place: string
  readonly manifest: ImageManifest
}

export interface Found {
  readonly questions: FetchQuestion[]
  readonly manifests: FoundManifest[]
  readonly oddities: Oddity[]
  readonly gaps: Gap[]
}

/** As many as signatures under a tag: each costs two requests. */
const maxReferrers = 100
/** Types that say nothing: go-containerregistry once wrote the config's type into fallback indexes. */
const unspecific: readonly string[] = ['', 'application/vnd.oci.empty.v1+json']

export function findReferrers(subject: SignedSubject, facts: Facts, kind: ReferrerKind): Found {
  const found: Found = { questions: [], manifests: [], oddities: [], gaps: [] }
  const { digest, signatures: at } = subject
  const question = { kind: 'referrers', at, digest } as const
  const fact = facts.about(question)
  if (fact === undefined) {
    found.questions.push(question)
    return found
  }
  if (!fact.known) {
    found.gaps.push({ place: 'the list of referrers', code: fact.code, detail: fact.detail })
    return found
  }
  const candidates = select(fact.value, kind, found)
  for (const referrer of candidates.slice(0, maxReferrers)) readReferrer(referrer, subject, facts, kind, found)
  if (candidates.length > maxReferrers) {
    const detail = `${candidates.length} referrers; the first ${maxReferrers} are read`
    found.gaps.push({ place: 'the list of referrers', code: 'too-many-signatures', detail })
  }
  return found
}

/** Those that say so first, then those that might be. */
function select(list: readonly Referrer[], kind: ReferrerKind, found: Found): readonly Referrer[] {
  const certain: Referrer[] = []
  const possible: Referrer[] = []
  const known = new Set<string>()
  for (const referrer of list) {
    if (known.has(referrer.digest)) continue
    known.add(referrer.digest)
    const type = referrer.artifactType ?? ''
    const bucket = kind.holds(type) ? certain : unspecific.includes(type) ? possible : undefined
    if (bucket === undefined) continue
    const reason = kind.dismiss?.(referrer)
    if (reason === undefined) bucket.push(referrer)
    else if (found.oddities.length < maxReferrers) {
      found.oddities.push({ place: placeOf(referrer), code: 'predicate-type-wrong', detail: reason })
    }
  }
  return [...certain, ...possible]
}

function readReferrer(
  referrer: Referrer,
  { digest, signatures: at }: SignedSubject,
  facts: Facts,
  kind: ReferrerKind,
  found: Found,
): void {
  const place = placeOf(referrer)
  const question = { kind: 'manifest', at, digest: referrer.digest } as const
  const fact = facts.about(question)
  if (fact === undefined) {
    found.questions.push(question)
    return
  }
  if (!fact.known) {
    found.gaps.push({ place, code: fact.code, detail: fact.detail })
    return
  }
  const manifest = readImageManifest(fact.value)
  if (typeof manifest === 'string' || !isOfKind(manifest, kind)) {
    if (!kind.holds(referrer.artifactType ?? '')) return
    const detail = typeof manifest === 'string' ? manifest : 'the manifest is of another type than the list says'
    found.oddities.push({ place, code: 'layer-malformed', detail })
  } else if (manifest.subject?.digest !== digest) {
    const other = manifest.subject === undefined ? 'no subject' : printable(manifest.subject.digest, 140)
    found.oddities.push({ place, code: 'referrer-other-subject', detail: `it names ${other}` })
  } else {
    found.manifests.push({ place, manifest })
  }
}

function isOfKind({ artifactType, config, layers }: ImageManifest, kind: ReferrerKind): boolean {
  return [artifactType, config.mediaType, layers[0]?.mediaType].some((type) => type !== undefined && kind.holds(type))
}

function placeOf({ digest }: Referrer): string {
  return `the referrer ${digestHex(digest).slice(0, 12)}…`
}
