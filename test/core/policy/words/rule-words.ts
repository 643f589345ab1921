// One entry for every word of a rule and of what it requires.

import type { Json, Spec } from '../../../support/policy-documents.ts'
import { rule } from '../../../support/policy-documents.ts'
import type { Entry } from './pair.ts'
import { byCi, byRelease } from './pair.ts'
import type { Asked } from './world.ts'

const trusted = 'trusted, now app:v1@DIGEST'
const missing = 'denied signature-missing'
const stranger = 'denied signature-by-stranger'
const uncovered = 'accepted accepted-otherwise'
const otherName = 'denied identity-mismatch'
const unsigned: Asked = { image: 'app:unsigned' }
const mirrored: Asked = { image: 'mirrored:v1' }
const mirroredTrusted = 'trusted, now mirrored:v1@DIGEST'
const rules = 'ClusterTrustPolicy spec.rules'

type Parts = Pick<Entry, 'given' | 'instead' | 'swap' | 'asked' | 'telling'>

/** A word of the only rule of a policy that lets pass what no rule covers. */
function ofRule(
  word: string,
  answers: Entry['answers'],
  parts: Parts,
  more: Spec = {},
  require: Json = byRelease,
): Entry {
  const around = { rules: [rule(['registry.example.com/team/*'], require, more)], otherwise: 'Accept' }
  return { word: `${rules}[].${word}`, around, answers, ...parts }
}

function ofRequirement(word: string, require: Json, answers: Entry['answers'], parts: Parts): Entry {
  return ofRule(`require.${word}`, answers, parts, {}, require)
}

function ofIdentity(word: string, identity: Spec, answers: Entry['answers'], parts: Parts): Entry {
  const require = { signature: { attestor: 'release', identity } }
  return ofRequirement(`signature.identity.${word}`, require, answers, parts)
}

export const ruleWords: readonly Entry[] = [
  {
    word: rules,
    around: { otherwise: 'Accept' },
    given: [rule(['**'])],
    asked: unsigned,
    answers: [missing, uncovered],
  },
  ofRule('images', [missing, uncovered], { given: ['**/app'], instead: ['**/web'], asked: unsigned }),
  ofRule('exceptImages', [uncovered, missing], { given: ['**/app'], asked: unsigned }),
  ofRule('references', ['denied digest-required', trusted], { given: 'DigestOnly' }),
  ofRule('references: DigestOnly', ['denied digest-required', trusted], { instead: 'Any' }),
  ofRule('references: Any', [trusted, 'denied digest-required'], { instead: 'DigestOnly' }),
  ...platformWords(),
  ofRule('require', ['denied denied-by-rule', trusted], { given: { deny: {} }, instead: byRelease }),
  ...signatureWords(),
  ...identityWords(),
  ...groupWords(),
  ofRequirement('deny', { deny: {} }, ['denied denied-by-rule', 'accepted accepted-by-rule'], {
    given: {},
    swap: { insecureAcceptAnything: {} },
  }),
  ofRequirement('deny.message', { deny: {} }, ['denied denied-by-rule "frozen"', 'denied denied-by-rule ""'], {
    given: 'releases are frozen',
    telling: /frozen/,
  }),
  ofRequirement('insecureAcceptAnything', { insecureAcceptAnything: {} }, ['accepted accepted-by-rule', missing], {
    given: {},
    swap: byRelease,
    asked: unsigned,
  }),
]

function platformWords(): readonly Entry[] {
  const asked: Asked = { image: 'many:v1' }
  const index = 'trusted, now many:v1@DIGEST'
  const each = 'denied platform-untrusted'
  return [
    ofRule('platforms', [each, index], { given: 'Each', asked }),
    ofRule('platforms: Each', [each, index], { instead: 'Index', asked }),
    ofRule('platforms: Index', [index, each], { instead: 'Each', asked }),
  ]
}

function signatureWords(): readonly Entry[] {
  const answers = [missing, 'accepted accepted-by-rule'] as const
  return [
    ofRequirement('signature', byRelease, answers, {
      given: { attestor: 'release' },
      swap: { insecureAcceptAnything: {} },
      asked: unsigned,
    }),
    ofRequirement('signature.attestor', byRelease, [trusted, stranger], { given: 'release', instead: 'ci' }),
    ofRequirement('signature.annotations', byRelease, ['denied annotation-mismatch', trusted], {
      given: { team: 'shipping' },
    }),
    ofRequirement('signature.identity', byRelease, [otherName, trusted], { given: { type: 'MatchExact' } }),
  ]
}

/** `app:v1` is signed as its repository, without a tag; `mirrored:v1` as `upstream/mirrored:v1`. */
function identityWords(): readonly Entry[] {
  const upstream = 'registry.example.com/upstream/mirrored'
  const reference = { type: 'ExactReference', reference: `${upstream}:v1` }
  const repository = { type: 'ExactRepository', repository: upstream }
  const remap = {
    type: 'RemapIdentity',
    prefix: 'registry.example.com/team',
    signedPrefix: 'registry.example.com/upstream',
  }
  const exact = { type: 'MatchExact' }
  const found = [mirroredTrusted, otherName] as const
  return [
    ofIdentity('type', exact, [otherName, trusted], { given: 'MatchExact', instead: 'Any' }),
    ofIdentity('type: Any', exact, [trusted, otherName], { instead: 'MatchExact' }),
    ofIdentity('type: MatchExact', exact, [otherName, trusted], { instead: 'MatchRepository' }),
    ofIdentity('type: MatchRepository', exact, [trusted, otherName], { instead: 'MatchRepoDigestOrExact' }),
    ofIdentity('type: MatchRepoDigestOrExact', exact, ['trusted', otherName], {
      instead: 'MatchExact',
      asked: { byDigest: true },
    }),
    ofIdentity('type: ExactReference', reference, found, { swap: exact, asked: mirrored }),
    ofIdentity('type: ExactRepository', repository, found, { swap: exact, asked: mirrored }),
    ofIdentity('type: RemapIdentity', remap, found, { swap: exact, asked: mirrored }),
    ofIdentity('reference', reference, found, { given: `${upstream}:v1`, instead: `${upstream}:v2`, asked: mirrored }),
    ofIdentity('repository', repository, found, { given: upstream, instead: `${upstream}2`, asked: mirrored }),
    ofIdentity('prefix', remap, found, { given: remap.prefix, instead: `${remap.prefix}/other`, asked: mirrored }),
    ofIdentity('signedPrefix', remap, found, {
      given: remap.signedPrefix,
      instead: `${remap.signedPrefix}/other`,
      asked: mirrored,
    }),
  ]
}

/** `app:v1` is signed by `release`, and not by `ci`. */
function groupWords(): readonly Entry[] {
  const two = [byRelease, byCi]
  const atLeast = (count: number) => ({ count, of: two })
  const few = 'denied threshold-not-met'
  return [
    ofRequirement('allOf', { allOf: two }, [stranger, trusted], { given: two, swap: { anyOf: two } }),
    ofRequirement('anyOf', { anyOf: two }, [trusted, stranger], { given: two, swap: { allOf: two } }),
    ofRequirement('atLeast', { atLeast: atLeast(2) }, [few, trusted], { given: atLeast(2), swap: { anyOf: two } }),
    ofRequirement('atLeast.count', { atLeast: atLeast(2) }, [few, trusted], { given: 2, instead: 1 }),
    ofRequirement('atLeast.of', { atLeast: atLeast(1) }, [trusted, few], { given: two, instead: [byCi] }),
  ]
}
