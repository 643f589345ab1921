// Installing, as a person does it: what the chart and the plain manifest render is taken by a real API server.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { allKnobs } from '../deploy/chart-knobs.ts'
import { helm, renderText, someImage } from '../support/helm.ts'
import { missing, titled } from '../support/tools.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'

const tools = [...clusterTools, 'helm'] as const
const patient = { timeout: 30_000, interval: 200 }
const attestor = {
  key: { keys: [{ name: '2026', pem: '-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n' }] },
}
const rules = [{ images: ['registry.test/team/**'], require: { signature: { attestor: 'release' } } }]
const policies = { attestors: { release: attestor }, clusterTrustPolicies: { production: { rules } } }

// A quiet machine needs a few seconds for each; one on which five other suites are at work took twenty.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 })

describe.skipIf(missing(...tools))(titled('installing on a real API server', ...tools), () => {
  let cluster: ControlPlane
  beforeAll(async () => {
    cluster = await startControlPlane()
  })
  afterAll(() => cluster?.stop())

  const kubectl = async (...args: readonly string[]) => {
    const told = await cluster.kubectl(args)
    if (told.code !== 0) throw new Error(told.stderr)
    return told.stdout
  }
  const dryRun = (text: string) => cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], text)
  const inCluster = (args: readonly string[], values: object) =>
    helm({ args, values: { ...someImage, ...values }, kubeconfig: cluster.kubeconfig })
  // What Helm has made is taken over by force: two of the same conflict, where the API server has filled in defaults.
  const apply = (path: string) => ['apply', '--server-side', '--force-conflicts', '-f', path]
  const dataOf = async (secret: string) => kubectl('get', 'secret', '-n', 'gate', secret, '-o', 'jsonpath={.data}')

  /** What a webhook of Sealward is while nobody answers: nothing can be created. */
  const blockingWebhook = async (role: string) => {
    const uid = await kubectl('get', 'clusterrole', role, '-o', 'jsonpath={.metadata.uid}')
    const owner = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name: role, uid }
    const rule = { apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'], operations: ['CREATE'] }
    const webhook = {
      name: 'images.sealward.dev',
      clientConfig: { service: { name: role, namespace: 'gate', path: '/validate' } },
      rules: [rule],
      failurePolicy: 'Fail',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    }
    const configuration = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: role, ownerReferences: [owner] },
      webhooks: [webhook],
    }
    expect(await cluster.kubectl(['create', '-f', '-'], JSON.stringify(configuration))).toMatchObject({ code: 0 })
  }
  const deploys = async () => {
    const image = '--image=registry.test/app:1'
    const { code } = await cluster.kubectl(['create', 'deployment', 'web', image, '--dry-run=server'])
    return code === 0
  }

  test('Helm installs, keeps the certificate of the strict profile when it upgrades, and leaves nothing', async () => {
    const where = ['--namespace', 'gate']
    const chart = ['gate', 'deploy/chart', ...where]
    const strict = { profile: 'Strict' }
    const installed = await inCluster(['install', ...chart, '--create-namespace'], { ...strict, policies })
    expect(installed.code, installed.stderr).toBe(0)
    expect(await kubectl('get', 'ctp', 'production', '-o', 'jsonpath={.spec.mode}')).toBe('Audit')
    const first = await dataOf('gate-sealward-serving')
    expect(JSON.parse(first)).toMatchObject({ 'tls.crt': expect.any(String), 'ca.crt': expect.any(String) })

    expect(await cluster.kubectl(apply('deploy/crds'))).toMatchObject({ code: 0, stderr: '' })
    const upgraded = await inCluster(['upgrade', ...chart], { ...strict, replicas: 3 })
    expect(upgraded.code, upgraded.stderr).toBe(0)
    expect(await kubectl('get', 'deploy', '-n', 'gate', 'gate-sealward', '-o', 'jsonpath={.spec.replicas}')).toBe('3')
    expect(await dataOf('gate-sealward-serving')).toBe(first)

    await kubectl('delete', 'secret', '-n', 'gate', 'gate-sealward-serving')
    expect((await inCluster(['upgrade', ...chart], strict)).code).toBe(0)
    expect(await dataOf('gate-sealward-serving')).not.toBe(first)

    await blockingWebhook('gate-sealward')
    await expect.poll(deploys, patient).toBe(false)
    const uninstalled = await helm({ args: ['uninstall', 'gate', ...where], kubeconfig: cluster.kubeconfig })
    expect(uninstalled.code, uninstalled.stderr).toBe(0)
    const kinds =
      'clusterroles,clusterrolebindings,roles,rolebindings,deployments,services,serviceaccounts,secrets,pdb,netpol'
    const left = await kubectl('get', kinds, '-A', '-l', 'app.kubernetes.io/instance=gate', '-o', 'name')
    expect(left).toBe('')
    await expect.poll(deploys, patient).toBe(true)
    expect(await kubectl('get', 'crds', '-o', 'name')).toContain('clustertrustpolicies.sealward.dev')
    const again = await inCluster(['install', ...chart, '--skip-crds'], {})
    expect(again.code, again.stderr).toBe(0)
    expect((await helm({ args: ['uninstall', 'gate', ...where], kubeconfig: cluster.kubeconfig })).code).toBe(0)
  })

  test('the plain manifest is applied, and its Pods are made in a namespace that admits restricted ones only', async () => {
    expect(await cluster.kubectl(apply('deploy/sealward.yaml'))).toMatchObject({ code: 0, stderr: '' })
    await kubectl('wait', '--for=condition=Established', 'crd', '-l', 'app.kubernetes.io/part-of=sealward')
    const pods = () => kubectl('get', 'pods', '-n', 'sealward', '-o', 'name')
    await expect.poll(async () => (await pods()).trim().split('\n'), patient).toHaveLength(2)
    expect((await cluster.kubectl(apply('deploy/sealward.yaml'))).stdout).not.toContain('created')
    // The neighbour: that the namespace refuses others is what makes the Pods' being there mean something.
    const root = await cluster.kubectl(['run', 'root', '--image=registry.test/root:1', '-n', 'sealward'])
    expect(root.stderr).toContain('violates PodSecurity "restricted:latest"')
  })

  test.each([
    ['its defaults', () => ({})],
    ['every value set', () => ({ ...allKnobs(), policies })],
    ['the strict profile', () => ({ profile: 'Strict' })],
    ['a policy', () => ({ policies })],
  ])('the API server takes the chart with %s', async (_, values) => {
    for (const namespace of ['team-a', 'team-b']) await cluster.kubectl(['create', 'namespace', namespace])
    const { code, stderr, stdout } = await dryRun(await renderText({ values: values(), release: 'gate-sealward' }))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('deployment.apps/gate-sealward created (server dry run)')
  })

  test('it refuses what is no policy', async () => {
    const clusterTrustPolicies = { production: { rules: [{ images: [] }] } }
    const { code, stderr } = await dryRun(await renderText({ values: { policies: { clusterTrustPolicies } } }))
    expect(code).toBe(1)
    expect(stderr).toContain('spec.rules[0].images')
  })

  test('the plain manifest is deleted with everything that blocks', async () => {
    await blockingWebhook('sealward')
    await expect.poll(deploys, patient).toBe(false)
    await kubectl('delete', '--wait=false', '-f', 'deploy/sealward.yaml')
    await expect.poll(deploys, patient).toBe(true)
    expect(await kubectl('get', 'validatingwebhookconfigurations', '-o', 'name')).toBe('')
    await expect.poll(() => kubectl('get', 'crds', '-o', 'name'), patient).toBe('')
  })
})
