// The format `cosign`: classic signatures under the tag `<algorithm>-<hex>.sig` beside the image. One request for the
// tag's manifest, one for each payload that differs.

import type { Format, Gathering } from '#core/decision/format.ts'
import type { Digest } from '#core/image/digest.ts'
import { digestHex, fallbackTag, maxTagLength } from '#core/image/digest.ts'
import { gatherLayers, verifySimpleSigning } from '#signature/simple-signing.ts'
import { readSignatureManifest } from '#signature/stored.ts'

const nothing: Gathering = { questions: [], materials: [], oddities: [], gaps: [] }

export function signatureTag(digest: Digest): string {
  return `${fallbackTag(digest)}.sig`
}

export const cosign: Format = {
  name: 'cosign',
  layout: 'Tag',
  serves: (attestor) => attestor.kind === 'key',
  ask(subject, facts) {
    const tag = signatureTag(subject.digest)
    if (tag.length > maxTagLength) return nothing
    const question = { kind: 'tagged', at: subject.signatures, tag } as const
    const fact = facts.about(question)
    if (fact === undefined) return { ...nothing, questions: [question] }
    const place = `the tag ${shortTag(subject.digest)}`
    if (!fact.known) return { ...nothing, gaps: [{ place, code: fact.code, detail: fact.detail }] }
    if (fact.value === null) return nothing
    const manifest = readSignatureManifest(fact.value)
    if (typeof manifest === 'string') {
      return { ...nothing, oddities: [{ place, code: 'layer-malformed', detail: manifest }] }
    }
    return gatherLayers(manifest, place, subject.signatures, facts)
  },
  verify: verifySimpleSigning,
}

function shortTag(digest: Digest): string {
  const hex = digestHex(digest)
  return signatureTag(digest).replace(hex, `${hex.slice(0, 12)}…`)
}
