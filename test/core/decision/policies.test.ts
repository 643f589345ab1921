// How several policies combine on one image (design, section 2): who adds, who decides, who may change an object.

import { describe, expect, test } from 'vitest'
import { CodedError } from '#core/errors.ts'
import type { Policy } from '#core/policy/words.ts'
import { at, judging, name, noon } from '../../support/judging.ts'
import { digestOf, indexType, MemoryRegistry, manifestType } from '../../support/memory-registry.ts'
import type { PolicyParts } from '../../support/policies.ts'
import { allOf, anyOf, anything, attestor, deny, policy, rule, signed } from '../../support/policies.ts'

const release = rule(signed('release'))
const ci = rule(signed('ci'))

/** `v1` is signed by `release`, `v2` by `ci`, `v3` by both, `v0` by nobody. */
function world() {
  const registry = new MemoryRegistry()
  const signers = { v0: [], v1: ['release'], v2: ['ci'], v3: ['release', 'ci'] } as const
  for (const [tag, names] of Object.entries(signers)) {
    const digest = registry.putImage(at, tag, tag)
    for (const each of names) registry.sign(at, each, { digest })
  }
  return { registry, ...judging(registry) }
}

async function outcomes(policies: readonly Policy[], tags = ['v0', 'v1', 'v2', 'v3'], namespace = 'prod') {
  const { judge } = world()
  const { verdicts } = await judge(
    tags.map((tag) => `${name}:${tag}`),
    policies,
    { namespace },
  )
  return verdicts.map(({ outcome, code }) => (code === undefined ? outcome : `${outcome} ${code}`))
}

const missing = 'untrusted signature-missing'
const stranger = 'untrusted signature-by-stranger'

describe('enforcing policies', () => {
  test('must all be satisfied', async () => {
    expect(await outcomes([policy('a', [release]), policy('b', [ci])])).toEqual([
      missing,
      stranger,
      stranger,
      'trusted',
    ])
  })

  test('that have no rule for an image do not speak, while another has one', async () => {
    const other = policy('other', [rule(signed('ci'), { images: ['other.example.com/**'] })])
    expect(await outcomes([policy('a', [release]), other])).toEqual([missing, 'trusted', stranger, 'trusted'])
  })

  test('one Deny among several `otherwise` is enough', async () => {
    const lenient = policy('lenient', [], { otherwise: 'Accept' })
    expect(await outcomes([lenient], ['v1'])).toEqual(['accepted accepted-otherwise'])
    expect(await outcomes([lenient, policy('strict', [])], ['v1'])).toEqual(['untrusted no-rule'])
  })

  test('accepting by a rule of one does not help against another', async () => {
    expect(await outcomes([policy('a', [rule(anything)]), policy('b', [release])], ['v0', 'v1'])).toEqual([
      missing,
      'trusted',
    ])
    expect(await outcomes([policy('a', [rule(anything)])], ['v0'])).toEqual(['accepted accepted-by-rule'])
  })

  test('a deny beats every signature', async () => {
    expect(await outcomes([policy('a', [release]), policy('b', [rule(deny('not this one'))])], ['v1'])).toEqual([
      'untrusted denied-by-rule',
    ])
  })

  test('a clear no of one is not hidden by what another could not find out', async () => {
    const { registry, verdict } = world()
    const elsewhere = { ...at, repository: 'signatures' }
    registry.before = ({ question }) => {
      if (question.includes('/signatures')) throw new CodedError('registry-failing', 'no')
    }
    const far = policy('far', [rule(signed(attestor('ci', { storage: { repository: elsewhere } })))], {
      whenUndetermined: 'InsecureAdmit',
    })
    expect(await verdict(`${name}:v2`, [far, policy('a', [release])])).toMatchObject({ outcome: 'untrusted' })
    expect(await verdict(`${name}:v1`, [far])).toMatchObject({ outcome: 'accepted', code: 'accepted-undetermined' })
  })
})

test('a judgement is kept for an hour if it is a yes, for five seconds if it is a no', async () => {
  const { verdict } = world()
  expect((await verdict(`${name}:v1`, [policy('a', [release])])).judgement?.validUntil).toBe(noon + 3_600_000)
  expect((await verdict(`${name}:v0`, [policy('a', [release])])).judgement?.validUntil).toBe(noon + 5_000)
})

describe('a namespaced policy', () => {
  const cluster = policy('production', [release])
  const own = (rules: Parameters<typeof policy>[1], parts: PolicyParts = {}) =>
    policy('own', rules, { namespace: 'prod', ...parts })

  test('adds to what the cluster demands', async () => {
    expect(await outcomes([cluster, own([ci])])).toEqual([missing, stranger, stranger, 'trusted'])
  })

  test('cannot accept what the cluster refuses', async () => {
    expect(await outcomes([cluster, own([rule(anything)], { otherwise: 'Accept' })], ['v0'])).toEqual([missing])
  })

  test('cannot cover an image and so talk the cluster out of `otherwise: Deny`', async () => {
    const narrow = policy('narrow', [rule(signed('release'), { images: ['other.example.com/**'] })])
    expect(await outcomes([narrow, own([rule(anything)])], ['v0'])).toEqual(['untrusted no-rule'])
    expect(await outcomes([narrow, own([ci])], ['v2'])).toEqual(['untrusted no-rule'])
  })

  test('speaks in its own namespace only', async () => {
    expect(await outcomes([cluster, own([ci])], ['v1'], 'other')).toEqual(['trusted'])
  })

  test('alone decides for its namespace', async () => {
    expect(await outcomes([own([ci])], ['v1', 'v2'])).toEqual([stranger, 'trusted'])
  })
})

describe('Warn and Audit', () => {
  const strict = (mode: Policy['mode']) => policy('strict', [rule(allOf(signed('release'), signed('ci')))], { mode })

  test.each(['Warn', 'Audit'] as const)(
    'a policy in mode %s refuses nothing and is judged all the same',
    async (mode) => {
      const { verdict } = world()
      const given = await verdict(`${name}:v0`, [strict(mode)])
      expect(given).toMatchObject({ outcome: 'accepted', code: 'accepted-not-enforced' })
      expect(mode === 'Warn' ? given.judgement?.warned : given.judgement?.audited).toMatchObject({
        outcome: 'untrusted',
      })
      expect(given.judgement?.enforced).toBeUndefined()
    },
  )

  test.each(['Warn', 'Audit'] as const)(
    'a %s policy that accepts anything does not weaken an Enforce beside it',
    async (mode) => {
      const open = policy('open', [rule(anything)], {
        mode,
        otherwise: 'Accept',
        pin: 'InsecureNever',
        whenUndetermined: 'InsecureAdmit',
      })
      expect(await outcomes([open, policy('a', [release])], ['v0', 'v1'])).toEqual([missing, 'trusted'])
      expect(
        await outcomes([open, policy('narrow', [rule(anything, { images: ['x.example.com/**'] })])], ['v0']),
      ).toEqual(['untrusted no-rule'])
      const { registry, verdict } = world()
      registry.before = () => {
        throw new CodedError('registry-failing', 'no')
      }
      expect(await verdict(`${name}:v1`, [open, policy('a', [release])])).toMatchObject({ outcome: 'undetermined' })
    },
  )

  test('a Warn policy is judged as if it were enforced beside those that are', async () => {
    const { verdict } = world()
    const extra = policy('extra', [rule(signed('ci'), { images: ['other.example.com/**'] })], { mode: 'Warn' })
    const covered = await verdict(`${name}:v1`, [policy('a', [release]), extra])
    expect(covered.judgement?.warned).toBeUndefined()
    const alone = await verdict(`${name}:v1`, [extra])
    expect(alone.judgement?.warned).toMatchObject({ outcome: 'untrusted', code: 'no-rule' })
  })
})

describe('pins', () => {
  async function pinned(policies: readonly Policy[], tag = 'v3', purpose: 'mutate' | 'validate' = 'mutate') {
    const { pins, allowed, verdicts } = await world().judge(`${name}:${tag}`, policies, { purpose })
    if (purpose === 'validate') expect(pins).toEqual([])
    return {
      allowed,
      code: verdicts[0]?.code,
      pin: pins[0]?.to.replace(/sha256:[0-9a-f]+/, 'DIGEST').replace(name, 'APP'),
    }
  }
  const with_ = (pin: Policy['pin'], parts: PolicyParts = {}) => policy(`pin ${pin}`, [release], { pin, ...parts })

  test.each([
    ['TagAndDigest', [with_('TagAndDigest')], 'APP:v3@DIGEST'],
    ['Digest', [with_('Digest')], 'APP@DIGEST'],
    ['InsecureNever', [with_('InsecureNever')], undefined],
    ['the stricter of two', [with_('InsecureNever'), with_('TagAndDigest')], 'APP:v3@DIGEST'],
    ['the strictest of three', [with_('InsecureNever'), with_('Digest'), with_('TagAndDigest')], 'APP@DIGEST'],
    [
      'Digest, but a rule of another policy names tags',
      [with_('Digest'), policy('t', [rule(signed('ci'), { images: ['**/app:v*'] })])],
      'APP:v3@DIGEST',
    ],
    [
      'Digest, but a rule of another policy excepts tags',
      [with_('Digest'), policy('t', [rule(signed('ci'), { exceptImages: ['**/app:debug'] })])],
      'APP:v3@DIGEST',
    ],
    [
      'Digest, though a rule of an Audit policy names tags',
      [with_('Digest'), policy('t', [rule(signed('ci'), { images: ['**/app:v*'] })], { mode: 'Audit' })],
      'APP@DIGEST',
    ],
    ['Warn alone', [with_('TagAndDigest', { mode: 'Warn' })], 'APP:v3@DIGEST'],
    ['Audit alone', [with_('TagAndDigest', { mode: 'Audit' })], undefined],
    ['Audit beside InsecureNever', [with_('InsecureNever'), with_('TagAndDigest', { mode: 'Audit' })], undefined],
    ['Warn beside InsecureNever', [with_('InsecureNever'), with_('TagAndDigest', { mode: 'Warn' })], undefined],
    [
      'Warn and InsecureNever beside it',
      [with_('TagAndDigest'), with_('InsecureNever', { mode: 'Warn' })],
      'APP:v3@DIGEST',
    ],
    ['accepted by a rule', [policy('a', [rule(anything)])], undefined],
    ['accepted by otherwise', [policy('a', [], { otherwise: 'Accept' })], undefined],
    [
      'trusted by one policy, and by the otherwise of another that would pin more strictly',
      [policy('lenient', [], { otherwise: 'Accept', pin: 'Digest' }), with_('TagAndDigest', { namespace: 'prod' })],
      'APP:v3@DIGEST',
    ],
    [
      'trusted by two policies, of which the other pins more strictly',
      [with_('Digest'), with_('TagAndDigest', { namespace: 'prod' })],
      'APP@DIGEST',
    ],
  ] as const)('%s', async (_, policies, pin) => {
    expect(await pinned(policies)).toMatchObject({ allowed: true, pin })
  })

  test('an image that is refused is not pinned, nor is any beside it', async () => {
    const { pins } = await world().judge([`${name}:v1`, `${name}:v0`], [policy('a', [release])])
    expect(pins).toEqual([])
  })

  test('a digest as written is left as it is', async () => {
    const { judge, registry } = world()
    const digest = registry.putImage(at, 'v1')
    const { pins, allowed } = await judge([`${name}@${digest}`, `${name}:v1@${digest}`], [policy('a', [release])])
    expect({ pins, allowed }).toEqual({ pins: [], allowed: true })
  })

  test('/validate refuses a trusted tag that /mutate should have pinned', async () => {
    const given = await pinned([with_('TagAndDigest')], 'v1', 'validate')
    expect(given).toMatchObject({ allowed: false, code: 'not-pinned' })
  })

  test.each([
    ['InsecureNever', [with_('InsecureNever')]],
    [
      'a Warn policy that pins beside one that does not',
      [with_('InsecureNever'), with_('TagAndDigest', { mode: 'Warn' })],
    ],
    ['only Warn', [with_('TagAndDigest', { mode: 'Warn' })]],
    ['accepted unverified', [policy('a', [rule(anything)])]],
  ] as const)('/validate lets a tag pass: %s', async (_, policies) => {
    expect(await pinned(policies, 'v1', 'validate')).toMatchObject({ allowed: true })
  })

  test('/validate passes what /mutate has pinned, without asking the registry again', async () => {
    const { judge, registry } = world()
    const policies = [policy('a', [release])]
    const [pin] = (await judge(`${name}:v1`, policies)).pins
    registry.asked.length = 0
    expect(await judge(pin?.to ?? '', policies, { purpose: 'validate' })).toMatchObject({ allowed: true, pins: [] })
    expect(registry.kinds()).toEqual([])
  })
})

describe('references: DigestOnly', () => {
  const only = policy('only', [rule(signed('release'), { references: 'DigestOnly' })])

  test('refuses a tag without asking the registry', async () => {
    const { verdict, registry } = world()
    expect(await verdict(`${name}:v1`, [only])).toMatchObject({ outcome: 'untrusted', code: 'digest-required' })
    expect(registry.kinds()).toEqual([])
  })

  test('of one policy binds all: the strictest wins', async () => {
    expect(await outcomes([policy('a', [release]), only], ['v1'])).toEqual(['untrusted digest-required'])
  })

  test('accepts the digest, and never pins', async () => {
    const { verdict, registry } = world()
    const digest = registry.putImage(at, 'v1')
    const given = await verdict(`${name}@${digest}`, [only])
    expect(given).toMatchObject({ outcome: 'trusted' })
    expect(given.judgement?.pin).toBeUndefined()
  })
})

describe('whenUndetermined: InsecureAdmit', () => {
  const lenient = (parts: PolicyParts = {}) =>
    policy('lenient', [release], { whenUndetermined: 'InsecureAdmit', ...parts })

  test.each([
    ['registry-unreachable', 'accepted'],
    ['registry-timeout', 'accepted'],
    ['registry-failing', 'accepted'],
    ['registry-throttled', 'accepted'],
    ['token-service-failing', 'accepted'],
    ['access-denied', 'undetermined'],
    ['image-not-found', 'undetermined'],
    ['digest-mismatch', 'undetermined'],
    ['content-truncated', 'undetermined'],
    ['content-too-large', 'undetermined'],
    ['too-many-signatures', 'undetermined'],
    ['registry-protocol', 'undetermined'],
    ['manifest-ambiguous', 'undetermined'],
    ['internal-error', 'undetermined'],
  ] as const)('%s: %s', async (code, outcome) => {
    const { verdict, registry } = world()
    registry.before = () => {
      throw new CodedError(code, 'because')
    }
    const given = await verdict(`${name}:v1`, [lenient()])
    expect(given).toMatchObject({ outcome, code: outcome === 'accepted' ? 'accepted-undetermined' : code })
    expect(given.judgement?.pin).toBeUndefined()
  })

  test('lets nothing in that is known to be unsigned', async () => {
    expect(await outcomes([lenient()], ['v0'])).toEqual([missing])
  })

  test.each([
    ['Deny', 'undetermined'],
    ['UseLastVerdict', 'undetermined'],
    ['InsecureAdmit', 'accepted'],
  ] as const)('beside %s: %s, the strictest wins', async (whenUndetermined, outcome) => {
    const { verdict, registry } = world()
    registry.before = () => {
      throw new CodedError('registry-failing', 'no')
    }
    const beside = policy('beside', [ci], {
      whenUndetermined,
      ...(whenUndetermined === 'UseLastVerdict' ? { lastVerdictMaxAge: 1000 } : {}),
    })
    expect(await verdict(`${name}:v3`, [lenient(), beside])).toMatchObject({ outcome })
  })

  test('lets nothing in that one policy refuses while another cannot find out', async () => {
    const { verdict, registry } = world()
    registry.before = ({ question }) => {
      if (question.includes('/signatures')) throw new CodedError('registry-failing', 'no')
    }
    const far = signed(attestor('ci', { storage: { repository: { ...at, repository: 'signatures' } } }))
    const away = policy('away', [rule(far)], { whenUndetermined: 'InsecureAdmit' })
    expect(await verdict(`${name}:v0`, [away, lenient()])).toMatchObject({
      outcome: 'untrusted',
      code: 'signature-missing',
    })
    expect(await verdict(`${name}:v1`, [away, lenient()])).toMatchObject({ outcome: 'accepted' })
  })

  test('what one policy cannot find out is not kept, whatever another has found', async () => {
    const { verdict, registry } = world()
    let isAway = true
    registry.before = ({ question }) => {
      if (isAway && question.includes('/signatures')) throw new CodedError('registry-failing', 'no')
    }
    const far = signed(attestor('ci', { storage: { repository: { ...at, repository: 'signatures' } } }))
    const policies = [lenient(), policy('away', [rule(far)], { mode: 'Audit' })]
    const before = await verdict(`${name}:v1`, policies)
    expect(before).toMatchObject({ outcome: 'trusted', judgement: { audited: { outcome: 'undetermined' } } })
    expect(before.judgement?.validUntil).toBeUndefined()
    isAway = false
    const after = await verdict(`${name}:v1`, policies)
    expect(after).toMatchObject({ outcome: 'trusted', judgement: { audited: { outcome: 'untrusted' } } })
    expect(after.judgement?.validUntil).toBeGreaterThan(noon)
  })

  test('an outage beside something that a pusher can bring about is no outage', async () => {
    const { verdict, registry } = world()
    const elsewhere = { ...at, repository: 'signatures' }
    registry.before = ({ question }) => {
      if (question.includes('/signatures')) throw new CodedError('registry-failing', 'no')
      if (question.startsWith('tagged')) throw new CodedError('digest-mismatch', 'no')
    }
    const far = signed(attestor('ci', { storage: { repository: elsewhere } }))
    const policies = [policy('p', [rule(anyOf(signed('release'), far))], { whenUndetermined: 'InsecureAdmit' })]
    expect(await verdict(`${name}:v3`, policies)).toMatchObject({ outcome: 'undetermined' })
  })

  test('helps only if all that is unknown is so by an outage', async () => {
    const { verdict, registry } = world()
    const elsewhere = { ...at, repository: 'signatures' }
    registry.before = ({ question }) => {
      if (question.includes('/signatures')) throw new CodedError('registry-failing', 'no')
      if (question.startsWith('tagged')) throw new CodedError('access-denied', 'no')
    }
    const far = rule(signed(attestor('ci', { storage: { repository: elsewhere } })))
    const policies = [policy('a', [far], { whenUndetermined: 'InsecureAdmit' }), lenient()]
    expect(await verdict(`${name}:v3`, policies)).toMatchObject({ outcome: 'undetermined' })
  })

  test.each([
    [10, 'accepted'],
    [40, 'undetermined'],
  ] as const)('does not help an index of many platforms: of %i it is %s', async (count, outcome) => {
    const { verdict, registry } = world()
    const manifests = Array.from({ length: count }, (_, index) => {
      const platform = { os: 'linux', architecture: `a${index}` }
      return { mediaType: manifestType, size: 1, digest: digestOf(`${index}`), platform }
    })
    const digest = registry.putManifest(at, { schemaVersion: 2, mediaType: indexType, manifests }, 'index')
    registry.sign(at, 'release', { digest })
    registry.before = ({ question }) => {
      if (question.startsWith('tagged') && !question.includes(digest.slice(7)))
        throw new CodedError('registry-throttled', '429')
    }
    const each = policy('each', [rule(signed('release'), { platforms: 'Each' })], { whenUndetermined: 'InsecureAdmit' })
    expect(await verdict(`${name}:index`, [each])).toMatchObject({ outcome })
  })

  test.each([
    [10, true],
    [40, false],
  ] as const)('does not help an object of many images: of %i it is admitted: %s', async (count, allowed) => {
    const { judge, registry } = world()
    const images = Array.from({ length: count }, (_, index) => `${name}:t${index}`)
    registry.before = () => {
      throw new CodedError('registry-timeout', 'late')
    }
    expect((await judge(images, [lenient()])).allowed).toBe(allowed)
  })

  test('does not help an image with more signatures than an honest one: who pushes them brings the time-out about', async () => {
    const { verdict, registry } = world()
    const digest = registry.putImage(at, 'flooded', 'flooded')
    for (let index = 0; index < 40; index += 1) {
      registry.addLine(at, digest, `see:${registry.putBlob(at, new TextEncoder().encode(`x${index}`))}`)
    }
    registry.before = ({ question }) => {
      if (question.startsWith('blob')) throw new CodedError('registry-throttled', '429')
    }
    expect(await verdict(`${name}:flooded`, [lenient()])).toMatchObject({
      outcome: 'undetermined',
      code: 'registry-throttled',
    })
  })
})

describe('a reference that is none', () => {
  test.each([
    ['otherwise: Accept', [policy('a', [], { otherwise: 'Accept' })]],
    ['a rule for anything', [policy('a', [rule(anything)], { otherwise: 'Accept' })]],
  ] as const)('is refused whatever the policy says: %s', async (_, policies) => {
    const { verdict, registry } = world()
    for (const text of ['Not A Name', '', 'registry.example.com/team/app:v1\n', 'https://registry.example.com/app']) {
      expect(await verdict(text, policies)).toMatchObject({
        outcome: 'untrusted',
        code: 'reference-malformed',
        policy: 'a',
      })
    }
    expect(registry.kinds()).toEqual([])
  })

  test('is only told where nothing is enforced', async () => {
    const given = await world().verdict('Not A Name', [policy('a', [release], { mode: 'Audit' })])
    expect(given).toMatchObject({ outcome: 'accepted', judgement: { audited: { code: 'reference-malformed' } } })
  })
})

describe('a policy of which nobody knows whether it applies', () => {
  const selective = (mode: Policy['mode']) =>
    policy('selective', [rule(anything)], {
      mode,
      whenUndetermined: 'InsecureAdmit',
      match: {
        excludeNamespaces: [],
        namespaceSelector: { matchLabels: { signed: 'required' }, matchExpressions: [] },
      },
    })

  test('keeps the image out, however lenient it is', async () => {
    expect(await outcomes([selective('Enforce')], ['v1'])).toEqual(['undetermined namespace-labels-unknown'])
    expect(await outcomes([selective('Enforce'), policy('a', [release])], ['v1'])).toEqual([
      'undetermined namespace-labels-unknown',
    ])
  })

  test('hinders nothing in Audit', async () => {
    expect(await outcomes([selective('Audit'), policy('a', [release])], ['v1'])).toEqual(['trusted'])
  })
})

describe('requirements that need no registry', () => {
  test('an image that is let pass or refused by rule costs no request', async () => {
    const { verdict, registry } = world()
    registry.before = () => {
      throw new CodedError('registry-unreachable', 'no')
    }
    expect(await verdict(`${name}:v1`, [policy('a', [rule(anything)])])).toMatchObject({ outcome: 'accepted' })
    expect(await verdict(`${name}:v1`, [policy('a', [rule(deny())])])).toMatchObject({ outcome: 'untrusted' })
    expect(registry.kinds()).toEqual([])
    expect(await verdict(`${name}:v1`, [policy('a', [rule(allOf(signed('release'), deny()))])])).toMatchObject({
      code: 'denied-by-rule',
    })
  })
})

describe('an UPDATE', () => {
  const policies = [policy('a', [release])]

  test('asks nothing about what it left as it was, and lets it stand', async () => {
    const { judge, registry } = world()
    const decision = await judge([`${name}:v0`, `${name}:v1`], policies, { unchanged: [0] })
    expect(decision).toMatchObject({ allowed: true })
    expect(decision.verdicts.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['accepted', 'accepted-unchanged'],
      ['trusted', undefined],
    ])
    expect(registry.asked.map(({ question }) => question).filter((question) => question.endsWith(':v0'))).toEqual([])
    expect(decision.pins.map(({ pointer }) => pointer)).toEqual(['/spec/containers/1/image'])
  })

  test('refuses what it changed', async () => {
    const { judge } = world()
    expect(await judge([`${name}:v1`, `${name}:v0`], policies, { unchanged: [0] })).toMatchObject({ allowed: false })
  })

  test('tells of an unchanged image that has become untrusted, and admits it', async () => {
    const { judge, registry } = world()
    const digest = registry.putImage(at, 'v0')
    await judge(`${name}@${digest}`, policies)
    const decision = await judge([`${name}@${digest}`], policies, { unchanged: [0] })
    expect(decision).toMatchObject({ allowed: true, verdicts: [{ outcome: 'untrusted', unchanged: true }] })
  })

  test('an image that stands in a changed and in an unchanged place is judged for the changed one', async () => {
    const { judge } = world()
    const decision = await judge([`${name}:v0`, `${name}:v0`], policies, { unchanged: [0] })
    expect(decision).toMatchObject({ allowed: false })
    const good = await judge([`${name}:v1`, `${name}:v1`], policies, { unchanged: [0], purpose: 'validate' })
    expect(good.verdicts.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['trusted', undefined],
      ['untrusted', 'not-pinned'],
    ])
  })
})
