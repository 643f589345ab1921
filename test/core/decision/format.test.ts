// What every format must be for core to drive it: `ask` is pure. Each real one, and one that exists only here, is asked
// twice for every state of the facts, on input that cannot be written to.

import { describe, expect, test } from 'vitest'
import type { Format, Gathering, SignedSubject } from '#core/decision/format.ts'
import type { AnswerTo, Fact, Facts, FetchQuestion, Question } from '#core/decision/question.ts'
import { questionKey, unknownBecause } from '#core/decision/question.ts'
import { CodedError } from '#core/errors.ts'
import { fallbackTag } from '#core/image/digest.ts'
import { formats } from '#signature/formats.ts'
import { at, judging, name } from '../../support/judging.ts'
import { digestOf, MemoryRegistry, manifestType } from '../../support/memory-registry.ts'
import { attestor, policy, rule, signed } from '../../support/policies.ts'
import { toy, toySignature } from '../../support/toy-format.ts'

const all: readonly Format[] = [...formats, toy]
const context = { scope: 'own', signal: new AbortController().signal }

/** An image with something to find for every format. */
function world() {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app')
  registry.addLine(
    at,
    digest,
    `see:${registry.putBlob(at, new TextEncoder().encode(toySignature('release', { digest })))}`,
  )
  const payload = new TextEncoder().encode('{}')
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('{}'), size: 2 }
  const layer = (mediaType: string) => ({
    mediaType,
    digest: registry.putBlob(at, payload),
    size: payload.length,
    annotations: { 'dev.cosignproject.cosign/signature': 'AAAA' },
  })
  const simple = layer('application/vnd.dev.cosign.simplesigning.v1+json')
  const base = { schemaVersion: 2, mediaType: manifestType, config }
  registry.putManifest(at, { ...base, layers: [simple] }, `${fallbackTag(digest)}.sig`)
  const subject = { mediaType: manifestType, digest, size: 10 }
  const types = ['application/vnd.dev.sigstore.bundle.v0.3+json', 'application/vnd.dev.cosign.artifact.sig.v1+json']
  const referrers = types.map((artifactType) => {
    const layers = [artifactType.includes('bundle') ? layer(artifactType) : simple]
    const found = registry.putManifest(at, { ...base, artifactType, subject, layers })
    return { digest: found, mediaType: manifestType, size: 10, artifactType }
  })
  registry.refer(at, digest, referrers)
  return { registry, subject: { digest, image: at, signatures: at } satisfies SignedSubject }
}

class FrozenFacts implements Facts {
  readonly #facts = new Map<string, Fact<unknown>>()

  set(question: FetchQuestion, fact: Fact<unknown>): void {
    this.#facts.set(questionKey(question), frozen(fact))
  }

  about<Q extends Question>(question: Q): Fact<AnswerTo<Q>> | undefined {
    return this.#facts.get(questionKey(question)) as Fact<AnswerTo<Q>> | undefined
  }
}

/** Bytes cannot be frozen; they are compared before and after. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  for (const member of Object.values(value)) frozen(member)
  return Object.freeze(value)
}

function bytesOf(facts: readonly Fact<unknown>[]): string {
  return JSON.stringify(facts, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value))
}

async function answer(registry: MemoryRegistry, question: FetchQuestion): Promise<Fact<unknown>> {
  const known = (value: unknown): Fact<unknown> => ({ known: true, value })
  switch (question.kind) {
    case 'tagged':
      return registry.tagged(question.at, question.tag, context).then(known, unknownBecause)
    case 'manifest':
      return registry.manifest(question.at, question.digest, context).then(known, unknownBecause)
    case 'referrers':
      return registry.referrers(question.at, question.digest, context).then(known, unknownBecause)
    case 'blob':
      return registry.blob(question.at, question.digest, question.maxBytes, context).then(known, unknownBecause)
    default:
      throw new Error(`no format asks ${question.kind}`)
  }
}

describe.each(all.map((format) => [format.name, format] as const))('%s', (_, format) => {
  test('asks the same twice, of frozen facts, until it has asked all', async () => {
    const { registry, subject } = world()
    const facts = new FrozenFacts()
    const given: Fact<unknown>[] = []
    frozen(subject)
    let rounds = 0
    for (let gathering: Gathering | undefined; gathering === undefined || gathering.questions.length > 0; rounds += 1) {
      const before = bytesOf(given)
      gathering = format.ask(subject, facts)
      expect(format.ask(subject, facts)).toEqual(gathering)
      expect(bytesOf(given)).toBe(before)
      for (const question of gathering.questions) {
        expect(facts.about(question), 'it asks only what it does not know').toBeUndefined()
        const fact = await answer(registry, question)
        facts.set(question, fact)
        given.push(fact)
      }
      expect(rounds).toBeLessThan(10)
    }
    const { materials, gaps } = format.ask(subject, facts)
    expect({ materials: materials.length, gaps }).toEqual({ materials: 1, gaps: [] })
  })

  test('names what could not be read, at every step, and finds nothing then', async () => {
    const { registry, subject } = world()
    const failing = (failAt: number) => {
      const facts = new FrozenFacts()
      let asked = 0
      return { facts, fail: () => asked++ === failAt }
    }
    for (let failAt = 0; failAt < 3; failAt += 1) {
      const { facts, fail } = failing(failAt)
      let failed = false
      for (;;) {
        const { questions } = format.ask(subject, facts)
        if (questions.length === 0) break
        for (const question of questions) {
          const broken = fail()
          failed ||= broken
          facts.set(
            question,
            broken ? unknownBecause(new CodedError('registry-failing', '500')) : await answer(registry, question),
          )
        }
      }
      const { gaps, materials } = format.ask(subject, facts)
      if (failed)
        expect({ codes: gaps.map(({ code }) => code), materials }).toEqual({
          codes: ['registry-failing'],
          materials: [],
        })
    }
  })
})

test('names of formats are distinct, and none is called what memory is called', () => {
  const names = all.map((format) => format.name)
  expect(new Set(names).size).toBe(names.length)
  expect(names).not.toContain('memory')
})

test('a new format is one file and one row: the engine judges by it at once', async () => {
  const { registry, subject } = world()
  const policies = [policy('p', [rule(signed(attestor('release')))])]
  const image = `${name}@${subject.digest}`
  expect(await judging(registry, all).verdict(image, policies)).toMatchObject({ outcome: 'trusted' })
  expect(await judging(registry, formats).verdict(image, policies)).toMatchObject({ outcome: 'untrusted' })
})
