// The words of ClusterTrustPolicy and TrustPolicy; see `schema.ts`.

import { attestorSpec } from './schema-attestor.ts'
import { matchShape } from './schema-match.ts'
import type { Choice, ObjectShape, Shape, Together, Word } from './shape.ts'
import { choice, later, list, names, object, text } from './shape.ts'
import {
  anyText,
  duration,
  imagePattern,
  imageReference,
  line,
  objectName,
  prefix,
  repository,
} from './text-formats.ts'
import type { Identity, Language, Mode, Pin, Platforms, Policy, References, WhenUndetermined } from './words.ts'

export const modes = {
  Enforce: { doc: 'What is not trusted is refused.' },
  Warn: { doc: 'It is let in with a warning.' },
  Audit: { doc: 'It is only recorded; objects are never changed.' },
} as const satisfies Record<Mode, Choice>

export const otherwises = {
  Deny: { doc: 'An image that no rule covers is refused.' },
  Accept: { doc: 'It is let in unverified, and every output says so.' },
} as const satisfies Record<Policy['otherwise'], Choice>

export const pins = {
  TagAndDigest: { doc: '`repo:tag` becomes `repo:tag@sha256:…`.' },
  Digest: { doc: '`repo:tag` becomes `repo@sha256:…`.' },
  InsecureNever: { doc: 'Nothing is changed: what runs may differ from what was verified.' },
} as const satisfies Record<Pin, Choice>

export const whenUndetermineds = {
  Deny: { doc: 'Refused.' },
  UseLastVerdict: {
    doc: 'Let in during an outage if the last verdict on this digest was `trusted`, not too long ago.',
  },
  InsecureAdmit: {
    doc: 'Let in during an outage, unverified, with a warning. Whoever deploys or pushes much may bring one about.',
  },
} as const satisfies Record<WhenUndetermined, Choice>

export const referenceKinds = {
  Any: { doc: 'By tag or digest.' },
  DigestOnly: { doc: 'By digest; others are refused, and nothing is pinned.' },
} as const satisfies Record<References, Choice>

export const platformKinds = {
  Index: { doc: 'The index itself is signed.' },
  Each: { doc: 'Every image in the index is signed as well.' },
  ClusterNodes: { doc: 'Those that the nodes of the cluster would run.', later: true },
} as const satisfies Record<Platforms, Choice>

export const languages = {
  en: { doc: 'English.' },
  zh: { doc: 'Simplified Chinese.' },
} as const satisfies Record<Language, Choice>

const compats = {
  None: { doc: 'Sealward’s own sentences.' },
  KritisValidationHook: { doc: 'Those of the kritis-validation-hook.', later: true },
  CosignValidator: { doc: 'Those of cosign’s validator.', later: true },
  Cerberus: { doc: 'Those of Cerberus.', later: true },
} as const satisfies Record<string, Choice>

export const identityTypes = {
  Any: { doc: 'Not compared: the digest binds. Images may be mirrored and promoted.' },
  MatchExact: { doc: 'Signed under the very name that is deployed, tag or digest included.' },
  MatchRepoDigestOrExact: { doc: 'The same; deployed by digest, the repository suffices.' },
  MatchRepository: { doc: 'Signed under the same repository.' },
  ExactReference: { doc: 'Signed under `reference`.' },
  ExactRepository: { doc: 'Signed under `repository`.' },
  RemapIdentity: { doc: 'As MatchRepoDigestOrExact, with `prefix` of the deployed name read as `signedPrefix`.' },
} as const satisfies Record<Identity['type'], Choice>

export const identityMembers: Readonly<Record<Identity['type'], readonly string[]>> = {
  Any: [],
  MatchExact: [],
  MatchRepoDigestOrExact: [],
  MatchRepository: [],
  ExactReference: ['reference'],
  ExactRepository: ['repository'],
  RemapIdentity: ['prefix', 'signedPrefix'],
}

const identity = object(
  {
    type: { doc: 'How they are compared.', shape: choice(identityTypes), required: true },
    reference: { doc: 'Of ExactReference.', shape: text(imageReference, 512) },
    repository: { doc: 'Of ExactRepository.', shape: text(repository, 512) },
    prefix: { doc: 'Of RemapIdentity.', shape: text(prefix, 512) },
    signedPrefix: { doc: 'Of RemapIdentity.', shape: text(prefix, 512) },
  },
  { goesWith: { choice: 'type', members: identityMembers } },
)

/** As deep as `allOf`, `anyOf` and `atLeast` may nest; what needs more cannot be explained to whoever is refused. */
export const maxNesting = 3
/** Every leaf may cost a search for signatures. */
const branches: Shape = list({ kind: 'again', name: 'requirement', shape: () => requirement }, { min: 1, max: 32 })

export const requirement: ObjectShape = object(
  {
    signature: {
      doc: 'The attestor has signed the image.',
      shape: object({
        attestor: { doc: 'The name of an attestor.', shape: text(objectName, 253), required: true },
        annotations: {
          doc: 'The signature carries these, each with this value.',
          shape: names(line, text(anyText, 1024), 64),
          default: {},
        },
        identity: {
          doc: 'How the name inside the signature and the deployed name compare.',
          shape: identity,
          default: { type: 'Any' },
        },
      }),
    },
    attestation: later('The attestor has attested something about the image.', 'object'),
    allOf: { doc: 'All of these hold.', shape: branches },
    anyOf: { doc: 'At least one of these holds.', shape: branches },
    atLeast: {
      doc: 'Several of these hold, by distinct keys. For two of three keys of one attestor, list it twice.',
      shape: object(
        {
          count: { doc: 'How many.', shape: { kind: 'integer', min: 1, max: 32 }, required: true },
          of: { doc: 'Of which.', shape: branches, required: true },
        },
        {
          together: [
            {
              rule: 'self.count <= self.of.size()',
              message: 'asks for more than there are; to ask for several keys of one attestor, list it that many times',
              at: 'count',
            },
          ],
        },
      ),
    },
    deny: {
      doc: 'Refused, whoever signed.',
      shape: object({ message: { doc: 'What whoever is refused reads.', shape: text(line, 1024) } }),
    },
    insecureAcceptAnything: { doc: 'Let in unverified.', shape: object({}) },
  },
  { exactlyOne: ['signature', 'attestation', 'allOf', 'anyOf', 'atLeast', 'deny', 'insecureAcceptAnything'] },
)

/** A team's whole catalogue fits; past that a wildcard says more than a list. */
const maxPatterns = 256

const rule = object({
  images: {
    doc: 'Patterns of the images that it governs.',
    shape: list(text(imagePattern, 512), { min: 1, max: maxPatterns }),
    required: true,
  },
  exceptImages: {
    doc: 'Patterns of images that it leaves to the next rule that matches.',
    shape: list(text(imagePattern, 512), { max: maxPatterns, distinct: true }),
    default: [],
  },
  references: { doc: 'How images must be written.', shape: choice(referenceKinds), default: 'Any' },
  platforms: { doc: 'What must be signed of a multi-platform image.', shape: choice(platformKinds), default: 'Index' },
  require: { doc: 'What must hold.', shape: requirement, required: true },
})

const members: Readonly<Record<string, Word>> = {
  mode: { doc: 'What becomes of an image that is not trusted.', shape: choice(modes), default: 'Enforce' },
  match: { doc: 'To which objects it applies; all members must hold.', shape: matchShape },
  rules: {
    doc: 'The most specific matching image pattern governs, inside this one policy.',
    // With 256 patterns each this is more than an object in a cluster can hold.
    shape: list(rule, { min: 1, max: 256 }),
  },
  policyJson: later('A policy.json of containers/image, judged as it is, instead of rules.', 'text'),
  otherwise: {
    doc: 'What becomes of an image that no rule of any matching policy covers.',
    shape: choice(otherwises),
    default: 'Deny',
  },
  pin: { doc: 'How a trusted image is written into the object.', shape: choice(pins), default: 'TagAndDigest' },
  whenUndetermined: {
    doc: 'What happens during an outage of the registry or the network, and then only; not to an image with more than 32 signatures, nor to an object with more than 32 images.',
    shape: choice(whenUndetermineds),
    default: 'Deny',
  },
  lastVerdictMaxAge: { doc: 'How old the last verdict may be, with UseLastVerdict.', shape: text(duration, 32) },
  denial: {
    doc: 'How a refusal is worded.',
    shape: object({
      language: { doc: 'In which language.', shape: choice(languages), default: 'en' },
      compat: { doc: 'In whose sentences.', shape: choice(compats), default: 'None' },
    }),
  },
}

const together: readonly Together[] = [
  {
    rule: 'has(self.rules) || has(self.otherwise) || has(self.policyJson)',
    message: 'needs rules; to refuse everything in scope, write otherwise: Deny',
  },
  {
    rule: "has(self.lastVerdictMaxAge) == (has(self.whenUndetermined) && self.whenUndetermined == 'UseLastVerdict')",
    message: 'goes with whenUndetermined: UseLastVerdict, which needs it, and with nothing else',
    at: 'lastVerdictMaxAge',
  },
  {
    rule: "!has(self.lastVerdictMaxAge) || (duration(self.lastVerdictMaxAge) > duration('0s') && duration(self.lastVerdictMaxAge) <= duration('168h'))",
    message: 'is not between 1s and 168h',
    at: 'lastVerdictMaxAge',
  },
]

export const clusterPolicySpec: ObjectShape = object(members, { together })

export const policySpec: ObjectShape = object(
  {
    ...members,
    attestors: {
      doc: 'Attestors of this policy alone, by name; each is what stands under `spec` of an Attestor.',
      shape: names(objectName, attestorSpec, 64),
      default: {},
    },
  },
  {
    together: [
      ...together,
      {
        // A rule does not see in which namespace the object stands.
        rule: "!has(self.match) || !has(self.match.namespaces) || (self.match.namespaces.size() == 1 && !self.match.namespaces[0].contains('*'))",
        message: 'a TrustPolicy applies in its own namespace only; use a ClusterTrustPolicy',
        at: 'match',
      },
    ],
  },
)
