// The readers by themselves, on documents whose shape has been checked: what cannot be read whole gives nothing. The door
// in `read.ts` drops every object that has a problem as well; no verdict may hang on that alone.

import { describe, expect, test } from 'vitest'
import type { AttestorContext } from '#core/policy/read-attestor.ts'
import { readAttestor } from '#core/policy/read-attestor.ts'
import { readMatch } from '#core/policy/read-match.ts'
import type { PolicyHead } from '#core/policy/read-policy.ts'
import { readPolicy } from '#core/policy/read-policy.ts'
import { readRequirement } from '#core/policy/read-requirement.ts'
import { attestor } from '../../support/policies.ts'
import type { Spec } from '../../support/policy-documents.ts'
import { pems, toolsWith } from '../../support/policy-documents.ts'

const known = attestor('release')
const report = (): void => undefined
const context = {
  report,
  attestor: ({ value }: { readonly value: unknown }) => (value === 'release' ? known : undefined),
  revision: () => '1',
}
const field = (value: unknown) => ({ value, path: [] })

const signature = { attestor: 'release', annotations: {}, identity: { type: 'Any' } }
const rule: Spec = {
  images: ['a.example.com/b'],
  exceptImages: [],
  references: 'Any',
  platforms: 'Index',
  require: { signature },
}
const spec: Spec = {
  match: { excludeNamespaces: [] },
  rules: [rule],
  mode: 'Enforce',
  otherwise: 'Deny',
  pin: 'TagAndDigest',
  whenUndetermined: 'Deny',
}
const cluster: PolicyHead = { kind: 'ClusterTrustPolicy', name: 'production' }

describe('a policy', () => {
  const read = (changes: Spec = {}, head = cluster) => readPolicy(head, field({ ...spec, ...changes }), context)

  test('is read where all of it is right', () => {
    expect(read()).toMatchObject({ name: 'production', mode: 'Enforce', rules: [{ path: 'rules[0]' }] })
    expect(read({}, { kind: 'TrustPolicy', name: 'p', namespace: 'team' })).toMatchObject({ namespace: 'team' })
    expect(read({ denial: { language: 'zh' } })).toMatchObject({ language: 'zh' })
    expect(read({ whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: '168h' })).toBeDefined()
  })

  test.each<[string, Spec]>([
    ['mode', { mode: 'Never' }],
    ['otherwise', { otherwise: 'Never' }],
    ['pin', { pin: 'Never' }],
    ['whenUndetermined', { whenUndetermined: 'Never' }],
    ['language', { denial: { language: 'xx' } }],
    ['lastVerdictMaxAge without its use', { lastVerdictMaxAge: '1h' }],
    ['lastVerdictMaxAge, which is missing', { whenUndetermined: 'UseLastVerdict' }],
    ['lastVerdictMaxAge, which is no duration', { whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: 'x' }],
    ['lastVerdictMaxAge, which is nothing', { whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: '0s' }],
    ['lastVerdictMaxAge, which is too long', { whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: '169h' }],
    ['a selector of match', { match: { namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'Is' }] } } }],
    ['a pattern of a rule', { rules: [{ ...rule, images: ['**x'] }] }],
    ['one of two patterns', { rules: [{ ...rule, images: ['a.example.com/b', '**x'] }] }],
    ['an excepted pattern', { rules: [{ ...rule, exceptImages: ['**x'] }] }],
    ['references of a rule', { rules: [{ ...rule, references: 'Some' }] }],
    ['platforms of a rule', { rules: [{ ...rule, platforms: 'Some' }] }],
    ['the requirement of a rule', { rules: [{ ...rule, require: {} }] }],
    ['one of two rules', { rules: [rule, { ...rule, images: ['a.example.com/c'], platforms: 'Some' }] }],
  ])('is nothing for the sake of %s', (_, changes) => {
    expect(read(changes)).toBeUndefined()
  })

  test('is nothing without a name, nor without the namespace that it needs', () => {
    expect(read({}, { ...cluster, name: undefined })).toBeUndefined()
    expect(read({}, { kind: 'TrustPolicy', name: 'p' })).toBeUndefined()
  })
})

describe('a requirement', () => {
  const read = (require: Spec) => readRequirement(field(require), context)
  const two = [{ signature }, { signature }]

  test.each<[string, Spec]>([
    ['a signature', { signature }],
    ['allOf', { allOf: two }],
    ['anyOf', { anyOf: two }],
    ['atLeast', { atLeast: { count: 2, of: two } }],
    ['deny', { deny: {} }],
    ['insecureAcceptAnything', { insecureAcceptAnything: {} }],
    ['one beside what is not there', { signature, deny: undefined }],
    [
      'RemapIdentity',
      { signature: { ...signature, identity: { type: 'RemapIdentity', prefix: 'a.io', signedPrefix: 'b.io' } } },
    ],
    ['ExactReference', { signature: { ...signature, identity: { type: 'ExactReference', reference: 'a.io/b:1' } } }],
    ['ExactRepository', { signature: { ...signature, identity: { type: 'ExactRepository', repository: 'a.io/b' } } }],
  ])('is read: %s', (_, require) => {
    expect(read(require)).toBeDefined()
  })

  const identity = (value: Spec): Spec => ({ signature: { ...signature, identity: value } })
  test.each<[string, Spec]>([
    ['two kinds at once', { signature, deny: {} }],
    ['no kind', {}],
    ['a kind that is none', { never: {} }],
    ['an attestor that is not known', { signature: { ...signature, attestor: 'x' } }],
    ['an attestor that is no text', { signature: { ...signature, attestor: 1 } }],
    ['an identity that is none', identity({ type: 'None' })],
    ['an identity with too much', identity({ type: 'Any', reference: 'a.io/b:1' })],
    ['an exact reference that is missing', identity({ type: 'ExactReference' })],
    ['an exact reference without tag', identity({ type: 'ExactReference', reference: 'a.io/b' })],
    ['an exact reference that is none', identity({ type: 'ExactReference', reference: '/' })],
    ['an exact repository with a tag', identity({ type: 'ExactRepository', repository: 'a.io/b:1' })],
    ['an exact repository that is none', identity({ type: 'ExactRepository', repository: '/' })],
    ['a prefix that is missing', identity({ type: 'RemapIdentity', signedPrefix: 'b.io' })],
    ['a signed prefix that is missing', identity({ type: 'RemapIdentity', prefix: 'a.io' })],
    ['a prefix that is none', identity({ type: 'RemapIdentity', prefix: 'a', signedPrefix: 'b.io' })],
    ['a signed prefix that is none', identity({ type: 'RemapIdentity', prefix: 'a.io', signedPrefix: 'b' })],
    ['a prefix with a tag', identity({ type: 'RemapIdentity', prefix: 'a.io/b:1', signedPrefix: 'b.io' })],
    ['one of two that is wrong', { allOf: [{ signature }, {}] }],
    ['none of which there is any', { anyOf: [] }],
    ['more than there are', { atLeast: { count: 3, of: two } }],
    ['a count of what cannot be counted', { atLeast: { count: 1, of: [{ signature }, { deny: {} }] } }],
    ['a count of what accepts anything', { atLeast: { count: 1, of: [{ insecureAcceptAnything: {} }] } }],
    ['a count of a group of what cannot be counted', { atLeast: { count: 1, of: [{ anyOf: [{ deny: {} }] }] } }],
    ['a count that is no number', { atLeast: { count: '1', of: two } }],
    ['a count of nothing', { atLeast: { count: 1 } }],
    ['one of two counted that is wrong', { atLeast: { count: 1, of: [{ signature }, {}] } }],
    ['four groups inside each other', { allOf: [{ allOf: [{ allOf: [{ allOf: two }] }] }] }],
  ])('is nothing for the sake of %s', (_, require) => {
    expect(read(require)).toBeUndefined()
  })
})

describe('an attestor', () => {
  const own: AttestorContext = { tools: toolsWith(), report, file: 'policy.yaml', revision: () => '1' }
  const key = { name: 'k', pem: pems.first }
  const read = (keys: readonly Spec[], more: Spec = {}, name: string | undefined = 'release') =>
    readAttestor(name, field({ key: { keys }, ...more }), own)

  test('is read where all of it is right', () => {
    expect(read([key, { name: 'l', pem: pems.second }])).toMatchObject({ name: 'release', keys: [{ name: 'k' }, {}] })
    expect(read([{ ...key, notBefore: '2026-01-01T00:00:00Z', notAfter: '2027-01-01T00:00:00Z' }])).toBeDefined()
    expect(read([key], { storage: { layouts: ['Tag'], repository: 'a.io/b' } })).toMatchObject({
      storage: { layouts: ['Tag'], repository: { registry: 'a.io', repository: 'b' } },
    })
  })

  const other = { name: 'l', pem: pems.second }
  test.each<[string, readonly Spec[], Spec?]>([
    ['a key without a name', [other, { pem: pems.first }]],
    ['a key that is none', [other, { ...key, pem: 'x' }]],
    ['a key without bytes', [other, { name: 'k' }]],
    ['the begin of a life', [other, { ...key, notBefore: 'soon' }]],
    ['the end of a life', [other, { ...key, notAfter: 'late' }]],
    [
      'a life that ends before it begins',
      [{ ...key, notBefore: '2026-01-01T00:00:00Z', notAfter: '2026-01-01T00:00:00Z' }],
    ],
    ['a revocation without an instant', [other, { ...key, revoked: { reason: 'Compromised' } }]],
    ['a revocation at no instant', [other, { ...key, revoked: { at: 'x', reason: 'Compromised' } }]],
    ['a revocation for no reason', [other, { ...key, revoked: { at: '2026-01-01T00:00:00Z', reason: 'Why' } }]],
    ['no keys', []],
    ['a layout that is none', [key], { storage: { layouts: ['Tag', 'Shelf'] } }],
    ['no layout', [key], { storage: { layouts: [] } }],
    ['a repository with a tag', [key], { storage: { layouts: ['Tag'], repository: 'a.io/b:1' } }],
    ['a repository that is none', [key], { storage: { layouts: ['Tag'], repository: '/' } }],
    ['a repository that is no text', [key], { storage: { layouts: ['Tag'], repository: 1 } }],
  ])('is nothing for the sake of %s', (_, keys, more = {}) => {
    expect(read(keys, more)).toBeUndefined()
  })

  test('is nothing without a name', () => {
    expect(readAttestor(undefined, field({ key: { keys: [key] } }), own)).toBeUndefined()
  })
})

describe('a match', () => {
  const selector = (expression: Spec): Spec => ({ matchExpressions: [expression] })

  test('is read with its selectors', () => {
    const good = selector({ key: 'a', operator: 'Exists' })
    const match = readMatch(
      field({ namespaceSelector: good, objectSelector: good, resourceRules: [{}] }),
      undefined,
      report,
    )
    const read = { matchLabels: {}, matchExpressions: [{ key: 'a', operator: 'Exists', values: [] }] }
    expect(match).toMatchObject({ namespaceSelector: read, objectSelector: read, resourceRules: [{ apiGroups: [] }] })
    expect(readMatch(field({}), undefined, report)).toEqual({ excludeNamespaces: [] })
  })

  test('may exclude some of what it names by a wildcard, but nothing that it names by itself', () => {
    const problems = (namespaces: readonly string[], excludeNamespaces: readonly string[]) => {
      const told: string[] = []
      readMatch(field({ namespaces, excludeNamespaces }), undefined, (_, message) => told.push(message))
      return told
    }
    expect(problems(['te*'], ['*e*'])).toEqual([])
    expect(problems(['te*'], ['te*'])).toEqual(['is excluded by excludeNamespaces ("te*")'])
    expect(problems(['test', 'prod'], ['te*'])).toEqual(['is excluded by excludeNamespaces ("te*")'])
    expect(problems(['prod'], ['te*'])).toEqual([])
  })

  test('may exclude every namespace that it does not name', () => {
    const problems = (excludeNamespaces: readonly string[], own?: string) => {
      const told: string[] = []
      readMatch(field({ excludeNamespaces }), own, (_, message) => told.push(message))
      return told.length
    }
    expect(problems(['kube-*', 'a', '*'])).toBe(0)
    expect(problems(['b', 'a'], 'team')).toBe(0)
    expect(problems(['b', 't*'], 'team')).toBe(1)
  })

  test.each<[string, Spec]>([
    ['a key that is missing', { operator: 'Exists' }],
    ['an operator that is none', { key: 'a', operator: 'Is' }],
    ['values that are missing', { key: 'a', operator: 'In' }],
    ['values that are missing', { key: 'a', operator: 'NotIn' }],
    ['values that mean nothing', { key: 'a', operator: 'Exists', values: ['b'] }],
    ['values that mean nothing', { key: 'a', operator: 'DoesNotExist', values: ['b'] }],
  ])('is nothing for the sake of %s', (_, expression) => {
    for (const name of ['namespaceSelector', 'objectSelector']) {
      expect(readMatch(field({ [name]: selector(expression) }), undefined, report)).toBeUndefined()
    }
  })
})
