import { describe, expect, it } from 'vitest'
import { parseImagePattern } from '#core/image/pattern.ts'
import { covers } from '#core/policy/cover.ts'
import { lintPolicies } from '#core/policy/lint.ts'
import type { Json, Spec } from '../../support/policy-documents.ts'
import {
  attestor,
  clusterPolicy,
  keySpec,
  namespace,
  pems,
  read,
  rule,
  signedByRelease,
  someRules,
  teamPolicy,
} from '../../support/policy-documents.ts'

const now = Date.UTC(2026, 5, 1)

function lint(documents: readonly Json[]): readonly string[] {
  const result = read(documents)
  expect(result.problems).toEqual([])
  return lintPolicies(result, { now }).map(({ code, path }) => `${code} ${path}`)
}

const lintSpec = (spec: Spec) => lint([attestor(), clusterPolicy({ rules: someRules, ...spec })])
const lintRule = (require: Json, image = 'a.example.com/b') =>
  lintSpec({ rules: [rule([image], require), rule(['z.example.com/z'])] })

describe('warnings', () => {
  it('are none for a policy as people should write it', () => {
    expect(lintSpec({})).toEqual([])
  })

  it('name file, line, object and path', () => {
    const [warning] = lintPolicies(read([attestor(), clusterPolicy({ rules: someRules, pin: 'InsecureNever' })]), {
      now,
    })
    expect(warning).toMatchObject({
      code: 'never-pinned',
      file: 'policy.yaml',
      kind: 'ClusterTrustPolicy',
      name: 'production',
      path: 'spec.pin',
    })
    expect(warning?.line).toBeGreaterThan(20)
  })

  it('name the path from the top of the document, be the object an item of a List or not', () => {
    const policies = [clusterPolicy({ rules: someRules, pin: 'InsecureNever' })]
    const items = [attestor(), ...policies]
    const paths = (documents: readonly Json[]) => lintPolicies(read(documents), { now }).map(({ path }) => path)
    expect(paths([{ apiVersion: 'v1', kind: 'List', metadata: {}, items }])).toEqual(['items[1].spec.pin'])
    expect(paths(items)).toEqual(['spec.pin'])
  })

  it('are given even where nobody knows where an object stands', () => {
    const result = read([attestor(), clusterPolicy({ rules: someRules, pin: 'InsecureNever' })])
    const [warning] = lintPolicies({ ...result, origins: new Map() }, { now })
    expect(warning).toMatchObject({ code: 'never-pinned', file: '', path: 'spec.pin' })
    expect(warning).not.toHaveProperty('line')
  })

  it.each<[string, Spec, Spec]>([
    [
      'system-namespace spec.match.namespaces[1]',
      { match: { namespaces: ['a', 'kube-system'] } },
      { match: { namespaces: ['a', 'kube-*'] } },
    ],
    [
      'chosen-by-submitter spec.match.objectSelector',
      { match: { objectSelector: { matchLabels: { a: 'b' } } } },
      { match: { objectSelector: {} } },
    ],
    [
      'subresource-missed spec.match.resourceRules[0].resources',
      { match: { resourceRules: [{ resources: ['pods'] }] } },
      { match: { resourceRules: [{ resources: ['pods', 'pods/ephemeralcontainers'] }] } },
    ],
    [
      'subresource-missed spec.match.resourceRules[0].resources',
      { match: { resourceRules: [{ resources: ['pods', 'warmpods/ephemeralcontainers'] }] } },
      { match: { resourceRules: [{ resources: ['pods', '*/ephemeralcontainers'] }] } },
    ],
    [
      'labels-unknown spec.match.namespaceSelector',
      { match: { namespaceSelector: { matchLabels: { a: 'b' } } } },
      { match: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'b' } } } },
    ],
    ['accepts-uncovered spec.otherwise', { otherwise: 'Accept' }, { otherwise: 'Accept', mode: 'Audit' }],
    [
      'admits-in-outage spec.whenUndetermined',
      { whenUndetermined: 'InsecureAdmit' },
      { whenUndetermined: 'InsecureAdmit', mode: 'Warn' },
    ],
    ['never-pinned spec.pin', { pin: 'InsecureNever' }, { pin: 'Digest' }],
    [
      'pin-without-effect spec.pin',
      { pin: 'Digest', rules: [rule(['a.example.com/b'], signedByRelease, { references: 'DigestOnly' })] },
      { pin: 'TagAndDigest', rules: [rule(['a.example.com/b'], signedByRelease, { references: 'DigestOnly' })] },
    ],
    [
      'trust-by-tag spec.rules[0].images[0]',
      { rules: [rule(['a.example.com/b:v*'])] },
      { rules: [rule(['a.example.com/b'])] },
    ],
  ])('%s', (expected, spec, neighbour) => {
    expect(lintSpec(spec)).toEqual([expected])
    expect(lintSpec(neighbour)).toEqual([])
  })

  it.each<[string, Json, Json]>([
    ['deny-without-message spec.rules[0].require.deny', { deny: {} }, { deny: { message: 'ask us' } }],
    [
      'denies-anyway spec.rules[0].require.allOf',
      { allOf: [signedByRelease, { deny: { message: 'a' } }] },
      { anyOf: [signedByRelease, { deny: { message: 'a' } }] },
    ],
    [
      'accepts-anyway spec.rules[0].require.anyOf',
      { anyOf: [signedByRelease, { insecureAcceptAnything: {} }] },
      { allOf: [signedByRelease, { insecureAcceptAnything: {} }] },
    ],
  ])('%s', (expected, require, neighbour) => {
    expect(lintRule(require)).toEqual([expected])
    expect(lintRule(neighbour)).toEqual([])
  })

  it.each([
    ['**', true],
    ['a.example.com/**', true],
    ['a.example.com/*', true],
    ['*.example.com/team/app', true],
    ['a.example.com/team/**', false],
    ['registry.k8s.io/pause', false],
  ])('insecureAcceptAnything for %s is broad: %s', (image, broad) => {
    expect(lintRule({ insecureAcceptAnything: {} }, image)).toEqual(
      broad ? ['accepts-broadly spec.rules[0].require'] : [],
    )
  })

  it('name rules that never govern', () => {
    const rules = [
      rule(['a.example.com/**/app']),
      rule(['a.example.com/*/**']),
      rule(['b.example.com/x'], signedByRelease, { exceptImages: ['b.example.com/**'] }),
    ]
    expect(lintSpec({ rules })).toEqual([
      'rule-unreachable spec.rules[0].images[0]',
      'rule-unreachable spec.rules[2].images[0]',
    ])
    expect(
      lintSpec({
        rules: [
          rule(['a.example.com/**/app']),
          rule(['a.example.com/*/**'], signedByRelease, { exceptImages: ['a.example.com/x/app'] }),
        ],
      }),
    ).toEqual([])
    expect(lintSpec({ rules: [rule(['a.example.com/**']), rule(['a.example.com/app'])] })).toEqual([])
  })

  it('know the life of keys', () => {
    const keys = (...life: readonly Spec[]) => [
      attestor(
        'release',
        keySpec(
          { name: 'good', pem: pems.third },
          ...life.map((each, index) => ({ name: `k${index}`, pem: index === 0 ? pems.first : pems.second, ...each })),
        ),
      ),
      clusterPolicy({ rules: someRules }),
    ]
    expect(lint(keys({ notAfter: '2026-06-01T00:00:00Z' }))).toEqual(['key-expired spec.key.keys[1].notAfter'])
    expect(lint(keys({ notAfter: '2026-06-01T00:00:01Z' }))).toEqual(['key-expires-soon spec.key.keys[1].notAfter'])
    expect(lint(keys({ notAfter: '2026-07-01T00:00:00Z' }))).toEqual(['key-expires-soon spec.key.keys[1].notAfter'])
    expect(lint(keys({ notAfter: '2026-07-01T00:00:01Z' }))).toEqual([])
    expect(lint(keys({ notBefore: '2026-06-01T00:00:01Z' }, { notBefore: '2026-06-01T00:00:00Z' }))).toEqual([
      'key-not-yet-valid spec.key.keys[1].notBefore',
    ])
    expect(lint(keys({ revoked: { at: '2026-06-01T00:00:00Z', reason: 'Superseded' } }))).toEqual([
      'key-revoked spec.key.keys[1].revoked',
    ])
    expect(lint(keys({ revoked: { at: '2026-06-01T00:00:01Z', reason: 'Superseded' } }))).toEqual([])
    expect(
      lint([
        attestor('release', keySpec({ name: 'k', pem: pems.first, notAfter: '2026-01-01T00:00:00Z' })),
        clusterPolicy({ rules: someRules }),
      ]),
    ).toEqual(['key-expired spec.key.keys[0].notAfter', 'no-valid-key spec.key.keys'])
  })

  it('know the life of keys of attestors inside a policy, and where they stand', () => {
    const own = (notAfter: string) => ({
      attestors: { ours: keySpec({ name: 'k', pem: pems.first }, { name: 'l', pem: pems.second, notAfter }) },
      rules: [rule(['registry.example.com/team/**'], { signature: { attestor: 'ours' } })],
    })
    expect(lint([teamPolicy(own('2026-01-01T00:00:00Z'))])).toEqual([
      'key-expired spec.attestors.ours.key.keys[1].notAfter',
    ])
    expect(lint([teamPolicy(own('2027-01-01T00:00:00Z'))])).toEqual([])
  })

  it('see who is asked for inside of groups', () => {
    const both = [attestor(), attestor('security', keySpec({ name: 'k', pem: pems.third }))]
    const using = (name: string) => [
      ...both,
      clusterPolicy({
        rules: [
          rule(['a.example.com/b'], { allOf: [signedByRelease, { anyOf: [{ signature: { attestor: name } }] }] }),
        ],
      }),
    ]
    expect(lint(using('security'))).toEqual([])
    expect(lint(using('release'))).toEqual(['attestor-unused metadata.name'])
  })

  it('name attestors that nobody asks for, and those hidden by others', () => {
    const own = { attestors: { release: keySpec({ name: 'ci', pem: pems.second }) }, rules: someRules }
    expect(
      lint([
        attestor(),
        attestor('security', keySpec({ name: 'k', pem: pems.third })),
        clusterPolicy({ rules: someRules }),
      ]),
    ).toEqual(['attestor-unused metadata.name'])
    expect(lint([attestor(), clusterPolicy({ rules: someRules }), teamPolicy(own)])).toEqual([
      'attestor-shadowed spec.attestors.release',
    ])
    expect(lint([teamPolicy(own)])).toEqual([])
  })

  it('know that an exempt namespace must be named', () => {
    expect(lint([teamPolicy({ otherwise: 'Deny' }, 'kube-system')])).toEqual(['never-applies metadata.namespace'])
    expect(lint([teamPolicy({ otherwise: 'Deny', match: { namespaces: ['kube-system'] } }, 'kube-system')])).toEqual([
      'system-namespace spec.match.namespaces[0]',
    ])
  })

  it('say how long a key still lasts, and find what is wrong inside of groups', () => {
    const ending = (notAfter: string) => [
      attestor('release', keySpec({ name: 'k', pem: pems.first, notAfter })),
      clusterPolicy({ rules: someRules }),
    ]
    const messages = (documents: readonly Json[]) =>
      lintPolicies(read(documents), { now }).map(({ message }) => message)
    expect(messages(ending('2026-06-02T00:00:00Z'))).toEqual(['the key "k" expires in 1 day'])
    expect(messages(ending('2026-06-02T00:00:01Z'))).toEqual(['the key "k" expires in 2 days'])
    const open = { anyOf: [signedByRelease, { insecureAcceptAnything: {} }] }
    const at = 'spec.rules[0].require'
    expect(lintRule({ allOf: [open, signedByRelease] })).toEqual([`accepts-anyway ${at}.allOf[0].anyOf`])
    expect(lintRule({ anyOf: [{ allOf: [{ deny: { message: 'no' } }, signedByRelease] }, signedByRelease] })).toEqual([
      `denies-anyway ${at}.anyOf[0].allOf`,
    ])
    expect(lintRule({ anyOf: [signedByRelease, { deny: {} }] })).toEqual([`deny-without-message ${at}.anyOf[1].deny`])
  })

  it('compare patterns only while there are few enough', () => {
    const many = (host: string, count: number) => rule(Array.from({ length: count }, (_, at) => `${host}.io/b${at}`))
    const hidden = rule(['c.io/x'], signedByRelease, { exceptImages: ['c.io/**'] })
    const among = (count: number) => lintSpec({ rules: [many('a', count), many('b', 256), hidden] })
    expect(among(255)).toEqual(['rule-unreachable spec.rules[2].images[0]'])
    expect(among(256)).toEqual([])
  })

  it('are silent about labels once there are namespaces', () => {
    const match = { namespaceSelector: { matchLabels: { a: 'b' } } }
    expect(lint([namespace('prod', {}), clusterPolicy({ otherwise: 'Deny', match })])).toEqual([])
    const byExpression = (key: string) =>
      lintSpec({ match: { namespaceSelector: { matchExpressions: [{ key, operator: 'Exists' }] } } })
    expect(byExpression('kubernetes.io/metadata.name')).toEqual([])
    expect(byExpression('a')).toEqual(['labels-unknown spec.match.namespaceSelector'])
  })
})

describe('covers', () => {
  it.each([
    ['**', 'nginx', true],
    ['a.example.com/**', 'a.example.com/b/c', true],
    ['a.example.com/**', 'b.example.com/b', false],
    ['*.example.com/b', 'a.example.com/b', true],
    ['*.example.com/b', '*.example.com/b', true],
    ['a*.example.com/b', '*.example.com/b', false],
    ['a.example.com/*', 'a.example.com/**', false],
    ['a.example.com/*/**', 'a.example.com/**/b', true],
    ['a.example.com/*/*/**', 'a.example.com/**/b', false],
    ['a.example.com/**/*', 'a.example.com/**', false],
    ['a.example.com/b*', 'a.example.com/bc', true],
    ['a.example.com/b*', 'a.example.com/b*c', false],
    ['a.example.com/*', 'a.example.com/b*', true],
    ['a.example.com/*', 'a.example.com/**/x', false],
    ['a.example.com/b*', 'a.example.com/*', false],
    ['a.example.com/b/**', 'a.example.com/**', false],
    ['a.example.com/**/b', 'a.example.com/**/c/b', true],
    ['a.example.com/b/c', 'a.example.com/b', false],
    ['a.example.com/b', 'a.example.com/b/c', false],
    ['a.example.com/b:v*', 'a.example.com/b', false],
    ['a.example.com/b:v*', 'a.example.com/b:v1', true],
    ['a.example.com/b', 'a.example.com/b:v1', true],
  ])('%s covers %s: %s', (wide, narrow, expected) => {
    expect(covers(parseImagePattern(wide), parseImagePattern(narrow))).toBe(expected)
  })

  it('gives up on patterns that branch without end', () => {
    const many = `a.example.com/${'**/a*/'.repeat(7)}b`
    expect(covers(parseImagePattern(many), parseImagePattern(`a.example.com/${'**/aa/'.repeat(7)}c`))).toBe(false)
    const deep = (count: number) =>
      covers(
        parseImagePattern(`a.example.com/${'**/*/'.repeat(count)}**`),
        parseImagePattern(`a.example.com/${'**/b/'.repeat(count)}c`),
      )
    expect([deep(6), deep(7)]).toEqual([true, false])
  })
})
