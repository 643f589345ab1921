// DenyLists as they are read, and all of them together.

import { describe, expect, test } from 'vitest'
import { compileDenied } from '#core/policy/denied.ts'
import { lintPolicies } from '#core/policy/lint.ts'
import { readDenyList } from '#core/policy/read-deny-list.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import { digestOf } from '../../support/memory-registry.ts'
import { denying } from '../../support/policies.ts'
import type { Json, Spec } from '../../support/policy-documents.ts'
import {
  apiVersion,
  attestor,
  clusterPolicy,
  denyList,
  keySpec,
  pems,
  problemsOf,
  read,
  someRules,
  teamPolicy,
  toolsWith,
} from '../../support/policy-documents.ts'

const digest = digestOf('an image')
const key = 'a'.repeat(64)

describe('a DenyList', () => {
  test('is read with all that it says', () => {
    const { denyLists, problems, origins } = read([denyList({ digests: [digest], keys: [key], reason: 'stolen' })])
    expect(problems).toEqual([])
    expect(denyLists).toMatchObject([
      { kind: 'DenyList', name: 'leaked', digests: [digest], keys: [key], reason: 'stolen' },
    ])
    const [list] = denyLists
    expect(list && origins.get(list)).toMatchObject({ file: 'policy.yaml', at: [] })
  })

  test('may name images alone, or keys alone', () => {
    expect(problemsOf([denyList({ digests: [digest] })])).toEqual([])
    expect(problemsOf([denyList({ keys: [key] })])).toEqual([])
  })

  test.each<[string, Spec, string | RegExp]>([
    ['nothing', {}, 'spec: needs digests or keys'],
    ['an empty list', { digests: [] }, 'spec.digests: must not be empty'],
    [
      'a digest in capitals',
      { digests: [digest.toUpperCase()] },
      /^spec\.digests\[0\]: "SHA256:.* is not a sha256, sha384/,
    ],
    ['a tag', { digests: ['v1'] }, /^spec\.digests\[0\]: "v1" is not a sha256/],
    ['a digest twice', { digests: [digest, digest] }, 'spec.digests[1]: is the same as [0]'],
    ['a key as PEM', { keys: [pems.first] }, /^spec\.keys\[0\]: is longer than 64 characters/],
    ['half a fingerprint', { keys: ['a'.repeat(63)] }, /^spec\.keys\[0\]: .* is not the SHA-256 of a public key/],
    ['a key twice', { keys: [key, key] }, 'spec.keys[1]: is the same as [0]'],
    ['too many digests', { digests: many(4_097, (n) => digestOf(`${n}`)) }, /^spec\.digests: has 4097 entries/],
    ['too many keys', { keys: many(1_025, (n) => `${n}`.padStart(64, '0')) }, /^spec\.keys: has 1025 entries/],
    ['no reason', { keys: [key], reason: undefined }, 'spec.reason: is missing'],
    ['a reason of two lines', { keys: [key], reason: 'a\nb' }, 'spec.reason: must be one line of visible characters'],
    [
      'a misspelt member',
      { digest: [digest], keys: [key] },
      /^spec\.digest: is not a word here; did you mean "digests"/,
    ],
    ['identities alone', { identities: [] }, 'spec.identities: is not supported yet'],
    ['an identity', { identities: [], keys: [key] }, 'spec.identities: is not supported yet'],
  ])('of %s is refused, and denies nothing', (_, spec, problem) => {
    const result = read([denyList(spec)])
    expect(result.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    ])
    expect(result.denyLists).toEqual([])
  })

  test('of just as many is read', () => {
    const spec = { digests: many(4_096, (n) => digestOf(`${n}`)), keys: many(1_024, (n) => `${n}`.padStart(64, '0')) }
    expect(problemsOf([denyList(spec)])).toEqual([])
  })

  test('has its name once', () => {
    expect(problemsOf([denyList({ keys: [key] }), denyList({ digests: [digest] })])).toEqual([
      'metadata.name: there is another DenyList of this name in policy.yaml',
    ])
  })

  test('stands in no namespace', () => {
    const document = denyList({ keys: [key] }) as { readonly [name: string]: Json }
    const placed = { ...document, apiVersion, metadata: { name: 'leaked', namespace: 'prod' } }
    expect(problemsOf([placed])).toEqual([expect.stringMatching(/^metadata\.namespace: is not a word here/)])
  })

  test('read half, is none', () => {
    const context = { report: () => undefined, revision: () => '1' }
    const spec: Spec = { digests: [digest], keys: [key], reason: 'stolen' }
    const list = (name: string | undefined, value: Spec) => readDenyList(name, { value, path: [] }, context)
    expect(list('leaked', spec)).toMatchObject({ name: 'leaked', digests: [digest] })
    expect(list(undefined, spec)).toBeUndefined()
    expect(list('leaked', { ...spec, reason: undefined })).toBeUndefined()
    expect(list('leaked', { ...spec, digests: [digest, 'v1'] })).toBeUndefined()
    expect(list('leaked', { reason: 'stolen' })).toBeUndefined()
  })
})

function many(count: number, each: (index: number) => string): readonly string[] {
  return Array.from({ length: count }, (_, index) => each(index))
}

describe('revisions', () => {
  const revisionOf = (...documents: readonly Json[]) =>
    read([attestor(), clusterPolicy({ rules: someRules }), ...documents]).revision
  const other = digestOf('another')

  test('tell what a list says, not the order in which it says it', () => {
    const second = 'b'.repeat(64)
    const first = revisionOf(denyList({ digests: [digest, other], keys: [key, second] }))
    expect(revisionOf(denyList({ digests: [other, digest], keys: [second, key] }))).toBe(first)
    const others = [
      revisionOf(),
      revisionOf(denyList({ digests: [digest], keys: [key] })),
      revisionOf(denyList({ digests: [digest, other] })),
      revisionOf(denyList({ digests: [digest, other], keys: [key], reason: 'another' })),
      revisionOf(denyList({ digests: [digest, other], keys: [key] }, 'another')),
    ]
    expect(new Set([first, ...others]).size).toBe(6)
  })
})

describe('all lists together', () => {
  const lists = ['b', 'a', 'c'].map((name) => denying({ digests: [digest], keys: ['k'] }, name))

  test('are nothing where there is none', () => {
    expect(compileDenied([], 'set')).toBeUndefined()
  })

  test('name the first of them', () => {
    const denied = compileDenied(lists, 'set')
    expect(denied?.digests.get(digest)?.name).toBe('a')
    expect([...(denied?.keys.values() ?? [])].map(({ name }) => name)).toEqual(['a'])
  })

  test('have a revision of their own, whatever their order; of very many it is that of everything', () => {
    const revision = compileDenied(lists, 'set')?.revision
    expect(compileDenied(lists.toReversed(), 'other')?.revision).toBe(revision)
    expect(compileDenied(lists.slice(1), 'set')?.revision).not.toBe(revision)
    const five = many(5, (n) => `l${n}`).map((name) => denying({ keys: ['k'] }, name))
    expect(compileDenied(five, 'set')?.revision).toBe('set')
    expect(compileDenied(five.slice(1), 'set')?.revision).not.toBe('set')
  })

  test('are found for every object to which a policy applies', () => {
    const documents = [
      attestor(),
      clusterPolicy({ rules: someRules, mode: 'Audit', match: { objectSelector: { matchLabels: { a: 'b' } } } }),
    ]
    const set = compilePolicySet(read([...documents, denyList({ keys: [key] })]))
    const pod = { namespace: 'prod', apiGroup: '', apiVersion: 'v1', resource: 'pods', operation: 'CREATE' }
    expect(set.denyLists).toHaveLength(1)
    expect(set.match({ ...pod, objectLabels: { a: 'b' } })).toMatchObject({
      isEmpty: false,
      denied: { keys: new Map([[key, set.denyLists[0]]]) },
    })
    expect(set.match({ ...pod, objectLabels: {} }).isEmpty).toBe(true)
    expect(compilePolicySet(read(documents)).match({ ...pod, objectLabels: { a: 'b' } }).denied).toBeUndefined()
  })
})

describe('warnings', () => {
  const fingerprintOf = (pem: string) => toolsWith().describePublicKey(pem).fingerprint
  const warnings = (...documents: readonly Json[]) =>
    lintPolicies(read(documents), { now: 0 }).map(({ code, kind, name, path, message }) => [
      code,
      kind,
      name,
      path,
      message,
    ])
  const policies = [
    attestor('release', keySpec({ name: 'k', pem: pems.first }, { name: 'l', pem: pems.second })),
    clusterPolicy({ rules: someRules }),
  ]

  test('say of a key that it is nobody’s', () => {
    expect(warnings(...policies, denyList({ keys: [key] }))).toEqual([
      [
        'denies-unknown-key',
        'DenyList',
        'leaked',
        'spec.keys[0]',
        'is the key of no attestor; whether it is written rightly cannot be told',
      ],
    ])
  })

  test('say of an attestor that its key is listed, and if none is left', () => {
    expect(warnings(...policies, denyList({ keys: [fingerprintOf(pems.first)] }))).toEqual([
      ['key-denied', 'Attestor', 'release', 'spec.key.keys[0].name', 'the key "k" is on the DenyList "leaked"'],
    ])
    expect(
      warnings(...policies, denyList({ keys: [fingerprintOf(pems.first), fingerprintOf(pems.second)] })).map(
        ([code]) => code,
      ),
    ).toEqual(['key-denied', 'key-denied', 'no-valid-key'])
  })

  test('know the keys of an attestor that no policy asks for', () => {
    const other = attestor('other', keySpec({ name: 'k', pem: pems.third }))
    const codes = warnings(...policies, other, denyList({ keys: [fingerprintOf(pems.third)] })).map(([code]) => code)
    expect(codes).toEqual(['attestor-unused', 'key-denied', 'no-valid-key'])
  })

  test('know the keys of attestors inside policies', () => {
    const team = teamPolicy({
      attestors: { own: keySpec({ name: 'k', pem: pems.third }) },
      rules: [{ images: ['**'], require: { signature: { attestor: 'own' } } }],
    })
    expect(warnings(team, denyList({ keys: [fingerprintOf(pems.third)] })).map(([code]) => code)).toEqual([
      'key-denied',
      'no-valid-key',
    ])
  })
})
