// What was found, and what would have been accepted, of one requirement.

import { printable } from '#core/encoding/printable.ts'
import type { Language } from '#core/policy/words.ts'
import type { Finding, SignatureDemandFinding, SignatureFinding } from './finding.ts'
import type { Acceptable } from './sentences.ts'
import { sentencesIn } from './sentences.ts'

/** More signatures than these help nobody to understand; neither do more keys of one attestor. */
const signaturesShown = 6
const keysShown = 3

/**
 * One phrase for each signature and whatever else lay there or could not be read; empty where the cause says it all.
 * @param cause the detail that stands in the headline, and need not be repeated
 */
export function findingLines(finding: Finding, cause: string | undefined, language: Language): readonly string[] {
  const say = sentencesIn(language)
  const leaves = signatureLeaves(finding)
  const signatures = new Map<string, SignatureFinding>()
  const others = new Set<string>()
  for (const leaf of leaves) {
    for (const signature of leaf.signatures) {
      const key = `${signature.format} ${signature.place}`
      const known = signatures.get(key)
      if (known === undefined || telling(signature) > telling(known)) signatures.set(key, signature)
    }
    for (const { place, detail } of leaf.oddities) others.add(say.oddity(printable(place, 120), printable(detail, 200)))
    for (const { place, detail } of leaf.gaps) {
      if (detail !== cause) others.add(say.unread(printable(place, 120), printable(detail, 200)))
    }
  }
  const lines = [...[...signatures.values()].map((signature) => describe(signature, cause, language)), ...others]
  if (lines.length === 0) return leaves.some((leaf) => leaf.state === 'unsatisfied') ? [say.noSignature()] : []
  if (lines.length <= signaturesShown) return lines
  return [...lines.slice(0, signaturesShown), say.more(lines.length - signaturesShown)]
}

/** Several attestors may have been asked about one signature; the one that knows most about it speaks. */
function telling({ counts, signer, code }: SignatureFinding): number {
  if (counts) return 3
  return code === 'signature-wrong-key' ? (signer === undefined ? 0 : 1) : 2
}

function describe(signature: SignatureFinding, cause: string | undefined, language: Language): string {
  const { place, signer, counts, code, detail } = signature
  return sentencesIn(language).signature({
    place: printable(place, 120),
    signer: signer && { ...signer, attestor: printable(signer.attestor, 120), key: printable(signer.key, 120) },
    counts,
    code,
    detail: detail === undefined || detail === cause ? undefined : printable(detail, 200),
  })
}

/** In words, what satisfies the requirement; `undefined` where nothing does. */
export function wouldAccept(finding: Finding, language: Language): string | undefined {
  const say = sentencesIn(language)
  switch (finding.kind) {
    case 'signature':
      return say.attestor(acceptable(finding))
    case 'insecureAcceptAnything':
      return say.anything()
    case 'deny':
      return undefined
    case 'allOf': {
      const parts = finding.of.map((child) => partOf(child, language)).filter((part) => part !== undefined)
      return parts.length < finding.of.length ? undefined : say.all(distinct(parts))
    }
    case 'anyOf':
    case 'atLeast': {
      const parts = finding.of.map((child) => partOf(child, language)).filter((part) => part !== undefined)
      if (parts.length < (finding.count ?? 1)) return undefined
      return finding.kind === 'anyOf' ? say.any(distinct(parts)) : say.atLeast(finding.count ?? parts.length, parts)
    }
  }
}

/** A group inside a group needs a fence around it. */
function partOf(child: Finding, language: Language): string | undefined {
  const text = wouldAccept(child, language)
  return text === undefined || !('of' in child) || child.of.length < 2 ? text : `[${text}]`
}

function distinct(parts: readonly string[]): readonly string[] {
  return [...new Set(parts)]
}

function acceptable({ attestor, acceptableKeys, annotations, identity }: SignatureDemandFinding): Acceptable {
  const keys = acceptableKeys.slice(0, keysShown).map((name) => printable(name, 120))
  return {
    attestor: printable(attestor, 120),
    keys,
    otherKeys: acceptableKeys.length - keys.length,
    annotations: Object.entries(annotations).map(([name, value]) => printable(`${name}=${JSON.stringify(value)}`, 200)),
    identity: identity === 'Any' ? undefined : identity,
  }
}

/** Is there a key with which a signature that is made now would count? */
export function canBeSigned(finding: Finding): boolean {
  const leaves = signatureLeaves(finding)
  return leaves.length === 0 || leaves.some(({ acceptableKeys }) => acceptableKeys.length > 0)
}

/** Of the first leaf that is not satisfied: what somebody who signs now has to write. */
export function annotationsWanted(finding: Finding): Readonly<Record<string, string>> {
  return signatureLeaves(finding).find((leaf) => leaf.state !== 'satisfied')?.annotations ?? {}
}

function signatureLeaves(finding: Finding): readonly SignatureDemandFinding[] {
  if (finding.kind === 'signature') return [finding]
  return 'of' in finding ? finding.of.flatMap(signatureLeaves) : []
}
