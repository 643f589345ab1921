// Statuses are written once, again where that failed, and never in a circle with another replica.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { policyKinds } from '#app/kube/policy-kinds.ts'
import type { JudgedObject } from '#app/kube/policy-objects.ts'
import { StatusWriter } from '#app/kube/status-writer.ts'
import { CodedError, type ErrorCode } from '#core/errors.ts'
import type { ObjectOutcome } from '#core/policy/last-good.ts'
import type { KubeRequest } from '#io/kube/client.ts'
import { kubeObject, type Metadata } from '../../support/kube-objects.ts'

const [kind = { kind: '', plural: '' }] = policyKinds.filter((each) => each.kind === 'TrustPolicy')
const path = '/apis/sealward.dev/v1alpha1/namespaces/n/trustpolicies/p/status'
const noon = Date.UTC(2026, 0, 1, 12)
const minute = 60_000

interface Patch {
  readonly metadata: { readonly uid?: string; readonly resourceVersion?: string }
  readonly status: Readonly<Record<string, unknown>>
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'], now: noon })
})
afterEach(() => {
  vi.useRealTimers()
})

const inForce: ObjectOutcome = { inForce: 'written', problems: [] }
const invalid: ObjectOutcome = {
  inForce: 'nothing',
  problems: [{ code: 'policy-invalid', file: 'f', path: 'spec.mode', message: 'is not a word' }],
}

function judged(status: unknown, outcome = inForce, metadata: Partial<Metadata> = {}): JudgedObject {
  return {
    kind,
    object: kubeObject({ name: 'p', namespace: 'n', uid: 'uid-p', generation: 2, ...metadata }, { status }),
    outcome,
  }
}

/** As the API server has it once it is written. */
const active = { phase: 'Active', observedGeneration: 2 }

function writing() {
  const sent: { path: string; body: Patch; contentType: string | undefined }[] = []
  const failures: string[] = []
  const answers: (ErrorCode | undefined)[] = []
  const ending = new AbortController()
  let open = 0
  let most = 0
  const writer = new StatusWriter({
    kube: {
      send: async ({ path: at, body, contentType }: KubeRequest) => {
        sent.push({ path: at, body: body as Patch, contentType })
        open += 1
        most = Math.max(most, open)
        await new Promise((resolve) => setImmediate(resolve))
        open -= 1
        const code = answers.shift()
        if (code !== undefined) throw new CodedError(code, 'no')
        return {}
      },
    },
    signal: ending.signal,
    now: Date.now,
    onFailure: (object, { code }) => failures.push(`${code} ${object}`),
  })
  /** Until nothing happens any more at this time. */
  const settled = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  const pass = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms)
    await settled()
  }
  return { writer, sent, failures, answers, ending, settled, pass, most: () => most }
}

describe('the status of an object', () => {
  test('is written as a merge patch for this object and no other of its name', async () => {
    const { writer, sent, settled } = writing()
    writer.tell([judged(undefined)])
    await settled()
    expect(sent).toEqual([
      {
        path,
        contentType: 'application/merge-patch+json',
        body: {
          metadata: { uid: 'uid-p' },
          status: {
            phase: 'Active',
            message: null,
            observedGeneration: 2,
            inForce: null,
            conditions: [
              {
                type: 'Ready',
                status: 'True',
                reason: 'InForce',
                message: '',
                observedGeneration: 2,
                lastTransitionTime: '2026-01-01T12:00:00.000Z',
              },
            ],
          },
        },
      },
    ])
  })

  test('is not written where the object says it already', async () => {
    const { writer, sent, pass } = writing()
    writer.tell([judged(active)])
    await pass(10 * minute)
    expect(sent).toEqual([])
  })

  test.each<[string, unknown, ObjectOutcome]>([
    ['of an earlier generation', { ...active, observedGeneration: 1 }, inForce],
    ['of another phase', { ...active, phase: 'Invalid' }, inForce],
    ['with a message that is over', { ...active, message: 'wrong' }, inForce],
    ['that praises what is wrong', active, invalid],
  ])('%s is written anew', async (_, status, outcome) => {
    const { writer, sent, settled } = writing()
    writer.tell([judged(status, outcome)])
    await settled()
    expect(sent).toHaveLength(1)
  })

  test('keeps the time of its condition as long as that stays what it is', async () => {
    const since = '2025-01-01T00:00:00Z'
    const conditions = (status: string) => [{ type: 'Ready', status, lastTransitionTime: since }]
    const { writer, sent, settled } = writing()
    const times = () => sent.map(({ body }) => (body.status['conditions'] as { lastTransitionTime: string }[])[0])
    writer.tell([judged({ ...active, observedGeneration: 1, conditions: conditions('True') })])
    await settled()
    writer.tell([judged({ ...active, conditions: conditions('True') }, invalid)])
    await settled()
    expect(times()).toMatchObject([
      { status: 'True', lastTransitionTime: since },
      { status: 'False', lastTransitionTime: '2026-01-01T12:00:00.000Z' },
    ])
  })

  test('is written once while the API server has not told of it yet', async () => {
    const { writer, sent, settled } = writing()
    for (let time = 0; time < 3; time++) {
      writer.tell([judged(undefined)])
      await settled()
    }
    expect(sent).toHaveLength(1)
  })

  test('is not written in a circle with somebody of another mind', async () => {
    const { writer, sent, settled, pass } = writing()
    const contradicted = () => writer.tell([judged({ ...active, phase: 'Invalid', message: 'says another replica' })])
    for (let time = 0; time < 20; time++) {
      contradicted()
      await settled()
    }
    expect(sent).toHaveLength(1)
    await pass(minute)
    expect(sent).toHaveLength(2)
    await pass(10 * minute)
    expect(sent.length).toBeLessThanOrEqual(12)
  })

  test('is written at once after an edit, and of another object of the same name', async () => {
    const { writer, sent, settled } = writing()
    writer.tell([judged(undefined)])
    await settled()
    writer.tell([judged(undefined, inForce, { generation: 3 })])
    await settled()
    writer.tell([judged(undefined, inForce, { generation: 3, uid: 'uid-new' })])
    await settled()
    expect(sent.map(({ body }) => [body.metadata.uid, body.status['observedGeneration']])).toEqual([
      ['uid-p', 2],
      ['uid-p', 3],
      ['uid-new', 3],
    ])
  })

  test('is written again when it could not be, and that is told', async () => {
    const { writer, sent, failures, answers, settled, pass } = writing()
    answers.push('kube-unreachable', 'kube-failing')
    writer.tell([judged(undefined)])
    await settled()
    expect(sent).toHaveLength(1)
    await pass(5_000)
    await pass(5_000)
    expect(sent).toHaveLength(3)
    await pass(10_000)
    expect(sent).toHaveLength(3)
    const object = path.replace('/status', '')
    expect(failures).toEqual([`kube-unreachable ${object}`, `kube-failing ${object}`])
  })

  test('that is not accepted is told, and tried again after a minute only', async () => {
    const { writer, sent, failures, answers, settled, pass } = writing()
    answers.push('kube-rejected')
    writer.tell([judged(undefined)])
    await settled()
    await pass(30_000)
    expect(sent).toHaveLength(1)
    expect(failures).toEqual([`kube-rejected ${path.replace('/status', '')}`])
    await pass(30_000)
    expect(sent).toHaveLength(2)
  })

  test('is not written again as it was, once it is another', async () => {
    const { writer, sent, answers, settled, pass } = writing()
    answers.push('kube-failing')
    writer.tell([judged(undefined)])
    await settled()
    writer.tell([judged(active)])
    await pass(10_000)
    expect(sent).toHaveLength(1)
  })

  test.each<ErrorCode>(['kube-conflict', 'kube-not-found'])(
    'of an object that is gone is no failure (%s)',
    async (code) => {
      const { writer, sent, failures, answers, settled, pass } = writing()
      answers.push(code)
      writer.tell([judged(undefined)])
      await settled()
      writer.tell([])
      await pass(10 * minute)
      expect(sent).toHaveLength(1)
      expect(failures).toEqual([])
    },
  )

  test('is written for a few objects at a time, and for all of them', async () => {
    const { writer, sent, settled, most } = writing()
    writer.tell(Array.from({ length: 20 }, (_, index) => judged(undefined, inForce, { name: `p-${index}` })))
    await settled()
    expect(new Set(sent.map((each) => each.path)).size).toBe(20)
    expect(most()).toBe(4)
  })

  test('is not written after the end', async () => {
    const { writer, sent, ending, answers, settled, pass } = writing()
    answers.push('kube-failing')
    writer.tell([judged(undefined)])
    await settled()
    ending.abort()
    writer.tell([judged(undefined, invalid)])
    await pass(10 * minute)
    expect(sent).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('tells ten problems, and how many more there are', async () => {
    const { writer, sent, settled } = writing()
    const problems = Array.from({ length: 12 }, (_, index) => ({
      code: 'policy-invalid' as const,
      file: 'f',
      path: `spec.rules[${index}]`,
      message: 'is wrong',
    }))
    writer.tell([judged(undefined, { inForce: 'nothing', problems })])
    await settled()
    const message = String(sent[0]?.body.status['message'])
    expect(message).toContain('It is not in force, because spec.rules[0] is wrong; ')
    expect(message).toMatch(/spec\.rules\[9\] is wrong; and 2 more$/)
  })
})

describe('images that were judged', () => {
  const counted = { ...active, images: 40 }

  test('are added to what other replicas have counted, once a minute', async () => {
    const { writer, sent, pass } = writing()
    writer.tell([judged(counted, inForce, { resourceVersion: '7' })])
    for (let image = 0; image < 3; image++) writer.used({ policy: 'n/p' })
    await pass(minute)
    expect(sent).toMatchObject([
      { path, body: { metadata: { uid: 'uid-p', resourceVersion: '7' }, status: { images: 43 } } },
    ])
    expect(sent[0]?.body.status).not.toHaveProperty('lastError')
    await pass(10 * minute)
    expect(sent).toHaveLength(1)
  })

  test('are not those of another object of the same name', async () => {
    const { writer, sent, pass } = writing()
    writer.tell([judged(counted)])
    writer.used({ policy: 'n/p' })
    writer.tell([])
    writer.tell([judged({ ...counted, images: 0 }, inForce, { uid: 'another' })])
    await pass(minute)
    expect(sent).toEqual([])
  })

  test('are kept where another replica was first, and added to its number', async () => {
    const { writer, sent, failures, answers, pass } = writing()
    answers.push('kube-conflict')
    writer.tell([judged(counted)])
    writer.used({ policy: 'n/p' })
    await pass(minute)
    writer.tell([judged({ ...counted, images: 50 })])
    writer.used({ policy: 'n/p' })
    await pass(minute)
    expect(sent.map(({ body }) => body.status['images'])).toEqual([41, 52])
    expect(failures).toEqual([])
  })

  test('that are judged while the number is written are counted the next time', async () => {
    const { writer, sent, settled } = writing()
    writer.tell([judged(counted)])
    writer.used({ policy: 'n/p' })
    await vi.advanceTimersByTimeAsync(minute)
    writer.used({ policy: 'n/p' })
    await settled()
    writer.tell([judged({ ...counted, images: 41 })])
    await vi.advanceTimersByTimeAsync(minute)
    await settled()
    expect(sent.map(({ body }) => body.status['images'])).toEqual([41, 42])
  })

  test('of a refusal leave the last reason', async () => {
    const { writer, sent, failures, answers, pass } = writing()
    answers.push('kube-forbidden')
    writer.tell([judged(counted)])
    writer.used({ policy: 'n/p' }, { code: 'signature-missing', message: 'x'.repeat(5_000) })
    writer.used({ policy: 'n/p' })
    await pass(minute)
    await pass(minute)
    const lastError = { code: 'signature-missing', message: 'x'.repeat(1_024), at: '2026-01-01T12:00:00.000Z' }
    expect(sent.map(({ body }) => body.status)).toEqual([
      { images: 42, lastError },
      { images: 42, lastError },
    ])
    expect(failures).toHaveLength(1)
  })

  test('by a policy that is gone are forgotten', async () => {
    const { writer, sent, pass } = writing()
    writer.used({ policy: 'n/other' })
    writer.tell([judged(counted)])
    await pass(minute)
    writer.tell([judged({ ...active, images: 0 }, inForce, { name: 'other' })])
    await pass(minute)
    expect(sent).toEqual([])
  })

  test('are written one policy after another', async () => {
    const { writer, sent, pass, most } = writing()
    writer.tell(Array.from({ length: 10 }, (_, index) => judged(counted, inForce, { name: `p-${index}` })))
    for (let index = 0; index < 10; index++) writer.used({ policy: `n/p-${index}` })
    await pass(minute)
    expect(sent).toHaveLength(10)
    expect(most()).toBe(1)
  })
})
