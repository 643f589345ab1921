// Objects of a cluster are edited one by one: what is wrong in one of them must not change what the others say.

import { describe, expect, test } from 'vitest'
import { parseReference } from '#core/image/reference.ts'
import { type InForce, type KeptObject, readLastGood } from '#core/policy/last-good.ts'
import { readObjects } from '#core/policy/read.ts'
import { ReadMemo } from '#core/policy/read-memo.ts'
import { salvagedList } from '#core/policy/salvaged-list.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import {
  attestor,
  clusterPolicy,
  denyList,
  type Json,
  keySpec,
  pems,
  rule,
  type Spec,
  teamPolicy,
  toolsWith,
} from '../../support/policy-documents.ts'

const team = 'registry.example.com/team/app:1'
const rules = (by = 'release') => [rule(['registry.example.com/team/**'], { signature: { attestor: by } })]

function kept(value: Json, before: 'never right' | Json = value): KeptObject {
  const { kind, metadata } = value as { readonly kind: string; readonly metadata: { readonly name: string } }
  const name = `${kind} ${metadata.name}`
  return before === 'never right'
    ? { kind, name, value, wasInForce: false }
    : { kind, name, value, before, wasInForce: true }
}

/** In force once, and nobody knows what it said. */
function forgotten(value: Json): KeptObject {
  const { before: _, ...rest } = kept(value)
  return rest
}

function read(...objects: readonly KeptObject[]) {
  const { read: result, outcomes } = readLastGood(objects, toolsWith(), new ReadMemo())
  expect(result.problems).toEqual([])
  const policies = compilePolicySet(result)
  const inForce: Record<string, InForce> = {}
  for (const [name, outcome] of outcomes) inForce[name] = outcome.inForce
  return { policies, inForce, outcomes }
}

const written = attestor('release')
const wrongKey = keySpec({ name: 'k', pem: 'no key' })

describe('what is right', () => {
  test('is in force as it is written', () => {
    const { inForce, policies } = read(kept(written), kept(clusterPolicy({ rules: rules() })))
    expect(inForce).toEqual({ 'Attestor release': 'written', 'ClusterTrustPolicy production': 'written' })
    expect(policies.policies).toHaveLength(1)
  })

  test('says the same as the same objects in files', () => {
    const objects = [written, clusterPolicy({ rules: rules() }), teamPolicy({ rules: rules() })]
    const named = objects.map((value, index) => ({ name: `${index}`, value }))
    const once = readObjects(named, toolsWith())
    expect(read(...objects.map((each) => kept(each))).policies.revision).toBe(once.revision)
  })
})

describe('a new object that is wrong', () => {
  test('is not in force, and changes nothing else', () => {
    const good = clusterPolicy({ rules: rules() })
    const bad = kept(clusterPolicy({ rules: rules('nobody') }, 'new'), 'never right')
    const { inForce, policies, outcomes } = read(kept(written), kept(good), bad)
    expect(inForce).toMatchObject({ 'ClusterTrustPolicy production': 'written', 'ClusterTrustPolicy new': 'nothing' })
    expect(policies.revision).toBe(read(kept(written), kept(good)).policies.revision)
    expect(outcomes.get('ClusterTrustPolicy new')?.problems).toMatchObject([
      { message: 'there is no attestor "nobody"', path: 'spec.rules[0].require.signature.attestor' },
    ])
  })

  test('an attestor takes the policies that name it with it, and no others', () => {
    const bad = kept(attestor('new', wrongKey), 'never right')
    const needing = kept(clusterPolicy({ rules: rules('new') }, 'needing'), 'never right')
    const { inForce, outcomes } = read(kept(written), kept(clusterPolicy({ rules: rules() })), bad, needing)
    expect(inForce).toEqual({
      'Attestor release': 'written',
      'Attestor new': 'nothing',
      'ClusterTrustPolicy production': 'written',
      'ClusterTrustPolicy needing': 'nothing',
    })
    const needed = outcomes.get('ClusterTrustPolicy needing')?.problems
    expect(needed).toMatchObject([{ message: 'the attestor "new" has problems of its own' }])
  })
})

describe('an edit that is wrong', () => {
  test('of a policy keeps the policy that was', () => {
    const before = clusterPolicy({ rules: rules() })
    const { inForce, policies } = read(kept(written), kept(clusterPolicy({ rules: rules('nobody') }), before))
    expect(inForce).toMatchObject({ 'ClusterTrustPolicy production': 'before' })
    expect(policies.revision).toBe(read(kept(written), kept(before)).policies.revision)
  })

  test('of an attestor keeps the attestor that was, and its policies as they are written now', () => {
    const policy = clusterPolicy({ rules: rules(), otherwise: 'Accept' })
    const { inForce, policies } = read(
      kept(attestor('release', wrongKey), written),
      kept(policy, clusterPolicy({ rules: rules() })),
    )
    expect(inForce).toEqual({ 'Attestor release': 'before', 'ClusterTrustPolicy production': 'written' })
    expect(policies.policies[0]?.otherwise).toBe('Accept')
    expect(policies.attestors[0]?.keys).toHaveLength(1)
  })
})

describe('an attestor that is gone', () => {
  const policy = clusterPolicy({ rules: rules() })

  test('leaves a policy that nobody can fulfil', () => {
    const { inForce, policies } = read(kept(policy))
    expect(inForce).toEqual({ 'ClusterTrustPolicy production': 'refusing' })
    const [requirement] = policies.policies[0]?.rules.map(({ require }) => require) ?? []
    expect(requirement).toMatchObject({ kind: 'signature', attestor: { name: 'release', keys: [] } })
  })

  test('is trusted again when it is there again, with the same memory', () => {
    const memo = new ReadMemo()
    const attest = kept(written)
    const both = () => readLastGood([attest, kept(policy)], toolsWith(), memo)
    const first = both()
    readLastGood([kept(policy)], toolsWith(), memo)
    expect(both().read.revision).toBe(first.read.revision)
  })

  test('makes nothing of a policy that never was in force', () => {
    expect(read(kept(policy, 'never right')).inForce).toEqual({ 'ClusterTrustPolicy production': 'nothing' })
  })
})

describe('a policy that is wrong, and of which nobody knows what it said', () => {
  const refuses = (object: KeptObject, namespace: string) => {
    const { policies, inForce } = read(kept(written), object)
    expect(Object.values(inForce)).toContain('refusing')
    const matched = policies.match({
      namespace,
      objectLabels: {},
      apiGroup: '',
      apiVersion: 'v1',
      resource: 'pods',
      operation: 'CREATE',
    })
    expect(matched.rulesFor(parseReference(team))).toEqual([])
    return matched.otherwise('Enforce', { coveredByCluster: false, coveredAtAll: false })?.otherwise
  }
  const wrong = (spec: Spec) => clusterPolicy({ rules: 'none', ...spec } as Spec)

  test('refuses everything that it may have been about', () => {
    const scoped = forgotten(wrong({ match: { namespaces: ['prod'] } }))
    expect(refuses(scoped, 'prod')).toBe('Deny')
    expect(refuses(scoped, 'dev')).toBeUndefined()
  })

  test('refuses everywhere if that cannot be read either', () => {
    const unscoped = forgotten(wrong({ match: { namespaces: 7 } as unknown as Json }))
    expect(refuses(unscoped, 'prod')).toBe('Deny')
    expect(refuses(unscoped, 'kube-system')).toBeUndefined()
  })

  test('of one namespace refuses there only', () => {
    const own = forgotten(teamPolicy({ rules: 'none' }, 'team'))
    expect(refuses(own, 'team')).toBe('Deny')
    expect(refuses(own, 'prod')).toBeUndefined()
  })

  test('refuses nothing if it only audits', () => {
    expect(refuses(forgotten(wrong({ mode: 'Audit' })), 'prod')).toBeUndefined()
  })
})

describe('objects that are read again', () => {
  test('are the same values as long as nothing about them changes', () => {
    const memo = new ReadMemo()
    const [release, policy] = [kept(written), kept(clusterPolicy({ rules: rules() }))]
    const first = readLastGood([release, policy], toolsWith(), memo).read.policies[0]
    const other = kept(attestor('other', keySpec({ name: 'k', pem: pems.second })))
    expect(readLastGood([release, policy, other], toolsWith(), memo).read.policies[0]).toBe(first)
    const rotated = kept(attestor('release', keySpec({ name: 'k', pem: pems.third })))
    const second = readLastGood([rotated, policy], toolsWith(), memo).read.policies[0]
    expect(second?.revision).not.toBe(first?.revision)
    expect(readLastGood([release, policy], toolsWith(), memo).read.policies[0]?.revision).toBe(first?.revision)
  })
})

describe('a DenyList that is wrong', () => {
  const digest = (letter: string) => `sha256:${letter.repeat(64)}`
  const key = (letter: string) => letter.repeat(64)
  const right = denyList({ digests: [digest('a')], keys: [key('b')], reason: 'stolen' })
  const denied = (object: KeptObject) => {
    const { policies, inForce, outcomes } = read(kept(written), kept(clusterPolicy({ rules: rules() })), object)
    const [list] = policies.denyLists
    return {
      inForce: inForce['DenyList leaked'],
      problems: outcomes.get('DenyList leaked')?.problems.map(({ path }) => path),
      ...(list && { digests: list.digests, keys: list.keys, reason: list.reason }),
    }
  }

  test('denies what of it can be read, with what stood there before', () => {
    const edited = denyList({ digests: [digest('c'), 'v1'], keys: [key('b'), key('d')], reason: 'lost' })
    expect(denied(kept(edited, right))).toEqual({
      inForce: 'partly',
      problems: ['spec.digests[1]'],
      digests: [digest('c'), digest('a')],
      keys: [key('b'), key('d')],
      reason: 'lost',
    })
    expect(denied(kept(denyList({ digests: [digest('c')], reason: 'lost' }), right))).toMatchObject({
      inForce: 'written',
      digests: [digest('c')],
      keys: [],
    })
  })

  test.each<[string, Spec, object]>([
    ['a word of a version to come', { keys: [key('b')], identities: [] }, { keys: [key('b')], reason: 'leaked' }],
    [
      'a reason of two lines',
      { keys: [key('b')], reason: 'a\nb' },
      { reason: 'its DenyList is wrong as it is written' },
    ],
    ['a reason that is too long', { keys: [key('b')], reason: 'a'.repeat(1_025) }, { keys: [key('b')] }],
    ['no list where one should be', { keys: [key('b')], digests: digest('a') }, { digests: [], keys: [key('b')] }],
    ['an entry twice', { digests: [digest('a'), digest('a')] }, { digests: [digest('a')] }],
    ['an entry that is no text', { digests: [digest('a'), 5] }, { digests: [digest('a')] }],
  ])('by %s denies the rest, though it never was right', (_, spec, found) => {
    expect(denied(kept(denyList(spec), 'never right'))).toMatchObject({ inForce: 'partly', ...found })
  })

  test('that is no object at all stays what it is', () => {
    expect(salvagedList('text', right)).toBe('text')
    expect(salvagedList({ spec: 'text' }, undefined)).toMatchObject({ spec: { reason: expect.any(String) } })
  })

  test('keeps a reason that is just short enough', () => {
    const reason = 'a'.repeat(1_024)
    expect(denied(kept(denyList({ keys: [key('b'), 'no key'], reason }), 'never right'))).toMatchObject({ reason })
  })

  test('denies no more than a list may, its own entries first', () => {
    const keys = Array.from({ length: 1_024 }, (_, index) => `${index}`.padStart(64, '0'))
    const digests = Array.from({ length: 4_096 }, (_, index) => `sha256:${`${index}`.padStart(64, '0')}`)
    const found = denied(kept(denyList({ keys, digests, reason: 'a\nb' }), right))
    expect(found).toMatchObject({ inForce: 'partly', keys, digests, reason: 'stolen' })
  })

  test('in which nothing can be read denies what stood there before, and else nothing', () => {
    const nothing = denyList({ digests: ['v1'] })
    expect(denied(kept(nothing, right))).toMatchObject({ inForce: 'partly', digests: [digest('a')], keys: [key('b')] })
    expect(denied(kept(nothing, 'never right'))).toEqual({ inForce: 'nothing', problems: ['spec.digests[0]'] })
  })

  test('are read once though they have attestors of their own, unless these have their keys in Secrets', () => {
    const described: string[] = []
    const base = toolsWith()
    const tools = {
      ...base,
      describePublicKey: (pem: string) => {
        described.push(pem)
        return base.describePublicKey(pem)
      },
      readSecret: () => pems.second,
    }
    const own = (key: Spec) =>
      kept(teamPolicy({ attestors: { own: { key: { keys: [{ name: 'k', ...key }] } } }, rules: rules('own') }))
    const [inline, secret] = [own({ pem: pems.first }), own({ secretRef: { name: 's' } })]
    for (const [object, times] of [
      [inline, 1],
      [secret, 2],
    ] as const) {
      const memo = new ReadMemo()
      described.length = 0
      const twice = [1, 2].map(() => readLastGood([object], tools, memo).read)
      expect(twice.flatMap(({ problems }) => problems)).toEqual([])
      expect(described).toHaveLength(times)
      expect(twice[1]?.revision).toBe(twice[0]?.revision)
    }
  })
})
