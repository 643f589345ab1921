// Two sets of policies that differ in one word and in nothing else: the place of the change is computed from the word,
// so that an entry cannot change anything beside it.

import type { Json, Spec } from '../../../support/policy-documents.ts'
import {
  attestor,
  clusterPolicy,
  denyList,
  keySpec,
  namespace,
  rule,
  teamPolicy,
} from '../../../support/policy-documents.ts'
import type { Asked } from './world.ts'
import { ci, release } from './world.ts'

export interface Entry {
  /** As `supportedWords` writes it: `ClusterTrustPolicy spec.pin: Digest`. */
  readonly word: string
  /** The spec around the word; `[]` in the word is the first element there. */
  readonly around?: Spec
  /** What the word says; a word that is itself a value says that. */
  readonly given?: Json
  /** What stands there in the other policy; absent: the member does not. */
  readonly instead?: Json
  /** In place of the object that the member stands in, where one of several members has to be there. */
  readonly swap?: Spec
  readonly asked?: Asked
  /** What is looked for in the text of a denial. */
  readonly telling?: RegExp
  /** What comes of the policy with the word, and of the other. */
  readonly answers: readonly [given: string, instead: string]
}

export const releaseKey: Spec = { name: 'release', pem: release.publicKey.pem }
export const ciKey: Spec = { name: 'ci', pem: ci.publicKey.pem }
export const byRelease: Spec = { signature: { attestor: 'release' } }
export const byCi: Spec = { signature: { attestor: 'ci' } }
/** Signed by `release`, whatever the image. */
export const ruled: Spec = { rules: [rule(['**'])] }

const live = namespace('prod', { stage: 'live' })

/** The documents with the word, and those without it. */
export function pairOf(entry: Entry): readonly [readonly Json[], readonly Json[]] {
  const { kind, path, value } = wordParts(entry.word)
  const around = entry.around ?? (kind === 'Attestor' ? keySpec(releaseKey) : ruled)
  const given = documents(kind, changed(around, path, value ?? entry.given))
  const other =
    entry.swap === undefined ? changed(around, path, entry.instead) : exchanged(around, path.slice(0, -1), entry.swap)
  return [given, documents(kind, other)]
}

function wordParts(word: string): { kind: string; path: readonly (string | number)[]; value?: string } {
  const [, kind = '', place = '', value] = /^(\S+) spec\.([^:]+)(?:: (.+))?$/.exec(word) ?? []
  const path = place.split('.').flatMap((name) => (name.endsWith('[]') ? [name.slice(0, -2), 0] : [name]))
  return value === undefined ? { kind, path } : { kind, path, value }
}

/** The same spec with another object in that place; an empty path is the spec itself. */
function exchanged(spec: Spec, path: readonly (string | number)[], value: Spec): Spec {
  return path.length === 0 ? value : changed(spec, path, value)
}

function changed(spec: Spec, path: readonly (string | number)[], value: Json | undefined): Spec {
  const copy = structuredClone(spec)
  let parent: Record<string | number, unknown> = copy
  for (const step of path.slice(0, -1)) {
    const next = parent[step]
    if (typeof next !== 'object' || next === null) throw new Error(`the spec has no ${step} of ${path.join('.')}`)
    parent = next as Record<string | number, unknown>
  }
  const last = path.at(-1) ?? ''
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return copy
}

function documents(kind: string, spec: Spec): readonly Json[] {
  const ciAttestor = attestor('ci', keySpec(ciKey))
  const releaseAttestor = attestor('release', keySpec(releaseKey))
  switch (kind) {
    case 'Attestor':
      return [attestor('release', spec), clusterPolicy(ruled), live]
    case 'ClusterTrustPolicy':
      return [releaseAttestor, ciAttestor, clusterPolicy(spec), live]
    case 'TrustPolicy':
      return [releaseAttestor, ciAttestor, teamPolicy(spec, 'prod'), live]
    case 'DenyList':
      return [releaseAttestor, ciAttestor, clusterPolicy(ruled), denyList(spec), live]
    default:
      throw new Error(`no policies are made for ${kind}`)
  }
}
