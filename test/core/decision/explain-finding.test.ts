// What would have been accepted, and what is told of what was found; the sentences themselves are `sentences.test.ts`'s.

import { describe, expect, test } from 'vitest'
import { annotationsWanted, findingLines, wouldAccept } from '#core/decision/explain-finding.ts'
import type {
  Finding,
  FixedFinding,
  GroupFinding,
  SignatureDemandFinding,
  SignatureFinding,
} from '#core/decision/finding.ts'

const leaf = (attestor: string, parts: Partial<SignatureDemandFinding> = {}): SignatureDemandFinding => ({
  kind: 'signature',
  state: 'unsatisfied',
  attestor,
  annotations: {},
  identity: 'Any',
  acceptableKeys: ['k'],
  pending: false,
  signers: [],
  signatures: [],
  oddities: [],
  gaps: [],
  ...parts,
})
const group = (kind: GroupFinding['kind'], ...of: readonly Finding[]): GroupFinding => ({
  kind,
  state: 'unsatisfied',
  of,
  pending: false,
  signers: [],
  ...(kind === 'atLeast' && { count: 2 }),
})
const fixed = (kind: FixedFinding['kind']): FixedFinding => ({
  kind,
  state: kind === 'deny' ? 'unsatisfied' : 'satisfied',
  code: 'denied-by-rule',
  pending: false,
  signers: [],
})

describe('would be accepted', () => {
  const by = (name: string) => `a signature by "${name}" (key "k")`
  const [a, b, deny] = [leaf('a'), leaf('b'), fixed('deny')]
  test.each<[string, Finding, string | undefined]>([
    ['a signature', a, by('a')],
    ['anything', fixed('insecureAcceptAnything'), 'any image'],
    ['nothing', deny, undefined],
    ['all', group('allOf', a, b), `${by('a')} and ${by('b')}`],
    ['all, each said once', group('allOf', a, a), by('a')],
    ['nothing, where one of all denies', group('allOf', a, deny), undefined],
    ['any', group('anyOf', a, b), `${by('a')} or ${by('b')}`],
    ['any but what denies', group('anyOf', deny, b), by('b')],
    ['nothing, where all of any deny', group('anyOf', deny, deny), undefined],
    ['two', group('atLeast', a, b), `2 of these, each by a key of its own: ${by('a')}; ${by('b')}`],
    [
      'two, of which one is asked for twice',
      group('atLeast', a, a),
      `2 of these, each by a key of its own: ${by('a')}; ${by('a')}`,
    ],
    ['nothing, where one of two denies', group('atLeast', a, deny), undefined],
    ['a group inside', group('allOf', a, group('anyOf', a, b)), `${by('a')} and [${by('a')} or ${by('b')}]`],
    ['a group of one inside', group('allOf', a, group('anyOf', b)), `${by('a')} and ${by('b')}`],
  ])('%s', (_, finding, text) => {
    expect(wouldAccept(finding, 'en')).toBe(text)
  })

  test('three of the keys, the others counted; annotations; an identity unless it is any', () => {
    const many = leaf('a', {
      acceptableKeys: ['k', 'l', 'm', 'n', 'o'],
      annotations: { team: 'x' },
      identity: 'MatchExact',
    })
    expect(wouldAccept(many, 'en')).toBe(
      'a signature by "a" (key "k" or "l" or "m" or one of 2 others) with team="x", made for a name that fits identity MatchExact',
    )
  })
})

describe('what was found', () => {
  const seen = (parts: Partial<SignatureFinding> = {}): SignatureFinding => ({
    format: 'toy',
    place: 'x',
    counts: false,
    code: 'signature-wrong-key',
    checks: [],
    ...parts,
  })
  const signer = { attestor: 'ci', key: 'k', fingerprint: 'ab' }
  const lines = (...leaves: readonly SignatureDemandFinding[]) => findingLines(group('anyOf', ...leaves), 'cause', 'en')

  test('is no signature where nothing lay there, and nothing where all was well', () => {
    expect(lines(leaf('a'))).toEqual(['no signature'])
    expect(lines(leaf('a', { state: 'satisfied' }))).toEqual([])
    expect(lines(leaf('a', { state: 'undetermined' }))).toEqual([])
  })

  test('is told by whoever knows most about it', () => {
    const stranger = 'a signature by an unknown key, in x'
    const introduced = 'a signature by "ci" (key "k"), whom the policy does not ask for, in x'
    const broken = 'a signature in x, which does not count: broken'
    const counts = 'a signature by "ci" (key "k"), which counts, in x'
    const ordered: readonly (readonly [SignatureFinding, string])[] = [
      [seen(), stranger],
      [seen({ signer }), introduced],
      [seen({ code: 'payload-malformed', detail: 'broken' }), broken],
      [seen({ counts: true, signer }), counts],
    ]
    for (const [low, [less]] of ordered.entries()) {
      for (const [more, text] of ordered.slice(low)) {
        expect(lines(leaf('a', { signatures: [less] }), leaf('b', { signatures: [more] }))).toEqual([text])
        expect(lines(leaf('a', { signatures: [more] }), leaf('b', { signatures: [less] }))).toEqual([text])
      }
    }
  })

  test('does not repeat the cause', () => {
    const signature = seen({ code: 'payload-malformed', detail: 'cause' })
    const gaps = [
      { place: 'y', code: 'registry-failing', detail: 'cause' },
      { place: 'z', code: 'registry-failing', detail: '500' },
    ] as const
    expect(lines(leaf('a', { signatures: [signature], gaps }))).toEqual([
      'a signature in x, which does not count',
      'z could not be read: 500',
    ])
  })

  test('is six lines at most, the others counted', () => {
    const signatures = (count: number) => Array.from({ length: count }, (_, index) => seen({ place: `${index}` }))
    expect(lines(leaf('a', { signatures: signatures(6) }))).toHaveLength(6)
    const cut = lines(
      leaf('a', { signatures: signatures(7), oddities: [{ place: 'y', code: 'layer-malformed', detail: 'z' }] }),
    )
    expect([cut.length, cut.at(-1)]).toEqual([7, 'and 2 more'])
  })
})

test('the annotations to sign with are those of the first leaf that is not satisfied', () => {
  const wanting = (team: string, state: SignatureDemandFinding['state']) => leaf('a', { state, annotations: { team } })
  const finding = group(
    'allOf',
    wanting('a', 'satisfied'),
    group('anyOf', wanting('b', 'undetermined'), wanting('c', 'unsatisfied')),
  )
  expect(annotationsWanted(finding)).toEqual({ team: 'b' })
  expect(annotationsWanted(wanting('a', 'satisfied'))).toEqual({})
  expect(annotationsWanted(fixed('deny'))).toEqual({})
})
