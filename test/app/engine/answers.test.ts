// Answers by themselves: what is shared, what proves access, what of the content is kept.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Answers } from '#app/engine/answers.ts'
import { defaultMemoryLimits, Memory } from '#app/engine/memory.ts'
import type { FetchContext } from '#app/engine/sources.ts'
import type { Question } from '#core/decision/question.ts'
import { at, noon } from '../../support/judging.ts'
import { MemoryRegistry, manifestType } from '../../support/memory-registry.ts'
import { attestor } from '../../support/policies.ts'
import { checkToy, toySignature } from '../../support/toy-format.ts'

const { signal } = new AbortController()
const own = { scope: 'own', signal }

function world() {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app', 'v1')
  const blob = registry.putBlob(at, new TextEncoder().encode('payload'))
  const clock = { now: noon }
  const memory = new Memory(defaultMemoryLimits, () => clock.now)
  let verified = 0
  const answers = new Answers(
    registry,
    async ({ material, attestor, subject }) => {
      verified += 1
      return checkToy(material, attestor, subject)
    },
    memory,
  )
  return { registry, digest, blob, clock, memory, answers, verified: () => verified }
}

describe('reading proves access to the repository', () => {
  test.each(['resolve', 'access', 'manifest', 'tagged', 'blob', 'referrers'] as const)('%s', async (kind) => {
    const { registry, digest, blob, memory, answers } = world()
    registry.refer(at, digest, [{ digest, mediaType: manifestType, size: 1 }])
    const questions: Record<typeof kind, Question> = {
      resolve: { kind: 'resolve', at, tag: 'v1' },
      access: { kind: 'access', at, digest },
      manifest: { kind: 'manifest', at, digest },
      tagged: { kind: 'tagged', at, tag: 'v1' },
      blob: { kind: 'blob', at, digest: blob, maxBytes: 100 },
      referrers: { kind: 'referrers', at, digest },
    }
    expect(await answers.answer(questions[kind], own)).toMatchObject({ known: true })
    expect(memory.mayRead('own', at)).toBe(true)
    expect(memory.mayRead('other', at)).toBe(false)
    expect(memory.mayRead('own', { ...at, repository: 'team/other' })).toBe(false)
  })

  test.each(['tagged', 'referrers'] as const)('an empty answer to %s does not', async (kind) => {
    const { digest, memory, answers } = world()
    const question: Question = kind === 'tagged' ? { kind, at, tag: 'none' } : { kind, at, digest }
    expect(await answers.answer(question, own)).toMatchObject({ known: true })
    expect(memory.mayRead('own', at)).toBe(false)
  })
})

describe('NW-10: a question that nobody has been asked when the time is over', () => {
  /** Two wait for the same answer, for which the source waits in line or not: what each of them is told of it. */
  async function late(inLine: boolean) {
    const { registry, answers } = world()
    const asked = Promise.withResolvers<void>()
    registry.resolve = async (_at, _tag, { standing }: FetchContext) => {
      if (standing !== undefined) standing.behind = { inLine }
      asked.resolve()
      return new Promise(() => {})
    }
    const given = new AbortController()
    const askers = [1, 2].map(() => ({ scope: 'own', signal: given.signal, inLine: new Set<string>() }))
    for (const asker of askers) void answers.answer({ kind: 'resolve', at, tag: 'v1' }, asker)
    await asked.promise
    given.abort()
    return askers.map((asker) => asker.inLine.size)
  }

  test('is told apart for everybody who waits for it', async () => {
    expect(await late(true)).toEqual([1, 1])
  })

  test('neighbour: one that was asked is none of these', async () => {
    expect(await late(false)).toEqual([0, 0])
  })
})

describe('FT-01: a fetch that hangs', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const tag: Question = { kind: 'resolve', at, tag: 'v1' }
  /** Asks, and after a while again: what the second one is told, and how often the source was asked. */
  async function askedAgainAfter(ms: number) {
    const { registry, answers } = world()
    let asked = 0
    registry.before = () => (++asked === 1 ? new Promise<void>(() => {}) : undefined)
    void answers.answer(tag, own)
    await vi.advanceTimersByTimeAsync(ms)
    const second = answers.answer(tag, { ...own })
    const answer = await Promise.race([second, vi.advanceTimersByTimeAsync(1_000).then(() => 'nothing yet')])
    return { answer, asked }
  }

  test('is not joined by who comes seconds later: they are answered by one of their own', async () => {
    expect(await askedAgainAfter(3_000)).toMatchObject({ answer: { known: true }, asked: 2 })
  })

  test('neighbour: is joined before that, because it may be slow', async () => {
    expect(await askedAgainAfter(2_999)).toEqual({ answer: 'nothing yet', asked: 1 })
  })
})

describe('content', () => {
  test('is kept by digest, while the access proof lives, for the credentials that read it', async () => {
    const { registry, digest, blob, clock, answers } = world()
    const both = async (scope: string) => {
      await answers.answer({ kind: 'manifest', at, digest }, { scope, signal })
      await answers.answer({ kind: 'blob', at, digest: blob, maxBytes: 100 }, { scope, signal })
      return registry.kinds()
    }
    expect(await both('own')).toEqual(['manifest', 'blob'])
    expect(await both('own')).toEqual([])
    expect(await both('other')).toEqual(['manifest', 'blob'])
    clock.now += 60_001
    expect(await both('own')).toEqual(['manifest'])
  })

  test('that may change is never kept: tags and lists', async () => {
    const { registry, digest, answers } = world()
    registry.refer(at, digest, [{ digest, mediaType: manifestType, size: 1 }])
    for (let turn = 0; turn < 2; turn += 1) {
      await answers.answer({ kind: 'resolve', at, tag: 'v1' }, own)
      await answers.answer({ kind: 'tagged', at, tag: 'v1' }, own)
      await answers.answer({ kind: 'referrers', at, digest }, own)
      await answers.answer({ kind: 'access', at, digest }, own)
    }
    expect(registry.kinds()).toHaveLength(8)
  })
})

test('one verification serves all who ask for it, at once and later, but not for another repository', async () => {
  const { digest, answers, verified } = world()
  const line = toySignature('release', { digest })
  const subject = { digest, image: at, signatures: at }
  const question = {
    kind: 'verify',
    format: 'toy',
    material: { id: line, place: 'here', untrusted: line },
    attestor: attestor('release'),
    subject,
  } as const
  await Promise.all(Array.from({ length: 50 }, (_, index) => answers.answer(question, { scope: `${index}`, signal })))
  await answers.answer(question, own)
  expect(verified()).toBe(1)
  const copy = { ...at, repository: 'copy' }
  await answers.answer({ ...question, subject: { digest, image: copy, signatures: copy } }, own)
  await answers.answer({ ...question, subject: { digest, image: copy, signatures: at } }, own)
  expect(verified()).toBe(3)
})

test('who has no time left is answered at once, and nothing is fetched for them', async () => {
  const { registry, answers } = world()
  const fact = await answers.answer({ kind: 'resolve', at, tag: 'v1' }, { scope: 'own', signal: AbortSignal.abort() })
  expect(fact).toMatchObject({ known: false, code: 'registry-timeout' })
  expect(registry.kinds()).toEqual([])
})
