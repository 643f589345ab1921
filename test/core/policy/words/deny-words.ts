// One entry for every word of a DenyList. The image is signed by `release`, as the policy asks.

import type { Entry } from './pair.ts'
import { ci, images, release } from './world.ts'

const trusted = 'trusted, now app:v1@DIGEST'
const list = 'DenyList spec.'
const [listed = '', other = ''] = ['app:v1', 'app:both'].map((name) => images.get(name) ?? '')
const [key, otherKey] = [release, ci].map(({ publicKey }) => publicKey.fingerprint)

export const denyWords: readonly Entry[] = [
  {
    word: `${list}digests`,
    around: { reason: 'stolen' },
    given: [listed],
    instead: [other],
    answers: ['denied digest-denied', trusted],
  },
  {
    word: `${list}keys`,
    around: { reason: 'stolen' },
    given: [key ?? ''],
    instead: [otherKey ?? ''],
    answers: ['denied key-denied', trusted],
  },
  {
    word: `${list}reason`,
    around: { digests: [listed] },
    given: 'stolen',
    instead: 'withdrawn',
    telling: /stolen|withdrawn/,
    answers: ['denied digest-denied "stolen"', 'denied digest-denied "withdrawn"'],
  },
]
