// Finds the manifests that refer to an image and hold one kind of signature (OCI distribution 1.1, "Listing
// Referrers"). A list comes from a registry, or from an index that any pusher may write: the manifest itself decides.

import type { Gap, Oddity, SignedSubject } from '#core/decision/format.ts'
import type { Fact, Facts, FetchQuestion, MalformedEntry, Referrer } from '#core/decision/question.ts'
import { printable } from '#core/encoding/printable.ts'
import { codeOf, messageOf } from '#core/errors.ts'
import { digestHex, fallbackTag, maxTagLength } from '#core/image/digest.ts'
import type { SignatureManifest } from '#core/image/manifest.ts'
import { parseReferrersIndex } from '#core/image/manifest.ts'
import { readSignatureManifest } from './stored.ts'

export interface ReferrerKind {
  /** By an artifact, config or layer type: is it one of these? */
  holds(type: string): boolean
  /** Read out of the list: a reason why the manifest need not be read at all. */
  dismiss?(referrer: Referrer): Oddity['detail'] | undefined
}

export interface FoundManifest {
  readonly place: string
  readonly manifest: SignatureManifest
}

export interface Found {
  readonly questions: FetchQuestion[]
  readonly manifests: FoundManifest[]
  readonly oddities: Oddity[]
  readonly gaps: Gap[]
}

/** As many as signatures under a tag: each costs two requests. */
const maxReferrers = 100
/**
 * A bundle's manifest takes 1 KB, one of a dozen layers with certificates 100. A hundred are read while one image is
 * judged: so this also bounds what a stranger who pushes can cost.
 */
const maxReferrerBytes = 256 * 1024
/** Types that say nothing: go-containerregistry once wrote the config's type into fallback indexes. */
const unspecific: readonly string[] = ['', 'application/vnd.oci.empty.v1+json']

type List = readonly (Referrer | MalformedEntry)[]

const apiList = 'the list of referrers'

/** What the list of referrers leads to. */
export function findReferrers(subject: SignedSubject, facts: Facts, kind: ReferrerKind): Found {
  const found = nothing()
  const question = listQuestion(subject)
  const fact = facts.about(question)
  if (fact === undefined) found.questions.push(question)
  else readList(fact, apiList, { subject, facts, kind }, found)
  return found
}

/**
 * What lies under the fallback tag beside a list that names other things: a registry that was upgraded, or that has just
 * learned of its first referrer, lists nothing of what was there before. An empty list has been looked up there already.
 */
export function findOlderReferrers(subject: SignedSubject, facts: Facts, kind: ReferrerKind): Found {
  const found = nothing()
  const listed = facts.about(listQuestion(subject))
  if (!listed?.known || listed.value.length === 0) return found
  const tag = fallbackTag(subject.digest)
  if (tag.length > maxTagLength) return found
  const question = { kind: 'tagged', at: subject.signatures, tag } as const
  const fact = facts.about(question)
  const seen = new Set(listed.value.flatMap((each) => ('digest' in each ? [each.digest] : [])))
  if (fact === undefined) found.questions.push(question)
  else readList(olderList(fact, seen), 'the fallback tag', { subject, facts, kind }, found)
  return found
}

function nothing(): Found {
  return { questions: [], manifests: [], oddities: [], gaps: [] }
}

function listQuestion({ signatures: at, digest }: SignedSubject) {
  return { kind: 'referrers', at, digest } as const
}

/** Of the index under the fallback tag what `seen` lacks. */
function olderList(fact: Fact<{ readonly bytes: Uint8Array } | null>, seen: ReadonlySet<string>): Fact<List> {
  if (!fact.known) return fact
  if (fact.value === null) return { known: true, value: [] }
  try {
    const list = parseReferrersIndex(fact.value.bytes)
    return { known: true, value: list.filter((each) => !('digest' in each && seen.has(each.digest))) }
  } catch (error) {
    return { known: false, code: codeOf(error), detail: messageOf(error) }
  }
}

interface Looking {
  readonly subject: SignedSubject
  readonly facts: Facts
  readonly kind: ReferrerKind
}

function readList(fact: Fact<List>, place: string, looking: Looking, found: Found): void {
  if (!fact.known) {
    found.gaps.push({ place, code: fact.code, detail: fact.detail })
    return
  }
  const candidates = select(fact.value, place, looking.kind, found)
  for (const referrer of candidates.slice(0, maxReferrers)) readReferrer(referrer, looking, found)
  if (candidates.length > maxReferrers) {
    const detail = `${candidates.length} referrers; the first ${maxReferrers} are read`
    found.gaps.push({ place, code: 'too-many-signatures', detail })
  }
}

/** Those that say so first, then those that might be. What a malformed entry was cannot be told: it is a gap. */
function select(list: List, place: string, kind: ReferrerKind, found: Found): readonly Referrer[] {
  const certain: Referrer[] = []
  const possible: Referrer[] = []
  const known = new Set<string>()
  for (const referrer of list) {
    if ('malformed' in referrer) {
      if (found.gaps.length < maxReferrers)
        found.gaps.push({ place, code: 'manifest-malformed', detail: referrer.malformed })
      continue
    }
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

function readReferrer(referrer: Referrer, { subject, facts, kind }: Looking, found: Found): void {
  const { digest, signatures: at } = subject
  const place = placeOf(referrer)
  const question = { kind: 'manifest', at, digest: referrer.digest } as const
  if (isTooLarge(referrer.size, place, found)) return
  const fact = facts.about(question)
  if (fact === undefined) {
    found.questions.push(question)
    return
  }
  if (!fact.known) {
    found.gaps.push({ place, code: fact.code, detail: fact.detail })
    return
  }
  if (isTooLarge(fact.value.bytes.length, place, found)) return
  const manifest = readSignatureManifest(fact.value)
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

function isTooLarge(size: number, place: string, found: Found): boolean {
  if (size <= maxReferrerBytes) return false
  found.gaps.push({ place, code: 'content-too-large', detail: `a manifest of ${size} bytes` })
  return true
}

function isOfKind({ artifactType, config, layers: [first] }: SignatureManifest, kind: ReferrerKind): boolean {
  const layerType = first === undefined || 'malformed' in first ? undefined : first.mediaType
  return [artifactType, config.mediaType, layerType].some((type) => type !== undefined && kind.holds(type))
}

function placeOf({ digest }: Referrer): string {
  return `the referrer ${digestHex(digest).slice(0, 12)}…`
}
