// What the exactness of rights is measured with finds what it is for: a call that is not granted, a grant that is not used,
// and a call that passes for another reason.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { toManifests } from '../support/manifests.ts'
import { missing, titled } from '../support/tools.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'
import { type Kubectl, kubectlFor } from './kubectl.ts'
import { compareRights, expectExactRights, grantedRights, usedRights, userOf } from './rights.ts'

const account = { namespace: 'sealward', name: 'sealward' }

/** @param verbs on ConfigMaps of the namespace `default` */
function rights(verbs: readonly string[], names?: readonly string[]) {
  const rule = { apiGroups: [''], resources: ['configmaps'], verbs, ...(names && { resourceNames: names }) }
  const metadata = { name: 'maps', namespace: 'default' }
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'maps' }
  return [
    { apiVersion, kind: 'Role', metadata, rules: [rule] },
    { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects: [{ kind: 'ServiceAccount', ...account }] },
  ]
}

describe('the rights of the plain manifest', () => {
  const manifests = toManifests(readFileSync('deploy/sealward.yaml', 'utf8'))

  test('are read from its roles', () => {
    const grants = grantedRights(manifests, account)
    const webhooks = { role: 'ClusterRole/sealward', group: 'admissionregistration.k8s.io', verb: 'update' }
    expect(grants).toContainEqual({ ...webhooks, resource: 'validatingwebhookconfigurations', name: 'sealward' })
    const secret = { role: 'Role/sealward', namespace: 'sealward', group: '', resource: 'secrets', verb: 'create' }
    expect(grants).toContainEqual(secret)
  })

  test('are those of its own account', () => {
    expect(grantedRights(manifests, { namespace: 'sealward', name: 'default' })).toEqual([])
    expect(grantedRights(manifests, { namespace: 'default', name: 'sealward' })).toEqual([])
  })
})

// A quiet machine needs a few seconds for each; one on which five other suites are at work took twenty.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 })

describe.skipIf(missing(...clusterTools))(titled('rights, by the audit log', ...clusterTools), () => {
  let cluster: ControlPlane
  let asAccount: Kubectl
  const maps = ['-n', 'default', 'configmaps'] as const

  beforeAll(async () => {
    cluster = await startControlPlane({ audited: [userOf(account)] })
    const admin = async (args: readonly string[], input?: string) => {
      const told = await cluster.kubectl(args, input)
      if (told.code !== 0) throw new Error(told.stderr)
      return told.stdout
    }
    await admin(['create', 'namespace', 'sealward'])
    await admin(['create', 'serviceaccount', '-n', 'sealward', 'sealward'])
    const items = rights(['create', 'get', 'list'])
    await admin(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    const token = await admin(['create', 'token', '-n', 'sealward', 'sealward'])
    asAccount = kubectlFor(await cluster.kubeconfigOf(token.trim()))
    // The authorizer learns of a new role within a moment.
    await vi.waitUntil(async () => (await asAccount(['get', ...maps])).code === 0, { timeout: 20_000 })
    await asAccount(['create', '-n', 'default', 'configmap', 'a'])
    await asAccount(['get', ...maps, 'a'])
  })
  afterAll(() => cluster?.stop())

  /** Those before the role was known are not what is looked at. */
  const calls = async () => {
    const all = await usedRights(cluster, account)
    return all.slice(all.findIndex(({ allowed, resource }) => allowed && resource === 'configmaps'))
  }
  const differences = async (verbs: readonly string[], names?: readonly string[]) =>
    compareRights(await calls(), grantedRights(rights(verbs, names), account))
  const none = { refused: [], foreign: [], unused: [] }

  test('are exact where each was used, and nothing else', async () => {
    expect(await differences(['create', 'get', 'list'])).toEqual(none)
  })

  test('a verb that no call used is named', async () => {
    const unused = ['Role/maps: delete configmaps', 'Role/maps: watch configmaps']
    expect(await differences(['create', 'delete', 'get', 'list', 'watch'])).toEqual({ ...none, unused })
  })

  test('a name that no call used is named, and one that was used suffices', async () => {
    const [role, binding] = rights(['get'], ['a', 'b'])
    const { unused } = compareRights(await calls(), grantedRights([role, binding].filter(isThere), account))
    expect(unused).toEqual(['Role/maps: get configmaps b'])
  })

  test('a call that passes by something else than these rights is named, with what let it pass', async () => {
    const { foreign } = await differences(['get', 'list'])
    const binding = 'RBAC: allowed by RoleBinding "maps/default" of Role "maps" to ServiceAccount "sealward/sealward"'
    expect(foreign).toEqual([`create configmaps a in default: ${binding}`])
  })

  test('a call that was refused is named, and fails whoever expects exactness', async () => {
    expect((await asAccount(['get', '-n', 'default', 'secrets'])).code).toBe(1)
    expect((await differences(['create', 'get', 'list'])).refused).toEqual(['list secrets in default'])
    const failed = expectExactRights(cluster, rights(['create', 'get', 'list']), account)
    await expect(failed).rejects.toThrow('list secrets in default')
  })

  test('objects that grant nothing to the account are no measure', async () => {
    await expect(expectExactRights(cluster, [], account)).rejects.toThrow('grant nothing')
  })
})

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined
}
