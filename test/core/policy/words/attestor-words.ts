// One entry for every word of an Attestor.

import { keySpec } from '../../../support/policy-documents.ts'
import type { Entry } from './pair.ts'
import { ciKey, releaseKey } from './pair.ts'

const trusted = 'trusted, now app:v1@DIGEST'
const notValid = 'denied key-not-valid'
const missing = 'denied signature-missing'
const foreign = 'denied signature-by-stranger'
const ended = { at: '2026-05-01T00:00:00Z', reason: 'Superseded' }
const inSecret = { namespace: 'keys', name: 'both' }
const proven = { signedAt: '2026-04-01T00:00:00Z' }

export const attestorWords: readonly Entry[] = [
  { word: 'Attestor spec.key', given: { keys: [releaseKey] }, instead: { keys: [ciKey] }, answers: [trusted, foreign] },
  { word: 'Attestor spec.key.keys', given: [ciKey, releaseKey], instead: [ciKey], answers: [trusted, foreign] },
  {
    word: 'Attestor spec.key.keys[].name',
    around: keySpec({ ...releaseKey, notAfter: '2026-05-01T00:00:00Z' }),
    given: 'spring',
    instead: 'winter',
    telling: /key "[^"]*"/,
    answers: [`${notValid} "key "spring""`, `${notValid} "key "winter""`],
  },
  {
    word: 'Attestor spec.key.keys[].pem',
    given: releaseKey['pem'] ?? '',
    instead: ciKey['pem'] ?? '',
    answers: [trusted, foreign],
  },
  {
    word: 'Attestor spec.key.keys[].file',
    around: keySpec({ name: 'a' }),
    given: 'release.pub',
    instead: 'ci.pub',
    answers: [trusted, foreign],
  },
  {
    word: 'Attestor spec.key.keys[].secretRef',
    around: keySpec({ name: 'a' }),
    given: inSecret,
    instead: { ...inSecret, name: 'ci' },
    answers: [trusted, foreign],
  },
  {
    word: 'Attestor spec.key.keys[].secretRef.namespace',
    around: keySpec({ name: 'a', secretRef: inSecret }),
    given: 'other-keys',
    instead: 'keys',
    answers: [foreign, trusted],
  },
  {
    word: 'Attestor spec.key.keys[].secretRef.name',
    around: keySpec({ name: 'a', secretRef: inSecret }),
    given: 'ci',
    instead: 'both',
    answers: [foreign, trusted],
  },
  {
    word: 'Attestor spec.key.keys[].secretRef.key',
    around: keySpec({ name: 'a', secretRef: inSecret }),
    given: 'ci.pub',
    answers: [foreign, trusted],
  },
  { word: 'Attestor spec.key.keys[].notBefore', given: '2026-07-01T00:00:00Z', answers: [notValid, trusted] },
  { word: 'Attestor spec.key.keys[].notAfter', given: '2026-05-01T00:00:00Z', answers: [notValid, trusted] },
  { word: 'Attestor spec.key.keys[].revoked', given: ended, answers: [notValid, trusted] },
  {
    word: 'Attestor spec.key.keys[].revoked.at',
    around: keySpec({ ...releaseKey, revoked: ended }),
    given: '2026-03-01T00:00:00Z',
    instead: '2026-05-01T00:00:00Z',
    asked: proven,
    answers: [notValid, trusted],
  },
  ...(['spec.key.keys[].revoked.reason', 'spec.key.keys[].revoked.reason: Superseded'] as const).map((word): Entry => {
    const around = keySpec({ ...releaseKey, revoked: ended })
    const answers = [trusted, notValid] as const
    return { word: `Attestor ${word}`, around, given: 'Superseded', instead: 'Compromised', asked: proven, answers }
  }),
  {
    word: 'Attestor spec.key.keys[].revoked.reason: Compromised',
    around: keySpec({ ...releaseKey, revoked: ended }),
    instead: 'Superseded',
    asked: proven,
    answers: [notValid, trusted],
  },
  ...(['log', 'timestamp'] as const).flatMap(proofWords),
  { word: 'Attestor spec.storage', given: { layouts: ['Bundle'] }, answers: [missing, trusted] },
  {
    word: 'Attestor spec.storage.layouts',
    around: { ...keySpec(releaseKey), storage: {} },
    given: ['Bundle'],
    answers: [missing, trusted],
  },
  {
    word: 'Attestor spec.storage.layouts[]: Tag',
    around: { ...keySpec(releaseKey), storage: { layouts: ['Tag'] } },
    instead: 'Bundle',
    answers: [trusted, missing],
  },
  {
    word: 'Attestor spec.storage.layouts[]: Bundle',
    around: { ...keySpec(releaseKey), storage: { layouts: ['Bundle'] } },
    instead: 'Tag',
    asked: { image: 'app:bundled' },
    answers: ['trusted, now app:bundled@DIGEST', missing],
  },
  {
    word: 'Attestor spec.storage.repository',
    around: { ...keySpec(releaseKey), storage: {} },
    given: 'registry.example.com/signatures',
    asked: { image: 'far:v1' },
    answers: ['trusted, now far:v1@DIGEST', missing],
  },
]

/** No proof is asked for in this version; whoever asks for one must not be told that it is there. */
function proofWords(proof: 'log' | 'timestamp'): readonly Entry[] {
  const word = `Attestor spec.${proof}`
  const around = { ...keySpec(releaseKey), [proof]: {} }
  const later = `not loaded: spec.${proof}.mode policy-unsupported`
  return [
    { word, given: { mode: 'Require' }, answers: [later, trusted] },
    { word: `${word}.mode`, around, given: 'Require', answers: [later, trusted] },
    { word: `${word}.mode: Ignore`, around, instead: 'Require', answers: [trusted, later] },
    {
      word: `${word}.threshold`,
      around,
      given: 2,
      answers: [`not loaded: spec.${proof}.threshold policy-invalid`, trusted],
    },
  ]
}
