// JS-05: something throws, rejects, answers nonsense or never answers, at any stage between a request and its answer.

import { describe, expect, test } from 'vitest'
import { createEngine } from '#app/engine/engine.ts'
import { defaultMemoryLimits, Memory } from '#app/engine/memory.ts'
import type { Sources } from '#app/engine/sources.ts'
import { createLog } from '#app/log.ts'
import { createJudge } from '#app/server/judge.ts'
import { defaultLimits } from '#app/server/limits.ts'
import { createMetrics } from '#app/server/metrics.ts'
import { createServing } from '#app/serving.ts'
import { CodedError } from '#core/errors.ts'
import type { PolicySet } from '#core/policy/set.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { at, name, noon } from '../../support/judging.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { podRequest } from '../../support/pods.ts'
import { matching, policy, rule, signed } from '../../support/policies.ts'
import { toy } from '../../support/toy-format.ts'

const release = [policy('production', [rule(signed('release'))])]

/** Wraps a stage so that it may be broken. */
type Arm = <A extends unknown[], R>(stage: string, real: (...given: A) => R) => (...given: A) => R

/** One stage that does something else than it should, once, as soon as it is lit. */
function fuse(broken: string, bang: () => unknown) {
  let left = 0
  const arm: Arm =
    (stage, real) =>
    (...given) => {
      if (stage !== broken || left === 0) return real(...given)
      left -= 1
      return bang() as ReturnType<typeof real>
    }
  const light = () => {
    left = 1
  }
  return { arm, light, isBurnt: () => left === 0 }
}

/** All that stands between a review and its answer, with one stage that breaks once. */
function pipeline(arm: Arm) {
  const registry = new MemoryRegistry()
  const digest = registry.putImage(at, 'app 1', 'v1')
  registry.sign(at, 'release', { digest })
  const sources: Sources = {
    resolve: arm('resolve', (...asked) => registry.resolve(...asked)),
    access: arm('access', (...asked) => registry.access(...asked)),
    manifest: (...asked) => registry.manifest(...asked),
    tagged: arm('tagged', (...asked) => registry.tagged(...asked)),
    referrers: (...asked) => registry.referrers(...asked),
    blob: (...asked) => registry.blob(...asked),
  }
  const memory = new Memory(defaultMemoryLimits, () => noon)
  for (const method of ['proven', 'prove', 'judgement', 'keepJudgement', 'mayRead', 'hasRead'] as const) {
    Object.assign(memory, { [method]: arm(`memory.${method}`, memory[method].bind(memory) as () => unknown) })
  }
  for (const method of ['verification', 'keepVerification'] as const) {
    Object.assign(memory, { [method]: arm(`memory.${method}`, memory[method].bind(memory) as () => unknown) })
  }
  const formats = [{ ...toy, ask: arm('format.ask', toy.ask) }]
  const engine = createEngine({
    sources,
    formats,
    verify: arm('verify', (question) => verifyMaterial(question, formats)),
    memory,
    now: arm('clock', () => noon),
    newId: arm('id', () => 'id'),
  })
  const matched = matching(release)
  const set: PolicySet = {
    revision: 'r',
    policies: release,
    attestors: [],
    denyLists: [],
    exempt: [],
    match: arm('match', () => ({
      ...matched,
      policies: release,
      undetermined: [],
      rulesFor: arm('rules', matched.rulesFor),
      otherwise: arm('otherwise', matched.otherwise),
    })),
  }
  const metrics = createMetrics()
  const lines: string[] = []
  const log = createLog({ level: 'debug', destination: { write: (line) => lines.push(line) } })
  const handlers = createServing({
    engine,
    policies: { current: arm('policies', () => set), accept: () => {}, refuse: () => {}, report: () => ({}) },
    log: { ...log, info: arm('log', log.info.bind(log)) },
    metrics: { ...metrics, record: arm('metrics', metrics.record.bind(metrics)) },
  })
  const judge = createJudge(handlers, { ...defaultLimits, cutOffGraceMs: 50 }, log)
  const admit = async (image: string, withinMs = 5_000) => {
    const answer = await judge.judge('mutate', podRequest([image]), withinMs).answer
    return answer.outcome === 'denied' ? `denied ${answer.code}` : answer.outcome
  }
  return { admit, image: `${name}@${digest}`, judge, lines }
}

const synchronous = [
  ...['policies', 'match', 'rules', 'otherwise', 'clock', 'id', 'format.ask'],
  ...['memory.judgement', 'memory.hasRead', 'memory.proven', 'memory.prove', 'memory.keepJudgement'],
  ...['memory.verification', 'memory.keepVerification'],
]
const asynchronous = ['resolve', 'tagged', 'verify']

const thrown: readonly (readonly [string, unknown])[] = [
  ['an error', new TypeError('x is not a function')],
  ['nothing', undefined],
  ['a verdict', new CodedError('accepted-by-rule', 'yes')],
]

const throwing = (value: unknown) => () => {
  throw value
}

/** A request that meets the broken stage, and the next one. */
async function twice(stage: string, bang: () => unknown): Promise<readonly string[]> {
  const { arm, light, isBurnt } = fuse(stage, bang)
  const { admit, judge } = pipeline(arm)
  light()
  const answers = [await admit(`${name}:v1`), await admit(`${name}:v1`)]
  // The stage lies on the way, and nobody is left behind in the gate.
  expect({ burnt: isBurnt(), inside: judge.gate.inside }).toEqual({ burnt: true, inside: 0 })
  return answers
}

describe('JS-05: a stage breaks once', () => {
  test.each([...synchronous, ...asynchronous])(
    '%s throws: denied with a code, and the next request as ever',
    async (stage) => {
      for (const [, value] of thrown) {
        const [first, second] = await twice(stage, throwing(value))
        expect([stage, first, second]).toEqual([stage, expect.stringMatching(/^denied [a-z]+(-[a-z]+)+$/), 'patched'])
      }
    },
  )

  test.each(asynchronous)('%s rejects: denied with a code, and the next request as ever', async (stage) => {
    for (const [, value] of thrown) {
      const [first, second] = await twice(stage, () => Promise.reject(value))
      expect([first, second]).toEqual(['denied internal-error', 'patched'])
    }
  })

  test.each(['resolve', 'verify'])(
    '%s answers nothing: denied with a code, and the next request as ever',
    async (stage) => {
      const [first, second] = await twice(stage, () => Promise.resolve(undefined))
      expect([first, second]).toEqual(['denied internal-error', 'patched'])
    },
  )

  test.each(asynchronous)(
    '%s never answers: denied when the time is over, and the next request as ever',
    async (stage) => {
      const { arm, light } = fuse(stage, () => new Promise(() => {}))
      const { admit, judge } = pipeline(arm)
      light()
      expect(await admit(`${name}:v1`, 300)).toMatch(/^denied (registry-timeout|judged-too-late|overloaded)$/)
      expect(judge.gate.inside).toBe(0)
      expect(await admit(`${name}:v1`)).toBe('patched')
    },
  )

  test('the memory of who has read what throws: denied with a code, and the next request as ever', async () => {
    const { arm, light, isBurnt } = fuse('memory.mayRead', throwing(new Error('broken')))
    const { admit, image } = pipeline(arm)
    expect(await admit(image)).toBe('allowed')
    light()
    expect(await admit(image)).toBe('denied internal-error')
    expect(isBurnt()).toBe(true)
    expect(await admit(image)).toBe('allowed')
  })

  test.each(['log', 'metrics'])('neighbour: %s throws, and no verdict changes by it', async (stage) => {
    expect(await twice(stage, throwing(new Error('disk full')))).toEqual(['patched', 'patched'])
  })
})
