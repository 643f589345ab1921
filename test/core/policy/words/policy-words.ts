// One entry for every word of a policy outside of `match` and `rules`.

import type { Spec } from '../../../support/policy-documents.ts'
import { keySpec, rule } from '../../../support/policy-documents.ts'
import type { Entry } from './pair.ts'
import { ciKey, releaseKey, ruled } from './pair.ts'
import type { Asked } from './world.ts'

const trusted = 'trusted, now app:v1@DIGEST'
const missing = 'denied signature-missing'
const unsigned: Asked = { image: 'app:unsigned' }
const policy = 'ClusterTrustPolicy spec.'

type Parts = Pick<Entry, 'given' | 'instead' | 'asked' | 'telling'>

function of(word: string, answers: Entry['answers'], parts: Parts, more: Spec = {}): Entry {
  return { word: `${policy}${word}`, around: { ...ruled, ...more }, answers, ...parts }
}

const audited = 'accepted accepted-not-enforced, audited signature-missing'
const warned = 'accepted accepted-not-enforced, warned'

export const policyWords: readonly Entry[] = [
  of('mode', [audited, missing], { given: 'Audit', asked: unsigned }),
  of('mode: Enforce', [missing, warned], { instead: 'Warn', asked: unsigned }),
  of('mode: Warn', [warned, audited], { instead: 'Audit', asked: unsigned }),
  of('mode: Audit', ['accepted accepted-not-enforced', trusted], { instead: 'Warn' }),
  ...otherwiseWords(),
  of('pin', ['trusted', trusted], { given: 'InsecureNever' }),
  of('pin: TagAndDigest', [trusted, 'trusted, now app@DIGEST'], { instead: 'Digest' }),
  of('pin: Digest', ['trusted, now app@DIGEST', trusted], { instead: 'TagAndDigest' }),
  of('pin: InsecureNever', ['trusted', trusted], { instead: 'TagAndDigest' }),
  ...outageWords(),
  ...denialWords(),
  {
    word: 'TrustPolicy spec.attestors',
    around: { rules: [rule(['**'], { signature: { attestor: 'ours' } })] },
    given: { ours: keySpec(releaseKey) },
    instead: { ours: keySpec(ciKey) },
    answers: [trusted, 'denied signature-by-stranger'],
  },
]

function otherwiseWords(): readonly Entry[] {
  const uncovering = { rules: [rule(['registry.example.com/other/*'])] }
  const accepted = 'accepted accepted-otherwise'
  return [
    of('otherwise', [accepted, 'denied no-rule'], { given: 'Accept' }, uncovering),
    of('otherwise: Deny', ['denied no-rule', accepted], { instead: 'Accept' }, uncovering),
    of('otherwise: Accept', [accepted, 'denied no-rule'], { instead: 'Deny' }, uncovering),
  ]
}

/** The image was trusted two hours ago; then the registry went away. */
function outageWords(): readonly Entry[] {
  const asked: Asked = { outage: { judgedHoursBefore: 2 } }
  const away = 'denied registry-unreachable'
  const admitted = 'accepted accepted-undetermined, warned'
  const remembered = 'trusted accepted-last-verdict, now app:v1@DIGEST, warned'
  const remembering = { whenUndetermined: 'UseLastVerdict', lastVerdictMaxAge: '24h' }
  return [
    of('whenUndetermined', [admitted, away], { given: 'InsecureAdmit', asked }),
    of('whenUndetermined: Deny', [away, admitted], { instead: 'InsecureAdmit', asked }),
    of('whenUndetermined: InsecureAdmit', [admitted, away], { instead: 'Deny', asked }),
    {
      // The age goes with it: neither may stand without the other.
      word: `${policy}whenUndetermined: UseLastVerdict`,
      around: { ...ruled, ...remembering },
      swap: { ...ruled, whenUndetermined: 'Deny' },
      asked,
      answers: [remembered, away],
    },
    of('lastVerdictMaxAge', [away, remembered], { given: '1h', instead: '24h', asked }, remembering),
  ]
}

function denialWords(): readonly Entry[] {
  const english = `${missing} "policy"`
  const chinese = `${missing} "策略"`
  const telling = /policy|策略/
  const later = 'not loaded: spec.denial.compat policy-unsupported'
  const asked = unsigned
  const denial = { denial: {} }
  return [
    of('denial', [chinese, english], { given: { language: 'zh' }, asked, telling }),
    of('denial.language', [chinese, english], { given: 'zh', asked, telling }, denial),
    of('denial.language: zh', [chinese, english], { instead: 'en', asked, telling }, denial),
    of('denial.language: en', [english, chinese], { instead: 'zh', asked, telling }, denial),
    of('denial.compat', [later, trusted], { given: 'Cerberus' }, denial),
    of('denial.compat: None', [trusted, later], { instead: 'Cerberus' }, denial),
  ]
}
