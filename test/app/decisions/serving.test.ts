// Every answer that is a decision or a denial goes on record once, as it was sent; what the records do never reaches an
// answer.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RecordsEvent } from '#app/decisions/records.ts'
import { createTelling } from '#app/decisions/telling.ts'
import type { Engine } from '#app/engine/engine.ts'
import { createLog } from '#app/log.ts'
import { holdPolicies } from '#app/policy-holder.ts'
import type { ServerLimits } from '#app/server/limits.ts'
import { createMetrics } from '#app/server/metrics.ts'
import { createServing } from '#app/serving.ts'
import type { Answered } from '#core/decision/record.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import type { Policy } from '#core/policy/words.ts'
import { at, judging, name } from '../../support/judging.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'
import { policy, rule, signed } from '../../support/policies.ts'
import { ask, exchange, start, type TestServer } from '../server/harness.ts'

let server: TestServer | undefined
let added: Answered[]

beforeEach(() => {
  added = []
})

afterEach(() => server?.close())

const registry = new MemoryRegistry()
registry.sign(at, 'release', { digest: registry.putImage(at, 'v1', 'v1') })
registry.putImage(at, 'v2', 'v2')
const production = [policy('production', [rule(signed('release'))])]

interface World {
  readonly engine?: Engine
  readonly policies?: readonly Policy[]
  readonly limits?: Partial<ServerLimits>
  readonly add?: (answered: Answered) => void
}

async function serve({ engine, policies = production, limits, add }: World = {}): Promise<TestServer> {
  const handlers = createServing({
    engine: engine ?? judging(registry).engine,
    policies: holdPolicies(compilePolicySet({ policies, attestors: [], namespaces: [], revision: '1' })),
    log: createLog({ level: 'silent' }),
    metrics: createMetrics(),
    records: {
      add: add ?? ((answered) => added.push(answered)),
      report: () => ({ state: 'away', waiting: 7, dropped: 3, problem: 'disk full' }),
    },
  })
  server = await start(handlers, { lingerMs: 0, ...limits })
  return server
}

const review = (image: unknown, request: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'u1',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    namespace: 'prod',
    operation: 'CREATE',
    userInfo: { username: 'somebody' },
    object: { spec: { containers: [{ name: 'c', image }] } },
    ...request,
  },
})

const said = () => added.map(({ answer, decision }) => [answer.outcome, decision?.verdicts[0]?.outcome])

describe('on record', () => {
  test('is what was allowed, and what was denied, with its decision', async () => {
    await serve()
    const good = await ask(await running(), review(`${name}:v1`))
    const bad = await ask(await running(), review(`${name}:v2`), '/validate')
    expect([good['allowed'], bad['allowed']]).toEqual([true, false])
    expect(said()).toEqual([
      ['patched', 'trusted'],
      ['denied', 'untrusted'],
    ])
    expect(added.map(({ path, request }) => [path, request.uid])).toEqual([
      ['mutate', 'u1'],
      ['validate', 'u1'],
    ])
  })

  test.each([
    ['an object that cannot be read', review(1), 'workload-malformed'],
    ['a review of which only the uid can be read', review('a', { operation: 'PATCH' }), 'review-malformed'],
  ])('is the denial of %s', async (_what, body, code) => {
    await serve()
    await ask(await running(), body)
    expect(added).toMatchObject([{ request: { uid: 'u1' }, answer: { outcome: 'denied', code } }])
    expect(added[0]?.decision).toBeUndefined()
  })

  test('is not what was let pass because nothing had to be judged', async () => {
    await serve()
    for (const body of [
      review('a', { object: { spec: { containers: [] } } }),
      review('a', { operation: 'CONNECT', object: undefined }),
      review('a', { namespace: 'kube-system' }),
    ]) {
      expect((await ask(await running(), body))['allowed']).toBe(true)
    }
    expect(added).toEqual([])
  })

  test('is the denial that was sent, not the verdict that came too late', async () => {
    const { engine } = judging(registry)
    let late: () => void = () => {}
    const slow: Engine = {
      judge: async (request) => {
        await new Promise<void>((resolve) => {
          late = resolve
        })
        return engine.judge(request, new AbortController().signal)
      },
    }
    await serve({ engine: slow, limits: { cutOffGraceMs: 10 } })
    const answer = await ask(await running(), review(`${name}:v1`), '/mutate?timeout=1s')
    expect(answer['allowed']).toBe(false)
    late()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(added).toMatchObject([{ answer: { outcome: 'denied', code: 'overloaded' } }])
    expect(added[0]?.decision).toBeUndefined()
  })

  test('is the denial of a judge that failed', async () => {
    await serve({ engine: { judge: () => Promise.reject(new Error('a defect')) } })
    await ask(await running(), review(`${name}:v1`))
    expect(added).toMatchObject([{ answer: { outcome: 'denied', code: 'internal-error' } }])
  })
})

test('records that cannot be made change no answer', async () => {
  await serve({
    add: () => {
      throw new Error('out of order')
    },
  })
  expect((await ask(await running(), review(`${name}:v1`)))['allowed']).toBe(true)
  expect((await ask(await running(), review(`${name}:v2`)))['allowed']).toBe(false)
})

test('/readyz says how the records are, and is ready whatever they are', async () => {
  await serve()
  const { status, text } = await exchange(await running(), { method: 'GET', path: '/readyz' })
  expect(status).toBe(200)
  expect(JSON.parse(text)).toMatchObject({
    ready: true,
    decisions: { state: 'away', waiting: 7, dropped: 3, problem: 'disk full' },
  })
})

describe('what becomes of records', () => {
  async function told(events: readonly RecordsEvent[]) {
    const lines: string[] = []
    const metrics = createMetrics()
    const log = createLog({ level: 'debug', destination: { write: (line) => lines.push(line) } })
    const tell = createTelling({ log, metrics }, () => 4)
    for (const event of events) tell(event)
    const { body } = await metrics.text()
    const figures = body.split('\n').filter((line) => line.startsWith('sealward_decision'))
    return { figures, logged: lines.map((line) => JSON.parse(line)) }
  }

  test('is counted each time, and logged once for a change', async () => {
    const { figures, logged } = await told([
      { kind: 'written', count: 5 },
      { kind: 'away', problem: 'disk full' },
      ...Array.from({ length: 100 }, () => ({ kind: 'dropped', count: 1, why: 'full' }) as const),
    ])
    expect(figures).toEqual([
      'sealward_decision_records_waiting 4',
      'sealward_decision_records_total{outcome="written"} 5',
      'sealward_decision_records_total{outcome="dropped"} 100',
      'sealward_decision_store_up 0',
    ])
    expect(logged.map(({ level, error }) => [level, error])).toEqual([
      ['error', 'disk full'],
      ['error', undefined],
    ])
  })

  test('says how many records wait at the moment it is asked, whatever was told before', async () => {
    let waiting = 0
    const metrics = createMetrics()
    const tell = createTelling({ log: createLog({ level: 'silent' }), metrics }, () => waiting)
    const gauge = async () => /^sealward_decision_records_waiting (\d+)$/m.exec((await metrics.text()).body)?.[1]
    expect(await gauge()).toBe('0')
    tell({ kind: 'away', problem: 'disk full' })
    waiting = 7
    expect(await gauge()).toBe('7')
    waiting = 0
    expect(await gauge()).toBe('0')
  })

  test('is up again when it is', async () => {
    const { figures, logged } = await told([{ kind: 'away', problem: 'disk full' }, { kind: 'back' }])
    expect(figures).toContain('sealward_decision_store_up 1')
    expect(logged.map(({ level }) => level)).toEqual(['error', 'info'])
  })
})

function running(): TestServer {
  if (server === undefined) throw new Error('nothing is served')
  return server
}
