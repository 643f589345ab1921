// What is followed is what the API server has: from the first list on, over ends of watches, restarts and lost history.

import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CodedError } from '#core/errors.ts'
import { openKubeAccess } from '#io/kube/access.ts'
import { createKubeClient, type KubeClient } from '#io/kube/client.ts'
import { type Follower, followObjects, type KubeObject } from '#io/kube/follow.ts'
import { missing, titled } from '../support/tools.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'

const path = '/api/v1/namespaces/default/configmaps'
const labelSelector = 'kind=followed'

/** What a follower has heard, as the state it stands for. */
class Seen implements Follower {
  readonly objects = new Map<string, string>()
  readonly failures: CodedError[] = []
  lists = 0

  listed(objects: readonly KubeObject[]): void {
    this.lists++
    this.objects.clear()
    for (const object of objects) this.changed(object)
  }

  changed(object: KubeObject): void {
    this.objects.set(object.metadata.name, JSON.stringify(object['data']))
  }

  deleted(object: KubeObject): void {
    this.objects.delete(object.metadata.name)
  }

  heard(): void {}

  failed(error: CodedError): void {
    this.failures.push(error)
  }
}

describe.skipIf(missing(...clusterTools))(titled('following a kind of a real API server', ...clusterTools), () => {
  let cluster: ControlPlane
  let client: KubeClient
  beforeAll(async () => {
    cluster = await startControlPlane()
    client = createKubeClient(await openKubeAccess({ kubeconfig: cluster.kubeconfig }))
  })
  afterAll(() => cluster?.stop())

  const configMap = (name: string, value: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { kind: 'followed' } },
    data: { value },
  })
  const create = (name: string, value = '1') => client.send({ method: 'POST', path, body: configMap(name, value) })
  const update = (name: string, value: string) =>
    client.send({ method: 'PUT', path: `${path}/${name}`, body: configMap(name, value) })
  const remove = (name: string) => client.send({ method: 'DELETE', path: `${path}/${name}` })
  const becomes = (seen: Seen, state: Readonly<Record<string, string>>) =>
    expect.poll(() => Object.fromEntries(seen.objects), { timeout: 20_000 }).toEqual(state)

  beforeEach(async () => {
    await client.send({ method: 'DELETE', path, query: { labelSelector } })
  })

  async function following(during: (seen: Seen) => Promise<void>): Promise<Seen> {
    const seen = new Seen()
    const ending = new AbortController()
    const followed = followObjects(client, seen, { path, labelSelector, signal: ending.signal })
    try {
      await during(seen)
    } finally {
      ending.abort()
      await followed
    }
    return seen
  }

  test('begins with all of them, in pages', async () => {
    for (let index = 0; index < 120; index++) await create(`c-${index}`)
    const seen = await following(async (each) => {
      await expect.poll(() => each.objects.size, { timeout: 20_000 }).toBe(120)
    })
    expect(seen.lists).toBe(1)
    expect(seen.failures).toEqual([])
  })

  test('goes on with what is made, changed and removed', async () => {
    await following(async (seen) => {
      await create('a')
      await becomes(seen, { a: '{"value":"1"}' })
      await update('a', '2')
      await becomes(seen, { a: '{"value":"2"}' })
      await create('b')
      await remove('a')
      await becomes(seen, { b: '{"value":"1"}' })
    })
  })

  test('catches up when the API server has been away', async () => {
    await create('a')
    const seen = await following(async (each) => {
      await becomes(each, { a: '{"value":"1"}' })
      await cluster.restartApiServer()
      await remove('a')
      await create('b')
      await becomes(each, { b: '{"value":"1"}' })
    })
    expect(seen.failures.map(({ code }) => code)).toContain('kube-unreachable')
  })

  test('does not end while etcd stands still', async () => {
    await following(async (seen) => {
      await create('a')
      await becomes(seen, { a: '{"value":"1"}' })
      cluster.etcd.signal('SIGSTOP')
      await new Promise((resolve) => setTimeout(resolve, 3_000))
      cluster.etcd.signal('SIGCONT')
      await update('a', '2')
      await becomes(seen, { a: '{"value":"2"}' })
    })
  })

  test('says what it may not see, and goes on when it may', async () => {
    const account = '/api/v1/namespaces/default/serviceaccounts/default/token'
    const { status } = await client.send({
      method: 'POST',
      path: account,
      body: { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', spec: {} },
    })
    const token = (status as { readonly token: string }).token
    const limited = createKubeClient(await openKubeAccess({ kubeconfig: await cluster.kubeconfigOf(token) }))
    const seen = new Seen()
    const ending = new AbortController()
    const followed = followObjects(limited, seen, { path, labelSelector, signal: ending.signal })
    await expect.poll(() => seen.failures[0]?.message).toContain('cannot list resource "configmaps"')
    expect(seen.failures[0]?.code).toBe('kube-forbidden')
    await cluster.kubectl(['create', 'role', 'reader-of-maps', '--verb=list,watch', '--resource=configmaps'])
    const binding = [
      'create',
      'rolebinding',
      'reader-of-maps',
      '--role=reader-of-maps',
      '--serviceaccount=default:default',
    ]
    await cluster.kubectl(binding)
    await create('a')
    await becomes(seen, { a: '{"value":"1"}' })
    ending.abort()
    await followed
  })

  test('a Pod is known by its service account, works in its own namespace', async () => {
    const root = join(cluster.folder, 'pod')
    const files = join(root, 'var/run/secrets/kubernetes.io/serviceaccount')
    await mkdir(files, { recursive: true })
    const token = async () => (await cluster.kubectl(['create', 'token', 'default', '-n', 'default'])).stdout.trim()
    await copyFile(cluster.ca, join(files, 'ca.crt'))
    await writeFile(join(files, 'namespace'), 'default')
    await writeFile(join(files, 'token'), await token())
    const { hostname, port } = new URL(cluster.server)
    vi.stubEnv('KUBERNETES_SERVICE_HOST', hostname)
    vi.stubEnv('KUBERNETES_SERVICE_PORT', port)
    try {
      const access = await openKubeAccess({ podRoot: root })
      expect(access).toMatchObject({ isInside: true, namespace: 'default' })
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
      const review = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
      const whoAmI = async () => {
        const { status } = await createKubeClient(access).send({ method: 'POST', path: review, body })
        return (status as { readonly userInfo: { readonly username: string } }).userInfo.username
      }
      expect(await whoAmI()).toBe('system:serviceaccount:default:default')
      await writeFile(join(files, 'token'), 'no token any more')
      const { headers } = await openKubeAccess({ podRoot: root })
      expect(await headers()).toMatchObject({ authorization: 'Bearer no token any more' })
    } finally {
      vi.unstubAllEnvs()
    }
  })
})
