// From what is told of policy objects to the set in force: when it is made, when there is none yet, and what keeps it.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type BuiltPolicies, PolicyObjects } from '#app/kube/policy-objects.ts'
import { readerTools } from '#app/policy-files.ts'
import { CodedError } from '#core/errors.ts'
import { FollowedByTest, kubeObject } from '../../support/kube-objects.ts'
import { keySpec, pems, someRules } from '../../support/policy-documents.ts'

const at = (plural: string) => `/apis/sealward.dev/v1alpha1/${plural}`
const secrets = '/api/v1/namespaces/keys/secrets'
const stale = 180_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function started(tools = readerTools()) {
  const cluster = new FollowedByTest()
  const built: BuiltPolicies[] = []
  const failures: string[] = []
  const ending = new AbortController()
  const { sha256, describePublicKey } = tools
  const objects = new PolicyObjects({
    kube: cluster,
    tools: { sha256, describePublicKey },
    exempt: [],
    signal: ending.signal,
    onBuilt: (each) => built.push(each),
    onFailure: (what, { code }) => failures.push(`${what} ${code}`),
  })
  objects.start()
  /** All kinds; those that are not named have no objects. */
  const list = (listed: Readonly<Record<string, readonly ReturnType<typeof kubeObject>[]>> = {}) => {
    for (const { options, follower } of cluster.now) {
      follower.listed(listed[options.path.split('/').at(-1) ?? ''] ?? [])
      follower.heard()
    }
  }
  const inForce = () => built.at(-1)?.objects.map(({ object, outcome }) => `${object.metadata.name} ${outcome.inForce}`)
  return { cluster, objects, built, failures, ending, list, inForce }
}

const policy = kubeObject({ name: 'production', uid: 'p' }, { spec: { rules: someRules } })
const release = kubeObject({ name: 'release', uid: 'r' }, { spec: keySpec({ name: 'k', pem: pems.first }) })
const fromSecret = (key: string, name = 'release', generation = 1) =>
  kubeObject(
    { name, uid: name, generation },
    { spec: keySpec({ name: 'k', secretRef: { namespace: 'keys', name: 's', key } }) },
  )
const secret = (data: Readonly<Record<string, string>>) =>
  kubeObject(
    { name: 's', namespace: 'keys' },
    {
      data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
    },
  )

describe('the set in force', () => {
  test('FT-03: is made once all kinds have been told, and not before', () => {
    const { cluster, objects, built, list, inForce } = started()
    cluster.at(at('clustertrustpolicies')).listed([policy])
    cluster.at(at('attestors')).listed([release])
    vi.advanceTimersByTime(10_000)
    expect(built).toEqual([])
    expect(objects.missing(stale)).toContain('trustpolicies have not been read')
    list({ clustertrustpolicies: [policy], attestors: [release] })
    vi.advanceTimersByTime(1_000)
    expect(inForce()).toEqual(['release written', 'production written'])
    expect(built.at(-1)?.set.policies.map(({ name }) => name)).toEqual(['production'])
    expect(objects.missing(stale)).toEqual([])
  })

  test('waits for a moment of quiet, and no longer than half a second', () => {
    const { cluster, built, list } = started()
    list()
    for (let change = 0; change < 10; change++) {
      vi.advanceTimersByTime(40)
      cluster.at(at('attestors')).changed(release)
    }
    expect(built).toHaveLength(0)
    vi.advanceTimersByTime(50)
    expect(built).toHaveLength(1)
    for (let change = 0; change < 20; change++) {
      vi.advanceTimersByTime(40)
      cluster.at(at('attestors')).changed(release)
    }
    expect(built).toHaveLength(2)
  })

  test('FT-03: is not the first without the keys in Secrets', () => {
    const { cluster, objects, built, list, inForce } = started()
    list({ clustertrustpolicies: [policy], attestors: [fromSecret('cosign.pub')] })
    vi.advanceTimersByTime(10_000)
    expect(built).toEqual([])
    expect(objects.missing(stale)).toEqual(['the Secrets with keys have not been read'])
    cluster.at(secrets).listed([secret({ 'cosign.pub': pems.first })])
    vi.advanceTimersByTime(1_000)
    expect(inForce()).toEqual(['release written', 'production written'])
  })

  test('is made without a Secret that may not be read, which is told', () => {
    const { cluster, failures, list, inForce } = started()
    list({ clustertrustpolicies: [policy], attestors: [fromSecret('cosign.pub')] })
    vi.advanceTimersByTime(1_000)
    cluster.at(secrets).failed(new CodedError('kube-forbidden', 'no'))
    vi.advanceTimersByTime(1_000)
    expect(inForce()).toEqual(['release nothing', 'production nothing'])
    expect(failures).toEqual(['secrets kube-forbidden'])
  })

  test('loses nothing while a second key of a Secret is being read', () => {
    const { cluster, list, inForce } = started()
    list({ clustertrustpolicies: [policy], attestors: [fromSecret('cosign.pub')] })
    vi.advanceTimersByTime(1_000)
    cluster.at(secrets).listed([secret({ 'cosign.pub': pems.first, 'next.pub': pems.second })])
    vi.advanceTimersByTime(1_000)
    cluster.at(at('attestors')).changed(fromSecret('next.pub', 'next'))
    vi.advanceTimersByTime(1_000)
    expect(inForce()).toEqual(['release written', 'next nothing', 'production written'])
    cluster.at(secrets).listed([secret({ 'cosign.pub': pems.first, 'next.pub': pems.second })])
    vi.advanceTimersByTime(1_000)
    expect(inForce()).toEqual(['release written', 'next written', 'production written'])
  })

  test('stays when making another one fails by a defect of ours', () => {
    const tools = readerTools()
    let isBroken = false
    const { cluster, built, failures, list } = started({
      ...tools,
      sha256: (text) => (isBroken ? broken() : tools.sha256(text)),
    })
    list({ clustertrustpolicies: [policy], attestors: [release] })
    vi.advanceTimersByTime(1_000)
    isBroken = true
    cluster.at(at('attestors')).changed(release)
    vi.advanceTimersByTime(1_000)
    expect(built).toHaveLength(1)
    expect(failures).toEqual(['policies internal-error'])
    isBroken = false
    cluster.at(at('attestors')).changed(release)
    vi.advanceTimersByTime(1_000)
    expect(built).toHaveLength(2)
  })

  test('is not made after the end', () => {
    const { built, ending, list, cluster } = started()
    const follower = cluster.at(at('attestors'))
    list()
    ending.abort()
    follower.changed(release)
    vi.advanceTimersByTime(1_000)
    expect(built).toEqual([])
    expect(cluster.now).toEqual([])
  })
})

describe('FT-03: what is missing', () => {
  test('names a kind that cannot be read, and why', () => {
    const { cluster, objects } = started()
    cluster.at(at('attestors')).failed(new CodedError('kube-forbidden', 'cannot list'))
    expect(objects.missing(stale)).toContain('attestors have not been read: cannot list')
  })

  test('names a kind of which nothing was heard for too long, until it is heard of', () => {
    const { cluster, objects, list } = started()
    list()
    vi.advanceTimersByTime(stale)
    expect(objects.missing(stale)).toEqual([])
    const attestors = cluster.at(at('attestors'))
    for (const { follower } of cluster.now) if (follower !== attestors) follower.heard()
    vi.advanceTimersByTime(1_000)
    expect(objects.missing(stale)).toEqual(['nothing was heard of attestors for 181 s'])
    attestors.failed(new CodedError('kube-unreachable', 'away'))
    expect(objects.missing(stale)).toEqual(['nothing was heard of attestors for 181 s: away'])
    attestors.heard()
    expect(objects.missing(stale)).toEqual([])
  })
})

function broken(): never {
  throw new TypeError('a defect')
}
