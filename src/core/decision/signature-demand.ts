// Judges one leaf of a requirement: has this attestor signed this digest, with these annotations, under this identity?

import type { ErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import type { AttestorKey, SignatureDemand } from '#core/policy/words.ts'
import { accessProof } from './access.ts'
import { deniedKey } from './denial.ts'
import type { Collected, Leaf } from './evidence.ts'
import { fromEvidence, fromMemory, subjectOf } from './evidence.ts'
import type { SignatureDemandFinding, SignatureFinding, State } from './finding.ts'
import type { SignedSubject, Signer } from './format.ts'
import type { Inquiry } from './inquiry.ts'
import { keyLife } from './key-life.ts'
import type { Fact } from './question.ts'

/** How many foreign signatures, and how many other attestors, are tried to tell who signed: only for the explanation. */
const strangersTried = 8
const bystandersTried = 16

/** The image that a requirement is judged for. */
export interface ImageSubject {
  readonly image: ImageReference
  /** The digest that signatures must bind, or why it is not known. */
  readonly digest: Fact<Digest>
  /** May what was verified before stand for the evidence? Only after the access proof. */
  readonly memory: boolean
}

export function judgeSignatureDemand(
  demand: SignatureDemand,
  { image, digest, memory }: ImageSubject,
  inquiry: Inquiry,
): SignatureDemandFinding {
  if (!digest.known) {
    const gap = { place: 'the image', code: digest.code, detail: digest.detail }
    const nothing: Collected = { signatures: [], oddities: [], gaps: [gap], strangers: [], ends: [], open: false }
    return toFinding(demand, 'undetermined', nothing, inquiry)
  }
  const leaf: Leaf = { demand, image, digest: digest.value }
  const subject = subjectOf(leaf)
  const remembered = memory ? fromMemory(leaf, subject, inquiry) : undefined
  if (remembered !== undefined) return toFinding(demand, 'satisfied', remembered, inquiry)
  const found = fromEvidence(leaf, subject, inquiry)
  const state = withAccess(stateOf(found), leaf, found, inquiry)
  if (state === 'unsatisfied') introduceStrangers(found, subject, inquiry)
  return toFinding(demand, state, found, inquiry)
}

function toFinding(demand: SignatureDemand, state: State, found: Collected, inquiry: Inquiry): SignatureDemandFinding {
  const { name, keys } = demand.attestor
  return {
    kind: 'signature',
    state,
    attestor: name,
    annotations: demand.annotations,
    identity: demand.identity.type,
    acceptableKeys: keys.filter((key) => isAcceptable(key, inquiry)).map((key) => key.name),
    pending: found.open,
    signers: state === 'satisfied' ? countedSigners(found) : [],
    signatures: found.signatures,
    oddities: found.oddities,
    gaps: found.gaps,
    ...reasonFor(state, found),
    ...(state === 'satisfied' && found.ends.length > 0 ? { validUntil: Math.min(...found.ends) } : {}),
  }
}

function isAcceptable(key: AttestorKey, { now, denied }: Inquiry): boolean {
  return deniedKey(key, denied) === undefined && keyLife(key, [], now).counts
}

function stateOf(found: Collected): State {
  if (found.signatures.some((signature) => signature.counts)) return 'satisfied'
  if (found.open) return 'open'
  return found.gaps.length > 0 ? 'undetermined' : 'unsatisfied'
}

/**
 * A yes by signatures that lie in another repository counts only for somebody who may read the image. "Nobody has
 * signed it" may only be said of an image that is there, by somebody who can read it: registries answer 404 to the rest.
 */
function withAccess(state: State, leaf: Leaf, found: Collected, inquiry: Inquiry): State {
  const { demand, image, digest } = leaf
  const nothingFound = found.signatures.length === 0 && found.oddities.length === 0
  const needed =
    state === 'satisfied' && isElsewhere(demand, image)
      ? 'repository'
      : state === 'unsatisfied' && (nothingFound || isElsewhere(demand, image))
        ? 'image'
        : undefined
  if (needed === undefined) return state
  const access = accessProof(image, digest, needed, inquiry)
  if (access?.known) return state
  if (access === undefined) {
    found.open = true
    return 'open'
  }
  found.gaps.unshift({ place: 'the image', code: access.code, detail: access.detail })
  return 'undetermined'
}

function isElsewhere({ attestor }: SignatureDemand, image: ImageReference): boolean {
  const { repository } = attestor.storage
  return (
    repository !== undefined && (repository.registry !== image.registry || repository.repository !== image.repository)
  )
}

/** The most telling reason: how near the image was to being accepted. */
const nearest: readonly ErrorCode[] = ['key-denied', 'key-not-valid', 'annotation-mismatch', 'identity-mismatch']

function reasonFor(state: State, found: Collected): { readonly code?: ErrorCode; readonly detail?: string } {
  const [gap] = found.gaps
  if (state === 'undetermined') {
    return gap === undefined
      ? { code: 'internal-error', detail: 'undetermined for no reason' }
      : { code: gap.code, detail: gap.detail }
  }
  if (state !== 'unsatisfied') return {}
  for (const code of nearest) {
    const signature = found.signatures.find((candidate) => candidate.code === code)
    if (signature !== undefined) return { code, detail: signature.detail ?? '' }
  }
  const strangers = found.strangers.length
  if (strangers > 0) {
    const detail = `${strangers} ${strangers === 1 ? 'signature' : 'signatures'}, none by a key of this attestor`
    return { code: 'signature-by-stranger', detail }
  }
  const broken = found.signatures[0] ?? found.oddities.find((oddity) => oddity.code !== 'predicate-type-wrong')
  if (broken !== undefined) {
    return { code: 'signature-invalid', detail: `${broken.place}: ${broken.detail ?? broken.code ?? ''}` }
  }
  return { code: 'signature-missing', detail: 'no signature was found' }
}

/** Says of foreign signatures which other attestor of the policies made them. Changes no verdict. */
function introduceStrangers(found: Collected, subject: SignedSubject, inquiry: Inquiry): void {
  const known = new Map<string, Signer>()
  for (const { format, material } of found.strangers.slice(0, strangersTried)) {
    for (const attestor of inquiry.bystanders.slice(0, bystandersTried)) {
      if (!format.serves(attestor)) continue
      const fact = inquiry.wonder({ kind: 'verify', format: format.name, material, attestor, subject })
      if (fact?.known && fact.value.accepted) known.set(`${format.name} ${material.place}`, fact.value.claims.signer)
    }
  }
  for (const [at, signature] of found.signatures.entries()) {
    if (signature.code !== 'signature-wrong-key') continue
    const signer = known.get(`${signature.format} ${signature.place}`)
    if (signer !== undefined) found.signatures[at] = { ...signature, signer }
  }
}

function countedSigners({ signatures }: Collected): readonly Signer[] {
  const byKey = new Map<string, Signer>()
  for (const { counts, signer } of signatures as readonly SignatureFinding[]) {
    if (counts && signer !== undefined) byKey.set(signer.fingerprint, signer)
  }
  return [...byKey.values()]
}
