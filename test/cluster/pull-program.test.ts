// `serve --kube --pull-secrets` as the account of the plain manifest, which may read no Secret but those that are granted.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { alice, type PrivateRegistry, startPrivateRegistry } from '../support/private-registry.ts'
import { missing, titled } from '../support/tools.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'
import type { Tenants } from './pull-world.ts'
import { named, prepareTenants } from './pull-world.ts'
import { type Sealward, startSealward } from './sealward.ts'

const tools = [...clusterTools, 'docker-registry'] as const

describe.skipIf(missing(...tools))(titled('serving with pull secrets', ...tools), () => {
  let cluster: ControlPlane
  let registry: PrivateRegistry
  let tenants: Tenants
  const running: Sealward[] = []

  const kubectl = async (args: readonly string[], input?: string) => {
    const told = await cluster.kubectl(args, input)
    if (told.code !== 0) throw new Error(told.stderr)
  }
  beforeAll(async () => {
    ;[cluster, registry] = await Promise.all([startControlPlane(), startPrivateRegistry()])
    tenants = await prepareTenants(cluster)
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', 'deploy/sealward.yaml'])
    await kubectl(['wait', '--for=condition=Established', 'crd', '-l', 'app.kubernetes.io/part-of=sealward'])
    const key = { keys: [{ name: '2026', pem: registry.releaseKey }] }
    const rules = [{ images: ['**'], require: { signature: { attestor: 'release' } } }]
    const apiVersion = 'sealward.dev/v1alpha1'
    for (const object of [
      { apiVersion, kind: 'Attestor', metadata: { name: 'release' }, spec: { key } },
      { apiVersion, kind: 'ClusterTrustPolicy', metadata: { name: 'production' }, spec: { mode: 'Enforce', rules } },
    ])
      await kubectl(['apply', '-f', '-'], JSON.stringify(object))
    for (const name of ['team', 'shop']) await tenants.namespace(name)
    await tenants.secret('team/regcred', { [registry.host]: alice })
    await tenants.secret('team/other', { [registry.host]: alice })
    await tenants.grant('team', { secrets: ['regcred'] })
  })
  afterAll(async () => {
    await Promise.all(running.map((each) => each.stop()))
    await cluster?.stop()
    await registry?.close()
  })

  const serve = async (flags: readonly string[]) => {
    const kubeconfig = await cluster.kubeconfigOf(tenants.token)
    const own = ['--insecure-registry', registry.host]
    const sealward = await startSealward({ folder: cluster.folder, kubeconfig, flags: [...own, ...flags] })
    running.push(sealward)
    await expect.poll(() => sealward.ready(), { timeout: 30_000 }).toMatchObject({ ready: true, policies: 1 })
    return (secret: string, namespace = 'team') => {
      const image = registry.signed.pinned
      const spec = { containers: [{ name: 'c', image }], ...named(secret) }
      return sealward.ask(image, { namespace, object: { metadata: {}, spec } })
    }
  }

  test('reads a private image with what is granted, and with nothing else', async () => {
    const ask = await serve(['--pull-secrets'])
    expect(await ask('regcred')).toMatchObject({ allowed: true })
    const denied = await ask('other')
    expect(denied).toMatchObject({ allowed: false })
    expect(denied.status?.message).toContain('the pull secret team/other was not read: no RoleBinding in team')
    expect(denied.status?.message).toContain('code: access-denied')
    expect(await ask('regcred', 'shop')).toMatchObject({ allowed: false })
    const log = () => running.at(-1)?.log()
    await expect.poll(log, { timeout: 10_000 }).toContain('access-denied')
    const said = log()
    for (const secret of [alice.password, tenants.token, Buffer.from(`alice:${alice.password}`).toString('base64')])
      expect(said).not.toContain(secret)
  })

  test('without --pull-secrets reads none', async () => {
    const ask = await serve([])
    const denied = await ask('regcred')
    expect(denied).toMatchObject({ allowed: false })
    expect(denied.status?.message).toContain('code: access-denied')
    expect(denied.status?.message).not.toContain('pull secret')
  })
})
