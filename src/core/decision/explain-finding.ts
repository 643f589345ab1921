// What was found, and what would have been accepted, of one requirement.

import { printable } from '#core/encoding/printable.ts'
import type { Language } from '#core/policy/words.ts'
import type { Finding, SignatureDemandFinding, SignatureFinding } from './finding.ts'
import { sentencesIn } from './sentences.ts'

/** More signatures than these help nobody to understand. */
const signaturesShown = 6

/** One phrase a signature or attestor, most telling first. */
export function findingLines(finding: Finding, language: Language): readonly string[] {
  const say = sentencesIn(language)
  const leaves = signatureLeaves(finding)
  const seen = new Map<string, string>()
  for (const leaf of leaves) {
    for (const signature of leaf.signatures) {
      const key = `${signature.format} ${signature.place}`
      const better = signature.counts || signature.signer !== undefined
      if (!seen.has(key) || better) seen.set(key, describeSignature(signature, language))
    }
    for (const { place, code, detail } of [...leaf.oddities, ...leaf.gaps]) {
      seen.set(`${place} ${code}`, say.oddity(printable(place, 120), code, printable(detail, 200)))
    }
  }
  const lines = [...seen.values()]
  if (lines.length === 0) return [leaves.length === 0 ? say.nothingLookedFor() : say.noSignature()]
  if (lines.length <= signaturesShown) return lines
  return [...lines.slice(0, signaturesShown), say.more(lines.length - signaturesShown)]
}

function describeSignature(signature: SignatureFinding, language: Language): string {
  const say = sentencesIn(language)
  return say.signature({
    place: printable(signature.place, 120),
    signer: signature.signer,
    counts: signature.counts,
    code: signature.code,
    detail: signature.detail === undefined ? undefined : printable(signature.detail, 200),
  })
}

/** In words, what satisfies the requirement; `undefined` where nothing does. */
export function wouldAccept(finding: Finding, language: Language): string | undefined {
  const say = sentencesIn(language)
  switch (finding.kind) {
    case 'signature':
      return say.attestor(finding.attestor, finding.acceptableKeys)
    case 'insecureAcceptAnything':
      return say.anything()
    case 'deny':
      return undefined
    case 'allOf':
    case 'anyOf':
    case 'atLeast': {
      const parts = finding.of.map((child) => wouldAccept(child, language))
      if (finding.kind === 'allOf') {
        return parts.some((part) => part === undefined)
          ? undefined
          : say.all(parts.filter((part) => part !== undefined))
      }
      const possible = parts.filter((part) => part !== undefined)
      if (possible.length === 0) return undefined
      return finding.kind === 'anyOf' ? say.any(possible) : say.atLeast(finding.count ?? possible.length, possible)
    }
  }
}

function signatureLeaves(finding: Finding): readonly SignatureDemandFinding[] {
  if (finding.kind === 'signature') return [finding]
  return 'of' in finding ? finding.of.flatMap(signatureLeaves) : []
}
