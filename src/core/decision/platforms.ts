// `platforms: Each`: an index counts only if each of its platform images satisfies the same requirement by itself,
// as nodes that verify after choosing a platform will demand.

import { codeOf, messageOf } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import type { Descriptor, Manifest } from '#core/image/manifest.ts'
import { dockerListType, ociIndexType, parseManifest } from '#core/image/manifest.ts'
import type { ImageReference } from '#core/image/reference.ts'
import type { Requirement } from '#core/policy/words.ts'
import { isProven } from './finding.ts'
import type { Inquiry } from './inquiry.ts'
import type { PolicyJudgement } from './judgement.ts'
import { judgeRequirement } from './requirement.ts'

/** More platforms than any published image has; each costs the registry as much as an image of its own. */
export const maxPlatforms = 64

const indexTypes: readonly string[] = [ociIndexType, dockerListType]

interface IndexJudged {
  /** What was found about the index itself: trusted. */
  readonly judgement: PolicyJudgement
  readonly require: Requirement
  readonly image: ImageReference
  readonly digest: Digest
  readonly memory: boolean
}

export function judgePlatforms(index: IndexJudged, inquiry: Inquiry): PolicyJudgement | 'open' {
  const { judgement, image, digest } = index
  const fact = inquiry.ask({ kind: 'manifest', at: { registry: image.registry, repository: image.repository }, digest })
  if (fact === undefined) return 'open'
  if (!fact.known) return undetermined(judgement, fact.code, fact.detail)
  let manifest: Manifest
  try {
    manifest = parseManifest(fact.value.bytes, fact.value.mediaType)
  } catch (error) {
    return undetermined(judgement, codeOf(error), messageOf(error))
  }
  if (manifest.kind === 'image') return judgement
  const platforms = manifest.manifests.filter(isRunnable)
  if (platforms.length > maxPlatforms) {
    return undetermined(
      judgement,
      'too-many-platforms',
      `the index lists ${platforms.length} images, more than ${maxPlatforms}`,
    )
  }
  const nested = platforms.find((platform) => indexTypes.includes(platform.mediaType))
  if (nested !== undefined) {
    return undetermined(
      judgement,
      'manifest-unsupported',
      `the index holds another index (${nested.digest}), which \`platforms: Each\` cannot judge`,
    )
  }
  if (platforms.length === 0) return undetermined(judgement, 'platform-unknown', 'the index lists no platform image')
  return judgeEach(index, platforms, inquiry)
}

function judgeEach(index: IndexJudged, platforms: readonly Descriptor[], inquiry: Inquiry): PolicyJudgement | 'open' {
  const { judgement, require, image, memory } = index
  const findings = distinct(platforms).map((platform) => ({
    digest: platform.digest,
    name: nameOf(platform),
    finding: judgeRequirement(require, { image, digest: { known: true, value: platform.digest }, memory }, inquiry),
  }))
  if (findings.some(({ finding }) => finding.state === 'open')) return 'open'
  const judged = { ...judgement, platforms: findings }
  const no = findings.find(({ finding }) => finding.state === 'unsatisfied')
  if (no !== undefined) {
    const { code = 'internal-error', detail = '' } = no.finding
    return {
      ...judged,
      outcome: 'untrusted',
      code: 'platform-untrusted',
      detail: `${no.name} (${no.digest}), ${code}: ${detail}`,
    }
  }
  const unknown = findings.find(({ finding }) => finding.state === 'undetermined')
  if (unknown !== undefined) {
    const { code = 'platform-unknown', detail = '' } = unknown.finding
    return undetermined(judged, code, `platform ${unknown.name}: ${detail}`)
  }
  // Where a child is only let pass, what a node would run is not proven.
  if (!findings.every(({ finding }) => isProven(finding)))
    return { ...judged, outcome: 'accepted', code: 'accepted-by-rule' }
  const ends = [judgement.validUntil, ...findings.map(({ finding }) => finding.validUntil)]
  const known = ends.filter((end) => end !== undefined)
  return known.length > 0 ? { ...judged, validUntil: Math.min(...known) } : judged
}

/** BuildKit lists its attestations as images of an unknown platform; no node ever runs one. */
function isRunnable({ platform }: Descriptor): boolean {
  return !(platform?.os === 'unknown' && platform.architecture === 'unknown')
}

/** An index may name one manifest for several platforms. */
function distinct(platforms: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(platforms.map((platform) => [platform.digest, platform])).values()]
}

function nameOf({ platform }: Descriptor): string {
  return platform === undefined
    ? 'of no named platform'
    : `${platform.os}/${platform.architecture}${platform.variant ? `/${platform.variant}` : ''}`
}

function undetermined(
  judgement: PolicyJudgement,
  code: PolicyJudgement['code'] & string,
  detail: string,
): PolicyJudgement {
  return { ...judgement, outcome: 'undetermined', code, detail }
}
