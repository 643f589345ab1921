import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareSpecificity, matchesPattern } from '#core/image/pattern.ts'
import { parseReference } from '#core/image/reference.ts'
import type { ObjectScope } from '#core/policy/group.ts'
import { compilePolicySet, defaultExempt } from '#core/policy/set.ts'
import type { Policy } from '#core/policy/words.ts'
import type { Json, Spec } from '../../support/policy-documents.ts'
import { attestor, clusterPolicy, namespace, read, rule, teamPolicy } from '../../support/policy-documents.ts'

const pods: ObjectScope = {
  namespace: 'prod',
  objectLabels: {},
  apiGroup: '',
  apiVersion: 'v1',
  resource: 'pods',
  operation: 'CREATE',
}
const { namespace: _, ...clusterScoped } = pods

function setOf(documents: readonly Json[], exempt?: readonly string[]) {
  const result = read([attestor(), ...documents])
  expect(result.problems).toEqual([])
  return compilePolicySet(result, exempt === undefined ? {} : { exempt })
}

/** How one policy of this `match` stands to an object. */
function applies(match: Spec, object: Partial<ObjectScope> = {}, ...others: readonly Json[]): string {
  const matched = setOf([clusterPolicy({ otherwise: 'Deny', match }), ...others]).match({ ...pods, ...object })
  expect(matched.policies.length + matched.undetermined.length).toBe(matched.isEmpty ? 0 : 1)
  return matched.policies.length > 0 ? 'applies' : matched.undetermined.length > 0 ? 'undetermined' : 'does not'
}

function governing(documents: readonly Json[], image: string, object: Partial<ObjectScope> = {}): readonly string[] {
  const rules = setOf(documents)
    .match({ ...pods, ...object })
    .rulesFor(parseReference(image))
  return rules.map(({ policy, rule, pattern }) => `${policy.name} ${rule.path} ${pattern.text}`)
}

const patterns = (...groups: readonly (readonly string[])[]) => groups.map((images) => rule(images))

it('what was found for one resource is not given for another', () => {
  const set = setOf([clusterPolicy({ otherwise: 'Deny', match: { resourceRules: [{ resources: ['pods'] }] } })])
  const isEmpty = (object: Partial<ObjectScope>) => set.match({ ...pods, ...object }).isEmpty
  const deployments = { apiGroup: 'apps', resource: 'deployments' }
  expect([{}, deployments, {}].map(isEmpty)).toEqual([false, true, false])
})

describe('what was found for one namespace is not given for another', () => {
  it.each<[string, Spec]>([
    ['all objects', {}],
    ['those with a label', { objectSelector: { matchLabels: { a: '1' } } }],
    ['those that an expression selects', { objectSelector: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } }],
    ['namespaces whose labels are not known', { namespaceSelector: { matchLabels: { tier: 'web' } } }],
    [
      'those with a label, in namespaces whose labels are not known',
      { namespaceSelector: { matchLabels: { tier: 'web' } }, objectSelector: { matchLabels: { a: '1' } } },
    ],
  ])('where the policies of both are for %s', (_, match) => {
    const inNamespace = (name: string) =>
      clusterPolicy({ otherwise: 'Deny', match: { namespaces: [name], ...match } }, `for-${name}`)
    const set = setOf(['prod', 'test'].map(inNamespace))
    const names = (name: string) => {
      const { policies, undetermined } = set.match({ ...pods, namespace: name, objectLabels: { a: '1' } })
      return [...policies, ...undetermined].map((policy) => policy.name)
    }
    expect([names('prod'), names('test'), names('other')]).toEqual([['for-prod'], ['for-test'], []])
  })
})

it('a selector that selects everything gives all objects the same, and one that selects by label does not', () => {
  const same = (objectSelector: Spec) => {
    const set = setOf([clusterPolicy({ otherwise: 'Deny', match: { objectSelector } })])
    const [one, other] = ['b', 'c'].map((b) => set.match({ ...pods, objectLabels: { a: '1', b } }))
    expect(one?.policies).toHaveLength(1)
    return one === other
  }
  expect([{}, { matchLabels: { a: '1' } }].map(same)).toEqual([true, false])
})

it.each(['kube-system', 'kube-public', 'kube-node-lease', 'sealward'])('%s is exempt, and no other', (name) => {
  expect(defaultExempt).toContain(name)
  expect(defaultExempt).toHaveLength(4)
})

describe('match', () => {
  it.each<[string, Spec, Partial<ObjectScope>, string]>([
    ['no match at all', {}, {}, 'applies'],
    ['a named namespace', { namespaces: ['prod'] }, {}, 'applies'],
    ['another namespace', { namespaces: ['test'] }, {}, 'does not'],
    ['a wildcard', { namespaces: ['p*d'] }, {}, 'applies'],
    ['a wildcard that does not fit', { namespaces: ['p*x'] }, {}, 'does not'],
    ['an excluded namespace', { excludeNamespaces: ['prod'] }, {}, 'does not'],
    ['an excluded wildcard', { excludeNamespaces: ['*'] }, {}, 'does not'],
    ['another excluded namespace', { excludeNamespaces: ['test'] }, {}, 'applies'],
    ['an exempt namespace', {}, { namespace: 'kube-system' }, 'does not'],
    ['an exempt namespace by wildcard', { namespaces: ['kube-*'] }, { namespace: 'kube-system' }, 'does not'],
    ['an exempt namespace by name', { namespaces: ['kube-*', 'kube-system'] }, { namespace: 'kube-system' }, 'applies'],
    ['no namespace', {}, { namespace: '' }, 'applies'],
    ['no namespace, but one is named', { namespaces: ['*'] }, { namespace: '' }, 'does not'],
    ['no namespace, but one is excluded', { excludeNamespaces: ['test'] }, { namespace: '' }, 'does not'],
    [
      'no namespace, with a selector of namespaces',
      { namespaceSelector: { matchLabels: { a: 'b' } } },
      { namespace: '' },
      'applies',
    ],
    [
      'labels of the object',
      { objectSelector: { matchLabels: { a: 'b' } } },
      { objectLabels: { a: 'b', c: 'd' } },
      'applies',
    ],
    [
      'other labels of the object',
      { objectSelector: { matchLabels: { a: 'b' } } },
      { objectLabels: { a: 'c' } },
      'does not',
    ],
    ['an empty selector', { objectSelector: {} }, {}, 'applies'],
    [
      'a label that is inherited only',
      { objectSelector: { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] } },
      {},
      'does not',
    ],
  ])('%s', (_, match, object, expected) => {
    expect(applies(match, object)).toBe(expected)
  })

  it('takes an absent namespace for an object of the cluster', () => {
    const set = setOf([clusterPolicy({ otherwise: 'Deny' }), teamPolicy({ otherwise: 'Deny' }, 'prod')])
    expect(set.match(clusterScoped).policies.map(({ kind }) => kind)).toEqual(['ClusterTrustPolicy'])
  })

  it.each<[string, Spec, Readonly<Record<string, string>>, string]>([
    ['In, and one is there', { key: 'a', operator: 'In', values: ['x', 'y'] }, { a: 'y' }, 'applies'],
    ['In, and another is there', { key: 'a', operator: 'In', values: ['x', 'y'] }, { a: 'z' }, 'does not'],
    ['In, and none is there', { key: 'a', operator: 'In', values: ['x'] }, {}, 'does not'],
    ['NotIn, and one is there', { key: 'a', operator: 'NotIn', values: ['x'] }, { a: 'x' }, 'does not'],
    ['NotIn, and another is there', { key: 'a', operator: 'NotIn', values: ['x'] }, { a: 'y' }, 'applies'],
    ['NotIn, and none is there', { key: 'a', operator: 'NotIn', values: ['x'] }, {}, 'applies'],
    ['Exists', { key: 'a', operator: 'Exists' }, { a: '' }, 'applies'],
    ['Exists, but does not', { key: 'a', operator: 'Exists' }, { b: '' }, 'does not'],
    ['DoesNotExist', { key: 'a', operator: 'DoesNotExist' }, { b: '' }, 'applies'],
    ['DoesNotExist, but does', { key: 'a', operator: 'DoesNotExist' }, { a: '' }, 'does not'],
  ])('a selector as Kubernetes evaluates it: %s', (_, expression, labels, expected) => {
    expect(applies({ objectSelector: { matchExpressions: [expression] } }, { objectLabels: labels })).toBe(expected)
    expect(applies({ namespaceSelector: { matchExpressions: [expression] } }, { namespaceLabels: labels })).toBe(
      expected,
    )
  })

  it.each<[string, Spec, Partial<ObjectScope>, string]>([
    ['the resource', { resources: ['pods'] }, {}, 'applies'],
    ['another resource', { resources: ['deployments'] }, {}, 'does not'],
    ['a subresource that is not named', { resources: ['pods'] }, { resource: 'pods/ephemeralcontainers' }, 'does not'],
    [
      'a subresource that is named',
      { resources: ['pods/ephemeralcontainers'] },
      { resource: 'pods/ephemeralcontainers' },
      'applies',
    ],
    ['every resource, but no subresource', { resources: ['*'] }, { resource: 'pods/ephemeralcontainers' }, 'does not'],
    ['every subresource of pods', { resources: ['pods/*'] }, { resource: 'pods/ephemeralcontainers' }, 'applies'],
    ['pods by pods/*', { resources: ['pods/*'] }, {}, 'applies'],
    ['everything', { resources: ['*/*'] }, { resource: 'pods/ephemeralcontainers' }, 'applies'],
    ['one subresource of everything', { resources: ['*/scale'] }, { resource: 'pods/ephemeralcontainers' }, 'does not'],
    ['the group', { resources: ['pods'], apiGroups: [''] }, {}, 'applies'],
    ['another group', { resources: ['pods'], apiGroups: ['apps'] }, {}, 'does not'],
    ['another version', { resources: ['pods'], apiVersions: ['v2'] }, {}, 'does not'],
    ['the operation', { resources: ['pods'], operations: ['CREATE'] }, {}, 'applies'],
    ['another operation', { resources: ['pods'], operations: ['UPDATE'] }, {}, 'does not'],
  ])('a resource rule as the API server matches it: %s', (_, resourceRule, object, expected) => {
    expect(applies({ resourceRules: [resourceRule] }, object)).toBe(expected)
    expect(applies({ resourceRules: [{ resources: ['nodes'] }, resourceRule] }, object)).toBe(expected)
  })

  describe('where the labels of the namespace are not known', () => {
    const wanted: Spec = { namespaceSelector: { matchLabels: { signed: 'required' } } }

    it('is undetermined, and yes or no as soon as they are', () => {
      expect(applies(wanted)).toBe('undetermined')
      expect(applies(wanted, { namespaceLabels: { signed: 'required' } })).toBe('applies')
      expect(applies(wanted, { namespaceLabels: {} })).toBe('does not')
      expect(applies(wanted, {}, namespace('prod', { signed: 'required' }))).toBe('applies')
      expect(applies(wanted, {}, namespace('prod', {}))).toBe('does not')
      expect(applies(wanted, {}, namespace('test', {}))).toBe('undetermined')
      expect(applies(wanted, { namespaceLabels: {} }, namespace('prod', { signed: 'required' }))).toBe('does not')
    })

    it('knows the label that is the name', () => {
      const named = (value: string): Spec => ({
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': value } },
      })
      expect(applies(named('prod'))).toBe('applies')
      expect(applies(named('test'))).toBe('does not')
      expect(applies(named('prod'), { namespaceLabels: {} })).toBe('applies')
      expect(applies(named('prod'), { namespaceLabels: { 'kubernetes.io/metadata.name': 'test' } })).toBe('applies')
    })

    it('is no if anything else says no', () => {
      expect(applies({ ...wanted, namespaces: ['test'] })).toBe('does not')
      expect(applies({ ...wanted, excludeNamespaces: ['prod'] })).toBe('does not')
      expect(applies({ ...wanted, resourceRules: [{ resources: ['nodes'] }] })).toBe('does not')
      expect(applies({ ...wanted, objectSelector: { matchLabels: { a: 'b' } } })).toBe('does not')
      expect(applies({ ...wanted, objectSelector: { matchLabels: { a: 'b' } } }, { objectLabels: { a: 'b' } })).toBe(
        'undetermined',
      )
      const both = { matchLabels: { signed: 'required', 'kubernetes.io/metadata.name': 'test' } }
      expect(applies({ namespaceSelector: both })).toBe('does not')
      expect(applies(wanted, { namespace: 'kube-system' })).toBe('does not')
    })

    it('gives no rule of such a policy', () => {
      expect(governing([clusterPolicy({ match: wanted, rules: patterns(['**']) })], 'nginx')).toEqual([])
    })
  })

  it('keeps TrustPolicies in their namespace', () => {
    const set = setOf([
      teamPolicy({ otherwise: 'Deny' }, 'a'),
      teamPolicy({ otherwise: 'Deny' }, 'b'),
      teamPolicy({ otherwise: 'Deny', match: { namespaces: ['kube-public'] } }, 'kube-public'),
      teamPolicy({ otherwise: 'Deny' }, 'kube-system'),
    ])
    const where = (name: string) => set.match({ ...pods, namespace: name }).policies.map((policy) => policy.namespace)
    expect(['a', 'b', 'c', 'kube-public', 'kube-system'].map(where)).toEqual([['a'], ['b'], [], ['kube-public'], []])
  })

  it('lets the caller say which namespaces are exempt', () => {
    const set = setOf([clusterPolicy({ otherwise: 'Deny' })], ['infra'])
    expect(set.match({ ...pods, namespace: 'infra' }).isEmpty).toBe(true)
    expect(set.match({ ...pods, namespace: 'kube-system' }).isEmpty).toBe(false)
  })

  it('answers the same however often and in whatever order it is asked', () => {
    const set = setOf([
      clusterPolicy({ otherwise: 'Deny', match: { namespaces: ['a*'] } }, 'one'),
      clusterPolicy({ otherwise: 'Deny', match: { resourceRules: [{ resources: ['pods'] }] } }, 'two'),
      clusterPolicy({ otherwise: 'Deny', match: { namespaceSelector: { matchLabels: { x: 'y' } } } }, 'three'),
    ])
    const ask = (name: string, resource: string, labels?: Readonly<Record<string, string>>) => {
      const matched = set.match({ ...pods, namespace: name, resource, ...(labels && { namespaceLabels: labels }) })
      return [...matched.policies, ...matched.undetermined.map((policy) => ({ name: `${policy.name}?` }))]
        .map((policy) => policy.name)
        .join(' ')
    }
    for (let round = 0; round < 2; round++) {
      expect(ask('a', 'pods')).toBe('one two three?')
      expect(ask('a', 'pods', { x: 'y' })).toBe('one three two')
      expect(ask('a', 'pods', { x: '' })).toBe('one two')
      expect(ask('a', 'pods', {})).toBe('one two')
      expect(ask('a', 'nodes', {})).toBe('one')
      expect(ask('b', 'nodes', {})).toBe('')
    }
  })
})

describe('rulesFor', () => {
  it('gives the rule of the most specific pattern, whatever the order', () => {
    const rules = patterns(['a.example.com/**'], ['a.example.com/team/*'], ['a.example.com/team/app'], ['**'])
    const documents = [clusterPolicy({ rules })]
    expect(governing(documents, 'a.example.com/team/app')).toEqual(['production rules[2] a.example.com/team/app'])
    expect(governing(documents, 'a.example.com/team/other')).toEqual(['production rules[1] a.example.com/team/*'])
    expect(governing(documents, 'a.example.com/x/y/z')).toEqual(['production rules[0] a.example.com/**'])
    expect(governing(documents, 'b.example.com/x')).toEqual(['production rules[3] **'])
    expect(governing([clusterPolicy({ rules: rules.toReversed() })], 'a.example.com/team/app')).toEqual([
      'production rules[1] a.example.com/team/app',
    ])
  })

  it('leaves an excepted image to the next rule that matches', () => {
    const rules = [
      rule(['a.example.com/team/**'], { deny: {} }, { exceptImages: ['a.example.com/team/tools/*'] }),
      rule(['a.example.com/**']),
    ]
    expect(governing([clusterPolicy({ rules })], 'a.example.com/team/app')).toEqual([
      'production rules[0] a.example.com/team/**',
    ])
    expect(governing([clusterPolicy({ rules })], 'a.example.com/team/tools/x')).toEqual([
      'production rules[1] a.example.com/**',
    ])
    expect(governing([clusterPolicy({ rules: rules.slice(0, 1) })], 'a.example.com/team/tools/x')).toEqual([])
  })

  it('prefers the rule that stands first among equals', () => {
    const rules = patterns(['a.example.com/te*/app'], ['a.example.com/*m/app', 'a.example.com/t*am/app'])
    const first = governing(
      [clusterPolicy({ rules: patterns(['a.example.com/t*/app1'], ['a.example.com/*t/app1']) })],
      'a.example.com/t/app1',
    )
    expect(first).toEqual(['production rules[0] a.example.com/t*/app1'])
    const swapped = governing(
      [clusterPolicy({ rules: patterns(['a.example.com/*t/app1'], ['a.example.com/t*/app1']) })],
      'a.example.com/t/app1',
    )
    expect(swapped).toEqual(['production rules[0] a.example.com/*t/app1'])
    expect(governing([clusterPolicy({ rules })], 'a.example.com/team/app')).toEqual([
      'production rules[1] a.example.com/t*am/app',
    ])
  })

  it('gives one rule for each policy that applies, clusters first, by name', () => {
    const documents = [
      teamPolicy({ rules: patterns(['a.example.com/x']) }, 'prod', 'mine'),
      clusterPolicy({ rules: patterns(['a.example.com/*']) }, 'b'),
      clusterPolicy({ rules: patterns(['**']), match: { namespaces: ['test'] } }, 'elsewhere'),
      clusterPolicy({ rules: patterns(['*.example.com/x', '**']) }, 'a'),
      clusterPolicy({ otherwise: 'Deny' }, 'silent'),
    ]
    expect(governing(documents, 'a.example.com/x:v1')).toEqual([
      'a rules[0] *.example.com/x',
      'b rules[0] a.example.com/*',
      'mine rules[0] a.example.com/x',
    ])
  })

  it('finds patterns for several hosts, wherever their wildcards are', () => {
    const one = (pattern: string, image: string) =>
      governing([clusterPolicy({ rules: patterns([pattern]) })], image).length
    expect(one('*.example.com/a*/b', 'x.example.com/ab/b')).toBe(1)
    expect(one('*.example.com/a*/b', 'x.example.com/b')).toBe(0)
    expect(one('*.example.com/a/b', 'x.example.com/a/b')).toBe(1)
    expect(one('**/b', 'x.example.com/a/b')).toBe(1)
    expect(one('**/b', 'x.example.com/a/c')).toBe(0)
    expect(one('x.example.com/**/b', 'x.example.com/a/a/b')).toBe(1)
    expect(one('x.example.com:443/b', 'x.example.com/b')).toBe(1)
    expect(one('x.example.com/b', 'x.example.com:443/b')).toBe(1)
  })

  it('distinguishes by tag where a pattern names one', () => {
    const documents = [clusterPolicy({ rules: patterns(['a.example.com/x:v*'], ['a.example.com/x']) })]
    expect(governing(documents, 'a.example.com/x:v1')).toEqual(['production rules[0] a.example.com/x:v*'])
    expect(governing(documents, 'a.example.com/x:dev')).toEqual(['production rules[1] a.example.com/x'])
  })

  it('applies only rules of policies that fit the labels of the object', () => {
    const documents = [
      clusterPolicy({ rules: patterns(['**']), match: { objectSelector: { matchLabels: { a: 'b' } } } }, 'labelled'),
      clusterPolicy(
        {
          rules: patterns(['**']),
          match: { objectSelector: { matchExpressions: [{ key: 'c', operator: 'Exists' }] } },
        },
        'expressed',
      ),
      clusterPolicy({ rules: patterns(['**']) }, 'always'),
    ]
    expect(governing(documents, 'nginx')).toEqual(['always rules[0] **'])
    expect(governing(documents, 'nginx', { objectLabels: { a: 'b' } })).toEqual([
      'always rules[0] **',
      'labelled rules[0] **',
    ])
    expect(governing(documents, 'nginx', { objectLabels: { c: '' } })).toEqual([
      'always rules[0] **',
      'expressed rules[0] **',
    ])
  })

  it('agrees with trying every pattern of every policy', () => {
    const segment = fc.constantFrom('a', 'b', 'a*', '*', '**')
    const host = fc.constantFrom('a.example.com', '*.example.com', 'b.example.com', '**')
    const pattern = fc
      .tuple(host, fc.array(segment, { minLength: 1, maxLength: 3 }))
      .map(([first, rest]) => [first, ...rest].join('/'))
      .filter((text) => !text.includes('**/**'))
    // A pattern stands in one rule of a policy only, so the rules share out what is drawn once.
    const rules = fc.uniqueArray(pattern, { minLength: 1, maxLength: 8 }).chain((all) =>
      fc.array(fc.tuple(fc.nat(8), fc.option(pattern)), { minLength: 1, maxLength: 4 }).map((cuts) =>
        cuts.flatMap(([size, except], index) => {
          const images = all.slice(index * 2, index * 2 + 1 + (size % 2))
          return images.length === 0 || (except !== null && images.includes(except)) ? [] : [{ images, except }]
        }),
      ),
    )
    const policy = fc.tuple(rules, fc.constantFrom('prod', 'test', '*'))
    const image = fc
      .tuple(
        fc.constantFrom('a.example.com', 'b.example.com', 'c.test'),
        fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 4 }),
      )
      .map(([first, rest]) => [first, ...rest].join('/'))
    const policies = fc.array(policy, { minLength: 1, maxLength: 5 })
    const images = fc.array(image, { minLength: 10, maxLength: 10 })
    let compared = 0
    fc.assert(
      fc.property(policies, images, (drawn, asked) => {
        const documents = drawn.flatMap(([some, where], index) => {
          const match = { namespaces: [where] }
          const written = some.map((each) =>
            rule(each.images, undefined, { exceptImages: each.except === null ? [] : [each.except] }),
          )
          return written.length === 0 ? [] : [clusterPolicy({ match, rules: written }, `p${index}`)]
        })
        const result = read([attestor(), ...documents])
        expect(result.problems).toEqual([])
        const matched = compilePolicySet(result).match(pods)
        const applying = result.policies.filter(({ match }) => match.namespaces?.some((glob) => glob.matches('prod')))
        for (const name of asked) {
          const found = matched.rulesFor(parseReference(name))
          const slow = applying.flatMap((each) => slowly(each, name) ?? [])
          expect(found.map((each) => `${each.policy.name} ${each.rule.path}`)).toEqual(slow)
          compared += slow.length
        }
      }),
      { numRuns: 60 },
    )
    expect(compared).toBeGreaterThan(100)
  })
})

function slowly(policy: Policy, name: string): string | undefined {
  const reference = parseReference(name)
  const candidates = policy.rules.flatMap((each) =>
    each.exceptImages.some((pattern) => matchesPattern(pattern, reference))
      ? []
      : each.images
          .filter((pattern) => matchesPattern(pattern, reference))
          .map((pattern) => ({ pattern, path: each.path })),
  )
  const [best] = candidates.toSorted((a, b) => compareSpecificity(b.pattern, a.pattern))
  return best && `${policy.name} ${best.path}`
}

describe('otherwise', () => {
  const uncovered = { coveredByCluster: false, coveredAtAll: false }
  const byNamespace = { coveredByCluster: false, coveredAtAll: true }
  const byCluster = { coveredByCluster: true, coveredAtAll: true }
  const speaker = (documents: readonly Json[], covered = uncovered, object: Partial<ObjectScope> = {}) =>
    (['Enforce', 'Warn', 'Audit'] as const).map(
      (mode) =>
        setOf(documents)
          .match({ ...pods, ...object })
          .otherwise(mode, covered)?.name,
    )

  it('is decided by one Deny among the policies of a mode', () => {
    const documents = [
      clusterPolicy({ otherwise: 'Accept' }, 'a'),
      clusterPolicy({ otherwise: 'Deny' }, 'b'),
      clusterPolicy({ otherwise: 'Accept', mode: 'Audit' }, 'c'),
    ]
    expect(speaker(documents)).toEqual(['b', undefined, 'c'])
    expect(speaker(documents.slice(0, 1))).toEqual(['a', undefined, undefined])
    expect(speaker([])).toEqual([undefined, undefined, undefined])
  })

  it('counts only rules of ClusterTrustPolicies against a ClusterTrustPolicy', () => {
    const documents = [
      clusterPolicy({ otherwise: 'Deny' }, 'cluster'),
      teamPolicy({ otherwise: 'Deny' }, 'prod', 'team'),
    ]
    expect(speaker(documents, uncovered)[0]).toBe('cluster')
    expect(speaker(documents, byNamespace)[0]).toBe('cluster')
    expect(speaker(documents, byCluster)[0]).toBeUndefined()
    expect(speaker(documents.slice(1), uncovered)[0]).toBe('team')
    expect(speaker(documents.slice(1), byNamespace)[0]).toBeUndefined()
  })

  it('hears policies that apply by the labels of the object', () => {
    const documents = [
      clusterPolicy({ otherwise: 'Accept' }, 'a'),
      clusterPolicy({ otherwise: 'Deny', match: { objectSelector: { matchLabels: { x: 'y' } } } }, 'b'),
    ]
    expect(speaker(documents)[0]).toBe('a')
    expect(speaker(documents, uncovered, { objectLabels: { x: 'y' } })[0]).toBe('b')
  })

  it('names the same policy however the policies were found', () => {
    const match = { namespaces: ['*'] }
    const documents = [
      clusterPolicy({ otherwise: 'Deny', match }, 'a'),
      clusterPolicy({ otherwise: 'Deny', match: { namespaces: ['prod'] } }, 'b'),
    ]
    expect(speaker(documents)[0]).toBe('a')
    expect(speaker(documents.toReversed())[0]).toBe('a')
  })
})
