// Registers with a real API server, by the rights of its own service account and no others, and is not talked out of it.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createRegistration, type Registration, type RegistrationOptions, type Wanted } from '#app/kube/registration.ts'
import { registrationRights } from '#app/kube/rights.ts'
import { createLog } from '#app/log.ts'
import type { MetricEvent } from '#app/server/metrics.ts'
import { allowed } from '#core/admission/answer.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { type GroupKind, workloadResources } from '#core/admission/workload-kinds.ts'
import { start, type TestServer } from '../app/server/harness.ts'
import { missing, titled } from '../support/tools.ts'
import { type Account, createAccount } from './account.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'

const kinds = ['mutatingwebhookconfiguration', 'validatingwebhookconfiguration'] as const
const soon = { timeout: 15_000, interval: 50 }

interface Configuration {
  readonly metadata: {
    readonly uid: string
    readonly resourceVersion: string
    readonly labels: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly Readonly<Record<string, unknown>>[]
  }
  readonly webhooks: readonly (Readonly<Record<string, unknown>> & { readonly rules: readonly Rule[] })[]
}

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
}

describe.skipIf(missing(...clusterTools))(titled('registering with a real API server', ...clusterTools), () => {
  let cluster: ControlPlane
  let account: Account
  let server: TestServer
  let asked: AdmissionRequest[] = []
  let lines: string[] = []
  let events: MetricEvent[] = []
  const running = new Set<Registration>()

  beforeAll(async () => {
    cluster = await startControlPlane()
    account = await createAccount(cluster, 'sealward', registrationRights('sealward'))
    const answer = async (request: AdmissionRequest) => {
      asked.push(request)
      return allowed()
    }
    server = await start({ mutate: answer, validate: answer })
  })
  afterAll(async () => {
    await server?.close()
    await cluster?.stop()
  })
  beforeEach(() => {
    ;[asked, lines, events] = [[], [], []]
  })
  afterEach(async () => {
    for (const registration of running) {
      registration.want({ kind: 'nothing' })
    }
    for (const kind of kinds) await expect.poll(() => find(kind), soon).toBeUndefined()
    for (const registration of running) await registration.close()
    running.clear()
  })

  function register(given: Partial<RegistrationOptions> = {}): Registration {
    const registration = createRegistration({
      kube: account.kube,
      log: createLog({ level: 'debug', destination: { write: (line) => lines.push(line) } }),
      metrics: { record: (event) => events.push(event) },
      name: 'sealward',
      namespace: 'sealward',
      endpoint: { kind: 'url', url: server.url },
      timeoutSeconds: 10,
      exempt: ['kube-system', 'kube-public', 'kube-node-lease'],
      ...given,
    })
    running.add(registration)
    return registration
  }

  const wanted = (given: Partial<Wanted> = {}): Wanted => ({
    kind: 'webhooks',
    caBundle: server.ca,
    namedNamespaces: [],
    resources: [],
    ...given,
  })

  async function registered(given: Partial<RegistrationOptions> = {}): Promise<Registration> {
    const registration = register(given)
    registration.want(wanted())
    await expect.poll(() => registration.isRegistered(), soon).toBe(true)
    return registration
  }

  async function find(kind: string): Promise<Configuration | undefined> {
    const { code, stdout } = await cluster.kubectl(['get', kind, 'sealward', '-o', 'json'])
    return code === 0 ? JSON.parse(stdout) : undefined
  }

  async function both(): Promise<readonly (Configuration | undefined)[]> {
    return Promise.all(kinds.map(find))
  }

  async function versions(): Promise<readonly (string | undefined)[]> {
    return (await both()).map((each) => each?.metadata.resourceVersion)
  }

  let pods = 0
  async function createPod(namespace: string): Promise<string> {
    const name = `pod-${++pods}`
    const made = await cluster.kubectl(['run', name, '-n', namespace, '--image=registry.example.com/a:1'])
    expect(made.stderr).toBe('')
    return name
  }

  /** The pods of which we were asked; a change of the configuration takes the API server about a second. */
  const sees = async (namespace: string) => {
    const name = await createPod(namespace)
    return asked.filter((request) => request.name === name).length
  }

  test('waits until it is told what is wanted', async () => {
    register()
    await createPod('default')
    expect(await both()).toEqual([undefined, undefined])
    const registration = await registered()
    expect(registration.report()).toEqual({
      registered: true,
      unjudgedNamespaces: ['kube-node-lease', 'kube-public', 'kube-system', 'sealward'],
    })
    for (const each of await both()) expect(each?.metadata.labels['app.kubernetes.io/name']).toBe('sealward')
  })

  test('is asked about every Pod, twice', async () => {
    await registered()
    await expect.poll(() => sees('default'), soon).toBe(2)
  })

  test('names resources that the API server has, and that are of the kinds of the table', async () => {
    await registered()
    const [configuration] = await both()
    const rules = configuration?.webhooks[0]?.rules ?? []
    const served = new Map<string, GroupKind>()
    for (const group of ['', 'apps', 'batch']) {
      const path = group === '' ? '/api/v1' : `/apis/${group}/v1`
      const { resources } = (await account.kube.send({ method: 'GET', path })) as unknown as {
        readonly resources: readonly { readonly name: string; readonly kind: string }[]
      }
      for (const { name, kind } of resources) served.set(`${group}/${name}`, { group, kind })
    }
    const unserved = rules.flatMap(({ apiGroups: [group = ''], resources }) =>
      resources.map((resource) => `${group}/${resource}`).filter((each) => !served.has(each)),
    )
    // These were of Kubernetes before 1.16.
    expect(unserved.filter((each) => !each.startsWith('extensions/'))).toEqual([])
    expect(served.get('batch/cronjobs')?.kind).toBe('CronJob')
    expect(rules.flatMap(({ resources }) => resources).length).toBe(workloadResources.length)
  })

  const edits: readonly (readonly [string, unknown])[] = [
    ['a failure that would be ignored', { op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }],
    [
      'a selector of objects',
      { op: 'add', path: '/webhooks/0/objectSelector', value: { matchLabels: { judged: 'please' } } },
    ],
    [
      'a condition',
      { op: 'add', path: '/webhooks/0/matchConditions', value: [{ name: 'never', expression: 'false' }] },
    ],
    ['a rule less', { op: 'remove', path: '/webhooks/0/rules/0' }],
    ['another namespace', { op: 'add', path: '/webhooks/0/namespaceSelector/matchExpressions/0/values/-', value: 'x' }],
    ['another authority', { op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }],
    ['our label taken off', { op: 'remove', path: '/metadata/labels/app.kubernetes.io~1part-of' }],
    ['no owner', { op: 'remove', path: '/metadata/ownerReferences' }],
  ]

  test.each(kinds.flatMap((kind) => edits.map(([what, edit]) => [kind, what, edit] as const)))(
    'repairs in a %s: %s',
    async (kind, _, edit) => {
      await registered()
      const before = await find(kind)
      const edited = await cluster.kubectl(['patch', kind, 'sealward', '--type=json', '-p', JSON.stringify([edit])])
      expect(edited.stderr).toBe('')
      await expect.poll(async () => (await find(kind))?.webhooks, soon).toEqual(before?.webhooks)
      await expect.poll(async () => (await find(kind))?.metadata.labels, soon).toEqual(before?.metadata.labels)
      const after = await find(kind)
      expect(after?.metadata.ownerReferences).toEqual(before?.metadata.ownerReferences)
      expect(after?.metadata.resourceVersion).not.toBe(before?.metadata.resourceVersion)
      expect(events).toContainEqual({ kind: 'registration', outcome: 'repaired' })
    },
  )

  test('makes again what is deleted, within some seconds', async () => {
    await registered()
    const [before] = await both()
    await cluster.kubectl(['delete', ...[kinds[0], 'sealward']])
    await expect.poll(async () => (await find(kinds[0]))?.metadata.uid, { timeout: 5_000 }).toBeDefined()
    expect((await find(kinds[0]))?.metadata.uid).not.toBe(before?.metadata.uid)
    expect(lines.join('')).toContain('deleted by somebody')
  })

  test('leaves labels and annotations of others where they are', async () => {
    await registered()
    await cluster.kubectl(['label', kinds[0], 'sealward', 'team=a'])
    await cluster.kubectl(['annotate', kinds[0], 'sealward', 'note=b'])
    await cluster.kubectl(['patch', kinds[0], 'sealward', '--type=json', '-p', JSON.stringify([edits[0]?.[1]])])
    await expect.poll(async () => (await find(kinds[0]))?.webhooks[0]?.['failurePolicy'], soon).toBe('Fail')
    expect((await find(kinds[0]))?.metadata).toMatchObject({ labels: { team: 'a' }, annotations: { note: 'b' } })
  })

  test('writes once, and not again while nothing changes', async () => {
    const registration = await registered()
    const before = await versions()
    registration.want(wanted())
    registration.want(wanted({ resources: [] }))
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    expect(await versions()).toEqual(before)
    expect(events.filter(({ kind }) => kind === 'registration')).toHaveLength(2)
  })

  test('a new process finds it right and writes nothing', async () => {
    await (await registered()).close()
    const before = await versions()
    const next = await registered()
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(await versions()).toEqual(before)
    next.want(wanted({ caBundle: `${server.ca}${server.ca}` }))
    await expect.poll(versions, soon).not.toEqual(before)
  })

  test('two replicas agree, and two that do not write less and less', async () => {
    await Promise.all([registered(), registered()])
    const agreed = await versions()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(await versions()).toEqual(agreed)
    const other = register({ timeoutSeconds: 20 })
    other.want(wanted())
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    // Unrestrained, they would write hundreds of times.
    expect(events.filter(({ kind }) => kind === 'registration').length).toBeLessThan(40)
  }, 60_000)

  test('FT-03: removes both when no policy is in force, and makes them again', async () => {
    const registration = await registered()
    registration.want({ kind: 'nothing' })
    await expect.poll(both, soon).toEqual([undefined, undefined])
    expect(registration.isRegistered()).toBe(false)
    registration.want(wanted())
    await expect.poll(() => registration.isRegistered(), soon).toBe(true)
    expect(await both()).not.toContain(undefined)
  })

  test('FT-03: goes on when the API server comes back', async () => {
    const registration = await registered()
    await cluster.restartApiServer()
    await cluster.kubectl(['delete', kinds[1], 'sealward'])
    await expect.poll(() => find(kinds[1]), { timeout: 30_000 }).toBeDefined()
    await expect.poll(() => registration.isRegistered(), soon).toBe(true)
  }, 60_000)

  test('AD-11: a namespace that is exempt is sent only when a policy names it', async () => {
    const registration = await registered()
    await expect.poll(() => sees('default'), soon).toBe(2)
    expect(await sees('kube-public')).toBe(0)
    registration.want(wanted({ namedNamespaces: ['kube-public'] }))
    expect(registration.report()['unjudgedNamespaces']).toEqual(['kube-node-lease', 'kube-system', 'sealward'])
    await expect.poll(() => sees('kube-public'), soon).toBe(2)
  }, 60_000)

  test('AD-11, FT-07: nothing of the own namespace is ever sent', async () => {
    const registration = await registered()
    registration.want(wanted({ namedNamespaces: ['sealward'] }))
    await expect.poll(() => sees('default'), soon).toBe(2)
    expect(await sees('sealward')).toBe(0)
  }, 60_000)

  test('FT-07: while nobody answers, Pods of the own namespace and of the system are made, and no others', async () => {
    const gone = await start()
    const registration = register({ endpoint: { kind: 'url', url: gone.url } })
    registration.want(wanted({ caBundle: gone.ca }))
    await expect.poll(() => registration.isRegistered(), soon).toBe(true)
    await gone.close()
    const image = '--image=registry.example.com/a:1'
    const tried = (namespace: string) => cluster.kubectl(['run', `pod-${++pods}`, '-n', namespace, image])
    await expect.poll(async () => (await tried('default')).stderr, soon).toContain('failed calling webhook')
    for (const namespace of ['sealward', 'kube-public']) expect((await tried(namespace)).code).toBe(0)
    const service = await start({}, {}, { port: gone.port })
    registration.want(wanted({ caBundle: service.ca }))
    await expect.poll(async () => (await tried('default')).code, soon).toBe(0)
    await service.close()
  }, 60_000)

  test('FT-07: what is left after a removal of the chart blocks nobody', async () => {
    const registration = await registered()
    await cluster.kubectl(['delete', 'clusterrole', 'sealward'])
    await expect.poll(both, { timeout: 30_000 }).toEqual([undefined, undefined])
    // The rights have gone with the role; a process that still had some must not use them.
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(await both()).toEqual([undefined, undefined])
    expect(registration.report()).toMatchObject({ registered: false, problem: expect.any(String) })
    await createAccount(cluster, 'sealward', registrationRights('sealward'))
    await expect.poll(() => registration.isRegistered(), { timeout: 30_000 }).toBe(true)
  }, 90_000)
})
