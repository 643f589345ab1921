// Registries and token services that do not do what they should.

import type { ErrorCode } from '#core/errors.ts'
import { stall, trickle } from '../support/hostile-answers.ts'
import type { Fault, Signs } from './fault.ts'
import type { Lie } from './registry.ts'

const undetermined = (code: string) =>
  `sealward_image_verdicts_total{verdict="undetermined",code="${code}",mode="Enforce"}`

function signsOf(code: ErrorCode): Signs {
  return { codes: [code], metric: undetermined(code) }
}

type Said = Omit<Fault, 'begin' | 'isHarmless'>

const ofRegistry = (said: Said, lie: Lie): Fault => ({
  ...said,
  isHarmless: false,
  begin({ registry }) {
    registry.answer(lie)
    return () => void registry.answer(undefined)
  },
})

const ofTokens = (said: Said, lie: Lie): Fault => ({
  ...said,
  isHarmless: false,
  begin({ registry }) {
    registry.answerTokens(lie)
    return () => void registry.answerTokens(undefined)
  },
})

const never: Lie = (_truth, ...asked) => stall(...asked)

export const registryFaults: readonly Fault[] = [
  ofRegistry(
    {
      id: 'registry-stalls',
      fault: 'The registry takes requests and never answers.',
      does: 'Denies a second before the API server stops waiting. Pods that wait for the same answer ask once in three seconds.',
      signs: signsOf('registry-timeout'),
      remedy: 'Look at the registry and the way to it. Controllers try again by themselves.',
      backWithin: 5,
    },
    never,
  ),
  ofRegistry(
    {
      id: 'registry-trickles',
      fault: 'The registry sends an answer byte by byte.',
      does: 'The same: a deadline is for the whole answer, not for the next byte.',
      signs: signsOf('registry-timeout'),
      remedy: 'As above.',
      backWithin: 5,
    },
    (truth, ...asked) => trickle(Buffer.from(truth.body ?? ''), 500, truth.headers)(...asked),
  ),
  ofRegistry(
    {
      id: 'registry-resets',
      fault: 'The registry, or something before it, resets every connection.',
      does: 'Tries three times, then denies.',
      signs: signsOf('registry-unreachable'),
      remedy: 'Look at the registry, its balancer and the network policy of the namespace of Sealward.',
      backWithin: 5,
    },
    (_truth, _request, _count, response) => {
      response.socket?.destroy()
      return 'handled'
    },
  ),
  ofRegistry(
    {
      id: 'registry-fails',
      fault: 'The registry answers 503.',
      does: 'Tries three times, then denies.',
      signs: signsOf('registry-failing'),
      remedy: 'Look at the registry.',
      backWithin: 5,
    },
    () => ({ status: 503 }),
  ),
  ofRegistry(
    {
      id: 'registry-throttles',
      fault: 'The registry answers 429 with `Retry-After: 1`.',
      does: 'Waits as long as it was told, where the deadline leaves that, and asks nothing meanwhile; then denies.',
      signs: signsOf('registry-throttled'),
      remedy: 'Raise the limit of the account, or let Sealward read with credentials of its own.',
      backWithin: 5,
    },
    () => ({ status: 429, headers: { 'retry-after': '1' } }),
  ),
  ofRegistry(
    {
      id: 'registry-throttles-long',
      fault: 'The registry answers 429 with `Retry-After: 8`, longer than an answer can wait.',
      does: 'Denies at once and leaves the registry alone for that time, or for a minute if it is longer.',
      signs: signsOf('registry-throttled'),
      remedy: 'As above.',
      backWithin: 10,
    },
    () => ({ status: 429, headers: { 'retry-after': '8' } }),
  ),
  ofTokens(
    {
      id: 'tokens-fail',
      fault: 'The token service answers 503.',
      does: 'Uses the tokens that are still good; then tries three times, and denies.',
      signs: signsOf('token-service-failing'),
      remedy: 'Look at the token service that the message names; the registry itself may be well.',
      backWithin: 5,
    },
    () => ({ status: 503 }),
  ),
  ofTokens(
    {
      id: 'tokens-stall',
      fault: 'The token service takes requests and never answers.',
      does: 'Uses the tokens that are still good; then the same as with a registry that never answers.',
      signs: signsOf('registry-timeout'),
      remedy: 'As above.',
      backWithin: 5,
    },
    never,
  ),
]
