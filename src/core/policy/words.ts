// The words of policies after reading: every default filled in, every text parsed, nothing left to interpret.
// `read.ts` makes these values; nobody else does.

import type { Digest } from '#core/image/digest.ts'
import type { ImagePattern } from '#core/image/pattern.ts'

export type Mode = 'Enforce' | 'Warn' | 'Audit'
export type Layout = 'Tag' | 'Bundle' | 'Lookaside' | 'Extension'
export type Pin = 'TagAndDigest' | 'Digest' | 'InsecureNever'
export type WhenUndetermined = 'Deny' | 'UseLastVerdict' | 'InsecureAdmit'
export type References = 'Any' | 'DigestOnly'
export type Platforms = 'Index' | 'Each' | 'ClusterNodes'
export type Language = 'en' | 'zh'

export type KeyAlgorithm = 'ECDSA-P256' | 'ECDSA-P384' | 'ECDSA-P521' | 'RSA' | 'Ed25519'

export interface AttestorKey {
  readonly name: string
  /** SPKI, PEM. */
  readonly pem: string
  /** SHA-256 of the SPKI in hex: what makes two keys distinct. */
  readonly fingerprint: string
  readonly algorithm: KeyAlgorithm
  /** Milliseconds since the epoch. */
  readonly notBefore?: number
  readonly notAfter?: number
  readonly revoked?: { readonly at: number; readonly reason: 'Superseded' | 'Compromised' }
}

export interface Storage {
  readonly layouts: readonly Layout[]
  /** The repository that holds the signatures, if it is not the image's own. */
  readonly repository?: { readonly registry: string; readonly repository: string }
}

/** Somebody who may vouch. Later kinds join this union. */
export interface Attestor {
  readonly kind: 'key'
  readonly name: string
  /** Changes whenever anything that decides about a signature changes. */
  readonly revision: string
  readonly keys: readonly AttestorKey[]
  readonly storage: Storage
}

export type Identity =
  | { readonly type: 'Any' }
  | { readonly type: 'MatchExact' }
  | { readonly type: 'MatchRepoDigestOrExact' }
  | { readonly type: 'MatchRepository' }
  | { readonly type: 'ExactReference'; readonly reference: string }
  | { readonly type: 'ExactRepository'; readonly repository: string }
  | { readonly type: 'RemapIdentity'; readonly prefix: string; readonly signedPrefix: string }

export interface SignatureDemand {
  readonly kind: 'signature'
  readonly attestor: Attestor
  readonly annotations: Readonly<Record<string, string>>
  readonly identity: Identity
}

export type Requirement =
  | SignatureDemand
  | { readonly kind: 'allOf'; readonly of: readonly Requirement[] }
  | { readonly kind: 'anyOf'; readonly of: readonly Requirement[] }
  | { readonly kind: 'atLeast'; readonly count: number; readonly of: readonly Requirement[] }
  | { readonly kind: 'deny'; readonly message?: string }
  | { readonly kind: 'insecureAcceptAnything' }

export interface Rule {
  /** Where it stands, for people: `rules[0]`. */
  readonly path: string
  readonly images: readonly ImagePattern[]
  readonly exceptImages: readonly ImagePattern[]
  readonly references: References
  readonly platforms: Platforms
  readonly require: Requirement
}

/** A glob over names without separators: `*` is any run of characters. */
export interface NameGlob {
  readonly text: string
  matches(name: string): boolean
}

/** A Kubernetes label selector (meta/v1 LabelSelector). */
export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>
  readonly matchExpressions: readonly {
    readonly key: string
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
    readonly values: readonly string[]
  }[]
}

/** admissionregistration.k8s.io/v1 RuleWithOperations, as far as it is about resources. */
export interface ResourceRule {
  readonly apiGroups: readonly string[]
  readonly apiVersions: readonly string[]
  readonly resources: readonly string[]
  readonly operations: readonly string[]
}

export interface Match {
  /** Absent: every namespace but the exempt ones. */
  readonly namespaces?: readonly NameGlob[]
  readonly excludeNamespaces: readonly NameGlob[]
  readonly namespaceSelector?: LabelSelector
  readonly objectSelector?: LabelSelector
  readonly resourceRules?: readonly ResourceRule[]
}

export interface Policy {
  readonly kind: 'ClusterTrustPolicy' | 'TrustPolicy'
  readonly name: string
  /** Of a `TrustPolicy`: the only namespace in which it speaks. */
  readonly namespace?: string
  /** Changes whenever the policy or one of its attestors does. */
  readonly revision: string
  readonly mode: Mode
  readonly match: Match
  readonly rules: readonly Rule[]
  readonly otherwise: 'Deny' | 'Accept'
  readonly pin: Pin
  readonly whenUndetermined: WhenUndetermined
  /** Milliseconds; with `UseLastVerdict`. */
  readonly lastVerdictMaxAge?: number
  readonly language: Language
}

/** What nothing makes trusted. */
export interface DenyList {
  readonly kind: 'DenyList'
  readonly name: string
  /** Changes whenever the list does. */
  readonly revision: string
  readonly digests: readonly Digest[]
  /** Fingerprints, as those of the keys of attestors. */
  readonly keys: readonly string[]
  readonly reason: string
}

/** A namespace as far as selectors look at it. */
export interface NamespaceLabels {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}
