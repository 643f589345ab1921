// Three replicas of one installation: what is changed is felt by all of them, they share one certificate, and neither they
// nor the API server's faults make one of them say something wrong.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing, titled } from '../support/tools.ts'
import { clusterTools } from './control-plane.ts'
import { account, type Installed, install } from './installed.ts'
import { type Sealward, startSealward } from './sealward.ts'

const soon = { timeout: 5_000, interval: 50 }
const patient = { timeout: 30_000, interval: 100 }

describe.skipIf(missing(...clusterTools))(titled('three replicas', ...clusterTools), () => {
  let installed: Installed
  let replicas: readonly Sealward[]
  beforeAll(async () => {
    installed = await install()
    const { cluster, world, sealward, kubeconfig } = installed
    const flags = ['--insecure-registry', world.host, '--webhook-url', sealward.url]
    const more = [1, 2].map(() => startSealward({ folder: cluster.folder, kubeconfig, flags }))
    replicas = [sealward, ...(await Promise.all(more))]
    await installed.apply(release(), production)
  }, 120_000)
  afterAll(async () => {
    for (const replica of replicas?.slice(1) ?? []) await replica.stop()
    await installed?.stop()
  })

  const release = (more: object = {}) => ({
    apiVersion: 'sealward.dev/v1alpha1',
    kind: 'Attestor',
    metadata: { name: 'release' },
    spec: { key: { keys: [{ name: 'demo', pem: installed.world.releaseKey, ...more }] } },
  })
  const production = {
    apiVersion: 'sealward.dev/v1alpha1',
    kind: 'ClusterTrustPolicy',
    metadata: { name: 'production' },
    spec: { rules: [{ images: ['**'], require: { signature: { attestor: 'release' } } }] },
  }
  /** Of every replica: is what is signed allowed, is what is unsigned? */
  const verdicts = () =>
    Promise.all(
      replicas.map(async (replica) => {
        const asked = (['signed', 'unsigned'] as const).map((tag) => replica.ask(installed.world.image(tag)))
        return (await Promise.all(asked)).map(({ allowed }) => allowed)
      }),
    )
  const each = (signed: boolean) => replicas.map(() => [signed, false])

  test('all judge by the policies', async () => {
    await expect.poll(verdicts, patient).toEqual(each(true))
  })

  test('PC-02, PC-05: a key that is revoked counts nowhere after five seconds, and again when that is taken back', async () => {
    await installed.apply(release({ revoked: { at: '2026-01-01T00:00:00Z', reason: 'Compromised' } }))
    await expect.poll(verdicts, soon).toEqual(each(false))
    await installed.apply(release())
    await expect.poll(verdicts, { ...soon, timeout: 10_000 }).toEqual(each(true))
  })

  test('they share one certificate and one registration, and write nothing while nothing changes', async () => {
    const versions = () =>
      installed.kubectl(
        'get',
        'mutatingwebhookconfiguration/sealward',
        'validatingwebhookconfiguration/sealward',
        'ctp/production',
        'att/release',
        '-o',
        'jsonpath={range .items[*]}{.metadata.resourceVersion} {end}',
      )
    const secret = () =>
      installed.kubectl(
        'get',
        'secret',
        '-n',
        account.namespace,
        'sealward-webhook-tls',
        '-o',
        'jsonpath={.metadata.resourceVersion}',
      )
    await expect
      .poll(async () => (await installed.sealward.ready())['webhook'], patient)
      .toMatchObject({ registered: true })
    await sleep(1_000)
    const before = [await versions(), await secret()]
    await sleep(3_000)
    expect([await versions(), await secret()]).toEqual(before)
  })

  test.each([
    ['the API server is restarted', () => installed.cluster.restartApiServer()],
    [
      'etcd stands still for five seconds',
      async () => {
        installed.cluster.etcd.signal('SIGSTOP')
        await sleep(5_000)
        installed.cluster.etcd.signal('SIGCONT')
      },
    ],
  ])(
    'while %s nobody says anything wrong, and afterwards a change is felt',
    async (_, fault) => {
      let wrong = 0
      let asked = 0
      let isOver = false
      const asking = (async () => {
        while (!isOver) {
          for (const [signed, unsigned] of await verdicts()) {
            asked += 2
            if (signed !== true) wrong += 1
            if (unsigned !== false) wrong += 1
          }
        }
      })()
      await fault()
      isOver = true
      await asking
      expect({ wrong, asked: asked > 100 }).toEqual({ wrong: 0, asked: true })
      const change = (more: object) =>
        expect.poll(() => installed.apply(release(more)).then(() => 'applied', String), patient).toBe('applied')
      await change({ revoked: { at: '2026-01-01T00:00:00Z', reason: 'Compromised' } })
      await expect.poll(verdicts, patient).toEqual(each(false))
      await change({})
      await expect.poll(verdicts, patient).toEqual(each(true))
    },
    120_000,
  )
})
