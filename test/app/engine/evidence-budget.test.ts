// What may be read for one request is counted in bytes; past it nothing is known, which is neither yes nor "unsigned".

import { describe, expect, test } from 'vitest'
import { createEngine } from '#app/engine/engine.ts'
import { EvidenceBudget } from '#app/engine/evidence-budget.ts'
import { weightOf } from '#app/engine/weight.ts'
import type { Fact } from '#core/decision/question.ts'
import { CodedError } from '#core/errors.ts'
import type { WhenUndetermined } from '#core/policy/words.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { at, name, noon, use } from '../../support/judging.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { matching, policy, rule, signed } from '../../support/policies.ts'
import { toy } from '../../support/toy-format.ts'

const fact = (bytes: number): Fact<unknown> => ({ known: true, value: new Uint8Array(bytes) })

describe('the budget of a request', () => {
  const limit = 2 * weightOf(new Uint8Array(1_000))

  test('neighbour: gives what fills it to the last byte', () => {
    const budget = new EvidenceBudget(limit)
    const facts = [fact(1_000), fact(1_000)]
    expect(facts.map((each) => budget.take(each))).toEqual(facts)
    expect(budget.refusal()).toBeUndefined()
  })

  test('gives nothing any more from the first byte beyond it, however small', () => {
    const budget = new EvidenceBudget(limit)
    budget.take(fact(1_000))
    expect(budget.take(fact(1_001))).toMatchObject({ known: false, code: 'evidence-too-large' })
    expect(budget.take(fact(0))).toMatchObject({ known: false, code: 'evidence-too-large' })
    expect(budget.refusal()).toMatchObject({ known: false, code: 'evidence-too-large' })
  })

  test('counts nothing that could not be read', () => {
    const budget = new EvidenceBudget(1)
    const failed = { known: false, code: 'registry-failing', detail: 'x'.repeat(100_000) } as const
    expect(budget.take(failed)).toBe(failed)
    expect(budget.refusal()).toBeUndefined()
  })
})

/** An engine of its own for every request: nothing is remembered. */
function world() {
  const registry = new MemoryRegistry()
  const judge = async (
    images: readonly string[],
    evidenceBytes?: number,
    whenUndetermined: WhenUndetermined = 'Deny',
  ) => {
    const engine = createEngine({
      sources: registry,
      formats: [toy],
      verify: (question) => verifyMaterial(question, [toy]),
      ...(evidenceBytes !== undefined && { evidenceBytes }),
      now: () => noon,
      newId: () => 'id',
    })
    let read = 0
    const decision = await engine.judge(
      {
        purpose: 'mutate',
        namespace: 'prod',
        uses: images.map((image, index) => use(image, index)),
        unchanged: new Set(),
        matched: matching([policy('production', [rule(signed('release'))], { whenUndetermined })]),
        bystanders: [],
        credentialScope: 'own',
      },
      new AbortController().signal,
      (_, { known, ...rest }) => {
        read += known && 'value' in rest ? weightOf(rest.value) : 0
      },
    )
    return { decision, read, outcomes: new Set(decision.verdicts.map(({ outcome, code }) => `${outcome} ${code}`)) }
  }
  const put = (index: number, by: readonly string[]) => {
    const digest = registry.putImage(at, `app ${index}`)
    for (const each of by) registry.sign(at, each, { digest, annotations: { x: 'x'.repeat(4_000) } })
    return `${name}@${digest}`
  }
  return { registry, judge, put }
}

describe('evidence of one byte more than may be read', () => {
  test('of a trusted image is undetermined with its code; neighbour: without that byte it is trusted', async () => {
    const { judge, put } = world()
    const images = [put(1, ['release'])]
    const { read } = await judge(images)
    expect((await judge(images, read)).decision).toMatchObject({ allowed: true, verdicts: [{ outcome: 'trusted' }] })
    expect((await judge(images, read - 1)).decision).toMatchObject({
      allowed: false,
      verdicts: [{ outcome: 'undetermined', code: 'evidence-too-large' }],
    })
  })

  test('of an image by a stranger is undetermined too; neighbour: without that byte it is untrusted', async () => {
    const { judge, put } = world()
    const images = [put(1, ['stranger', 'another'])]
    const { read } = await judge(images)
    expect((await judge(images, read)).outcomes).toEqual(new Set(['untrusted signature-by-stranger']))
    expect((await judge(images, read - 1)).outcomes).not.toContain('untrusted signature-by-stranger')
  })

  test('is no outage, so that InsecureAdmit does not help it; neighbour: it helps against a registry that fails', async () => {
    const { registry, judge, put } = world()
    const images = [put(1, ['release'])]
    expect((await judge(images, 100, 'InsecureAdmit')).decision.allowed).toBe(false)
    registry.before = () => Promise.reject(new CodedError('registry-failing', 'away'))
    expect((await judge(images, 100, 'InsecureAdmit')).decision.allowed).toBe(true)
  })
})

describe('an object whose evidence is more than may be read', () => {
  test('is denied, what was judged before stays as it was judged, and the rest is undetermined', async () => {
    const { judge, put } = world()
    const images = Array.from({ length: 300 }, (_, index) => put(index, ['release']))
    const { decision, outcomes } = await judge(images, 400_000)
    expect(decision.allowed).toBe(false)
    expect(outcomes).toEqual(new Set(['trusted undefined', 'undetermined evidence-too-large']))
  })

  test('is asked about no further', async () => {
    const { registry, judge, put } = world()
    const images = Array.from({ length: 1_000 }, (_, index) => put(index, ['release']))
    registry.kinds()
    await judge(images, 100_000)
    expect(registry.kinds().length).toBeLessThan(300)
  })

  test('neighbour: 1,000 images with a signature each are read whole', async () => {
    const { judge, put } = world()
    const images = Array.from({ length: 1_000 }, (_, index) => put(index, ['release']))
    expect((await judge(images)).decision.allowed).toBe(true)
  })
})
