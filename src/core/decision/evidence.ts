// Collects what speaks for one leaf of a requirement: signatures out of memory or out of what was read now, each
// weighed against what the leaf demands. What it adds up to is judged in `signature-demand.ts`.

import type { ErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import { effectiveTag } from '#core/image/reference.ts'
import type { SignatureDemand } from '#core/policy/words.ts'
import { deniedKey } from './denial.ts'
import type { SignatureFinding } from './finding.ts'
import type { Check, Claims, Format, Gap, Material, Oddity, SignedSubject, Verification } from './format.ts'
import { identityMismatch } from './identity.ts'
import type { Inquiry, Looking } from './inquiry.ts'
import { keyLife } from './key-life.ts'

export interface Collected {
  readonly signatures: SignatureFinding[]
  readonly oddities: Oddity[]
  readonly gaps: Gap[]
  /** Signatures by none of the attestor's keys. */
  readonly strangers: { readonly format: Format; readonly material: Material }[]
  /** When the keys behind what counts stop counting. */
  readonly ends: number[]
  /** Questions wait. */
  open: boolean
}

/** The leaf, and the image that it is judged for. */
export interface Leaf {
  readonly demand: SignatureDemand
  readonly image: ImageReference
  readonly digest: Digest
}

export function subjectOf({ demand, image, digest }: Leaf): SignedSubject {
  const at = { registry: image.registry, repository: image.repository }
  return { digest, image: at, signatures: demand.attestor.storage.repository ?? at }
}

/** @returns `undefined` where memory holds nothing that counts; only the evidence can say what else there is */
export function fromMemory(leaf: Leaf, subject: SignedSubject, inquiry: Inquiry): Collected | undefined {
  const found = nothingYet()
  for (const { claims, until } of inquiry.knowledge.proven(subject, leaf.demand.attestor)) {
    inquiry.rely(until)
    weigh(leaf, { format: 'memory', place: 'verified before', claims, checks: [] }, found, inquiry)
  }
  return found.signatures.some((signature) => signature.counts) ? found : undefined
}

export function fromEvidence(leaf: Leaf, subject: SignedSubject, inquiry: Inquiry): Collected {
  const found = nothingYet()
  collect('ask', { leaf, subject, inquiry }, found)
  const suffices = found.signatures.some((signature) => signature.counts)
  if (!suffices && !found.open) collect('askFurther', { leaf, subject, inquiry }, found)
  return found
}

interface Collecting {
  readonly leaf: Leaf
  readonly subject: SignedSubject
  readonly inquiry: Inquiry
}

function collect(how: Looking, { leaf, subject, inquiry }: Collecting, found: Collected): void {
  const { attestor } = leaf.demand
  for (const format of inquiry.formats) {
    if (!attestor.storage.layouts.includes(format.layout) || !format.serves(attestor)) continue
    const gathering = inquiry.gather(format, subject, how)
    for (const question of gathering.questions) {
      found.open = true
      inquiry.ask(question)
    }
    found.oddities.push(...gathering.oddities)
    found.gaps.push(...gathering.gaps)
    for (const material of gathering.materials) {
      const fact = inquiry.ask({ kind: 'verify', format: format.name, material, attestor, subject })
      if (fact === undefined) found.open = true
      else if (!fact.known) found.gaps.push({ place: material.place, code: fact.code, detail: fact.detail })
      else weighVerification(leaf, { format, material, verification: fact.value }, found, inquiry)
    }
  }
}

function weighVerification(
  leaf: Leaf,
  judged: { readonly format: Format; readonly material: Material; readonly verification: Verification },
  found: Collected,
  inquiry: Inquiry,
): void {
  const { format, material, verification } = judged
  const { place } = material
  if (verification.accepted) {
    const { claims, checks } = verification
    weigh(leaf, { format: format.name, place, claims, checks }, found, inquiry)
    return
  }
  const { code, detail, checks } = verification
  if (code === 'signature-wrong-key') found.strangers.push({ format, material })
  if (code === 'predicate-type-wrong') found.oddities.push({ place, code, detail })
  else found.signatures.push({ format: format.name, place, counts: false, code, detail, checks })
}

/** A signature that verified: do its claims and the life of its key satisfy the leaf? */
function weigh(
  leaf: Leaf,
  proof: {
    readonly format: string
    readonly place: string
    readonly claims: Claims
    readonly checks: readonly Check[]
  },
  found: Collected,
  inquiry: Inquiry,
): void {
  const { format, place, claims, checks } = proof
  const base = { format, place, checks, ...(claims.reference === undefined ? {} : { signedAs: claims.reference }) }
  const { attestor } = leaf.demand
  const key = attestor.keys.find((candidate) => candidate.fingerprint === claims.signer.fingerprint)
  // The door in `signature/verify.ts` insists on both; a verdict must not hang on one line of code.
  if (key === undefined || claims.digest !== leaf.digest) {
    const code: ErrorCode = key === undefined ? 'signature-wrong-key' : 'payload-other-image'
    const detail = key === undefined ? 'the key is none of the attestor' : `it is made for ${claims.digest}`
    found.signatures.push({ ...base, counts: false, code, detail })
    return
  }
  const signer = { attestor: attestor.name, key: key.name, fingerprint: key.fingerprint }
  const life = keyLife(key, claims.provenTimes, inquiry.now)
  const denial = deniedKey(key, inquiry.denied)
  const refusal =
    denial !== undefined
      ? { code: 'key-denied' as const, detail: denial }
      : life.counts
        ? claimsRefusal(leaf, claims)
        : { code: 'key-not-valid' as const, detail: life.reason }
  if (refusal !== undefined) {
    found.signatures.push({ ...base, signer, counts: false, ...refusal })
    return
  }
  found.signatures.push({ ...base, signer, counts: true })
  if (life.counts && life.until !== undefined) found.ends.push(life.until)
}

function claimsRefusal(
  { demand, image }: Leaf,
  claims: Claims,
): { readonly code: ErrorCode; readonly detail: string } | undefined {
  for (const [name, wanted] of Object.entries(demand.annotations)) {
    const signed = Object.hasOwn(claims.annotations, name) ? claims.annotations[name] : undefined
    if (signed === wanted) continue
    const detail =
      signed === undefined
        ? `the annotation ${JSON.stringify(name)} is missing, ${JSON.stringify(wanted)} is wanted`
        : `the annotation ${JSON.stringify(name)} is ${JSON.stringify(signed)}, ${JSON.stringify(wanted)} is wanted`
    return { code: 'annotation-mismatch', detail }
  }
  const mismatch = identityMismatch(demand.identity, asPulled(image), claims.reference)
  return mismatch === undefined ? undefined : { code: 'identity-mismatch', detail: mismatch }
}

/** A name without tag and digest is one with the tag `latest` for everybody who pulls or signs it. */
function asPulled(image: ImageReference): ImageReference {
  const tag = effectiveTag(image)
  return tag === undefined ? image : { ...image, tag }
}

function nothingYet(): Collected {
  return { signatures: [], oddities: [], gaps: [], strangers: [], ends: [], open: false }
}
