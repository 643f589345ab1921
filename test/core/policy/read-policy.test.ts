import { describe, expect, it } from 'vitest'
import type { SecretRef } from '#core/policy/read-attestor.ts'
import { maxNesting } from '#core/policy/schema-policy.ts'
import type { Json, Spec } from '../../support/policy-documents.ts'
import {
  apiVersion,
  attestor,
  clusterPolicy,
  keySpec,
  namespace,
  pems,
  policyOf,
  problemsOf,
  read,
  rule,
  signedByRelease,
  someRules,
  teamPolicy,
  toolsWith,
} from '../../support/policy-documents.ts'

function like(expected: string | RegExp): unknown {
  return typeof expected === 'string' ? expected : expect.stringMatching(expected)
}

/** What is wrong with a ClusterTrustPolicy of these members, beside an attestor `release`. */
function wrong(spec: Spec): readonly string[] {
  return problemsOf([attestor(), clusterPolicy(spec)])
}

function wrongRequire(require: Json): readonly string[] {
  return wrong({ rules: [rule(['a.example.com/b'], require)] })
}

function requirement(require: Json) {
  return policyOf({ rules: [rule(['a.example.com/b'], require)] }).rules[0]?.require
}

describe('a policy', () => {
  it('has every default filled in', () => {
    const policy = policyOf({ rules: [{ images: ['a.example.com/b'], require: signedByRelease }] })
    expect(policy).toMatchObject({
      kind: 'ClusterTrustPolicy',
      name: 'production',
      mode: 'Enforce',
      otherwise: 'Deny',
      pin: 'TagAndDigest',
      whenUndetermined: 'Deny',
      language: 'en',
      match: { excludeNamespaces: [] },
    })
    expect(policy.match.namespaces).toBeUndefined()
    expect(policy.lastVerdictMaxAge).toBeUndefined()
    expect(policy.rules[0]).toMatchObject({ path: 'rules[0]', references: 'Any', platforms: 'Index', exceptImages: [] })
    expect(policy.rules[0]?.require).toMatchObject({ kind: 'signature', annotations: {}, identity: { type: 'Any' } })
  })

  it('keeps what is written', () => {
    const policy = policyOf({
      mode: 'Audit',
      otherwise: 'Accept',
      pin: 'Digest',
      whenUndetermined: 'UseLastVerdict',
      lastVerdictMaxAge: '1h30m5s',
      denial: { language: 'zh' },
      rules: [
        rule(['a.example.com/**'], signedByRelease, {
          references: 'DigestOnly',
          platforms: 'Each',
          exceptImages: ['a.example.com/x'],
        }),
      ],
    })
    expect(policy).toMatchObject({
      mode: 'Audit',
      otherwise: 'Accept',
      pin: 'Digest',
      whenUndetermined: 'UseLastVerdict',
      lastVerdictMaxAge: 5_405_000,
      language: 'zh',
    })
    expect(policy.rules[0]).toMatchObject({ references: 'DigestOnly', platforms: 'Each' })
    expect(policy.rules[0]?.exceptImages).toHaveLength(1)
  })

  it('may consist of otherwise alone, and of a rule that denies', () => {
    expect(policyOf({ otherwise: 'Deny' })).toMatchObject({ rules: [], otherwise: 'Deny' })
    expect(policyOf({ rules: [rule(['**'], { deny: {} })] }).rules[0]?.require).toEqual({ kind: 'deny' })
    expect(wrong({})).toEqual(['spec: needs rules; to refuse everything in scope, write otherwise: Deny'])
    expect(wrong({ rules: [] })).toEqual(['spec.rules: must not be empty'])
  })

  it.each<[string, Spec, string | RegExp]>([
    [
      'an unknown member',
      { rules: someRules, othrwise: 'Deny' },
      'spec.othrwise: is not a word here; did you mean "otherwise"?',
    ],
    [
      'an unknown member of a rule',
      { rules: [{ ...someRules[0], image: 'x' }] },
      /^spec\.rules\[0\]\.image: is not a word here; did you mean "images"\?/,
    ],
    [
      'a choice that is none',
      { rules: someRules, mode: 'enforce' },
      'spec.mode: must be one of Enforce, Warn, Audit, not "enforce"; did you mean "Enforce"?',
    ],
    [
      'a boolean for a choice',
      { rules: someRules, mode: true },
      /^spec\.mode: must be one of Enforce, Warn, Audit, not true/,
    ],
    ['nothing for a choice', { rules: someRules, pin: null }, /^spec\.pin: must be one of .* not nothing \(null\)/],
    ['rules that are an object', { rules: {} }, 'spec.rules: must be a list, not an object'],
    ['a missing require', { rules: [{ images: ['a.example.com/b'] }] }, 'spec.rules[0].require: is missing'],
    ['missing images', { rules: [{ require: signedByRelease }] }, 'spec.rules[0].images: is missing'],
    ['no images', { rules: [rule([])] }, 'spec.rules[0].images: must not be empty'],
    [
      'an image pattern that is none',
      { rules: [rule(['a.example.com/b', 'A B'])] },
      /^spec\.rules\[0\]\.images\[1\]: "A B" is not an image pattern/,
    ],
    [
      'an exception that is none',
      { rules: [rule(['a.example.com/b'], signedByRelease, { exceptImages: ['***'] })] },
      /^spec\.rules\[0\]\.exceptImages\[0\]: /,
    ],
    [
      'an image that is a number',
      { rules: [{ ...rule(['a.example.com/b']), images: [5] }] },
      /^spec\.rules\[0\]\.images\[0\]: must be text .*; write it in quotes: "5"/,
    ],
    [
      'the same pattern in two rules',
      { rules: [rule(['nginx']), rule(['docker.io/library/nginx'])] },
      /^spec\.rules\[1\]\.images\[0\]: is the same pattern as spec\.rules\[0\]\.images\[0\]/,
    ],
    [
      'the same pattern twice in a rule',
      { rules: [rule(['nginx', 'docker.io/nginx'])] },
      /^spec\.rules\[0\]\.images\[1\]: is the same pattern as/,
    ],
    [
      'the same text twice in a rule',
      { rules: [rule(['nginx', 'nginx'])] },
      'spec.rules[0].images[1]: is the same pattern as spec.rules[0].images[0]; a pattern stands in one rule only',
    ],
    [
      'a pattern that its own rule excepts',
      { rules: [rule(['nginx'], signedByRelease, { exceptImages: ['docker.io/nginx'] })] },
      /^spec\.rules\[0\]\.images\[0\]: stands in exceptImages/,
    ],
    [
      'pin: Digest with a pattern of tags',
      { pin: 'Digest', rules: [rule(['a.example.com/b:v*'])] },
      /^spec\.rules\[0\]\.images\[0\]: names a tag, which pin: Digest removes/,
    ],
    [
      'pin: Digest with an exception of tags',
      { pin: 'Digest', rules: [rule(['a.example.com/b'], signedByRelease, { exceptImages: ['a.example.com/b:dev'] })] },
      /^spec\.rules\[0\]\.exceptImages\[0\]: names a tag/,
    ],
    [
      'UseLastVerdict without an age',
      { otherwise: 'Deny', whenUndetermined: 'UseLastVerdict' },
      'spec.lastVerdictMaxAge: is missing; UseLastVerdict needs it',
    ],
    [
      'an age without UseLastVerdict',
      { otherwise: 'Deny', lastVerdictMaxAge: '24h' },
      'spec.lastVerdictMaxAge: means nothing without whenUndetermined: UseLastVerdict',
    ],
    [
      'an age that is none',
      { otherwise: 'Deny', whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: '1d' },
      /^spec\.lastVerdictMaxAge: "1d" is not a duration/,
    ],
    [
      'an age of nothing',
      { otherwise: 'Deny', whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: '0s' },
      /^spec\.lastVerdictMaxAge: "0s" is not between/,
    ],
    [
      'an age past a week',
      { otherwise: 'Deny', whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: '169h' },
      /^spec\.lastVerdictMaxAge: "169h" is not between/,
    ],
    ['attestors of a ClusterTrustPolicy', { otherwise: 'Deny', attestors: {} }, /^spec\.attestors: is not a word here/],
  ])('refuses %s', (_, spec, expected) => {
    expect(wrong(spec)).toEqual([like(expected)])
    expect(read([attestor(), clusterPolicy(spec)]).policies).toEqual([])
  })

  it('accepts the longest age, and patterns of tags with another pin', () => {
    expect(
      policyOf({ otherwise: 'Deny', whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: '168h' }).lastVerdictMaxAge,
    ).toBe(604_800_000)
    expect(policyOf({ rules: [rule(['a.example.com/b:v*'])] }).pin).toBe('TagAndDigest')
  })
})

describe('a requirement', () => {
  it('is a tree of signatures', () => {
    expect(
      requirement({
        allOf: [
          signedByRelease,
          { anyOf: [{ deny: { message: 'no' } }, { atLeast: { count: 2, of: [signedByRelease, signedByRelease] } }] },
        ],
      }),
    ).toMatchObject({
      kind: 'allOf',
      of: [
        { kind: 'signature', attestor: { name: 'release' } },
        {
          kind: 'anyOf',
          of: [
            { kind: 'deny', message: 'no' },
            { kind: 'atLeast', count: 2, of: [{}, {}] },
          ],
        },
      ],
    })
    expect(requirement({ insecureAcceptAnything: {} })).toEqual({ kind: 'insecureAcceptAnything' })
  })

  const at = 'spec.rules[0].require'
  const nested = (levels: number, leaf: Json): Json => (levels === 0 ? leaf : { allOf: [nested(levels - 1, leaf)] })

  it.each<[string, Json, string | RegExp]>([
    ['nothing', {}, `${at}: needs exactly one of signature, allOf, anyOf, atLeast, deny, insecureAcceptAnything`],
    [
      'two things',
      { ...signedByRelease, deny: {} },
      `${at}: signature and deny contradict each other; exactly one of them may stand here`,
    ],
    ['null', null, /require: must be an object/],
    ['an unknown word', { signatures: {} }, /require\.signatures: is not a word here; did you mean "signature"\?/],
    ['null for insecureAcceptAnything', { insecureAcceptAnything: null }, /must be an object, at least \{\}/],
    [
      'a member of insecureAcceptAnything',
      { insecureAcceptAnything: { really: true } },
      /really: is not a word here; none is/,
    ],
    ['an empty group', { anyOf: [] }, `${at}.anyOf: must not be empty`],
    [
      'more than there is',
      { atLeast: { count: 3, of: [signedByRelease, signedByRelease] } },
      /atLeast\.count: asks for 3 of 2; to ask for several keys of one attestor, list the attestor that many times/,
    ],
    [
      'a count of none',
      { atLeast: { count: 0, of: [signedByRelease] } },
      /atLeast\.count: must be a whole number from 1 to 32, not 0/,
    ],
    ['half a count', { atLeast: { count: 1.5, of: [signedByRelease] } }, /atLeast\.count: must be a whole number/],
    [
      'a count as text',
      { atLeast: { count: '1', of: [signedByRelease] } },
      /atLeast\.count: must be a whole number .* not text/,
    ],
    ['a missing count', { atLeast: { of: [signedByRelease] } }, /atLeast\.count: is missing/],
    ['deny inside atLeast', { atLeast: { count: 1, of: [{ deny: {} }] } }, /of\[0\]\.deny: cannot be counted/],
    [
      'insecureAcceptAnything deep inside atLeast',
      { atLeast: { count: 1, of: [{ anyOf: [signedByRelease, { insecureAcceptAnything: {} }] }] } },
      /of\[0\]\.anyOf\[1\]\.insecureAcceptAnything: cannot be counted/,
    ],
    [
      'too many levels',
      nested(maxNesting + 1, signedByRelease),
      /allOf, anyOf and atLeast may be nested at most 3 deep/,
    ],
    [
      'a stranger',
      { signature: { attestor: 'relaese' } },
      `${at}.signature.attestor: there is no attestor "relaese"; did you mean "release"?`,
    ],
    [
      'an attestor that is no name',
      { signature: { attestor: 'Release Team' } },
      /signature\.attestor: "Release Team" is not a name/,
    ],
    ['a missing attestor', { signature: {} }, `${at}.signature.attestor: is missing`],
    [
      'annotations that are a list',
      { signature: { attestor: 'release', annotations: ['a'] } },
      /annotations: must be an object of names and values, not a list/,
    ],
    [
      'an annotation that is a number',
      { signature: { attestor: 'release', annotations: { team: 5 } } },
      /annotations\.team: must be text .*"5"/,
    ],
    [
      'an unknown identity',
      { signature: { attestor: 'release', identity: { type: 'MatchRepo' } } },
      /identity\.type: must be one of/,
    ],
    [
      'an identity as text',
      { signature: { attestor: 'release', identity: 'MatchRepository' } },
      /identity: must be an object such as \{type: MatchRepository\}, not text/,
    ],
    [
      'ExactReference without one',
      { signature: { attestor: 'release', identity: { type: 'ExactReference' } } },
      /identity\.reference: is missing; ExactReference needs it/,
    ],
    [
      'ExactReference without tag',
      { signature: { attestor: 'release', identity: { type: 'ExactReference', reference: 'a.example.com/b' } } },
      /identity\.reference: must name a tag or a digest/,
    ],
    [
      'ExactReference that is no name',
      { signature: { attestor: 'release', identity: { type: 'ExactReference', reference: 'A//b' } } },
      /identity\.reference: "A\/\/b" is not an image name/,
    ],
    [
      'ExactRepository with a tag',
      { signature: { attestor: 'release', identity: { type: 'ExactRepository', repository: 'a.example.com/b:v1' } } },
      /identity\.repository: must name a repository, without tag or digest/,
    ],
    [
      'a member of another type',
      { signature: { attestor: 'release', identity: { type: 'MatchExact', repository: 'a.example.com/b' } } },
      /identity\.repository: means nothing with type: MatchExact/,
    ],
    [
      'half a RemapIdentity',
      { signature: { attestor: 'release', identity: { type: 'RemapIdentity', prefix: 'a.example.com' } } },
      /identity\.signedPrefix: is missing/,
    ],
    [
      'a prefix without host',
      {
        signature: {
          attestor: 'release',
          identity: { type: 'RemapIdentity', prefix: 'team', signedPrefix: 'a.example.com' },
        },
      },
      /identity\.prefix: is not a prefix of image names: it must begin with a host/,
    ],
    [
      'a prefix with a tag',
      {
        signature: {
          attestor: 'release',
          identity: { type: 'RemapIdentity', prefix: 'a.example.com/b:v1', signedPrefix: 'b.example.com' },
        },
      },
      /identity\.prefix: is not a prefix/,
    ],
  ])('may not be %s', (_, require, expected) => {
    expect(wrongRequire(require)).toEqual([like(expected)])
  })

  it('may nest three deep, leaves not counted', () => {
    expect(wrongRequire(nested(maxNesting, signedByRelease))).toEqual([])
    expect(wrongRequire(nested(maxNesting, { deny: {} }))).toEqual([])
  })

  it('normalises the names of an identity', () => {
    const identity = (value: Spec) => requirement({ signature: { attestor: 'release', identity: value } })
    expect(identity({ type: 'ExactReference', reference: 'nginx:1' })).toMatchObject({
      identity: { type: 'ExactReference', reference: 'docker.io/library/nginx:1' },
    })
    expect(identity({ type: 'ExactRepository', repository: 'nginx' })).toMatchObject({
      identity: { type: 'ExactRepository', repository: 'docker.io/library/nginx' },
    })
    expect(
      identity({ type: 'RemapIdentity', prefix: 'Mirror.example.com/hub', signedPrefix: 'docker.io' }),
    ).toMatchObject({
      identity: { type: 'RemapIdentity', prefix: 'mirror.example.com/hub', signedPrefix: 'docker.io' },
    })
  })
})

describe('a TrustPolicy', () => {
  const inline = { shop: keySpec({ name: 'ci', pem: pems.second }) }
  const byShop = [rule(['a.example.com/b'], { signature: { attestor: 'shop' } })]

  it('knows its own attestors and those of the cluster, its own first', () => {
    const own = read([attestor('shop'), teamPolicy({ attestors: inline, rules: byShop })])
    expect(own.problems).toEqual([])
    expect(own.policies[0]?.rules[0]?.require).toMatchObject({ attestor: { name: 'shop', keys: [{ name: 'ci' }] } })
    expect(problemsOf([attestor(), teamPolicy({ rules: someRules })])).toEqual([])
    const foreign = [teamPolicy({ attestors: inline, rules: byShop }), teamPolicy({ rules: byShop }, 'other')]
    expect(problemsOf(foreign)).toEqual([expect.stringMatching(/there is no attestor "shop"/)])
  })

  it('names what is wrong inside its attestors', () => {
    expect(
      problemsOf([teamPolicy({ attestors: { shop: { key: { keys: [{ name: 'ci', pem: 'x' }] } } }, rules: byShop })]),
    ).toEqual([
      expect.stringMatching(/^spec\.attestors\.shop\.key\.keys\[0\]\.pem: /),
      expect.stringMatching(
        /^spec\.rules\[0\]\.require\.signature\.attestor: the attestor "shop" has problems of its own/,
      ),
    ])
  })

  it('reads keys from Secrets of its own namespace, and of no other', () => {
    const secrets = { 'team/keys cosign.pub': pems.second, 'other/keys cosign.pub': pems.third }
    const readWith = (secretRef: Spec) => {
      const asked: string[] = []
      const tools = {
        ...toolsWith(),
        readSecret: ({ namespace, name, key }: SecretRef) => {
          asked.push(namespace)
          return secrets[`${namespace}/${name} ${key}` as keyof typeof secrets]
        },
      }
      const attestors = { shop: keySpec({ name: 'ci', secretRef }) }
      return { ...read([teamPolicy({ attestors, rules: byShop })], tools), asked }
    }
    for (const secretRef of [{ name: 'keys' }, { namespace: 'team', name: 'keys' }]) {
      const { policies, problems, asked } = readWith(secretRef)
      expect(problems).toEqual([])
      expect(asked).toEqual(['team'])
      expect(policies[0]?.rules[0]?.require).toMatchObject({ attestor: { keys: [{ pem: pems.second }] } })
    }
    const { problems, asked } = readWith({ namespace: 'other', name: 'keys' })
    expect(problems.map(({ path, message }) => `${path}: ${message}`)).toContain(
      'spec.attestors.shop.key.keys[0].secretRef.namespace: must be "team": the attestors of a TrustPolicy are read from its own namespace only',
    )
    expect(asked).toEqual([])
  })

  it('belongs to the namespace "default" if it names none', () => {
    const result = read([{ apiVersion, kind: 'TrustPolicy', metadata: { name: 'ours' }, spec: { otherwise: 'Deny' } }])
    expect(result.policies).toMatchObject([{ kind: 'TrustPolicy', namespace: 'default' }])
  })

  it('may narrow itself, but name no other namespace', () => {
    const match = (value: Spec) => problemsOf([teamPolicy({ otherwise: 'Deny', match: value })])
    expect(match({ namespaces: ['team'] })).toEqual([])
    expect(match({ namespaces: ['team', 'other'] })).toEqual([
      expect.stringMatching(/^spec\.match\.namespaces\[1\]: a TrustPolicy applies in its own namespace only/),
    ])
    expect(match({ namespaces: ['te*'] })).toEqual([expect.stringMatching(/own namespace only/)])
    expect(match({ excludeNamespaces: ['t*m'] })).toEqual([
      expect.stringMatching(/^spec\.match: excludeNamespaces \("t\*m"\) excludes/),
    ])
  })
})

describe('match', () => {
  const matching = (match: Spec) => wrong({ otherwise: 'Deny', match })

  it.each<[string, Spec, string | RegExp]>([
    ['no namespace at all', { namespaces: [] }, 'spec.match.namespaces: must not be empty'],
    [
      'a namespace that cannot be',
      { namespaces: ['Prod'] },
      /^spec\.match\.namespaces\[0\]: "Prod" is not a namespace name/,
    ],
    [
      'a namespace that is excluded',
      { namespaces: ['prod'], excludeNamespaces: ['pr*'] },
      'spec.match.namespaces[0]: is excluded by excludeNamespaces ("pr*")',
    ],
    ['a wildcard that is excluded', { namespaces: ['pr*'], excludeNamespaces: ['pr*'] }, /is excluded by/],
    [
      'In without values',
      { objectSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      'spec.match.objectSelector.matchExpressions[0].values: is missing; In needs it',
    ],
    [
      'Exists with values',
      { objectSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } },
      /values: means nothing with operator: Exists/,
    ],
    [
      'a label key that is none',
      { namespaceSelector: { matchLabels: { 'a b': 'c' } } },
      'spec.match.namespaceSelector.matchLabels["a b"]: the name "a b" is not a label key',
    ],
    [
      'a label value that is none',
      { namespaceSelector: { matchLabels: { 'x.y/a': 'b c' } } },
      'spec.match.namespaceSelector.matchLabels["x.y/a"]: "b c" is not a label value',
    ],
    [
      'a kind for a resource',
      { resourceRules: [{ resources: ['Pod'] }] },
      /resources\[0\]: "Pod" is not a resource as pods/,
    ],
    ['no resource', { resourceRules: [{ apiGroups: ['apps'] }] }, /resourceRules\[0\]\.resources: is missing/],
    ['no resource rule', { resourceRules: [] }, /resourceRules: must not be empty/],
    [
      'an operation that runs nothing',
      { resourceRules: [{ resources: ['pods'], operations: ['DELETE'] }] },
      /operations\[0\]: must be one of CREATE, UPDATE, \*, not "DELETE"/,
    ],
    [
      'a group that is none',
      { resourceRules: [{ resources: ['pods'], apiGroups: ['apps/v1'] }] },
      /apiGroups\[0\]: is no API group/,
    ],
  ])('refuses %s', (_, match, expected) => {
    expect(matching(match)).toEqual([like(expected)])
  })

  it('fills in the rest of a resource rule', () => {
    const policy = policyOf({ otherwise: 'Deny', match: { resourceRules: [{ resources: ['pods'], apiGroups: [''] }] } })
    expect(policy.match.resourceRules).toEqual([
      { apiGroups: [''], apiVersions: ['*'], resources: ['pods'], operations: ['*'] },
    ])
  })
})

describe('several documents', () => {
  it('refuses a name that is there twice', () => {
    const twice = read([
      attestor(),
      attestor(),
      clusterPolicy({ otherwise: 'Deny' }),
      clusterPolicy({ otherwise: 'Accept' }),
    ])
    expect(twice.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'metadata.name: there is another Attestor of this name in policy.yaml',
      'metadata.name: there is another ClusterTrustPolicy of this name in policy.yaml',
    ])
    expect(problemsOf([teamPolicy({ otherwise: 'Deny' }, 'a'), teamPolicy({ otherwise: 'Deny' }, 'b')])).toEqual([])
  })

  it('say that the reader failed on one of them, and are otherwise read', () => {
    let calls = 0
    const failing = (at: number) => {
      calls = 0
      const sha256 = (text: string) => {
        calls += 1
        if (calls === at) throw new TypeError('no such hash')
        return toolsWith().sha256(text)
      }
      return read([attestor(), attestor('ci')], { ...toolsWith(), sha256 })
    }
    const first = failing(1)
    expect(first.attestors.map(({ name }) => name)).toEqual(['ci'])
    expect(first.problems).toMatchObject([
      { code: 'internal-error', message: 'could not be read: no such hash; this is a defect of Sealward' },
    ])
    expect(failing(0)).toMatchObject({ attestors: [{}, {}], problems: [] })
  })

  it('says of a name that is there twice in a List at which item it stood first', () => {
    const list = { apiVersion: 'v1', kind: 'List', metadata: {}, items: [namespace('shop', {}), attestor()] }
    expect(problemsOf([list, attestor()])).toEqual([
      'metadata.name: there is another Attestor of this name in policy.yaml items[1]',
    ])
    expect(problemsOf([list, attestor('other')])).toEqual([])
  })

  it('reads namespaces with their labels, and Lists as their items', () => {
    const result = read([
      {
        apiVersion: 'v1',
        kind: 'List',
        metadata: {},
        items: [namespace('shop', { tier: 'web' }), attestor(), clusterPolicy({ mode: 'off' })],
      },
    ])
    expect(result.namespaces).toEqual([{ name: 'shop', labels: { tier: 'web' } }])
    expect(result.attestors).toHaveLength(1)
    expect(result.problems).toMatchObject([
      { path: 'items[2].spec' },
      { path: 'items[2].spec.mode', kind: 'ClusterTrustPolicy', name: 'production' },
    ])
  })

  it('knows where the items of a List stand', () => {
    const list = (...items: readonly Json[]): Json => ({ apiVersion: 'v1', kind: 'List', items })
    expect(problemsOf([list(attestor(), { apiVersion, kind: 'Rule' }, 7)])).toEqual([
      expect.stringMatching(/^items\[1\]\.kind: "Rule" is no kind of/),
      expect.stringMatching(/^items\[2\]: must be an object/),
    ])
    const { policies, origins } = read([list(attestor(), clusterPolicy({ rules: someRules }))])
    const origin = policies[0] && origins.get(policies[0])
    const alone = read([clusterPolicy({ rules: someRules }), attestor()])
    const first = alone.policies[0] && alone.origins.get(alone.policies[0])
    expect(origin?.at).toEqual(['items', 1])
    expect((origin?.lineOf(['spec', 'rules']) ?? 0) - (origin?.lineOf([]) ?? 0)).toBe(
      (first?.lineOf(['spec', 'rules']) ?? 0) - (first?.lineOf([]) ?? 0),
    )
    expect(origin?.lineOf([])).toBeGreaterThan(10)
  })

  it.each([
    'annotations',
    'creationTimestamp',
    'deletionGracePeriodSeconds',
    'deletionTimestamp',
    'finalizers',
    'generateName',
    'generation',
    'labels',
    'managedFields',
    'ownerReferences',
    'resourceVersion',
    'selfLink',
    'uid',
  ])('does not look at metadata.%s, which says nothing about trust', (name) => {
    const document = { apiVersion, kind: 'Attestor', metadata: { name: 'release', [name]: ['x'] }, spec: keySpec() }
    expect(problemsOf([document])).toEqual([])
    expect(problemsOf([{ ...document, metadata: { name: 'release', [`${name}s`]: ['x'] } }])).toHaveLength(1)
  })

  it('reports objects of other systems, or leaves them out when asked to', () => {
    const documents = [
      attestor(),
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } },
      clusterPolicy({ otherwise: 'Deny' }),
    ]
    expect(problemsOf(documents)).toEqual([expect.stringMatching(/^apiVersion: "apps\/v1" Deployment is no policy/)])
    const result = read(documents, undefined, { ignoreForeign: true })
    expect(result.problems).toEqual([])
    expect(result.policies).toHaveLength(1)
  })

  it.each<[string, Json, string | RegExp]>([
    ['text', 'hello', ': must be an object with apiVersion and kind'],
    ['no apiVersion', { kind: 'Attestor' }, /^apiVersion: is missing/],
    ['no kind', { apiVersion }, 'kind: is missing'],
    [
      'another version',
      { apiVersion: 'sealward.dev/v1', kind: 'Attestor' },
      `apiVersion: must be ${apiVersion}, not "sealward.dev/v1"`,
    ],
    [
      'a kind that is none',
      { apiVersion, kind: 'ClusterTrustPolicies' },
      /^kind: "ClusterTrustPolicies" is no kind .*did you mean "ClusterTrustPolicy"\?/,
    ],
    ['a namespace without name', { apiVersion: 'v1', kind: 'Namespace', metadata: {} }, 'metadata.name: is missing'],
    ['a policy without spec', { apiVersion, kind: 'ClusterTrustPolicy', metadata: { name: 'a' } }, 'spec: is missing'],
  ])('refuses %s, also when foreign objects are ignored', (_, document, expected) => {
    const found = read([document], undefined, { ignoreForeign: true }).problems.map(
      ({ path, message }) => `${path}: ${message}`,
    )
    expect(found[0]).toMatch(expected)
  })

  it('allows what kubectl adds, and nothing else', () => {
    const metadata = {
      name: 'a',
      uid: 'x',
      resourceVersion: '5',
      creationTimestamp: null,
      generation: 2,
      managedFields: [{}],
      labels: { a: 'b' },
      annotations: { c: 'd' },
    }
    const document = {
      apiVersion,
      kind: 'ClusterTrustPolicy',
      metadata,
      spec: { otherwise: 'Deny' },
      status: { observed: 1 },
    }
    expect(problemsOf([document])).toEqual([])
    expect(problemsOf([{ ...document, metadata: { ...metadata, nmae: 'b' } }])).toEqual([
      expect.stringMatching(/^metadata\.nmae: is not a word here/),
    ])
    expect(problemsOf([{ ...document, metadata: { ...metadata, namespace: 'b' } }])).toEqual([
      expect.stringMatching(/^metadata\.namespace: is not a word here/),
    ])
    expect(problemsOf([{ ...document, data: {} }])).toEqual([expect.stringMatching(/^data: is not a word here/)])
  })

  it('names every problem at once, with file, line, object and path', () => {
    const text = `apiVersion: ${apiVersion}
kind: ClusterTrustPolicy
metadata:
  name: a
spec:
  mode: Enfroce
  otherwise: Deny
  otherwise: Accept
  rules:
    - images: ["a b"]
      require: { signature: { attestor: nobody } }
    - images: [yes]
      requires: {}
`
    expect(read(text).problems).toEqual([
      expect.objectContaining({
        code: 'policy-invalid',
        file: 'policy.yaml',
        line: 6,
        kind: 'ClusterTrustPolicy',
        name: 'a',
        path: 'spec.mode',
      }),
      expect.objectContaining({ code: 'yaml-malformed', line: 8, path: 'spec.otherwise' }),
      expect.objectContaining({ line: 10, path: 'spec.rules[0].images[0]' }),
      expect.objectContaining({ line: 11, path: 'spec.rules[0].require.signature.attestor' }),
      expect.objectContaining({ code: 'yaml-malformed', line: 12, path: 'spec.rules[1].images[0]' }),
      expect.objectContaining({ line: 12, path: 'spec.rules[1].require' }),
      expect.objectContaining({ line: 13, path: 'spec.rules[1].requires' }),
    ])
  })

  it('gives nothing for a document that is only ambiguous YAML', () => {
    const good = `apiVersion: ${apiVersion}\nkind: ClusterTrustPolicy\nmetadata: {name: a, labels: {x: "on"}}\nspec: {otherwise: Deny}\n`
    expect(read(good).policies).toHaveLength(1)
    expect(read(good.replace('"on"', 'on')).policies).toHaveLength(0)
  })

  it('lists no more problems of one document than anybody reads', () => {
    const spec = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`unknown${index}`, 1]))
    expect(read([clusterPolicy(spec)]).problems).toHaveLength(100)
  })
})
