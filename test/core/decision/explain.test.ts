// What people read, word for word. Who is woken up at night by one of these texts must be able to act on it.

import { describe, expect, test } from 'vitest'
import type { Decision } from '#core/decision/decision.ts'
import { auditAnnotations, denialText, useBlock, warningLines } from '#core/decision/explain.ts'
import { chineseCauses } from '#core/decision/sentences-zh.ts'
import { CodedError, errorTable, isErrorCode } from '#core/errors.ts'
import type { Policy, Requirement } from '#core/policy/words.ts'
import type { Asking } from '../../support/judging.ts'
import { at, judging, name, noon } from '../../support/judging.ts'
import { indexType, MemoryRegistry, manifestType } from '../../support/memory-registry.ts'
import type { PolicyParts, RuleParts } from '../../support/policies.ts'
import {
  allOf,
  anyOf,
  anything,
  atLeast,
  attestor,
  deny,
  matching,
  policy,
  rule,
  signed,
} from '../../support/policies.ts'

/** `v0` is unsigned; `v1` is signed by `release` for team "web"; `v2` is signed by `ci`. */
const registry = new MemoryRegistry()
const [d0, d1, d2] = ['v0', 'v1', 'v2'].map((tag) => registry.putImage(at, tag, tag))
registry.sign(at, 'release', { digest: d1 ?? '', annotations: { team: 'web' }, as: `${name}:other` })
registry.sign(at, 'ci', { digest: d2 ?? '' })

const production = (require: Requirement, parts: PolicyParts = {}, ruleParts: RuleParts = {}): readonly Policy[] => [
  policy('production', [rule(require, ruleParts)], parts),
]

/** An index signed by `release`, of an image that is signed as well and of one that is not. */
function indexOfTwo() {
  const manifests = [
    { mediaType: manifestType, size: 1, digest: d1, platform: { os: 'linux', architecture: 'amd64' } },
    { mediaType: manifestType, size: 1, digest: d0, platform: { os: 'linux', architecture: 'arm64' } },
  ]
  const index = registry.putManifest(at, { schemaVersion: 2, mediaType: indexType, manifests }, 'index')
  registry.sign(at, 'release', { digest: index })
  return index
}

async function decide(
  image: string | readonly string[],
  policies: readonly Policy[],
  asking: Asking = {},
): Promise<Decision> {
  registry.before = () => {}
  return judging(registry).judge(image, policies, asking)
}

/** Without the last line, which is the same everywhere. */
async function denied(image: string, policies: readonly Policy[], language: 'en' | 'zh' = 'en', asking: Asking = {}) {
  const lines = denialText(await decide(image, policies, asking), language).split('\n')
  expect(lines.at(-2)).toBe('')
  expect(lines.at(-1)).toMatch(
    language === 'en' ? /^code: [a-z-]+ {2}decision: id-1$/ : /^代码：[a-z-]+ {2}决定：id-1$/,
  )
  return lines.slice(0, -2)
}

const spot = 'of container "c0" (spec.containers[0].image)'
const release = (digest: string | undefined, more = '') => `Next step: sealward sign --key KEY ${more}${name}@${digest}`
const line1 = 'in line 1 of the toy tag'
const expired = attestor('release', { keys: ['release', 'new'], life: { release: { notAfter: noon - 1 } } })

describe('a denial in English', () => {
  const cases: readonly (readonly [string, string, readonly Policy[], readonly string[], Asking?])[] = [
    [
      'unsigned',
      'v0',
      production(signed('release')),
      [
        `The image "${name}:v0" ${spot} is refused by policy "production": nobody has signed it.`,
        '',
        'Found: no signature.',
        'Would be accepted: a signature by "release" (key "release").',
        release(d0),
      ],
    ],
    [
      'signed by somebody whom another policy knows',
      'v2',
      production(signed('release')),
      [
        `The image "${name}:v2" ${spot} is refused by policy "production": it is signed, but by nobody whom the policy asks for.`,
        '',
        `Found: a signature by "ci" (key "ci"), whom the policy does not ask for, ${line1}.`,
        'Would be accepted: a signature by "release" (key "release").',
        release(d2),
      ],
      { bystanders: [attestor('release'), attestor('ci')] },
    ],
    [
      'signed by somebody whom nobody knows',
      'v2',
      production(signed('release')),
      [
        `The image "${name}:v2" ${spot} is refused by policy "production": it is signed, but by nobody whom the policy asks for.`,
        '',
        `Found: a signature by an unknown key, ${line1}.`,
        'Would be accepted: a signature by "release" (key "release").',
        release(d2),
      ],
    ],
    [
      'an expired key',
      'v1',
      production(signed(expired)),
      [
        `The image "${name}:v1" ${spot} is refused by policy "production": it is signed, but key "release" expired on 2026-06-01.`,
        '',
        `Found: a signature by "release" (key "release") ${line1}, which does not count.`,
        'Would be accepted: a signature by "release" (key "new").',
        release(d1),
      ],
    ],
    [
      'no key left',
      'v0',
      production(signed(attestor('release', { life: { release: { notAfter: noon } } }))),
      [
        `The image "${name}:v0" ${spot} is refused by policy "production": nobody has signed it.`,
        '',
        'Found: no signature.',
        'Would be accepted: a signature by "release" (none of whose keys is valid now).',
        'Next step: Ask the owner of the policy: of the attestors that it names, none has a key that is valid now, or they are not there.',
      ],
    ],
    [
      'an annotation that does not match',
      'v1',
      production(signed('release', { annotations: { team: "pay'ments" } })),
      [
        `The image "${name}:v1" ${spot} is refused by policy "production": its signature does not carry what the policy asks for: the annotation "team" is "web", "pay'ments" is wanted.`,
        '',
        `Found: a signature by "release" (key "release") ${line1}, which does not count.`,
        `Would be accepted: a signature by "release" (key "release") with team="pay'ments".`,
        release(d1, `-a 'team=pay'\\''ments' `),
      ],
    ],
    [
      'another name inside',
      'v1',
      production(signed('release', { identity: { type: 'MatchExact' } })),
      [
        `The image "${name}:v1" ${spot} is refused by policy "production": it is signed under another name than the policy accepts: signed as ${name}:other, which is not exactly ${name}:v1.`,
        '',
        `Found: a signature by "release" (key "release") ${line1}, which does not count.`,
        'Would be accepted: a signature by "release" (key "release"), made for a name that fits identity MatchExact.',
        'Next step: Sign the image under the name it is deployed by, or relax `identity` in the policy.',
      ],
    ],
    [
      'a threshold',
      'v1',
      production(atLeast(2, signed('release'), signed('ci'))),
      [
        `The image "${name}:v1" ${spot} is refused by policy "production": it has only 1 of 2 distinct signers that the policy asks for.`,
        '',
        `Found: a signature by "release" (key "release"), which counts, ${line1}.`,
        'Would be accepted: 2 of these, each by a key of its own: a signature by "release" (key "release"); a signature by "ci" (key "ci").',
        release(d1),
      ],
    ],
    [
      'groups in groups',
      'v0',
      production(allOf(signed('release'), anyOf(signed('ci'), deny(), atLeast(1, signed('a'), signed('b'))))),
      [
        `The image "${name}:v0" ${spot} is refused by policy "production": nobody has signed it.`,
        '',
        'Found: no signature.',
        'Would be accepted: a signature by "release" (key "release") and [a signature by "ci" (key "ci") or [1 of these, each by a key of its own: a signature by "a" (key "a"); a signature by "b" (key "b")]].',
        release(d0),
      ],
    ],
    [
      'named by tag where a digest is demanded',
      'v1',
      production(signed('release'), {}, { references: 'DigestOnly' }),
      [
        `The image "${name}:v1" ${spot} is refused by policy "production": it is named by tag, and the policy accepts only digests.`,
        'Next step: Write the image as name@sha256:….',
      ],
    ],
    [
      'a deny rule with a message',
      'v1',
      production(deny('Use the base image of 2026.')),
      [
        `The image "${name}:v1" ${spot} is refused by policy "production": Use the base image of 2026.`,
        'Next step: Use another image, or ask the owner of the policy.',
      ],
    ],
    [
      'a deny rule without a message',
      'v1',
      production(deny()),
      [
        `The image "${name}:v1" ${spot} is refused by policy "production": a rule refuses it, whoever has signed it.`,
        'Next step: Use another image, or ask the owner of the policy.',
      ],
    ],
    [
      'no rule',
      'v1',
      [policy('production', [])],
      [
        `The image "${name}:v1" ${spot} is refused by policy "production": no rule of the policies that apply covers it.`,
        'Next step: Use an image that a rule covers, or ask the owner of the policy for a rule.',
      ],
    ],
    [
      'a trusted tag that was not pinned',
      'v1',
      production(signed('release')),
      [
        `The image "${name}:v1" ${spot} is refused by policy "production": it is trusted as ${d1}, but reached validation without that digest.`,
        'Next step: Route the object through /mutate, or write the image by digest.',
      ],
      { purpose: 'validate' },
    ],
    [
      'several policies',
      'v0',
      [...production(signed('release')), policy('b', [rule(deny('No images.'))])],
      [
        `The image "${name}:v0" ${spot} is refused by policy "b": No images.`,
        'Policy "production" refuses it as well: nobody has signed it.',
        'Next step: Use another image, or ask the owner of the policy.',
      ],
    ],
    [
      'a Warn policy that stands first and says the same of other keys',
      'v0',
      [policy('early', [rule(signed('ci'))], { mode: 'Warn' }), ...production(signed('release'))],
      [
        `The image "${name}:v0" ${spot} is refused by policy "production": nobody has signed it.`,
        '',
        'Found: no signature.',
        'Would be accepted: a signature by "release" (key "release").',
        release(d0),
      ],
    ],
    [
      'more keys than are worth naming',
      'v0',
      production(signed(attestor('many', { keys: ['a', 'b', 'c', 'd', 'e'] }))),
      [
        `The image "${name}:v0" ${spot} is refused by policy "production": nobody has signed it.`,
        '',
        'Found: no signature.',
        'Would be accepted: a signature by "many" (key "a" or "b" or "c" or one of 2 others).',
        release(d0),
      ],
    ],
  ]
  for (const [title, tag, policies, expected, asking] of cases) {
    test(title, async () => {
      expect(await denied(`${name}:${tag}`, policies, 'en', asking)).toEqual(expected)
    })
  }

  test('a reference that is none', async () => {
    expect(await denied('Not A\nName', production(signed('release')))).toEqual([
      `The image "Not A\\u{a}Name" ${spot} is refused by policy "production": this is not an image name: the character U+0020 cannot be part of one (offset 3).`,
      'Next step: Correct the image name.',
    ])
  })

  test('a registry that is down, said once', async () => {
    const down = judging(registry)
    registry.before = () => {
      throw new CodedError('registry-unreachable', 'connect ECONNREFUSED 10.0.0.1:443')
    }
    const text = denialText(await down.judge(`${name}:v1`, production(signed('release'))))
    expect(text.split('\n')).toEqual([
      `The image "${name}:v1" ${spot} could not be judged, so policy "production" keeps it out: no connection to the registry could be made (connect ECONNREFUSED 10.0.0.1:443).`,
      'Would be accepted: a signature by "release" (key "release").',
      'Next step: Check the host name, the network, the proxy if one is set, and the certificate authority of the registry.',
      '',
      'code: registry-unreachable  decision: id-1',
    ])
  })

  test('a deadline names what was waited for', async () => {
    registry.before = () => new Promise(() => {})
    const text = denialText(
      await judging(registry).judge(`${name}:v1`, production(signed('release')), { signal: AbortSignal.timeout(20) }),
    )
    expect(text).toContain(`(no answer in time: resolve ${name}:v1)`)
  })

  test('a platform of an index', async () => {
    const index = indexOfTwo()
    expect(await denied(`${name}:index`, production(signed('release'), {}, { platforms: 'Each' }))).toEqual([
      `The image "${name}:index" ${spot} is refused by policy "production": its platform image linux/arm64 (${d0}) does not satisfy the policy: nobody has signed it.`,
      '',
      'Found: no signature.',
      'Would be accepted: a signature by "release" (key "release").',
      release(index, '--recursive '),
    ])
  })

  test('equal images are told once, different ones after each other, and five in full', async () => {
    const images = [`${name}:v0`, `${name}:v0`, `${name}:v2`]
    const text = denialText(await decide(images, production(signed('release'))))
    expect(text).toContain('The same image is at container "c1" (spec.containers[1].image).')
    expect(text.match(/is refused by/g)).toHaveLength(2)
    expect(text).toMatch(/\n\ncode: signature-missing, signature-by-stranger {2}decision: id-1$/)
    const many = Array.from({ length: 8 }, (_, index) => `Bad Name ${index}`)
    const long = denialText(await decide(many, production(signed('release'))))
    expect(long.match(/is refused by/g)).toHaveLength(5)
    expect(long).toContain('\n\n3 more images are refused.\n\n')
  })

  test('of an image on a command line names no container', async () => {
    const { verdicts } = await decide(`${name}:v0`, production(signed('release')))
    const [verdict] = verdicts
    if (verdict === undefined) throw new Error('no verdict')
    const [first] = useBlock({ ...verdict, use: { ...verdict.use, list: 'argument' } })
    expect(first).toBe(`Image "${name}:v0" is refused by policy "production": nobody has signed it.`)
  })
})

describe('what is let in', () => {
  const block = async (tag: string, policies: readonly Policy[]) => {
    const [verdict] = (await decide(`${name}:${tag}`, policies)).verdicts
    if (verdict === undefined) throw new Error('no verdict')
    return useBlock(verdict)
  }

  test('is explained by who signed it', async () => {
    expect(await block('v1', production(signed('release')))).toEqual([
      `The image "${name}:v1" ${spot} is trusted by policy "production".`,
      'Signed by "release" (key "release", SHA-256 72656c6561736500…).',
    ])
  })

  test('without verification is never called trusted', async () => {
    expect(await block('v1', production(anything))).toEqual([
      `The image "${name}:v1" ${spot} is let in without verification by policy "production": a rule says insecureAcceptAnything.`,
    ])
    expect(await block('v0', production(signed('release'), { mode: 'Audit' }))).toEqual([
      `The image "${name}:v0" ${spot} is let in without verification: only policies in Warn or Audit mode speak about it.`,
    ])
    expect(denialText(await decide(`${name}:v1`, production(anything)))).toBe('')
  })
})

describe('Chinese', () => {
  test('unsigned', async () => {
    expect(await denied(`${name}:v0`, production(signed('release')), 'zh')).toEqual([
      `容器“c0”（spec.containers[0].image）的镜像“${name}:v0”被策略“production”拒绝：没有人为它签名。`,
      '',
      '发现：没有任何签名。',
      '可被接受的是：“release”的签名（密钥“release”）。',
      `下一步：sealward sign --key KEY ${name}@${d0}`,
    ])
  })

  test('a stranger', async () => {
    expect(await denied(`${name}:v2`, production(signed('release')), 'zh', { bystanders: [attestor('ci')] })).toEqual([
      `容器“c0”（spec.containers[0].image）的镜像“${name}:v2”被策略“production”拒绝：它有签名，但签名者不是策略所要求的。`,
      '',
      '发现：line 1 of the toy tag：由“ci”（密钥“ci”）作出的签名，但策略并不要求该签名者。',
      '可被接受的是：“release”的签名（密钥“release”）。',
      `下一步：sealward sign --key KEY ${name}@${d2}`,
    ])
  })

  test('a threshold, a digest, no rule', async () => {
    const threshold = await denied(`${name}:v1`, production(atLeast(2, signed('release'), signed('ci'))), 'zh')
    expect(threshold[0]).toMatch(/：不同签名者的数量不足（1 of 2 distinct signers）。$/)
    expect(threshold[3]).toBe(
      '可被接受的是：以下各项中的至少 2 项，且密钥各不相同：“release”的签名（密钥“release”）；“ci”的签名（密钥“ci”）。',
    )
    expect(await denied(`${name}:v1`, production(signed('release'), {}, { references: 'DigestOnly' }), 'zh')).toEqual([
      `容器“c0”（spec.containers[0].image）的镜像“${name}:v1”被策略“production”拒绝：它以标签引用，而策略只接受摘要。`,
      '下一步：请写成 name@sha256:… 的形式。',
    ])
    expect(await denied(`${name}:v1`, [policy('production', [])], 'zh')).toEqual([
      `容器“c0”（spec.containers[0].image）的镜像“${name}:v1”被策略“production”拒绝：没有任何策略的规则涵盖它。`,
      '下一步：改用规则涵盖的镜像，或请策略负责人添加规则。',
    ])
  })

  const verdictCodes = Object.keys(errorTable).filter(
    (code) => isErrorCode(code) && ['untrusted', 'undetermined', 'accepted'].includes(errorTable[code].kind),
  )
  test.each(verdictCodes)('has a cause and a next step for %s', (code) => {
    const row = isErrorCode(code) ? chineseCauses[code] : undefined
    expect(row?.cause).toMatch(/\p{Script=Han}/u)
    expect(row?.next).toMatch(/\p{Script=Han}/u)
    expect(row?.cause).not.toMatch(/[。.]$/)
  })
})

describe('a verdict without a code', () => {
  const verdict = async () => {
    const [given] = (await decide(`${name}:v0`, production(signed('release')))).verdicts
    if (given === undefined) throw new Error('nothing was judged')
    const { code: _, ...codeless } = given
    return codeless
  }

  test('is explained as a fault of ours, which it is', async () => {
    const decision = { ...(await decide(`${name}:v0`, production(signed('release')))), verdicts: [await verdict()] }
    expect(denialText(decision)).toMatch(/\n\ncode: internal-error {2}decision: id-1$/)
    expect(useBlock(await verdict()).at(-1)).toBe(`Next step: ${errorTable['internal-error'].next}`)
  })
})

test('only what Audit policies refuse is called audited', async () => {
  const audited = (image: string, mode: Policy['mode']) => decide(image, production(signed('release'), { mode }))
  expect(auditAnnotations(await audited(`${name}:v1`, 'Audit'))).not.toHaveProperty('audit')
  expect(auditAnnotations(await audited(`${name}:v0`, 'Enforce'))).not.toHaveProperty('audit')
  expect(auditAnnotations(await audited(`${name}:v0`, 'Audit'))).toMatchObject({
    audit: 'spec.containers[0].image=signature-missing',
  })
})

test('what is written for machines is cut after 2048 characters, and never in the middle of one', async () => {
  const decision = await decide(`${name}:v0`, production(signed('release')))
  const [verdict] = decision.verdicts
  if (verdict === undefined) throw new Error('nothing was judged')
  const verdictsOf = (field: string) => {
    const use = { ...verdict.use, field }
    return auditAnnotations({ ...decision, verdicts: [{ ...verdict, use }] })['verdicts'] ?? ''
  }
  const rest = '=untrusted:signature-missing'.length
  expect(verdictsOf('x'.repeat(2048 - rest))).toHaveLength(2048)
  expect(verdictsOf('x'.repeat(2049 - rest))).toMatch(/x=untrusted:signature-miss.* …$/)
  expect(verdictsOf('x'.repeat(2049))).toBe(`${'x'.repeat(2046)} …`)
  expect(verdictsOf(`${'x'.repeat(2045)}🐳`)).toBe(`${'x'.repeat(2045)} …`)
  expect(verdictsOf(`${'x'.repeat(2044)}🐳x`)).toBe(`${'x'.repeat(2044)}🐳 …`)
})

describe('text of an attacker', () => {
  const evil = 'x\n\u001b[2J\u202egnp\u0000\u200b'
  /** Everything but a line feed that a reader would not see as what it is. */
  const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

  test.each(['en', 'zh'] as const)('does not get through (%s)', async (language) => {
    const registry = new MemoryRegistry()
    const digest = registry.putImage(at, 'evil', 'evil')
    registry.addLine(at, digest, evil.replace('\n', ''))
    registry.sign(at, 'release', { digest, annotations: { team: 'a\u202eb' }, as: evil.replace('\n', '') })
    const policies = production(signed('release', { annotations: { team: 'x' } }))
    const { engine } = judging(registry)
    const uses = [`${name}:evil`, evil].map((image, index) => {
      return { pointer: `/${index}`, field: 'spec.containers[0].image', list: 'containers' as const, name: evil, image }
    })
    const request = {
      purpose: 'mutate' as const,
      uses,
      unchanged: new Set<string>(),
      bystanders: [],
      credentialScope: 'own',
    }
    const { signal } = new AbortController()
    for (const mode of ['Enforce', 'Warn'] as const) {
      const matched = matching(policies.map((each) => policy('production', each.rules, { mode })))
      const decision = await engine.judge({ ...request, matched }, signal)
      const texts = [
        denialText(decision, language),
        ...warningLines(decision, language),
        ...Object.values(auditAnnotations(decision)),
      ]
      expect(texts.join('').length).toBeGreaterThan(100)
      for (const line of texts.flatMap((text) => text.split('\n'))) expect(line).not.toMatch(hidden)
    }
  })

  test('is cut: a denial stays readable, with its code and id at the end', async () => {
    const long = Array.from({ length: 5 }, (_, index) => `${'A'.repeat(4000)}${index}`)
    const text = denialText(await decide(long, production(signed('release'))))
    expect(text.length).toBeLessThan(5_000)
    expect(text).toMatch(/\n\ncode: reference-malformed {2}decision: id-1$/)
  })
})

describe('warnings', () => {
  test('name what a Warn policy would refuse', async () => {
    expect(warningLines(await decide(`${name}:v0`, production(signed('release'), { mode: 'Warn' })))).toEqual([
      `sealward: image "${name}:v0" would be refused by policy "production" (signature-missing): nobody has signed it`,
    ])
    expect(warningLines(await decide(`${name}:v0`, production(signed('release'), { mode: 'Audit' })))).toEqual([])
  })

  test('name the platform that a Warn policy would refuse, though another policy trusts the index', async () => {
    indexOfTwo()
    const soon = policy('soon', [rule(signed('release'), { platforms: 'Each' })], { mode: 'Warn' })
    const policies = [...production(signed('release')), soon]
    expect(warningLines(await decide(`${name}:index`, policies))).toEqual([
      `sealward: image "${name}:index" would be refused by policy "soon" (platform-untrusted): its platform image linux/arm64 (${d0}) does not satisfy the policy: nobody has signed it`,
    ])
    expect(warningLines(await decide(`${name}:index`, production(signed('release'))))).toEqual([])
  })

  test('begin with what was let in unverified', async () => {
    const { judge } = judging(registry)
    registry.before = () => {
      throw new CodedError('registry-failing', '500')
    }
    const lenient: readonly Policy[] = [
      ...production(signed('release'), { whenUndetermined: 'InsecureAdmit' }),
      policy('soon', [rule(deny('x'))], { mode: 'Warn' }),
    ]
    expect(warningLines(await judge([`${name}:v1`, `${name}:v1`], lenient))).toEqual([
      `sealward: image "${name}:v1" is let in UNVERIFIED, because the registry could not be asked, as policy "production" allows`,
      `sealward: image "${name}:v1" would be refused by policy "soon" (denied-by-rule): x`,
    ])
  })

  test('tell of an unchanged image that is not trusted now', async () => {
    registry.before = () => {}
    const { judge } = judging(registry)
    await judge(`${name}@${d0}`, production(signed('release')))
    const decision = await judge(`${name}@${d0}`, production(signed('release')), { unchanged: [0] })
    expect(warningLines(decision)[0]).toContain(
      'which this update left as it was, is not trusted now (signature-missing)',
    )
  })
})

test('audit annotations say what was decided, whatever the mode', async () => {
  const policies = [...production(signed('release')), policy('later', [rule(signed('ci'))], { mode: 'Audit' })]
  const decision = await decide([`${name}:v1`, `${name}:v0`], policies)
  expect(auditAnnotations(decision)).toEqual({
    decision: 'id-1',
    outcome: 'denied',
    verdicts: 'spec.containers[0].image=trusted spec.containers[1].image=untrusted:signature-missing',
    audit: 'spec.containers[0].image=signature-by-stranger spec.containers[1].image=signature-missing',
    policies: policies
      .toReversed()
      .map((each: Policy) => `${each.name}@${each.revision}`)
      .join(' '),
  })
  expect(auditAnnotations(await decide(`${name}:v1`, []))).toEqual({ decision: 'id-1', outcome: 'left-alone' })
})
