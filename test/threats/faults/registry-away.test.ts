// A registry that is slow, broken, busy or gone, at each step of judging an image: the answer comes before the API server
// stops waiting, says that nothing could be found out, and costs the registry a few requests.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Attack, demanding, layerFor, putClassic, startAttack } from '../../support/attack.ts'
import { challenging, headOnly, stall, trickle, truncated } from '../../support/hostile-answers.ts'
import { asServed, digestOf, repository, types } from '../../support/hostile-registry.ts'
import { type Handler, type Reply, type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'
import { type AttackServer, serveAttack } from './attack-server.ts'

/** What an API server waits in these tests; half of it is for the answer. */
const timeoutMs = 1_500
const patientMs = 10_000

let attack: Attack
let served: AttackServer
let layer: ReturnType<typeof layerFor>

beforeEach(async () => {
  attack = await startAttack({ policies: [demanding(['Tag'])] })
  served = await serveAttack(attack)
  layer = layerFor(attack.digest)
  tellTheTruth()
})

afterEach(async () => {
  await served.close()
  await attack.close()
})

function tellTheTruth(): void {
  attack.registry.putManifest(attack.bytes, { tag: 'v1' })
  putClassic(attack.registry, attack.digest, [layer])
}

/** Each step of judging an image that is named by a tag. */
const steps = {
  'the tag': () => `/v2/${repository}/manifests/v1`,
  'the signatures': () => `/v2/${repository}/manifests/${attack.digest.replace(':', '-')}.sig`,
  'the payload of a signature': () => `/v2/${repository}/blobs/${digestOf(layer.bytes)}`,
}
type Step = keyof typeof steps

function breakAt(step: Step, fault: Handler): void {
  attack.registry.on('GET', steps[step](), fault)
  attack.registry.on('HEAD', steps[step](), fault)
}

const reset: Handler = (_request, _count, response) => {
  response.socket?.destroy()
  return 'handled'
}
const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Handler =>
  () => ({ status: code, headers })
const body = Buffer.alloc(1_000, 0x20)

/** Fault, the code that says so, and how often it may be asked. */
const faults: readonly (readonly [string, Handler, string, number])[] = [
  ['never answers', stall, 'registry-timeout', 1],
  ['sends the head of an answer and no more', headOnly({ 'content-length': '500' }), 'registry-timeout', 1],
  ['trickles', trickle(body, 100), 'registry-timeout', 1],
  ['resets every connection', reset, 'registry-unreachable', 3],
  ['answers 500', status(500), 'registry-failing', 3],
  ['answers 503', status(503), 'registry-failing', 3],
  ['answers 503 for an hour', status(503, { 'retry-after': '3600' }), 'registry-failing', 1],
  ['answers 429', status(429), 'registry-throttled', 3],
  ['answers 429 for an hour', status(429, { 'retry-after': '3600' }), 'registry-throttled', 1],
]

describe.each(Object.keys(steps) as Step[])('FT-01: a registry that, asked for %s,', (step) => {
  test.each(faults)('%s', async (_what, fault, code, most) => {
    breakAt(step, fault)
    const answer = await served.pod(attack.tagged, timeoutMs)
    expect(answer).toMatchObject({ allowed: false, code })
    expect(answer.ms).toBeLessThan(timeoutMs)
    for (const method of ['HEAD', 'GET']) {
      const asked = attack.registry.seen().filter((each) => each === `${method} ${steps[step]()}`)
      expect(asked.length).toBeLessThanOrEqual(most)
    }
  })

  test.each([
    ['stalls', stall],
    ['resets', reset],
    ['fails', status(503)],
    ['throttles', status(429, { 'retry-after': '1' })],
  ])('neighbour: %s no more: the next Pod is admitted', async (_what, fault) => {
    breakAt(step, fault)
    expect(await served.pod(attack.tagged, timeoutMs)).toMatchObject({ allowed: false })
    tellTheTruth()
    expect(await served.pod(attack.tagged, patientMs)).toMatchObject({ allowed: true })
  })
})

describe('FT-01: a registry that breaks off in the middle', () => {
  test.each(['the signatures', 'the payload of a signature'] as const)('of %s', async (step) => {
    attack.registry.on('GET', steps[step](), truncated(body, 10))
    expect(await served.pod(attack.tagged, timeoutMs)).toMatchObject({ allowed: false, code: 'content-truncated' })
  })
})

describe('FT-01: a registry that throttles', () => {
  test('is not asked before it wants to be', async () => {
    const times: number[] = []
    breakAt('the tag', (_request, count) => {
      times.push(performance.now())
      return count === 1 ? { status: 429, headers: { 'retry-after': '1' } } : asServed(attack.bytes, types.manifest)
    })
    expect(await served.pod(attack.tagged, patientMs)).toMatchObject({ allowed: true })
    expect(times).toHaveLength(2)
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990)
  })

  test('for longer than an answer can wait is not asked again by the next Pod either', async () => {
    breakAt('the tag', status(429, { 'retry-after': '30' }))
    for (let pod = 0; pod < 5; pod++) {
      expect(await served.pod(attack.tagged, patientMs)).toMatchObject({ allowed: false, code: 'registry-throttled' })
    }
    expect(attack.registry.requests).toHaveLength(1)
  })
})

describe('FT-01: a hundred Pods at once', () => {
  const hundred = <T>(value: T): readonly T[] => Array.from({ length: 100 }, () => value)
  const pods = (image: string, timeout: number) => Promise.all(hundred(image).map((each) => served.pod(each, timeout)))

  test('of a registry that fails cost it three requests, and each is answered', async () => {
    let fail = () => {}
    const failed = new Promise<void>((resolve) => {
      fail = resolve
    })
    breakAt('the tag', async () => {
      await failed
      return { status: 503 }
    })
    const answers = pods(attack.tagged, patientMs)
    await expect.poll(() => served.get('/metrics'), { timeout: 8_000 }).toMatch(/^sealward_admission_judging 100$/m)
    fail()
    expect((await answers).map(({ code }) => code)).toEqual(hundred('registry-failing'))
    expect(attack.registry.requests).toHaveLength(3)
  })

  test('neighbour: of one that stalls keep nobody from liveness, nor from another registry', async () => {
    const other = await startAttack({ policies: [demanding(['Tag'])] })
    putClassic(other.registry, other.digest, [layerFor(other.digest)])
    breakAt('the tag', stall)
    const stalled = pods(attack.tagged, 4_000)
    await expect.poll(() => attack.registry.requests.length).toBeGreaterThan(0)
    expect(await served.get('/healthz')).toContain('ok')
    expect(await served.pod(other.pinned, patientMs)).toMatchObject({ allowed: true })
    const answers = await stalled
    expect(answers.map(({ code }) => code)).toEqual(hundred('registry-timeout'))
    await other.close()
  })
})

describe('FT-01: a registry that is gone', () => {
  test('refuses the connection', async () => {
    const gone = await startStubRegistry()
    await gone.close()
    const answer = await served.pod(`${gone.host}/${repository}:v1`, timeoutMs)
    expect(answer).toMatchObject({ allowed: false, code: 'registry-unreachable' })
    expect(answer.ms).toBeLessThan(timeoutMs)
  })

  test('has no name any more', async () => {
    const answer = await served.pod(`registry.invalid/${repository}:v1`, timeoutMs)
    // How long a resolver takes to say so is its own affair.
    expect(answer.code).toMatch(/^registry-(unreachable|timeout)$/)
    expect(answer.allowed).toBe(false)
    expect(answer.ms).toBeLessThan(timeoutMs)
  })
})

describe('FT-01: a token service that', () => {
  let service: StubRegistry
  const working: Reply = { headers: { 'content-type': 'application/json' }, body: '{"token":"t"}' }

  beforeEach(async () => {
    service = await startStubRegistry()
    const challenge = `Bearer realm="${service.url}/token",service="registry"`
    breakAt('the tag', challenging(challenge, asServed(attack.bytes, types.manifest)))
  })
  afterEach(() => service.close())

  test.each([
    ['never answers', stall, 'registry-timeout', 1],
    ['resets every connection', reset, 'token-service-failing', 3],
    ['answers 503', status(503), 'token-service-failing', 3],
    ['answers 429 for an hour', status(429, { 'retry-after': '3600' }), 'registry-throttled', 1],
    ['answers without a token', () => ({ body: '{}' }), 'token-service-failing', 1],
  ] satisfies readonly (readonly [string, Handler, string, number])[])('%s', async (_what, fault, code, most) => {
    service.on('GET', '/token', fault)
    const answer = await served.pod(attack.tagged, timeoutMs)
    expect(answer).toMatchObject({ allowed: false, code })
    expect(answer.ms).toBeLessThan(timeoutMs)
    expect(service.requests.length).toBeLessThanOrEqual(most)
  })

  test('neighbour: answers again: the next Pod is admitted', async () => {
    service.on('GET', '/token', status(503))
    expect(await served.pod(attack.tagged, timeoutMs)).toMatchObject({ allowed: false })
    service.on('GET', '/token', working)
    expect(await served.pod(attack.tagged, patientMs)).toMatchObject({ allowed: true })
  })
})
