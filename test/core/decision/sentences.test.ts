// Every sentence in every form, in both languages side by side. What stands together in a denial is `explain.test.ts`'s.

import { describe, expect, test } from 'vitest'
import type { Place, Sentences } from '#core/decision/sentences.ts'
import { sentencesIn } from '#core/decision/sentences.ts'
import { errorTable, isErrorCode } from '#core/errors.ts'

const place: Place = { list: 'initContainers', name: 'setup', field: 'spec.initContainers[0].image' }
const signer = { attestor: 'ci', key: 'k1', fingerprint: '0123456789abcdef0123' }
const seen = { place: 'layer 1', signer, counts: false, code: undefined, detail: undefined } as const
const wanted = { attestor: 'ci', keys: ['k1'], otherKeys: 0, annotations: [], identity: undefined }
const headline = { place: undefined, image: 'a', outcome: 'untrusted', policy: 'p', cause: '' } as const

type Case = readonly [what: string, say: (sentences: Sentences) => string, en: string, zh: string]

const cases: readonly Case[] = [
  ['refused', (say) => say.headline(headline), 'Image "a" is refused by policy "p".', '镜像“a”被策略“p”拒绝。'],
  [
    'refused by nobody in particular, at a place, for a reason',
    (say) => say.headline({ ...headline, place, policy: undefined, cause: 'x' }),
    'The image "a" of init container "setup" (spec.initContainers[0].image) is refused: x.',
    '初始化容器“setup”（spec.initContainers[0].image）的镜像“a”被拒绝：x。',
  ],
  [
    'trusted',
    (say) => say.headline({ ...headline, outcome: 'trusted' }),
    'Image "a" is trusted by policy "p".',
    '镜像“a”依据策略“p”可信。',
  ],
  [
    'trusted by nobody in particular',
    (say) => say.headline({ ...headline, outcome: 'trusted', policy: undefined }),
    'Image "a" is trusted.',
    '镜像“a”可信。',
  ],
  [
    'undetermined',
    (say) => say.headline({ ...headline, outcome: 'undetermined' }),
    'Image "a" could not be judged, so policy "p" keeps it out.',
    '镜像“a”无法判定，策略“p”因此不予放行。',
  ],
  [
    'undetermined for nobody in particular',
    (say) => say.headline({ ...headline, outcome: 'undetermined', policy: undefined }),
    'Image "a" could not be judged, so it is kept out.',
    '镜像“a”无法判定，不予放行。',
  ],
  [
    'accepted',
    (say) => say.headline({ ...headline, outcome: 'accepted' }),
    'Image "a" is let in without verification by policy "p".',
    '镜像“a”未经验证即被策略“p”放行。',
  ],
  [
    'accepted by nobody in particular',
    (say) => say.headline({ ...headline, outcome: 'accepted', policy: undefined }),
    'Image "a" is let in without verification.',
    '镜像“a”未经验证即被放行。',
  ],
  [
    'places, with a name, without one, and of a list that is not known',
    (say) => say.alsoAt([place, { list: 'volumes', name: '', field: 'f' }, { list: 'others', name: 'x', field: 'g' }]),
    'The same image is at init container "setup" (spec.initContainers[0].image), image volume (f), others "x" (g).',
    '同一镜像还用于初始化容器“setup”（spec.initContainers[0].image）、镜像卷（f）、others“x”（g）。',
  ],
  ['no cause', (say) => say.cause(undefined, 'x'), '', ''],
  ['a cause that says all', (say) => say.cause('signature-missing', 'x'), 'nobody has signed it', '没有人为它签名'],
  [
    'a cause with what is wrong',
    (say) => say.cause('key-not-valid', 'key "k" expired.'),
    'it is signed, but key "k" expired',
    '签名所用的密钥无效（key "k" expired）',
  ],
  [
    'a cause without it',
    (say) => say.cause('registry-unreachable', undefined),
    'no connection to the registry could be made',
    '无法连接镜像仓库',
  ],
  [
    'a cause with the detail in brackets',
    (say) => say.cause('registry-unreachable', 'refused.'),
    'no connection to the registry could be made (refused)',
    '无法连接镜像仓库（refused）',
  ],
  ['a rule that denies in its own words', (say) => say.cause('denied-by-rule', 'ask us.'), 'ask us', 'ask us'],
  [
    'a rule that denies without any',
    (say) => say.cause('denied-by-rule', ''),
    'a rule refuses it, whoever has signed it',
    '有规则拒绝它',
  ],
  [
    'what is no image name, said once',
    (say) => say.cause('reference-malformed', '"a\nb" is not an image name: it has a line break'),
    'this is not an image name: it has a line break',
    '这不是合法的镜像引用（it has a line break）',
  ],
  [
    'a policy that refuses as well',
    (say) => say.alsoRefused('p', 'untrusted', 'x'),
    'Policy "p" refuses it as well: x.',
    '策略“p”也拒绝它：x。',
  ],
  [
    'a policy that could not judge',
    (say) => say.alsoRefused('p', 'undetermined', 'x'),
    'Policy "p" could not judge it: x.',
    '策略“p”无法判定它：x。',
  ],
  [
    'a signature that counts',
    (say) => say.signature({ ...seen, counts: true }),
    'a signature by "ci" (key "k1"), which counts, in layer 1',
    'layer 1：由“ci”（密钥“k1”）作出的有效签名',
  ],
  [
    'a signature of a stranger',
    (say) => say.signature({ ...seen, signer: undefined, code: 'signature-wrong-key', detail: 'x' }),
    'a signature by an unknown key, in layer 1',
    'layer 1：由未知密钥作出的签名',
  ],
  [
    'a signature of somebody else',
    (say) => say.signature({ ...seen, code: 'signature-wrong-key', detail: 'x' }),
    'a signature by "ci" (key "k1"), whom the policy does not ask for, in layer 1',
    'layer 1：由“ci”（密钥“k1”）作出的签名，但策略并不要求该签名者',
  ],
  [
    'a signature that does not count',
    (say) => say.signature({ ...seen, code: 'annotation-mismatch', detail: 'no team.' }),
    'a signature by "ci" (key "k1") in layer 1, which does not count: no team',
    'layer 1：由“ci”（密钥“k1”）作出的签名无效，no team',
  ],
  [
    'a signature of nobody that does not count, for no reason that is not said elsewhere',
    (say) => say.signature({ ...seen, signer: undefined, code: 'payload-malformed' }),
    'a signature in layer 1, which does not count',
    'layer 1：签名无效',
  ],
  ['what is odd', (say) => say.oddity('layer 1', 'no layer.'), 'layer 1: no layer', 'layer 1：no layer'],
  [
    'what could not be read',
    (say) => say.unread('layer 1', 'gone.'),
    'layer 1 could not be read: gone',
    'layer 1：无法读取，gone',
  ],
  [
    'who has signed',
    (say) => say.signedBy(signer),
    'Signed by "ci" (key "k1", SHA-256 0123456789abcdef…).',
    '签名者：“ci”（密钥“k1”，SHA-256 0123456789abcdef…）。',
  ],
  ['a wanted signature', (say) => say.attestor(wanted), 'a signature by "ci" (key "k1")', '“ci”的签名（密钥“k1”）'],
  [
    'a wanted signature by one of two keys',
    (say) => say.attestor({ ...wanted, otherKeys: 1 }),
    'a signature by "ci" (key "k1" or another)',
    '“ci”的签名（密钥“k1”或其他 1 个之一）',
  ],
  [
    'a wanted signature by one of many keys',
    (say) => say.attestor({ ...wanted, keys: ['k1', 'k2'], otherKeys: 3 }),
    'a signature by "ci" (key "k1" or "k2" or one of 3 others)',
    '“ci”的签名（密钥“k1”或“k2”或其他 3 个之一）',
  ],
  [
    'a wanted signature by no key that is valid',
    (say) => say.attestor({ ...wanted, keys: [] }),
    'a signature by "ci" (none of whose keys is valid now)',
    '“ci”的签名（目前没有有效密钥）',
  ],
  [
    'a wanted signature with everything',
    (say) => say.attestor({ ...wanted, annotations: ['a="1"', 'b="2"'], identity: 'MatchExact' }),
    'a signature by "ci" (key "k1") with a="1" and b="2", made for a name that fits identity MatchExact',
    '“ci”的签名（密钥“k1”），并带有注解 a="1"、b="2"，且签名中的镜像名称符合 identity MatchExact',
  ],
  ['all of several', (say) => say.all(['a', 'b']), 'a and b', 'a，以及b'],
  ['any of several', (say) => say.any(['a', 'b']), 'a or b', 'a，或者b'],
  [
    'some of several',
    (say) => say.atLeast(2, ['a', 'b']),
    '2 of these, each by a key of its own: a; b',
    '以下各项中的至少 2 项，且密钥各不相同：a；b',
  ],
  ['several findings', (say) => say.found(['a', 'b']), 'Found: a; b.', '发现：a；b。'],
  ['one more image', (say) => say.moreImages(1), '1 more image is refused.', '另有 1 个镜像被拒绝。'],
  ['two more images', (say) => say.moreImages(2), '2 more images are refused.', '另有 2 个镜像被拒绝。'],
  [
    'what is let in by its last verdict',
    (say) => say.softened('a', 'accepted-last-verdict', 'p'),
    'sealward: image "a" is let in by its last verdict, because the registry could not be asked, as policy "p" allows',
    'sealward：无法访问镜像仓库，镜像“a”依据上一次判定放行（策略“p”）',
  ],
  [
    'what is let in unverified',
    (say) => say.softened('a', 'accepted-undetermined', undefined),
    'sealward: image "a" is let in UNVERIFIED, because the registry could not be asked',
    'sealward：无法访问镜像仓库，镜像“a”未经验证即被放行',
  ],
  [
    'what is no longer trusted',
    (say) => say.unchangedUntrusted('a', 'signature-missing'),
    'sealward: image "a", which this update left as it was, is not trusted now (signature-missing); new Pods with it will be refused',
    'sealward：本次更新未改动的镜像“a”已不再可信（signature-missing），使用它的新 Pod 将被拒绝',
  ],
  [
    'what is no longer trusted for no known reason',
    (say) => say.unchangedUntrusted('a', undefined),
    'sealward: image "a", which this update left as it was, is not trusted now (unknown); new Pods with it will be refused',
    'sealward：本次更新未改动的镜像“a”已不再可信（未知），使用它的新 Pod 将被拒绝',
  ],
]

describe.each(['en', 'zh'] as const)('in %s', (language) => {
  test.each(cases)('%s', (_, say, en, zh) => {
    expect(say(sentencesIn(language))).toBe(language === 'en' ? en : zh)
  })

  test('codes that say all are followed by no detail', () => {
    const { cause } = sentencesIn(language)
    const silent = [
      'signature-missing',
      'signature-by-stranger',
      'digest-required',
      'no-rule',
      'namespace-labels-unknown',
    ]
    for (const code of silent.filter(isErrorCode)) expect(cause(code, 'DETAIL')).toBe(cause(code, undefined))
    expect(cause('signature-invalid', 'DETAIL')).toContain('DETAIL')
  })

  test('every code has a cause, of its own or out of the table of codes', () => {
    const { cause } = sentencesIn(language)
    for (const code of Object.keys(errorTable).filter(isErrorCode))
      expect(cause(code, undefined), code).toMatch(/[^.]$/)
    expect(cause('json-malformed', 'x')).toMatch(language === 'en' ? / \(x\)$/ : /（x）$/)
  })

  test('what signing cures has no step of its own, everything else has', () => {
    const { next } = sentencesIn(language)
    const cured = Object.keys(errorTable).filter((code) => isErrorCode(code) && next(code) === undefined)
    expect(cured.sort()).toEqual([
      'annotation-mismatch',
      'key-denied',
      'key-not-valid',
      'platform-untrusted',
      'signature-by-stranger',
      'signature-invalid',
      'signature-missing',
      'threshold-not-met',
    ])
    for (const code of Object.keys(errorTable).filter(isErrorCode)) expect(next(code)).not.toBe('')
  })
})
