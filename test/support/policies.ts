// Policies made by hand, and the real matching of them: for tests that are about judging, not about reading YAML.

import { createHash } from 'node:crypto'
import { parseImagePattern } from '#core/image/pattern.ts'
import type { MatchedPolicies } from '#core/policy/match.ts'
import { policyRevision, revisionOf } from '#core/policy/revision.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import type { Attestor, AttestorKey, DenyList, Policy, Requirement, Rule, SignatureDemand } from '#core/policy/words.ts'
import { toyKey } from './toy-format.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

export type KeyLife = Pick<AttestorKey, 'notBefore' | 'notAfter' | 'revoked'>

export interface AttestorParts {
  /** Names of toy keys; the attestor's own name if absent. */
  readonly keys?: readonly string[]
  readonly life?: Readonly<Record<string, KeyLife>>
  readonly storage?: Partial<Attestor['storage']>
}

export function attestor(name: string, { keys = [name], life = {}, storage = {} }: AttestorParts = {}): Attestor {
  const parts = {
    kind: 'key',
    name,
    keys: keys.map((key): AttestorKey => {
      return { name: key, pem: key, fingerprint: toyKey(key), algorithm: 'Ed25519', ...life[key] }
    }),
    storage: { layouts: ['Tag', 'Bundle'], ...storage },
  } as const
  return { ...parts, revision: revisionOf(sha256, parts) }
}

export function signed(
  by: Attestor | string,
  parts: Partial<Omit<SignatureDemand, 'kind' | 'attestor'>> = {},
): SignatureDemand {
  const who = typeof by === 'string' ? attestor(by) : by
  return { kind: 'signature', attestor: who, annotations: {}, identity: { type: 'Any' }, ...parts }
}

export const allOf = (...of: readonly Requirement[]): Requirement => ({ kind: 'allOf', of })
export const anyOf = (...of: readonly Requirement[]): Requirement => ({ kind: 'anyOf', of })
export const atLeast = (count: number, ...of: readonly Requirement[]): Requirement => ({ kind: 'atLeast', count, of })
export const anything: Requirement = { kind: 'insecureAcceptAnything' }
export const deny = (message?: string): Requirement => ({ kind: 'deny', ...(message === undefined ? {} : { message }) })

export interface RuleParts extends Partial<Pick<Rule, 'references' | 'platforms'>> {
  readonly images?: readonly string[]
  readonly exceptImages?: readonly string[]
}

export function rule(
  require: Requirement,
  { images = ['**'], exceptImages = [], ...rest }: RuleParts = {},
): Omit<Rule, 'path'> {
  return {
    images: images.map(parseImagePattern),
    exceptImages: exceptImages.map(parseImagePattern),
    references: 'Any',
    platforms: 'Index',
    require,
    ...rest,
  }
}

export type PolicyParts = Partial<Omit<Policy, 'name' | 'rules' | 'revision'>>

export function policy(name: string, rules: readonly Omit<Rule, 'path'>[], parts: PolicyParts = {}): Policy {
  const made = {
    kind: parts.namespace === undefined ? 'ClusterTrustPolicy' : 'TrustPolicy',
    name,
    mode: 'Enforce',
    match: { excludeNamespaces: [] },
    rules: rules.map((each, index) => ({ path: `rules[${index}]`, ...each })),
    otherwise: 'Deny',
    pin: 'TagAndDigest',
    whenUndetermined: 'Deny',
    language: 'en',
    ...parts,
  } as const
  return { ...made, revision: policyRevision(sha256, made) }
}

export type DenyListParts = Partial<Pick<DenyList, 'digests' | 'keys' | 'reason'>>

/** @param keys names of toy keys */
export function denying({ digests = [], keys = [], reason = 'stolen' }: DenyListParts, name = 'leaked'): DenyList {
  const made = { kind: 'DenyList', name, digests, keys: keys.map(toyKey), reason } as const
  return { ...made, revision: revisionOf(sha256, made) }
}

/** What applies to a Pod that is created in this namespace. */
export function matching(
  policies: readonly Policy[],
  namespace = 'prod',
  denyLists: readonly DenyList[] = [],
): MatchedPolicies {
  return compilePolicySet({ policies, attestors: [], denyLists, namespaces: [], revision: '1' }).match({
    namespace,
    objectLabels: {},
    apiGroup: '',
    apiVersion: 'v1',
    resource: 'pods',
    operation: 'CREATE',
  })
}
