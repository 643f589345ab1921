// From installing to removing, as whoever runs a cluster lives with it: kubectl, a real API server, and the process with
// exactly the rights of the manifest.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing, titled } from '../support/tools.ts'
import { clusterTools } from './control-plane.ts'
import { account, type Installed, install } from './installed.ts'
import { expectExactRights } from './rights.ts'

const soon = { timeout: 5_000, interval: 50 }
const patient = { timeout: 30_000, interval: 100 }
const decision = /decision: [0-9A-Z]{26}/

describe.skipIf(missing(...clusterTools))(titled('a life in a cluster', ...clusterTools), () => {
  let installed: Installed
  beforeAll(async () => {
    installed = await install()
  }, 120_000)
  afterAll(() => installed?.stop())

  const kubectl = (...args: readonly string[]) => installed.kubectl(...args)
  const tried = (...args: readonly string[]) => installed.cluster.kubectl(args)
  const release = () => ({
    apiVersion: 'sealward.dev/v1alpha1',
    kind: 'Attestor',
    metadata: { name: 'release' },
    spec: { key: { keys: [{ name: 'demo', pem: installed.world.releaseKey }] } },
  })
  const production = (more: object = {}) => ({
    apiVersion: 'sealward.dev/v1alpha1',
    kind: 'ClusterTrustPolicy',
    metadata: { name: 'production' },
    spec: {
      rules: [{ images: [`${installed.world.host}/shop/**`], require: { signature: { attestor: 'release' } } }],
      ...more,
    },
  })
  const webhooks = async () =>
    (await kubectl('get', 'mutatingwebhookconfigurations,validatingwebhookconfigurations', '-o', 'name')).trim()
  const isRegistered = () =>
    expect.poll(async () => (await installed.sealward.ready())['webhook'], patient).toMatchObject({ registered: true })
  const image = (tag: 'signed' | 'unsigned' | 'stranger') => installed.world.image(tag)
  const pinned = () => `${image('signed')}@${installed.world.digests.signed}`

  test('without a policy it is ready, and registers nothing', async () => {
    await expect.poll(() => installed.sealward.ready(), patient).toMatchObject({ ready: true, policies: 0 })
    expect(await webhooks()).toBe('')
    expect((await tried('create', 'deployment', 'before', `--image=${image('unsigned')}`)).code).toBe(0)
  })

  test('in Audit nothing is refused or changed, and events say what would be', async () => {
    await installed.apply(release(), production({ mode: 'Audit' }))
    await isRegistered()
    await kubectl('create', 'deployment', 'audited', `--image=${image('unsigned')}`)
    const stored = ['get', 'deployment', 'audited', '-o', 'jsonpath={.spec.template.spec.containers[0].image}']
    expect(await kubectl(...stored)).toBe(image('unsigned'))
    await expect
      .poll(() => kubectl('get', 'events'), soon)
      .toMatch(/Warning\s+ImageWouldBeRefused\s+deployment\/audited/)
    await kubectl('delete', 'deployment', 'before', 'audited')
  })

  describe('enforced', () => {
    test('a policy that is changed to Enforce refuses within seconds', async () => {
      await installed.apply(production())
      const create = () => tried('create', 'deployment', 'probe', `--image=${image('unsigned')}`, '--dry-run=server')
      await expect.poll(async () => (await create()).code, soon).toBe(1)
    })

    test('a Deployment of a signed image is created, and the stored spec is pinned', async () => {
      expect(await kubectl('create', 'deployment', 'signed', `--image=${image('signed')}`)).toBe(
        'deployment.apps/signed created\n',
      )
      const path = 'jsonpath={.spec.template.spec.containers[0].image}'
      expect(await kubectl('get', 'deployment', 'signed', '-o', path)).toBe(pinned())
      const pods = ['get', 'pods', '-l', 'app=signed', '-o', 'jsonpath={.items[*].spec.containers[0].image}']
      await expect.poll(() => kubectl(...pods), patient).toBe(pinned())
    })

    test('a Deployment of an unsigned image is refused with our sentence, as kubectl prints it', async () => {
      const told = await tried('create', 'deployment', 'unsigned', `--image=${image('unsigned')}`)
      expect(told).toMatchObject({ code: 1, stdout: '' })
      const { host, digests } = installed.world
      expect(told.stderr.replace(decision, 'decision: ID')).toBe(
        `error: failed to create deployment: admission webhook "images.sealward.dev" denied the request: ` +
          `The image "${image('unsigned')}" of container "app" (spec.template.spec.containers[0].image) is refused by policy "production": nobody has signed it.\n\n` +
          `Found: no signature.\n` +
          `Would be accepted: a signature by "release" (key "demo").\n` +
          `Next step: sealward sign --key KEY ${host}/shop/app@${digests.unsigned}\n\n` +
          `code: signature-missing  decision: ID\n`,
      )
    })

    test('what is refused at the level of Pods reaches the events of the ReplicaSet', async () => {
      const onlyPods = { match: { resourceRules: [{ apiGroups: [''], resources: ['pods'], operations: ['CREATE'] }] } }
      await installed.apply(production(onlyPods))
      const create = () => tried('create', 'deployment', 'late', `--image=${image('stranger')}`)
      await expect.poll(async () => (await create()).code, soon).toBe(0)
      const events = () => kubectl('get', 'events', '--field-selector', 'involvedObject.kind=ReplicaSet')
      await expect
        .poll(events, patient)
        .toMatch(
          /FailedCreate\s+replicaset\/late-\w+\s+Error creating: admission webhook "images.sealward.dev" denied the request: The image /,
        )
      await expect.poll(events, soon).toMatch(/ImageRefused\s+replicaset\/late-\w+/)
      const conditions = [
        'get',
        'deployment',
        'late',
        '-o',
        'jsonpath={.status.conditions[?(@.type=="ReplicaFailure")].message}',
      ]
      await expect.poll(() => kubectl(...conditions), patient).toContain('code: signature-by-stranger')
      await kubectl('delete', 'deployment', 'late')
      await installed.apply(production())
    })

    test('a deleted policy takes the webhook with it, a new one brings it back', async () => {
      await kubectl('delete', 'ctp', 'production')
      await expect.poll(webhooks, soon).toBe('')
      await installed.apply(production())
      await isRegistered()
    })

    test.each(['mutatingwebhookconfiguration', 'validatingwebhookconfiguration'])(
      'what somebody changes in the %s is put right',
      async (kind) => {
        const patch = '[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]'
        await kubectl('patch', kind, 'sealward', '--type=json', '-p', patch)
        const path = 'jsonpath={.webhooks[0].failurePolicy}'
        await expect.poll(() => kubectl('get', kind, 'sealward', '-o', path), soon).toBe('Fail')
      },
    )

    test('a certificate that somebody has damaged is put right, and nobody notices', async () => {
      const secret = ['secret', '-n', account.namespace, 'sealward-webhook-tls'] as const
      await kubectl('patch', ...secret, '--type=merge', '-p', '{"data":{"tls.crt":"AAAA"}}')
      const certificate = () => kubectl('get', ...secret, '-o', 'jsonpath={.data.tls\\.crt}')
      await expect.poll(certificate, soon).not.toBe('AAAA')
      expect((await tried('run', 'still', `--image=${image('signed')}`)).code).toBe(0)
    })

    test('a policy of a namespace says what became of it, as those of the cluster do', async () => {
      const spec = { mode: 'Warn', rules: [{ images: ['registry.example.com/**'], require: { deny: {} } }] }
      const metadata = { name: 'mine', namespace: 'default' }
      await installed.apply({ apiVersion: 'sealward.dev/v1alpha1', kind: 'TrustPolicy', metadata, spec })
      await expect.poll(() => kubectl('get', 'tp', 'mine', '-o', 'jsonpath={.status.phase}'), soon).toBe('Active')
      const told = await tried('run', 'warned', '--image=registry.example.com/a:1', '--dry-run=server')
      expect(told.stderr).toContain('Warning: ')
      expect(told.stderr).toContain('policy "default/mine"')
      await kubectl('delete', 'tp', 'mine')
    })

    test('what is put on a DenyList is refused within seconds, signed or not, and the list says that it is Active', async () => {
      const dry = () => tried('run', 'denied', `--image=${image('signed')}`, '--dry-run=server')
      expect((await dry()).code).toBe(0)
      const spec = { digests: [installed.world.digests.signed], reason: 'CVE-2026-0001' }
      await installed.apply({
        apiVersion: 'sealward.dev/v1alpha1',
        kind: 'DenyList',
        metadata: { name: 'known' },
        spec,
      })
      await expect.poll(async () => (await dry()).stderr, soon).toContain('on the DenyList "known": CVE-2026-0001')
      await expect
        .poll(() => kubectl('get', 'denylist', 'known', '-o', 'jsonpath={.status.phase}'), soon)
        .toBe('Active')
      await kubectl('delete', 'denylist', 'known')
      await expect.poll(async () => (await dry()).code, soon).toBe(0)
    })

    test('a namespace that nobody has heard of is asked for', async () => {
      const match = { namespaceSelector: { matchLabels: { signed: 'required' } } }
      await installed.apply(production({ match }))
      const inNowhere = () => installed.sealward.ask(image('unsigned'), { namespace: 'nowhere' })
      await expect.poll(async () => (await inNowhere()).status?.message, soon).toContain('namespace-labels-unknown')
      await installed.apply(production())
    })

    test('the same refusal again is one event with a count', async () => {
      const again = async () => {
        await tried('create', 'deployment', 'again', `--image=${image('unsigned')}`)
        return kubectl(
          'get',
          'events.v1.events.k8s.io',
          '-o',
          'jsonpath={range .items[*]}{.regarding.name} {.series.count}{"\\n"}{end}',
        )
      }
      // A count is written every half minute.
      await expect.poll(again, { timeout: 50_000, interval: 1_000 }).toMatch(/^again ([2-9]|\d\d)/m)
    }, 60_000)
  })

  test('AD-11: what is exempt is said, and FT-07: after a restart of everything it is what starts, and nothing else', async () => {
    const exempt = ['kube-node-lease', 'kube-public', 'kube-system', 'sealward']
    expect((await installed.sealward.ready())['webhook']).toMatchObject({ unjudgedNamespaces: exempt })
    await installed.sealward.stop('SIGKILL')
    await installed.cluster.restartApiServer()
    const run = (namespace: string, tag: 'signed' | 'unsigned') =>
      tried('run', 'up', '-n', namespace, `--image=${image(tag)}`, '--dry-run=server')
    const allowed = async () => [
      (await run('kube-system', 'unsigned')).code,
      (await run('default', 'signed')).code,
      (await run('default', 'unsigned')).code,
    ]
    await expect.poll(allowed, patient).toEqual([0, 1, 1])
    expect((await run('default', 'signed')).stderr).toContain('failed calling webhook "images.sealward.dev"')
    await installed.restart()
    await expect.poll(allowed, patient).toEqual([0, 0, 1])
  }, 120_000)

  test('it used exactly the rights of the manifest', async () => {
    await expectExactRights(installed.cluster, installed.manifests, account)
  })

  test('uninstalled, it leaves nothing that holds anything up', async () => {
    await kubectl('delete', '--wait=false', '-f', 'deploy/sealward.yaml')
    await expect.poll(webhooks, { timeout: 60_000, interval: 200 }).toBe('')
    expect((await tried('create', 'deployment', 'after', `--image=${image('unsigned')}`)).code).toBe(0)
  })
})
