// What holds of an API server, as far as requests and following rely on it; run against the real one and against the one that
// does what a test says, so that the second stays like the first.

import { beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from '#core/errors.ts'
import { openKubeAccess } from '#io/kube/access.ts'
import { createKubeClient, type KubeClient, type KubeRequest } from '#io/kube/client.ts'
import { parseEvent, readPage, type WatchEvent } from '#io/kube/objects.ts'
import { refusal, refusalCode } from '../support/coded.ts'

export interface Served {
  readonly kubeconfig: string
  /** Of somebody whom nobody knows. */
  readonly strange: string
  /** It does not remember any more what happened so far. */
  readonly forget: () => Promise<void>
}

const path = '/api/v1/namespaces/default/configmaps'
const labelSelector = 'contract=yes'

export function holdsOfAnApiServer(server: () => Served): void {
  describe('an API server', () => {
    let client: KubeClient
    beforeAll(async () => {
      client = createKubeClient(await openKubeAccess({ kubeconfig: server().kubeconfig }))
    })
    let named = 0
    const bodyOf = (name: string, value: string, metadata: object = {}) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, labels: { contract: 'yes' }, ...metadata },
      data: { value },
    })
    const create = async (name = `c-${++named}`) => {
      const { metadata } = await client.send({ method: 'POST', path, body: bodyOf(name, '1') })
      return metadata as { readonly name: string; readonly uid: string; readonly resourceVersion: string }
    }
    const put = (name: string, value: string, metadata: object = {}) =>
      client.send({ method: 'PUT', path: `${path}/${name}`, body: bodyOf(name, value, metadata) })
    const patch = (name: string, body: object) =>
      client.send({
        method: 'PATCH',
        path: `${path}/${name}`,
        body,
        contentType: 'application/merge-patch+json',
      })
    const list = async (query: KubeRequest['query'] = {}) =>
      readPage(await client.send({ method: 'GET', path, query: { labelSelector, ...query } }), path)
    /** Until there are so many, or the API server ends it. */
    const watch = async (resourceVersion: string, count: number, query: KubeRequest['query'] = {}) => {
      const asked: KubeRequest = {
        method: 'GET',
        path,
        query: {
          watch: 'true',
          allowWatchBookmarks: 'true',
          timeoutSeconds: '20',
          labelSelector,
          ...query,
          resourceVersion,
        },
      }
      const events: WatchEvent[] = []
      const ending = new AbortController()
      for await (const line of client.lines(asked, { idleMs: 30_000, signal: ending.signal })) {
        const event = parseEvent(line, path)
        if (event.kind !== 'nothing') events.push(event)
        if (events.length >= count) break
      }
      ending.abort()
      return events
    }
    const told = (event: WatchEvent | undefined) =>
      event !== undefined && 'object' in event ? `${event.kind} ${event.object.metadata.name}` : event

    test('gives objects a uid and a version, and another version at each change', async () => {
      const made = await create()
      expect(made).toMatchObject({ uid: expect.stringMatching(/./), resourceVersion: expect.stringMatching(/./) })
      const changed = await put(made.name, '2')
      expect(changed['metadata']).toMatchObject({ uid: made.uid })
      expect(changed['metadata']).not.toMatchObject({ resourceVersion: made.resourceVersion })
    })

    test('lists in pages, of one version, each object once', async () => {
      for (let index = 0; index < 5; index++) await create()
      const all = await list()
      expect(all).not.toHaveProperty('next')
      const names: string[] = []
      const versions = new Set<string>()
      let next: string | undefined
      for (let page = 0; page < 10; page++) {
        const read = await list({ limit: '2', ...(next !== undefined && { continue: next }) })
        expect(read.objects.length).toBeLessThanOrEqual(2)
        names.push(...read.objects.map(({ metadata }) => metadata.name))
        versions.add(read.version)
        next = read.next
        if (next === undefined) break
      }
      expect(names).toEqual(all.objects.map(({ metadata }) => metadata.name))
      expect(versions.size).toBe(1)
    })

    test('goes on with the pages of a list as it was when that began', async () => {
      await create('paged-1')
      await create('paged-2')
      const first = await list({ limit: '1' })
      await client.send({ method: 'DELETE', path: `${path}/paged-2` })
      const rest = await list({ limit: '1000', continue: first.next ?? '' })
      expect(rest.objects.map(({ metadata }) => metadata.name)).toContain('paged-2')
    })

    test('selects by name', async () => {
      const { name } = await create()
      const { objects } = await list({ fieldSelector: `metadata.name=${name}` })
      expect(objects.map(({ metadata }) => metadata.name)).toEqual([name])
      expect((await list({ fieldSelector: 'metadata.name=nobody' })).objects).toEqual([])
    })

    test('tells a watch what happened since the version of a list, deletions with a version of their own', async () => {
      const { version } = await list()
      const { name } = await create()
      await put(name, '2')
      await client.send({ method: 'DELETE', path: `${path}/${name}` })
      const events = await watch(version, 3)
      expect(events.map(told)).toEqual([`changed ${name}`, `changed ${name}`, `deleted ${name}`])
      const versions = events.map((event) => ('version' in event ? event.version : ''))
      expect(new Set(versions).size).toBe(3)
      // And from there on nothing of that again.
      await create('after')
      expect((await watch(versions.at(-1) ?? '', 1)).map(told)).toEqual(['changed after'])
    })

    test('ends a watch at its time, as an answer that is complete', async () => {
      const { version } = await list()
      expect(await watch(version, 1, { timeoutSeconds: '1' })).toEqual([])
    })

    test('refuses with a code of its own, and says why', async () => {
      const { name, uid, resourceVersion } = await create()
      expect(await refusal(client.send({ method: 'GET', path: `${path}/nobody` }))).toMatchObject({
        code: 'kube-not-found',
        message: expect.stringContaining('"nobody" not found'),
      })
      expect(await refusal(create(name))).toMatchObject({
        code: 'kube-conflict',
        message: expect.stringContaining('already exists'),
      })
      await put(name, '2', { resourceVersion })
      expect(await refusalCode(put(name, '3', { resourceVersion }))).toBe('kube-conflict')
      const changing = (metadata: object) => patch(name, { metadata, data: { value: '3' } })
      expect(await refusalCode(changing({ resourceVersion }))).toBe('kube-conflict')
      // Whoever means another object of this name is told so, if in other words.
      expect(await refusalCode(changing({ uid: 'another' }))).toBe('kube-rejected')
      expect(await patch(name, { metadata: { uid }, data: { value: '3' } })).toMatchObject({ data: { value: '3' } })
      expect(await refusalCode(client.send({ method: 'POST', path, body: { metadata: {} } }))).toBe('kube-rejected')
    })

    test('removes by a patch what is null there, and keeps what is not named', async () => {
      const { name } = await create()
      await patch(name, { data: { more: 'x' } })
      expect(await patch(name, { data: { value: null } })).toMatchObject({ data: { more: 'x' } })
      expect((await client.send({ method: 'GET', path: `${path}/${name}` }))['data']).toEqual({ more: 'x' })
    })

    test('says in plain text that it does not serve a path', async () => {
      const unknown = '/apis/nobody.example/v1/things'
      expect(await refusal(client.send({ method: 'GET', path: unknown }))).toMatchObject({
        code: 'kube-not-found',
        message: `GET ${unknown}: 404 404 page not found`,
      })
    })

    test('does not let in whom it does not know', async () => {
      const strange = createKubeClient(await openKubeAccess({ kubeconfig: server().strange }))
      expect(await refusal(strange.send({ method: 'GET', path }))).toMatchObject({
        code: codeOf(await refusal(strange.send({ method: 'GET', path, query: { watch: 'true' } }))),
        message: `GET ${path}: 401 Unauthorized`,
      })
      expect(await refusalCode(strange.send({ method: 'GET', path }))).toBe('kube-unauthenticated')
    })

    test('ends a watch as expired that begins before what it remembers, and lists all the same', async () => {
      const { name, resourceVersion } = await create()
      await server().forget()
      client = createKubeClient(await openKubeAccess({ kubeconfig: server().kubeconfig }))
      const over = { kind: 'over', code: 'kube-expired', why: expect.stringMatching(/too old resource version/) }
      expect(await watch(`${Number(resourceVersion) - 1}`, 1)).toMatchObject([over])
      const { objects } = await list()
      expect(objects.map(({ metadata }) => metadata.name)).toContain(name)
    })
  })
}
