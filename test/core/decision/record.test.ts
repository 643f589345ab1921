// A record explains later as on the day, and holds nothing that is not ours to keep.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { denied } from '#core/admission/answer.ts'
import type { Decision } from '#core/decision/decision.ts'
import { auditAnnotations, denialText, useBlock, warningLines } from '#core/decision/explain.ts'
import type { Judgement } from '#core/decision/judgement.ts'
import type { DecisionRecord } from '#core/decision/record.ts'
import { decisionOf, judgementText, recordOf, recordText } from '#core/decision/record.ts'
import { parseStrictJson } from '#core/encoding/strict-json.ts'
import { answerOf, decisions, request } from '../../support/decision-store.ts'
import { use } from '../../support/judging.ts'

const place = { run: 'run1', n: 1 }
const { good, bad } = await decisions()

/** Through texts and back, as a store does. */
function remembered(decision: Decision): { readonly record: DecisionRecord; readonly decision: Decision } {
  const kept = new Map<string, Judgement>()
  const hashOf = (judgement: Judgement) => {
    const hash = `hash of ${judgement.reference}`
    kept.set(hash, JSON.parse(judgementText(judgement)))
    return hash
  }
  const answered = { path: decision.purpose, request: request(), answer: answerOf(decision), decision }
  const record: DecisionRecord = JSON.parse(recordText(recordOf(place, answered, hashOf)))
  return { record, decision: decisionOf(decision.id, decision.at, record, kept) }
}

describe('a record', () => {
  test.each([
    ['allows', good],
    ['denies', bad],
  ])('of a decision that %s explains it word for word, in every language', (_what, decision) => {
    const again = remembered(decision).decision
    for (const language of ['en', 'zh'] as const) {
      expect(denialText(again, language)).toBe(denialText(decision, language))
      expect(warningLines(again, language)).toEqual(warningLines(decision, language))
      expect(again.verdicts.map((verdict) => useBlock(verdict, language))).toEqual(
        decision.verdicts.map((verdict) => useBlock(verdict, language)),
      )
    }
    expect(auditAnnotations(again)).toEqual(auditAnnotations(decision))
    expect(again.pins).toEqual(decision.pins)
    expect(again.allowed).toBe(decision.allowed)
  })

  test('says who asked for what, and what was answered', () => {
    expect(remembered(bad).record).toMatchObject({
      run: 'run1',
      n: 1,
      path: 'mutate',
      uid: 'uid-1',
      answer: 'denied',
      code: 'signature-by-stranger',
      message: denialText(bad),
      operation: 'CREATE',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      namespace: 'prod',
      user: 'somebody',
      policies: bad.policies,
    })
    expect(remembered(good).record).not.toHaveProperty('code')
    expect(remembered(good).record).not.toHaveProperty('message')
  })

  test('says of a dry run that it was one, and of others nothing', () => {
    const of = (dryRun: boolean) =>
      recordOf(place, { path: 'mutate', request: request({ dryRun }), answer: answerOf(good) }, () => '').dryRun
    expect([of(true), of(false)]).toEqual([true, undefined])
  })

  test('of a request of which only the uid could be read holds that', () => {
    const id = { apiVersion: 'admission.k8s.io/v1', uid: 'u' } as const
    const record = recordOf(
      place,
      { path: 'validate', request: id, answer: denied('review-malformed', 'broken') },
      () => '',
    )
    expect(JSON.parse(recordText(record))).toEqual({
      run: 'run1',
      n: 1,
      path: 'validate',
      uid: 'u',
      answer: 'denied',
      code: 'review-malformed',
      message: 'broken',
    })
  })

  test('holds no object, no group and no other part of the request', () => {
    const secret = 'hunter2'
    const full = request({
      object: { metadata: { annotations: { token: secret } }, spec: { containers: [{ env: [{ value: secret }] }] } },
      oldObject: { data: secret },
      userInfo: { username: 'somebody', uid: secret, groups: [secret] },
    })
    const record = recordOf(place, { path: 'mutate', request: full, answer: answerOf(good), decision: good }, () => 'h')
    expect(recordText(record)).not.toContain(secret)
  })

  test('is bounded by what Sealward says, not by what a sender makes up', () => {
    const long = 'x'.repeat(1_000_000)
    const [verdict] = bad.verdicts
    if (verdict === undefined) throw new Error('there is a verdict')
    const decision = { ...bad, verdicts: [{ ...verdict, use: use(long, 0, { name: long }), detail: long }] }
    const answered = {
      path: 'mutate',
      request: request({
        name: long,
        namespace: long,
        subResource: long,
        kind: { group: long, version: long, kind: long },
        userInfo: { username: long, groups: [] },
      }),
      answer: denied('no-rule', long),
      decision,
    } as const
    expect(recordText(recordOf(place, answered, () => 'h')).length).toBeLessThan(30_000)
  })

  test('names the field of a use by its pointer: an index is a number and nothing else', () => {
    const fieldOf = (pointer: string) => {
      const [verdict] = bad.verdicts
      if (verdict === undefined) throw new Error('there is a verdict')
      const verdicts = [{ ...verdict, use: { ...verdict.use, pointer } }]
      return remembered({ ...bad, verdicts }).decision.verdicts[0]?.use.field
    }
    expect(fieldOf('/spec/containers/10/image')).toBe('spec.containers[10].image')
    expect(fieldOf('/spec/step2/containers/0/image')).toBe('spec.step2.containers[0].image')
    expect(fieldOf('/spec/2nd/containers/0/image')).toBe('spec.2nd.containers[0].image')
  })

  test('cuts no character in half', () => {
    const name = '😀'.repeat(400)
    const record = recordOf(place, { path: 'mutate', request: request({ name }), answer: answerOf(good) }, () => '')
    expect(record.name?.isWellFormed()).toBe(true)
    expect(record.name).toHaveLength(512)
  })
})

test('a judgement is kept without the time until which it might have been used again', () => {
  const judgement = bad.verdicts[1]?.judgement
  if (judgement === undefined) throw new Error('there is a judgement')
  expect(judgement.validUntil).toBeDefined()
  expect(judgementText({ ...judgement, validUntil: 1 })).toBe(judgementText({ ...judgement, validUntil: 2 }))
  expect(JSON.parse(judgementText(judgement))).toMatchObject({ reference: judgement.reference })
})

test('a judgement with a megabyte of findings is kept without them', () => {
  const judgement = bad.verdicts[1]?.judgement
  const [judged] = judgement?.byPolicy ?? []
  if (judgement === undefined || judged?.finding?.kind !== 'signature') throw new Error('there is a finding')
  const oddity = { place: 'somewhere', code: 'signature-wrong-key', detail: 'x'.repeat(2_000) } as const
  const oddities = (count: number) => Array.from({ length: count }, () => oddity)
  const text = (count: number) =>
    judgementText({
      ...judgement,
      byPolicy: [{ ...judged, finding: { ...judged.finding, oddities: oddities(count) } as never }],
    })
  expect(text(100).length).toBeGreaterThan(200_000)
  expect(text(1_000).length).toBeLessThan(2_000)
  expect(JSON.parse(text(1_000)).byPolicy[0]).toMatchObject({ outcome: 'untrusted', code: 'signature-by-stranger' })
})

test('whatever a text holds, the strict reader accepts it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      const units = `${a}\\ud800\ud800\\${b}\udc00`
      const read = parseStrictJson(recordText({ text: units })) as { text: string }
      expect(read.text).toBe(units.toWellFormed())
    }),
  )
})
