// Objects that an API server has to refuse, each with what it says of the place, and each beside a right one that
// differs in one member.

import {
  attestor,
  clusterPolicy,
  denyList,
  type Json,
  keySpec,
  pems,
  rule,
  type Spec,
  signedByRelease,
  teamPolicy,
} from '../support/policy-documents.ts'

export interface WrongObject {
  readonly title: string
  readonly wrong: Json
  readonly right: Json
  /** All of it is in the answer. */
  readonly says: readonly string[]
}

type Row = readonly [title: string, wrong: Spec, right: Spec, ...says: readonly string[]]

const policyRows: readonly Row[] = [
  [
    'an unknown member',
    { othrwise: 'Deny', otherwise: 'Deny' },
    { otherwise: 'Deny' },
    'unknown field "spec.othrwise"',
  ],
  ['a list that is text', { rules: 'all' }, { rules: [rule(['**'])] }, 'spec.rules', 'must be of type array: "string"'],
  [
    'a value that none offers',
    { otherwise: 'Allow' },
    { otherwise: 'Accept' },
    'spec.otherwise: Unsupported value: "Allow"',
  ],
  [
    'a mode in another spelling',
    silent({ mode: 'enforce' }),
    silent({ mode: 'Enforce' }),
    'spec.mode: Unsupported value: "enforce"',
  ],
  [
    'a boolean for a mode',
    silent({ mode: true }),
    silent({ mode: 'Audit' }),
    'spec.mode in body must be of type string: "boolean"',
  ],
  [
    'no rules and nothing else',
    { mode: 'Enforce' },
    { mode: 'Enforce', otherwise: 'Deny' },
    'spec: Invalid value',
    'needs rules; to refuse everything in scope, write otherwise: Deny',
  ],
  [
    'an empty list of rules',
    { rules: [] },
    { rules: [rule(['**'])] },
    'spec.rules: Invalid value: 0: spec.rules in body should have at least 1 items',
  ],
  [
    'more rules than are read',
    { rules: many(257, (n) => rule([`a.example.com/${n}`])) },
    { rules: many(256, (n) => rule([`a.example.com/${n}`])) },
    'spec.rules: Too many: 257',
  ],
  [
    'a rule without images',
    { rules: [{ require: signedByRelease }] },
    { rules: [rule(['**'])] },
    'spec.rules[0].images: Required value',
  ],
  [
    'a pattern that is too long',
    { rules: [rule([`a.example.com/${'b'.repeat(499)}`])] },
    { rules: [rule([`a.example.com/${'b'.repeat(200)}`])] },
    'spec.rules[0].images[0]: Too long: may not be more than 512',
  ],
  [
    'a policy.json, which is of a version to come',
    silent({ policyJson: '{}' }),
    silent({}),
    'spec.policyJson',
    'is not supported yet',
  ],
  [
    'conditions of a match, which are of a version to come',
    silent({ match: { matchConditions: [] } }),
    silent({ match: {} }),
    'spec.match.matchConditions',
    'is not supported yet',
  ],
  [
    'platforms of a version to come',
    { rules: [rule(['**'], signedByRelease, { platforms: 'ClusterNodes' })] },
    { rules: [rule(['**'], signedByRelease, { platforms: 'Each' })] },
    'spec.rules[0].platforms: Unsupported value: "ClusterNodes"',
  ],
  [
    'sentences of a version to come',
    silent({ denial: { compat: 'Cerberus' } }),
    silent({ denial: { compat: 'None' } }),
    'spec.denial.compat: Unsupported value: "Cerberus"',
  ],
  [
    'an age without its use',
    silent({ lastVerdictMaxAge: '24h' }),
    silent({ lastVerdictMaxAge: '24h', whenUndetermined: 'UseLastVerdict' }),
    'spec.lastVerdictMaxAge',
    'goes with whenUndetermined: UseLastVerdict',
  ],
  [
    'a use without its age',
    silent({ whenUndetermined: 'UseLastVerdict' }),
    silent({ whenUndetermined: 'Deny' }),
    'spec.lastVerdictMaxAge',
    'goes with whenUndetermined: UseLastVerdict',
  ],
  ['an age beyond a week', aged('168h1s'), aged('168h'), 'spec.lastVerdictMaxAge', 'is not between 1s and 168h'],
  ['an age of nothing', aged('0s'), aged('1s'), 'spec.lastVerdictMaxAge', 'is not between 1s and 168h'],
  ['an age in another unit', aged('7d'), aged('7h'), 'spec.lastVerdictMaxAge in body should match'],
  [
    'a namespace that is none',
    silent({ match: { namespaces: ['Prod'] } }),
    silent({ match: { namespaces: ['prod'] } }),
    'spec.match.namespaces[0] in body should match',
  ],
  [
    'a namespace twice',
    silent({ match: { namespaces: ['a', 'a'] } }),
    silent({ match: { namespaces: ['a', 'b'] } }),
    'spec.match.namespaces[1]: Duplicate value: "a"',
  ],
  [
    'a kind for a resource',
    resources('Pod'),
    resources('pods'),
    'spec.match.resourceRules[0].resources[0] in body should match',
  ],
  [
    'In without values',
    selector({ operator: 'In' }),
    selector({ operator: 'In', values: ['a'] }),
    'spec.match.namespaceSelector.matchExpressions[0]',
    'must validate one and only one schema (oneOf)',
  ],
  [
    'Exists with values',
    selector({ operator: 'Exists', values: ['a'] }),
    selector({ operator: 'Exists' }),
    'spec.match.namespaceSelector.matchExpressions[0]',
    'must validate one and only one schema (oneOf)',
  ],
  [
    'an object of labels that is too large',
    labels(65),
    labels(64),
    'spec.match.namespaceSelector.matchLabels: Too many: 65',
  ],
]

const requirementRows: readonly Row[] = [
  [
    'two of exactly one',
    { deny: {}, ...signedByRelease },
    { deny: {} },
    'spec.rules[0].require: Too many: 2: must have at most 1',
  ],
  ['none of exactly one', {}, { deny: {} }, 'spec.rules[0].require in body should have at least 1 properties'],
  [
    'one of a version to come',
    { attestation: { attestor: 'release' } },
    signedByRelease,
    'unknown field "spec.rules[0].require.attestation"',
  ],
  [
    'two of exactly one, further inside',
    { allOf: [{ anyOf: [{ deny: {}, ...signedByRelease }] }] },
    { allOf: [{ anyOf: [{ deny: {} }] }] },
    'spec.rules[0].require.allOf[0].anyOf[0]: Too many: 2',
  ],
  [
    'a misspelt member, further inside',
    { anyOf: [{ allOf: [{ signature: { attestor: 'release', anotations: {} } }] }] },
    { anyOf: [{ allOf: [{ signature: { attestor: 'release', annotations: {} } }] }] },
    'unknown field "spec.rules[0].require.anyOf[0].allOf[0].signature.anotations"',
  ],
  ['groups too deep', nested(4), nested(3), 'unknown field "spec.rules[0].require.anyOf[0].anyOf[0].anyOf[0].anyOf"'],
  [
    'an empty group',
    { allOf: [] },
    { allOf: [{ deny: {} }] },
    'spec.rules[0].require.allOf in body should have at least 1 items',
  ],
  [
    'a group that is too long',
    { anyOf: many(33, () => signedByRelease) },
    { anyOf: many(32, () => signedByRelease) },
    'spec.rules[0].require.anyOf: Too many: 33',
  ],
  [
    'more asked for than there are',
    atLeast(2, 1),
    atLeast(1, 1),
    'spec.rules[0].require.atLeast.count',
    'asks for more than there are',
  ],
  [
    'more asked for than there are, innermost',
    { allOf: [{ anyOf: [atLeast(2, 1)] }] },
    { allOf: [{ anyOf: [atLeast(1, 1)] }] },
    'spec.rules[0].require.allOf[0].anyOf[0].atLeast.count',
    'asks for more than there are',
  ],
  [
    'a count that is text',
    { atLeast: { count: '1', of: [signedByRelease] } },
    atLeast(1, 1),
    'spec.rules[0].require.atLeast.count in body must be of type integer: "string"',
  ],
  [
    'a count of nothing',
    atLeast(0, 1),
    atLeast(1, 1),
    'spec.rules[0].require.atLeast.count in body should be greater than or equal to 1',
  ],
  [
    'an attestor in capitals',
    { signature: { attestor: 'Release' } },
    signedByRelease,
    'spec.rules[0].require.signature.attestor in body should match',
  ],
  [
    'an annotation that is a number',
    annotated(1),
    annotated('1'),
    'spec.rules[0].require.signature.annotations.team in body must be of type string: "integer"',
  ],
  [
    'an identity that names none',
    identity({ type: 'ExactReference' }),
    identity({ type: 'ExactReference', reference: 'a.example.com/b:v1' }),
    'spec.rules[0].require.signature.identity',
    'one and only one schema (oneOf)',
  ],
  [
    'an identity that names too much',
    identity({ type: 'Any', repository: 'a.example.com/b' }),
    identity({ type: 'ExactRepository', repository: 'a.example.com/b' }),
    'spec.rules[0].require.signature.identity',
    'one and only one schema (oneOf)',
  ],
  [
    'an identity of half a mapping',
    { allOf: [identity({ type: 'RemapIdentity', prefix: 'a.example.com' })] },
    { allOf: [identity({ type: 'RemapIdentity', prefix: 'a.example.com', signedPrefix: 'b.example.com' })] },
    'spec.rules[0].require.allOf[0].signature.identity',
    'one and only one schema (oneOf)',
  ],
  [
    'a message of white space',
    { deny: { message: ' ' } },
    { deny: { message: 'no' } },
    'spec.rules[0].require.deny.message in body should match',
  ],
  [
    'something to say about accepting',
    { insecureAcceptAnything: { reason: 'x' } },
    { insecureAcceptAnything: {} },
    'unknown field "spec.rules[0].require.insecureAcceptAnything.reason"',
  ],
]

const pem = pems.first
const key = { name: 'a', pem }

const attestorRows: readonly Row[] = [
  ['an attestor without a way to speak', {}, keySpec(key), 'spec', 'needs key'],
  [
    'an attestor that speaks in two ways',
    { ...keySpec(key), keyless: {} },
    keySpec(key),
    'spec.keyless',
    'is not supported yet',
  ],
  ['an attestor of a version to come', { keyless: {} }, keySpec(key), 'spec.keyless', 'is not supported yet'],
  [
    'an attestor without keys',
    { key: { keys: [] } },
    keySpec(key),
    'spec.key.keys in body should have at least 1 items',
  ],
  ['a key without its name', keySpec({ pem }), keySpec(key), 'spec.key.keys[0].name: Required value'],
  [
    'a key without its bytes',
    keySpec({ name: 'a' }),
    keySpec(key),
    'spec.key.keys[0]',
    'needs exactly one of pem, secretRef',
  ],
  ['a key in a file', keySpec({ name: 'a', file: 'a.pub' }), keySpec(key), 'unknown field "spec.key.keys[0].file"'],
  [
    'a key in a service of a version to come',
    keySpec({ name: 'a', kms: 'awskms:///alias/a' }),
    keySpec(key),
    'spec.key.keys[0].kms',
    'is not supported yet',
  ],
  [
    'two keys of one name',
    keySpec(key, { name: 'a', pem: pems.second }),
    keySpec(key, { name: 'b', pem: pems.second }),
    'spec.key.keys[1]: Duplicate value',
  ],
  [
    'an instant that is a day',
    keySpec({ ...key, notAfter: '2030-01-01' }),
    keySpec({ ...key, notAfter: '2030-01-01T00:00:00z' }),
    'spec.key.keys[0].notAfter in body should match',
  ],
  [
    'a life that ends before it begins',
    life('2030-01-01T00:00:00Z', '2030-01-01T00:00:00+00:00'),
    life('2030-01-01t00:00:00z', '2030-01-01T00:00:00-01:00'),
    'spec.key.keys[0].notAfter',
    'must be later than notBefore',
  ],
  [
    'a revocation without its day',
    keySpec({ ...key, revoked: { reason: 'Compromised' } }),
    keySpec({ ...key, revoked: { reason: 'Compromised', at: '2030-01-01T00:00:00Z' } }),
    'spec.key.keys[0].revoked.at: Required value',
  ],
  [
    'a log of a version to come',
    { ...keySpec(key), log: { mode: 'Require' } },
    { ...keySpec(key), log: { mode: 'Ignore' } },
    'spec.log.mode: Unsupported value: "Require"',
  ],
  [
    'a layout of a version to come',
    stored({ layouts: ['Lookaside'] }),
    stored({ layouts: ['Tag'] }),
    'spec.storage.layouts[0]: Unsupported value: "Lookaside"',
  ],
  [
    'a layout twice',
    stored({ layouts: ['Tag', 'Tag'] }),
    stored({ layouts: ['Tag', 'Bundle'] }),
    'spec.storage.layouts[1]: Duplicate value: "Tag"',
  ],
]

const teamRows: readonly Row[] = [
  [
    'another namespace beside its own',
    silent({ match: { namespaces: ['team', 'prod'] } }),
    silent({ match: { namespaces: ['team'] } }),
    'spec.match',
    'in its own namespace only',
  ],
  [
    'a wildcard of namespaces',
    silent({ match: { namespaces: ['te*'] } }),
    silent({ match: { namespaces: ['team'] } }),
    'spec.match',
    'in its own namespace only',
  ],
  ['an attestor inside that has no key', inside({ log: {} }), inside(keySpec(key)), 'spec.attestors[own]', 'needs key'],
  [
    'a life inside that ends before it begins',
    inside(life('2031-01-01T00:00:00Z', '2030-01-01T00:00:00Z')),
    inside(life('2030-01-01T00:00:00Z', '2031-01-01T00:00:00Z')),
    'spec.attestors[own].key.keys[0].notAfter',
    'must be later than notBefore',
  ],
]

const digest = `sha256:${'a'.repeat(64)}`
const keys = ['b'.repeat(64)]

const denyRows: readonly Row[] = [
  ['a list of nothing', {}, { keys }, 'spec: Invalid value', 'needs digests or keys'],
  ['a list of no digests', { digests: [] }, { digests: [digest] }, 'spec.digests in body should have at least 1 items'],
  [
    'a digest in capitals',
    { digests: [digest.replace('a', 'A')] },
    { digests: [digest] },
    'spec.digests[0] in body should match',
  ],
  [
    'a digest without its algorithm',
    { digests: ['a'.repeat(64)] },
    { digests: [digest] },
    'spec.digests[0] in body should match',
  ],
  [
    'a digest twice',
    { digests: [digest, digest] },
    { digests: [digest, `sha512:${'a'.repeat(128)}`] },
    'spec.digests[1]: Duplicate value',
  ],
  ['a key as PEM', { keys: [pems.first] }, { keys }, 'spec.keys[0]: Too long'],
  ['half a key', { keys: ['b'.repeat(63)] }, { keys }, 'spec.keys[0] in body should match'],
  [
    'an identity, which is of a version to come',
    { keys, identities: [{}] },
    { keys },
    'spec.identities',
    'is not supported yet',
  ],
  ['a reason of two lines', { keys, reason: 'a\nb' }, { keys, reason: 'a b' }, 'spec.reason in body should match'],
  [
    'a reason that turns around',
    { keys, reason: 'a\u202eb' },
    { keys, reason: 'a – 好' },
    'spec.reason in body should match',
  ],
  ['a list without its reason', { keys, reason: undefined }, { keys, reason: 'stolen' }, 'spec.reason: Required value'],
  [
    'more digests than are read',
    { digests: digests(4_097) },
    { digests: digests(4_096) },
    'spec.digests: Too many: 4097',
  ],
  [
    'more keys than are read',
    { keys: fingerprints(1_025) },
    { keys: fingerprints(1_024) },
    'spec.keys: Too many: 1025',
  ],
]

export const wrongObjects: readonly WrongObject[] = [
  ...policyRows.map((row) => object(row, (spec) => clusterPolicy(spec))),
  ...requirementRows.map((row) => object(row, (require) => clusterPolicy({ rules: [rule(['**'], require)] }))),
  ...attestorRows.map((row) => object(row, (spec) => attestor('other', spec))),
  ...denyRows.map((row) => object(row, (spec) => denyList(spec))),
  ...teamRows.map((row) => object(row, (spec) => teamPolicy(spec))),
  named('a name with a capital', 'Production', 'production', 'metadata.name: Invalid value: "Production"'),
  named('a name that is too long', 'a'.repeat(254), 'a'.repeat(253), 'metadata.name: Invalid value'),
  {
    title: 'no spec',
    wrong: { apiVersion: 'sealward.dev/v1alpha1', kind: 'ClusterTrustPolicy', metadata: { name: 'a' } },
    right: clusterPolicy({ otherwise: 'Deny' }, 'a'),
    says: ['spec: Required value'],
  },
]

function object([title, wrong, right, ...says]: Row, document: (spec: Spec) => Json): WrongObject {
  return { title, wrong: document(wrong), right: document(right), says }
}

function named(title: string, wrong: string, right: string, ...says: readonly string[]): WrongObject {
  const document = (name: string) => clusterPolicy({ otherwise: 'Deny' }, name)
  return { title, wrong: document(wrong), right: document(right), says }
}

function many(count: number, each: (index: number) => Spec): readonly Spec[] {
  return Array.from({ length: count }, (_, index) => each(index))
}

function digests(count: number): readonly string[] {
  return fingerprints(count).map((each) => `sha256:${each}`)
}

function fingerprints(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${index}`.padStart(64, '0'))
}

function silent(spec: Spec): Spec {
  return { otherwise: 'Deny', ...spec }
}

function aged(lastVerdictMaxAge: string): Spec {
  return silent({ whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge })
}

function resources(name: string): Spec {
  return silent({ match: { resourceRules: [{ resources: [name] }] } })
}

function selector(expression: Spec): Spec {
  return silent({ match: { namespaceSelector: { matchExpressions: [{ key: 'a', ...expression }] } } })
}

function labels(count: number): Spec {
  const matchLabels = Object.fromEntries(Array.from({ length: count }, (_, index) => [`l${index}`, '']))
  return silent({ match: { namespaceSelector: { matchLabels } } })
}

function nested(depth: number): Spec {
  return depth === 0 ? signedByRelease : { anyOf: [nested(depth - 1)] }
}

function atLeast(count: number, of: number): Spec {
  return { atLeast: { count, of: many(of, () => signedByRelease) } }
}

function annotated(team: Json): Spec {
  return { signature: { attestor: 'release', annotations: { team } } }
}

function identity(identityOf: Spec): Spec {
  return { signature: { attestor: 'release', identity: identityOf } }
}

function life(notBefore: string, notAfter: string): Spec {
  return keySpec({ name: 'a', pem: pems.first, notBefore, notAfter })
}

function stored(storage: Spec): Spec {
  return { ...keySpec({ name: 'a', pem: pems.first }), storage }
}

function inside(spec: Spec): Spec {
  return { otherwise: 'Deny', attestors: { own: spec } }
}
