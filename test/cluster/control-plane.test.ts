// The cluster of the tests is a real one: who may not, cannot, and what controllers do is done.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missing, titled } from '../support/tools.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'

describe.skipIf(missing(...clusterTools))(titled('a control plane', ...clusterTools), () => {
  let cluster: ControlPlane
  beforeAll(async () => {
    cluster = await startControlPlane()
  })
  afterAll(() => cluster?.stop())

  test('is of the version that it was built from', async () => {
    const { stdout } = await cluster.kubectl(['version', '-o', 'json'])
    expect(JSON.parse(stdout)).toMatchObject({
      clientVersion: { gitVersion: 'v1.37.2' },
      serverVersion: { gitVersion: 'v1.37.2' },
    })
  })

  test('makes the Pods of a Deployment', async () => {
    expect(await cluster.kubectl(['create', 'deployment', 'web', '--image=registry.test/web:1'])).toEqual({
      code: 0,
      stdout: 'deployment.apps/web created\n',
      stderr: '',
    })
    await expect
      .poll(async () => (await cluster.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'name'])).stdout, {
        timeout: 15_000,
      })
      .toMatch(/^pod\/web-/)
  })

  test('keeps what a service account may by RBAC', async () => {
    const asDefault = ['--as', 'system:serviceaccount:default:default']
    const forbidden = await cluster.kubectl(['get', 'secrets', ...asDefault])
    expect(forbidden.code).toBe(1)
    expect(forbidden.stderr).toContain('cannot list resource "secrets"')
    await cluster.kubectl(['create', 'role', 'reader', '--verb=list', '--resource=secrets'])
    await cluster.kubectl(['create', 'rolebinding', 'reader', '--role=reader', '--serviceaccount=default:default'])
    await expect.poll(async () => (await cluster.kubectl(['get', 'secrets', ...asDefault])).code).toBe(0)
  })

  test('keeps its objects when the API server is restarted', async () => {
    await cluster.kubectl(['create', 'configmap', 'kept', '--from-literal=a=b'])
    await cluster.restartApiServer()
    const { stdout } = await cluster.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'])
    expect(stdout).toBe('b')
  })
})
