// The serving certificate lives in a Secret of a real API server, and is renewed while the same API server calls the webhook.

import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createOwner } from '#app/kube/configuration-owner.ts'
import { createRegistration, type Registration } from '#app/kube/registration.ts'
import { certificateRights, registrationRights } from '#app/kube/rights.ts'
import { defaultLifetimes } from '#app/kube/rotation.ts'
import {
  keepServingCertificate,
  liveTls,
  type ServingCertificate,
  type ServingCertificateOptions,
  servingSecret as secretOf,
} from '#app/kube/serving-certificate.ts'
import { createLog } from '#app/log.ts'
import { allowed } from '#core/admission/answer.ts'
import { start, type TestServer } from '../app/server/harness.ts'
import { missing, titled } from '../support/tools.ts'
import { type Account, createAccount } from './account.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'

const servingSecret = secretOf('sealward')
const soon = { timeout: 15_000, interval: 50 }
const forLong = new AbortController().signal

interface Secret {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>
    readonly resourceVersion: string
    readonly ownerReferences?: readonly { readonly kind: string }[]
  }
  readonly data: Readonly<Record<string, string>>
}

describe.skipIf(missing(...clusterTools))(titled('the serving certificate in a Secret', ...clusterTools), () => {
  let cluster: ControlPlane
  let account: Account
  let lines: string[] = []
  const running = new Set<{ close(): Promise<void> }>()

  beforeAll(async () => {
    cluster = await startControlPlane()
    const rights = [...registrationRights('sealward'), ...certificateRights(servingSecret)]
    account = await createAccount(cluster, 'sealward', rights)
  })
  afterAll(() => cluster?.stop())
  beforeEach(() => {
    lines = []
  })
  afterEach(async () => {
    for (const each of running) await each.close()
    running.clear()
    await kubectl('delete', 'secret', servingSecret, '--ignore-not-found')
    const kinds = 'mutatingwebhookconfigurations,validatingwebhookconfigurations'
    await cluster.kubectl(['delete', kinds, 'sealward', '--ignore-not-found'])
  })

  const log = () => createLog({ level: 'debug', destination: { write: (line) => lines.push(line) } })
  const kubectl = (...args: readonly string[]) => cluster.kubectl([...args, '-n', 'sealward'])

  function keep(given: Partial<ServingCertificateOptions> = {}): ServingCertificate {
    const { kube, namespace } = account
    const kept = keepServingCertificate({
      kube,
      namespace,
      secret: servingSecret,
      owner: createOwner(kube, 'sealward', log()),
      log: log(),
      metrics: { record: () => undefined },
      names: ['sealward.sealward.svc', '127.0.0.1'],
      isTrusted: () => true,
      now: () => Date.now(),
      checkMs: 100,
      ...given,
    })
    running.add(kept)
    return kept
  }

  async function secret(): Promise<Secret | undefined> {
    const { code, stdout } = await kubectl('get', 'secret', servingSecret, '-o', 'json')
    return code === 0 ? JSON.parse(stdout) : undefined
  }

  const textOf = async (name: string) => Buffer.from((await secret())?.data[name] ?? '', 'base64').toString('utf8')
  const steps = () => lines.flatMap((line) => JSON.parse(line).step ?? [])

  /** Server, Secret and registration, as `serve --kube` joins them. */
  async function serveLive(given: Partial<ServingCertificateOptions> = {}) {
    let registration: Registration | undefined
    const certificate = keep({ isTrusted: (certPem) => registration?.trusts(certPem) ?? false, ...given })
    const first = await certificate.first(forLong)
    let asked = 0
    const answer = async () => {
      asked++
      return allowed()
    }
    const server = await start({ mutate: answer, validate: answer }, {}, { tls: liveTls(certificate, first) })
    running.add(server)
    const registered = createRegistration({
      kube: account.kube,
      log: log(),
      metrics: { record: () => undefined },
      name: 'sealward',
      namespace: 'sealward',
      endpoint: { kind: 'url', url: server.url },
      timeoutSeconds: 10,
      exempt: [],
    })
    registration = registered
    running.add(registered)
    const want = (caBundle: string) =>
      registered.want({ kind: 'webhooks', caBundle, namedNamespaces: [], resources: [] })
    certificate.watch(({ caBundle }) => want(caBundle))
    want(certificate.current()?.caBundle ?? first.caBundle)
    await expect.poll(() => registered.isRegistered(), soon).toBe(true)
    // A change takes the API server about a second.
    await expect.poll(async () => (await admit('probe')) === '' && asked > 0, soon).toBe(true)
    return { certificate, server, asked: () => asked }
  }

  /** @returns why not */
  async function admit(name: string): Promise<string> {
    const spec = { containers: [{ name: 'app', image: 'registry.example.com/app:1' }] }
    try {
      const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec }
      await administrator.send({
        method: 'POST',
        path: '/api/v1/namespaces/default/pods',
        query: { dryRun: 'All' },
        body,
      })
      return ''
    } catch (error) {
      return String(error)
    }
  }

  let administrator: Account['kube']
  beforeAll(async () => {
    const { openKube } = await import('#io/kube/kube.ts')
    administrator = await openKube({ kubeconfig: cluster.kubeconfig })
  })

  /** Four who make Pods one after the other while something happens. */
  async function underLoad(
    during: () => Promise<void>,
  ): Promise<{ readonly made: number; readonly failures: string[] }> {
    const failures: string[] = []
    let [made, isOver] = [0, false]
    const client = async (number: number) => {
      while (!isOver) {
        const why = await admit(`load-${number}-${made++}`)
        if (why !== '') failures.push(why)
      }
    }
    const clients = [0, 1, 2, 3].map(client)
    try {
      await during()
    } finally {
      isOver = true
      await Promise.all(clients)
    }
    return { made, failures }
  }

  /**
   * Another API server, which knows of the configuration what it was a second ago, and opens a connection for each call.
   *
   * @returns how often it did not trust what it was shown, of how many times
   */
  async function lateCaller(
    { port }: TestServer,
    signal: AbortSignal,
  ): Promise<{ readonly calls: number; refused: number }> {
    const known: { readonly at: number; readonly ca: string }[] = []
    const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/sealward'
    const learn = async () => {
      const { webhooks } = (await administrator.send({ method: 'GET', path })) as unknown as {
        readonly webhooks: readonly { readonly clientConfig: { readonly caBundle: string } }[]
      }
      const ca = Buffer.from(webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString('utf8')
      known.push({ at: performance.now(), ca })
    }
    let [calls, refused] = [0, 0]
    while (!signal.aborted) {
      await learn()
      const ca = (known.findLast(({ at }) => performance.now() - at > 1_000) ?? known[0])?.ca
      const socket = connect({ host: '127.0.0.1', port, ca })
      const outcome = await once(socket, 'secureConnect').then(() => 'trusted', String)
      socket.destroy()
      calls++
      if (outcome !== 'trusted') refused++
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    return { calls, refused }
  }

  /** The certificate that a new connection is shown. */
  async function shown({ port }: TestServer): Promise<string> {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const certificate = socket.getPeerX509Certificate()?.toString() ?? ''
    socket.destroy()
    return certificate
  }

  test('is made where there is none, ours by label, and owned', async () => {
    const { pair, caBundle } = await keep().first(forLong)
    const made = await secret()
    expect(made?.metadata.labels).toMatchObject({ 'app.kubernetes.io/part-of': 'sealward' })
    expect(made?.metadata.ownerReferences?.map(({ kind }) => kind)).toEqual(['ClusterRole'])
    expect(Object.keys(made?.data ?? {}).toSorted()).toEqual(['ca.crt', 'ca.key', 'tls.crt', 'tls.key'])
    expect(await textOf('tls.crt')).toBe(pair.cert)
    expect(await textOf('ca.crt')).toBe(caBundle)
    const leaf = new X509Certificate(pair.cert)
    expect(leaf.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    expect(leaf.verify(new X509Certificate(caBundle).publicKey)).toBe(true)
  })

  test('is found again by the next process, which writes nothing', async () => {
    const before = keep()
    const { pair } = await before.first(forLong)
    await before.close()
    const version = (await secret())?.metadata.resourceVersion
    expect((await keep().first(forLong)).pair).toEqual(pair)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect((await secret())?.metadata.resourceVersion).toBe(version)
  })

  test('is the same for all replicas, whoever made it', async () => {
    const all = await Promise.all([keep(), keep(), keep()].map((each) => each.first(forLong)))
    const made = await textOf('tls.crt')
    const replicas = [...running] as ServingCertificate[]
    await expect.poll(() => replicas.map((each) => each.current()?.pair.cert), soon).toEqual(all.map(() => made))
    expect(steps()).toEqual(['first-certificate'])
  })

  test('fills the Secret that the chart has made, without the right to make one', async () => {
    const rights = certificateRights(servingSecret).filter(({ verbs }) => !verbs.includes('create'))
    const { kube } = await createAccount(cluster, 'strict', rights)
    const first = keep({ kube, namespace: 'strict' }).first(forLong)
    await expect.poll(() => lines.join(''), soon).toContain('kube-forbidden')
    const manifest = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: servingSecret, namespace: 'strict', labels: { 'app.kubernetes.io/part-of': 'sealward' } },
    }
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(manifest))
    expect((await first).pair.cert).toContain('BEGIN CERTIFICATE')
  })

  test('FT-04: neighbour: loses no request while certificate and authority change, over and over', async () => {
    const lifetimes = { authority: 24_000, leaf: 9_000, overlap: 2_000 }
    const { server } = await serveLive({ lifetimes })
    const certificates = new Set<string>()
    const ending = new AbortController()
    const late = lateCaller(server, ending.signal)
    const { made, failures } = await underLoad(async () => {
      const retired = () => steps().filter((step) => step === 'authority-retired').length
      await expect
        .poll(
          async () => {
            certificates.add(await shown(server))
            return retired()
          },
          { timeout: 90_000, interval: 200 },
        )
        .toBeGreaterThanOrEqual(2)
    })
    ending.abort()
    const { calls, refused } = await late
    expect(failures).toEqual([])
    expect(made).toBeGreaterThan(500)
    expect(refused).toBe(0)
    expect(calls).toBeGreaterThan(200)
    expect(certificates.size).toBeGreaterThan(5)
    expect(steps().filter((step) => step === 'authority-signs').length).toBeGreaterThanOrEqual(2)
    expect(lines.join('')).not.toContain('PRIVATE')
  }, 180_000)

  const rubbish: readonly (readonly [string, unknown])[] = [
    ['another text', { data: { 'tls.crt': 'cnViYmlzaA==' } }],
    ['no key', { data: { 'tls.key': null } }],
    ['nothing', { data: { 'tls.crt': null, 'tls.key': null, 'ca.crt': null, 'ca.key': null } }],
  ]

  test.each(rubbish)(
    'FT-04: a Secret with %s in it is put right, and nobody notices',
    async (_, patch) => {
      const { server, certificate } = await serveLive()
      const before = await secret()
      const { failures } = await underLoad(async () => {
        expect((await kubectl('patch', 'secret', servingSecret, '-p', JSON.stringify(patch))).code).toBe(0)
        await expect.poll(async () => (await secret())?.data, soon).toEqual(before?.data)
        await new Promise((resolve) => setTimeout(resolve, 1_500))
      })
      expect(failures).toEqual([])
      expect(await shown(server)).toBe(new X509Certificate(certificate.current()?.pair.cert ?? '').toString())
      expect(lines.join('')).not.toContain('PRIVATE')
    },
    60_000,
  )

  test('FT-04: a Secret that is deleted comes back as it was', async () => {
    await serveLive()
    const before = await secret()
    const { failures } = await underLoad(async () => {
      await kubectl('delete', 'secret', servingSecret)
      await expect.poll(async () => (await secret())?.data, soon).toEqual(before?.data)
      await new Promise((resolve) => setTimeout(resolve, 1_500))
    })
    expect(failures).toEqual([])
    expect(steps()).toContain('restored')
  }, 60_000)

  test("somebody else's Secret of that name is left alone, and said so", async () => {
    await kubectl('create', 'secret', 'generic', servingSecret, '--from-literal=tls.crt=theirs')
    const version = (await secret())?.metadata.resourceVersion
    const kept = keep()
    await expect.poll(() => kept.report(), soon).toMatchObject({ problem: expect.stringContaining("somebody else's") })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect((await secret())?.metadata.resourceVersion).toBe(version)
    await kubectl('label', 'secret', servingSecret, 'app.kubernetes.io/part-of=sealward')
    expect((await kept.first(forLong)).pair.cert).toContain('BEGIN CERTIFICATE')
    expect(kept.report()).toEqual({})
  })

  test('FT-04: the next process goes on with an exchange of authorities where the last one stopped', async () => {
    let later = 0
    const now = () => Date.now() + later
    const kept = keep({ now })
    await kept.first(forLong)
    later = (defaultLifetimes.authority * 2) / 3 + 1_000
    await expect.poll(steps, soon).toContain('authority-introduced')
    const coming = await textOf('next-ca.crt')
    expect(kept.current()?.caBundle).toBe(`${await textOf('ca.crt')}${coming}`)
    await kept.close()
    lines = []
    later += defaultLifetimes.overlap + 1_000
    const next = keep({ now, isTrusted: (certPem) => certPem === coming })
    await expect.poll(steps, soon).toEqual(['authority-signs'])
    expect(await textOf('ca.crt')).toBe(coming)
    expect(new X509Certificate(await textOf('tls.crt')).verify(new X509Certificate(coming).publicKey)).toBe(true)
    later += defaultLifetimes.overlap + 1_000
    await expect.poll(() => next.current()?.caBundle, soon).toBe(coming)
    expect(Object.keys((await secret())?.data ?? {})).not.toContain('last-ca.crt')
  })

  test('FT-04: keeps the last good one while the API server is away', async () => {
    const kept = keep()
    const { pair } = await kept.first(forLong)
    await cluster.restartApiServer()
    expect(kept.current()?.pair).toEqual(pair)
    await kubectl('delete', 'secret', servingSecret)
    await expect.poll(() => textOf('tls.crt'), { timeout: 30_000 }).toBe(pair.cert)
  }, 60_000)
})
