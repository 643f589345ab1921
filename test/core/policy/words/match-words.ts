// One entry for every word of `match`. The request is a Pod (or a Deployment) in the namespace `prod`, which is labelled
// `stage: live`.

import type { Json, Spec } from '../../../support/policy-documents.ts'
import type { Entry } from './pair.ts'
import { ruled } from './pair.ts'
import type { Asked } from './world.ts'

const judged = 'denied signature-missing'
const elsewhere = 'left alone: no-policy'
const stillJudged = [judged, elsewhere] as const
const unjudged = [elsewhere, judged] as const
const unsigned: Asked = { image: 'app:unsigned' }
const root = 'ClusterTrustPolicy spec.match'

function matching(match: Spec): Spec {
  return { ...ruled, match }
}

interface Parts {
  readonly given?: Json
  readonly instead?: Json
  readonly asked?: Asked
}

function entry(word: string, match: Spec, answers: Entry['answers'], { asked, ...parts }: Parts): Entry {
  return { word: `${root}${word}`, around: matching(match), answers, asked: { ...unsigned, ...asked }, ...parts }
}

export const matchWords: readonly Entry[] = [
  { word: root, given: { namespaces: ['test'] }, asked: unsigned, answers: unjudged },
  entry('.namespaces', {}, unjudged, { given: ['test', 'dev-*'] }),
  entry('.excludeNamespaces', {}, unjudged, { given: ['p*'] }),
  ...selectorWords('namespaceSelector', {}),
  ...selectorWords('objectSelector', { labels: { stage: 'live' } }),
  ...resourceWords(),
]

function selectorWords(selector: 'namespaceSelector' | 'objectSelector', asked: Asked): readonly Entry[] {
  const of = (word: string, inside: Spec, answers: Entry['answers'], parts: Parts): Entry =>
    entry(`.${selector}${word}`, { [selector]: inside }, answers, { ...parts, asked })
  const expression = (word: string, inside: Spec, answers: Entry['answers'], parts: Parts): Entry =>
    of(`.matchExpressions[].${word}`, { matchExpressions: [inside] }, answers, parts)
  const among = { key: 'stage', operator: 'In', values: ['live'] }
  const present = { key: 'stage', operator: 'Exists' }
  return [
    entry(`.${selector}`, {}, unjudged, { given: { matchLabels: { stage: 'test' } }, asked }),
    of('.matchLabels', {}, unjudged, { given: { stage: 'test' } }),
    of('.matchExpressions', {}, unjudged, { given: [{ key: 'stage', operator: 'DoesNotExist' }] }),
    expression('key', present, stillJudged, { given: 'stage', instead: 'tier' }),
    expression('operator', among, unjudged, { given: 'NotIn', instead: 'In' }),
    expression('operator: In', among, stillJudged, { instead: 'NotIn' }),
    expression('operator: NotIn', among, unjudged, { instead: 'In' }),
    expression('operator: Exists', present, stillJudged, { instead: 'DoesNotExist' }),
    expression('operator: DoesNotExist', present, unjudged, { instead: 'Exists' }),
    expression('values', among, unjudged, { given: ['test', 'dev'], instead: ['test', 'live'] }),
  ]
}

function resourceWords(): readonly Entry[] {
  const of = (word: string, inside: Spec, answers: Entry['answers'], parts: Parts): Entry =>
    entry(`.resourceRules[].${word}`, { resourceRules: [{ resources: ['*'], ...inside }] }, answers, parts)
  const update: Asked = { operation: 'UPDATE' }
  return [
    entry('.resourceRules', {}, unjudged, { given: [{ resources: ['deployments'] }] }),
    of('apiGroups', {}, unjudged, { given: ['apps', 'batch'] }),
    of('apiVersions', {}, unjudged, { given: ['v2'] }),
    of('resources', {}, stillJudged, { given: ['deployments'], instead: ['pods'], asked: { deployment: true } }),
    of('operations', {}, unjudged, { given: ['UPDATE'] }),
    of('operations[]: CREATE', { operations: ['CREATE'] }, stillJudged, { instead: 'UPDATE' }),
    of('operations[]: UPDATE', { operations: ['UPDATE'] }, stillJudged, { instead: 'CREATE', asked: update }),
    of('operations[]: *', { operations: ['*'] }, stillJudged, { instead: 'CREATE', asked: update }),
  ]
}
