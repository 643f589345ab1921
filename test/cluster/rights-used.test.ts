// The rights that an installation grants are those that the program uses: everything that it ever does is brought about here,
// what only faults bring about too, and the API server's audit log says what was asked for.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { render } from '../support/helm.ts'
import { missing, titled } from '../support/tools.ts'
import { clusterTools } from './control-plane.ts'
import { account, type Installed, install } from './installed.ts'
import { compareRights, expectExactRights, grantedRights, usedRights } from './rights.ts'

const tools = [...clusterTools, 'helm'] as const
const patient = { timeout: 90_000, interval: 300 }
const keySecret = { namespace: 'team-a', name: 'release-key' }
const configurations = ['mutatingwebhookconfiguration', 'validatingwebhookconfiguration'] as const
const teamA = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team-a' } }

// A quiet machine needs a few seconds for each; one on which five other suites are at work took twenty.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 })

describe.skipIf(missing(...tools))(titled('the rights that are granted and those that are used', ...tools), () => {
  let installed: Installed
  const object = (kind: string, name: string, spec: object, namespace?: string) => ({
    apiVersion: 'sealward.dev/v1alpha1',
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    spec,
  })
  const demand = (attestor: string, more: object = {}) => ({
    mode: 'Enforce',
    ...more,
    rules: [{ images: [`${installed.world.host}/shop/**`], require: { signature: { attestor } } }],
  })

  beforeAll(async () => {
    const values = { pullSecrets: { namespaces: ['team-a'] }, keySecrets: [keySecret] }
    const more = (await render({ values })).filter(({ metadata }) => metadata.namespace === 'team-a')
    installed = await install({ flags: ['--pull-secrets'], more: [teamA, ...more] })
  })
  afterAll(() => installed?.stop())

  const kubectl = (...args: readonly string[]) => installed.kubectl(...args)
  const exists = async (kind: string) => (await installed.cluster.kubectl(['get', kind, 'sealward'])).code === 0
  const areRegistered = () => Promise.all(configurations.map(exists))
  const run = (name: string, image: string, overrides: object = {}) => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'team-a' } }
    const spec = { containers: [{ name: 'c', image }], ...overrides }
    return installed.cluster.kubectl(['create', '-f', '-'], JSON.stringify({ ...pod, spec }))
  }

  test('policies of every kind are in force, keys from a Secret too', async () => {
    const data = { 'cosign.pub': Buffer.from(installed.world.releaseKey).toString('base64') }
    const { namespace, name } = keySecret
    await installed.apply(
      { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, data },
      object('Attestor', 'release', { key: { keys: [{ name: 'a', secretRef: { ...keySecret, key: 'cosign.pub' } }] } }),
      object('ClusterTrustPolicy', 'everywhere', demand('release')),
      object(
        'ClusterTrustPolicy',
        'labelled',
        demand('release', { match: { namespaceSelector: { matchLabels: { a: 'b' } } } }),
      ),
      object('TrustPolicy', 'own', demand('release'), 'team-a'),
      object('DenyList', 'bad', { digests: [`sha256:${'0'.repeat(64)}`], reason: 'an example' }),
    )
    for (const [kind, named] of [
      ['attestor', 'release'],
      ['clustertrustpolicy', 'everywhere'],
      ['trustpolicy', 'own'],
      ['denylist', 'bad'],
    ] as const) {
      const phase = () => kubectl('get', '-n', 'team-a', kind, named, '-o', 'jsonpath={.status.phase}')
      await expect.poll(phase, { ...patient, message: kind }).toBe('Active')
    }
    await expect.poll(areRegistered, patient).toEqual([true, true])
    await expect.poll(async () => (await run('unsigned', installed.world.image('unsigned'))).code, patient).toBe(1)
    expect(await run('signed', installed.world.image('signed'))).toMatchObject({ code: 0 })
  })

  test('a namespace that nobody has told of is asked for, and what depends on its labels is refused', async () => {
    expect((await installed.sealward.ask(installed.world.image('signed'), { namespace: 'not-there' })).allowed).toBe(
      false,
    )
  })

  test('pull secrets are read where that is granted: those that a template names, and those of its service account', async () => {
    const login = ['--docker-server=registry.test', '--docker-username=a', '--docker-password=b']
    await kubectl('create', 'secret', 'docker-registry', 'pull', '-n', 'team-a', ...login)
    const deployment = (name: string, more: object) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'team-a' },
      spec: {
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { containers: [{ name: 'c', image: installed.world.image('signed') }], ...more },
        },
      },
    })
    await installed.apply(deployment('named', { imagePullSecrets: [{ name: 'pull' }] }), deployment('account', {}))
  })

  test('what somebody breaks is mended', async () => {
    const patch = JSON.stringify([{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }])
    for (const kind of configurations) {
      await kubectl('patch', kind, 'sealward', '--type=json', '-p', patch)
      const policy = () => kubectl('get', kind, 'sealward', '-o', 'jsonpath={.webhooks[0].failurePolicy}')
      await expect.poll(policy, patient).toBe('Fail')
    }
    const damage = JSON.stringify({ data: { 'tls.crt': '' } })
    await kubectl('patch', 'secret', '-n', 'sealward', 'sealward-webhook-tls', '-p', damage)
    const certificate = ['get', 'secret', '-n', 'sealward', 'sealward-webhook-tls', '-o', 'jsonpath={.data.tls\\.crt}']
    await expect.poll(() => kubectl(...certificate), patient).not.toBe('')
    await expect.poll(async () => (await run('mended', installed.world.image('signed'))).stderr, patient).toBe('')
  })

  test('the same refusal again is the same event, with a count', async () => {
    for (let index = 0; index < 3; index++) await run('again', installed.world.image('unsigned'))
    const counts = ['get', 'events.events.k8s.io', '-n', 'team-a', '-o', 'jsonpath={.items[*].series.count}']
    await expect.poll(() => kubectl(...counts), patient).toMatch(/[3-9]/)
  })

  test('without a policy there is no webhook', async () => {
    await kubectl('delete', 'clustertrustpolicies,attestors,denylists', '--all')
    await kubectl('delete', 'trustpolicies', '--all', '-n', 'team-a')
    await expect.poll(areRegistered, patient).toEqual([false, false])
  })

  test('all of that took the rights that were granted, every one and no other', async () => {
    const grants = grantedRights(installed.manifests, account)
    const unused = async () => compareRights(await usedRights(installed.cluster, account), grants)
    await expect.poll(unused, patient).toEqual({ refused: [], foreign: [], unused: [] })
    await expectExactRights(installed.cluster, installed.manifests, account)
  })
})
