// Judges one leaf of a requirement: has this attestor signed this digest, with these annotations, under this identity?

import type { ErrorCode } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import type { AttestorKey, SignatureDemand } from '#core/policy/words.ts'
import type { SignatureDemandFinding, SignatureFinding, State } from './finding.ts'
import type { Claims, Format, Gap, Material, Oddity, SignedSubject, Signer, Verification } from './format.ts'
import { identityMismatch } from './identity.ts'
import type { Inquiry } from './inquiry.ts'
import { keyLife } from './key-life.ts'

/** How many foreign signatures, and how many other attestors, are tried to tell who signed: only for the explanation. */
const strangersTried = 8
const bystandersTried = 16

interface Collected {
  readonly signatures: SignatureFinding[]
  readonly oddities: Oddity[]
  readonly gaps: Gap[]
  readonly strangers: { format: Format; material: Material }[]
  readonly ends: number[]
  open: boolean
  /** Something that counts was proved by evidence which this request did not read from the image's own repository. */
  accessUnproven: boolean
}

/**
 * @param demand the leaf
 * @param image the reference that is judged
 * @param digest the digest that must be bound by the signature
 * @param memory whether claims that were verified before may stand for the evidence
 */
export function judgeSignatureDemand(
  demand: SignatureDemand,
  image: ImageReference,
  digest: Digest,
  inquiry: Inquiry,
  memory: boolean,
): SignatureDemandFinding {
  const at = { registry: image.registry, repository: image.repository }
  const subject: SignedSubject = { digest, image: at, signatures: demand.attestor.storage.repository ?? at }
  const remembered = memory ? fromMemory(demand, image, subject, inquiry) : undefined
  const found = remembered ?? fromEvidence(demand, image, subject, inquiry)
  const state = stateOf(found, accessTo(found, subject, inquiry))
  return {
    kind: 'signature',
    state,
    attestor: demand.attestor.name,
    acceptableKeys: demand.attestor.keys.filter((key) => keyLife(key, [], inquiry.now).counts).map((key) => key.name),
    pending: found.open,
    signers: state === 'satisfied' ? countedSigners(found) : [],
    signatures: state === 'unsatisfied' ? introduceStrangers(found, subject, inquiry) : found.signatures,
    oddities: found.oddities,
    gaps: found.gaps,
    ...reasonFor(state, found),
    ...(state === 'satisfied' && found.ends.length > 0 ? { validUntil: Math.min(...found.ends) } : {}),
  }
}

function fromMemory(
  demand: SignatureDemand,
  image: ImageReference,
  subject: SignedSubject,
  inquiry: Inquiry,
): Collected | undefined {
  const proven = inquiry.knowledge.proven(subject, demand.attestor)
  if (proven.length === 0) return undefined
  const found = nothingYet()
  for (const claims of proven) {
    weigh(demand, image, inquiry.now, { format: 'memory', place: 'verified before', claims, checks: [] }, found)
  }
  if (!found.signatures.some((signature) => signature.counts)) return undefined
  found.accessUnproven = true
  return found
}

function fromEvidence(
  demand: SignatureDemand,
  image: ImageReference,
  subject: SignedSubject,
  inquiry: Inquiry,
): Collected {
  const found = nothingYet()
  for (const format of inquiry.formats) {
    if (!demand.attestor.storage.layouts.includes(format.layout) || !format.serves(demand.attestor)) continue
    const gathering = format.ask(subject, inquiry.knowledge)
    for (const question of gathering.questions) {
      found.open = true
      inquiry.ask(question)
    }
    found.oddities.push(...gathering.oddities)
    found.gaps.push(...gathering.gaps)
    for (const material of gathering.materials) {
      const fact = inquiry.ask({ kind: 'verify', format: format.name, material, attestor: demand.attestor, subject })
      if (fact === undefined) found.open = true
      else if (!fact.known) found.gaps.push({ place: material.place, code: fact.code, detail: fact.detail })
      else weighVerification(demand, image, inquiry.now, { format, material, verification: fact.value }, found)
    }
  }
  const { signatures, image: own } = subject
  found.accessUnproven = signatures.registry !== own.registry || signatures.repository !== own.repository
  return found
}

function weighVerification(
  demand: SignatureDemand,
  image: ImageReference,
  now: number,
  judged: { format: Format; material: Material; verification: Verification },
  found: Collected,
): void {
  const { format, material, verification } = judged
  const { place } = material
  if (verification.accepted) {
    weigh(
      demand,
      image,
      now,
      { format: format.name, place, claims: verification.claims, checks: verification.checks },
      found,
    )
    return
  }
  if (verification.code === 'signature-wrong-key') found.strangers.push({ format, material })
  const { code, detail, checks } = verification
  if (code === 'predicate-type-wrong') found.oddities.push({ place, code, detail })
  else found.signatures.push({ format: format.name, place, counts: false, code, detail, checks })
}

/** A signature by the attestor that verified: do its claims and the life of its key satisfy the demand? */
function weigh(
  demand: SignatureDemand,
  image: ImageReference,
  now: number,
  proof: { format: string; place: string; claims: Claims; checks: Verification['checks'] },
  found: Collected,
): void {
  const { format, place, claims, checks } = proof
  const refusal = refusalOf(demand, image, claims, now)
  const base = {
    format,
    place,
    signer: claims.signer,
    checks,
    ...(claims.reference ? { signedAs: claims.reference } : {}),
  }
  if ('until' in refusal) {
    found.signatures.push({ ...base, counts: true })
    if (refusal.until !== undefined) found.ends.push(refusal.until)
  } else {
    found.signatures.push({ ...base, counts: false, ...refusal })
  }
}

function refusalOf(
  demand: SignatureDemand,
  image: ImageReference,
  claims: Claims,
  now: number,
): { code: ErrorCode; detail: string } | { until: number | undefined } {
  const key = demand.attestor.keys.find((candidate: AttestorKey) => candidate.fingerprint === claims.signer.fingerprint)
  if (key === undefined) return { code: 'signature-wrong-key', detail: 'the key is not one of the attestor any more' }
  const life = keyLife(key, claims.provenTimes, now)
  if (!life.counts) return { code: 'key-not-valid', detail: life.reason }
  for (const [name, wanted] of Object.entries(demand.annotations)) {
    const signed = Object.hasOwn(claims.annotations, name) ? claims.annotations[name] : undefined
    if (signed !== wanted) {
      const has = signed === undefined ? 'is not there' : `is ${JSON.stringify(signed)}`
      return {
        code: 'annotation-mismatch',
        detail: `annotation ${JSON.stringify(name)} ${has}, wanted ${JSON.stringify(wanted)}`,
      }
    }
  }
  const mismatch = identityMismatch(demand.identity, image, claims.reference)
  if (mismatch !== undefined) return { code: 'identity-mismatch', detail: mismatch }
  return { until: life.until }
}

/** What was verified elsewhere or before counts only for somebody who may read the image now. */
function accessTo(found: Collected, subject: SignedSubject, inquiry: Inquiry): State {
  if (countedSigners(found).length === 0 || !found.accessUnproven) return 'satisfied'
  const fact = inquiry.ask({ kind: 'access', at: subject.image, digest: subject.digest })
  if (fact === undefined) return 'open'
  if (fact.known) return 'satisfied'
  found.gaps.unshift({ place: 'the image', code: fact.code, detail: fact.detail })
  return 'undetermined'
}

function stateOf(found: Collected, access: State): State {
  if (countedSigners(found).length > 0) return access
  if (found.open) return 'open'
  return found.gaps.length > 0 ? 'undetermined' : 'unsatisfied'
}

/** The most telling reason: how near the image was to being accepted. */
const nearest: readonly ErrorCode[] = ['key-not-valid', 'annotation-mismatch', 'identity-mismatch']

function reasonFor(state: State, found: Collected): { code?: ErrorCode; detail?: string } {
  if (state === 'undetermined') {
    const gap = found.gaps[0]
    return gap === undefined
      ? { code: 'internal-error', detail: 'undetermined for no reason' }
      : { code: gap.code, detail: gap.detail }
  }
  if (state !== 'unsatisfied') return {}
  for (const code of nearest) {
    const signature = found.signatures.find((candidate) => candidate.code === code)
    if (signature !== undefined) return { code, detail: signature.detail ?? '' }
  }
  if (found.strangers.length > 0) {
    return {
      code: 'signature-by-stranger',
      detail: `${count(found.strangers.length, 'signature')}, none by a key of this attestor`,
    }
  }
  const broken = found.signatures[0] ?? found.oddities.find((oddity) => oddity.code !== 'predicate-type-wrong')
  if (broken !== undefined)
    return { code: 'signature-invalid', detail: `${broken.place}: ${broken.detail ?? broken.code ?? ''}` }
  return { code: 'signature-missing', detail: 'no signature was found' }
}

/** Says of foreign signatures which other attestor of the policies made them. Changes no verdict. */
function introduceStrangers(found: Collected, subject: SignedSubject, inquiry: Inquiry): readonly SignatureFinding[] {
  const known = new Map<string, Signer>()
  for (const { format, material } of found.strangers.slice(0, strangersTried)) {
    for (const attestor of inquiry.bystanders.slice(0, bystandersTried)) {
      if (!format.serves(attestor)) continue
      const fact = inquiry.ask({ kind: 'verify', format: format.name, material, attestor, subject })
      if (fact?.known && fact.value.accepted) known.set(material.place, fact.value.claims.signer)
    }
  }
  return found.signatures.map((signature) => {
    const signer = signature.code === 'signature-wrong-key' ? known.get(signature.place) : undefined
    return signer === undefined ? signature : { ...signature, signer }
  })
}

function countedSigners({ signatures }: Collected): readonly Signer[] {
  const byKey = new Map<string, Signer>()
  for (const { counts, signer } of signatures) if (counts && signer !== undefined) byKey.set(signer.fingerprint, signer)
  return [...byKey.values()]
}

function nothingYet(): Collected {
  return { signatures: [], oddities: [], gaps: [], strangers: [], ends: [], open: false, accessUnproven: false }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
