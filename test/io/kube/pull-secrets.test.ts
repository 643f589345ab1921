// Which sets of credentials are one and the same, and what happens when the API server is slow, away, or says no. What a
// real one can show is shown in test/cluster/pull-secrets.test.ts.

import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { createPullSecrets, type PullSecretsOptions } from '#io/kube/pull-secrets.ts'
import { podRequest } from '../../support/pods.ts'
import { type Followed, scriptedFollow, secretAt } from './scripted-follow.ts'

const at = { registry: 'r.example', repository: 'team/app' }
const never = new AbortController().signal
const gone = AbortSignal.abort()
const login = (name: string) => ({ username: name, password: `marker-${name}` })
const configOf = (name: string, key = 'r.example') => ({ auths: { [key]: login(name) } })

function pod(namespace: string | undefined, ...names: readonly string[]): AdmissionRequest {
  const { namespace: _, ...request } = podRequest(['i'])
  const object = {
    spec: { containers: [{ name: 'c', image: 'i' }], imagePullSecrets: names.map((name) => ({ name })) },
  }
  return { ...request, ...(namespace === undefined ? {} : { namespace }), object }
}

function template(namespace: string, serviceAccountName: string): AdmissionRequest {
  const spec = { template: { spec: { containers: [{ name: 'c', image: 'i' }], serviceAccountName } } }
  return { ...pod(namespace), kind: { group: 'apps', version: 'v1', kind: 'Deployment' }, object: { spec } }
}

function world(begin?: (followed: Followed) => void, options: PullSecretsOptions = {}) {
  const kube = scriptedFollow(begin)
  const clock = { now: 0 }
  const pulls = createPullSecrets(kube, { now: () => clock.now, ...options })
  const scopeOf = async (request: AdmissionRequest, signal = never) => pulls.scopeOf(request, signal)
  const found = (scope: string | undefined) => pulls.lookup(at, scope ?? 'own', never)
  const users = async (request: AdmissionRequest) =>
    (await found(await scopeOf(request))).credentials.map((each) => (each.kind === 'basic' ? each.username : each.kind))
  return { ...pulls, kube, clock, scopeNow: pulls.scopeOf, scopeOf, found, users }
}

/** Every Secret holds one login, called as the Secret is; other kinds of objects are absent. */
const eachItsName = (followed: Followed) => {
  const [namespace, resource, name = ''] = followed.place.split('/')
  if (resource === 'secrets') followed.list(secretAt(`${namespace}/${name}`, configOf(name)))
  else followed.list()
}

describe('the credentials of a request', () => {
  test('are those of its pull secrets, in their order', async () => {
    const { users } = world(eachItsName)
    expect(await users(pod('team', 'a', 'b'))).toEqual(['a', 'b'])
    expect(await users(pod('team', 'b', 'a'))).toEqual(['b', 'a'])
  })

  test('go by the longest path before that, over all of them, as a kubelet has it', async () => {
    const { users } = world((followed) => {
      const name = followed.place.split('/')[2] ?? ''
      followed.list(
        secretAt(`team/${name}`, configOf(name, { a: 'r.example', b: 'r.example/team', c: 'r.example/other' }[name])),
      )
    })
    expect(await users(pod('team', 'a', 'b', 'c'))).toEqual(['b', 'a'])
  })

  test('are those of the process where it names none, without a question', async () => {
    const { scopeOf, found, kube } = world(eachItsName)
    for (const request of [pod('team'), pod(undefined, 'a'), pod('../other', 'a'), pod('a,b', 'a')])
      expect(await scopeOf(request)).toBeUndefined()
    expect(kube.all).toEqual([])
    expect(await found('own')).toEqual({ credentials: [], problems: [] })
  })

  test('are those of the process where its service account has none', async () => {
    const { scopeOf, kube } = world((followed) =>
      followed.list({ metadata: { namespace: 'team', name: 'builder', resourceVersion: '1' } }),
    )
    expect(await scopeOf(template('team', 'builder'))).toBeUndefined()
    expect(kube.all.map(({ place }) => place)).toEqual(['team/serviceaccounts/builder'])
  })

  test('are those of its service account, which is read first', async () => {
    const { users, kube } = world((followed) => {
      const metadata = { namespace: 'team', name: 'builder', resourceVersion: '1' }
      if (followed.place.includes('serviceaccounts'))
        followed.list({ metadata, imagePullSecrets: [{ name: 'a' }, { name: 'b' }] })
      else eachItsName(followed)
    })
    expect(await users(template('team', 'builder'))).toEqual(['a', 'b'])
    expect(kube.all.map(({ place }) => place)).toEqual([
      'team/serviceaccounts/builder',
      'team/secrets/a',
      'team/secrets/b',
    ])
  })

  test('are not those of a name that no object has, nor of what is too much, and that is told', async () => {
    const { scopeOf, found } = world(eachItsName)
    const { credentials, remarks } = await found(await scopeOf(pod('team', '../other/a', 'a')))
    expect(credentials).toHaveLength(1)
    expect(remarks).toEqual(['pull secret "../other/a": no object has such a name'])
    const many = Array.from({ length: 40 }, (_, index) => `s-${index}`)
    const cut = await found(await scopeOf(pod('team', ...many)))
    expect(cut.credentials).toHaveLength(32)
    expect(cut.remarks).toEqual(['of 40 pull secrets only the first 32 are looked for'])
  })

  test('are never those of an object of another name or namespace, whatever a server answers', async () => {
    for (const other of ['team/b', 'other/a']) {
      const { users } = world((followed) => {
        followed.list(secretAt(other, configOf('evil')))
        followed.change(secretAt(other, configOf('evil')))
      })
      expect(await users(pod('team', 'a'))).toEqual([])
    }
  })

  test('are looked at anew every two minutes by the API server, for whether we may', async () => {
    const { scopeOf, kube } = world(eachItsName)
    await scopeOf(pod('team', 'a'))
    expect(kube.of('team/secrets/a').options).toMatchObject({
      watchSeconds: 120,
      path: '/api/v1/namespaces/team/secrets',
    })
  })
})

describe('the name of a set of credentials', () => {
  test('is the same for the same, and at once the second time', async () => {
    const { scopeOf: ask, kube } = world(eachItsName)
    const first = await ask(pod('team', 'a', 'b'))
    const { scopeOf } = world(eachItsName)
    expect(await ask(pod('team', 'a', 'b'))).toBe(first)
    expect(kube.all).toHaveLength(2)
    // Of another process it is another one: it is made with a key.
    expect(await scopeOf(pod('team', 'a', 'b'))).not.toBe(first)
  })

  test('is known without waiting where all of them are', async () => {
    const { scopeNow } = world(eachItsName)
    const asking = scopeNow(pod('team', 'a'), never)
    expect(asking).toBeInstanceOf(Promise)
    const name = await asking
    expect(scopeNow(pod('team', 'a'), never)).toBe(name)
  })

  test('is another one for whatever differs', async () => {
    const { scopeOf } = world(eachItsName)
    const name = fc.constantFrom('a', 'b', 'c', 'a.b')
    const set = fc.tuple(fc.constantFrom('team', 'other'), fc.uniqueArray(name, { minLength: 1, maxLength: 3 }))
    await fc.assert(
      fc.asyncProperty(set, set, async ([namespaceA, a], [namespaceB, b]) => {
        const same = namespaceA === namespaceB && JSON.stringify(a) === JSON.stringify(b)
        expect((await scopeOf(pod(namespaceA, ...a))) === (await scopeOf(pod(namespaceB, ...b)))).toBe(same)
      }),
    )
  })

  test('has a bounded length and tells nothing', async () => {
    const { scopeOf } = world(eachItsName)
    const names = Array.from({ length: 32 }, (_, index) => `${index}`.padEnd(253, 'a'))
    const name = await scopeOf(pod('team', ...names))
    expect(name).toMatch(/^pull:[A-Za-z0-9_-]{43}$/)
  })

  test('changes with the content of a Secret, and comes back with it', async () => {
    const { scopeOf, users, kube } = world(eachItsName)
    const before = await scopeOf(pod('team', 'a'))
    kube.of('team/secrets/a').change(secretAt('team/a', configOf('changed')))
    const changed = await scopeOf(pod('team', 'a'))
    expect(changed).not.toBe(before)
    expect(await users(pod('team', 'a'))).toEqual(['changed'])
    kube.of('team/secrets/a').remove(secretAt('team/a', configOf('changed')))
    const removed = await scopeOf(pod('team', 'a'))
    expect([before, changed]).not.toContain(removed)
    expect(await users(pod('team', 'a'))).toEqual([])
    kube.of('team/secrets/a').change(secretAt('team/a', configOf('a')))
    expect(await scopeOf(pod('team', 'a'))).toBe(before)
  })

  test('does not change with anything else of a Secret', async () => {
    const { scopeOf, kube } = world(eachItsName)
    const before = await scopeOf(pod('team', 'a'))
    const secret = secretAt('team/a', configOf('a'))
    kube
      .of('team/secrets/a')
      .change({ ...secret, metadata: { ...secret.metadata, resourceVersion: '2', labels: { a: 'b' } } })
    expect(await scopeOf(pod('team', 'a'))).toBe(before)
  })

  test('gives what it stood for and nothing newer: who was named before a change does not read by what came after', async () => {
    const { scopeOf, found, kube } = world(eachItsName)
    const before = await scopeOf(pod('team', 'a'))
    expect((await found(before)).credentials).toHaveLength(1)
    kube.of('team/secrets/a').change(secretAt('team/a', configOf('changed')))
    expect(await found(before)).toMatchObject({
      credentials: [],
      problems: [],
      remarks: ['the pull secret team/a was changed meanwhile: try again'],
    })
  })

  test('that is not known is a problem, and no set of credentials', async () => {
    const { found } = world(eachItsName)
    expect(await found(`pull:${'a'.repeat(43)}`)).toMatchObject({
      credentials: [],
      problems: [{ code: 'pull-secret-unread' }],
    })
  })
})

describe('a Secret that is not told', () => {
  test('in time is a problem: nothing says that there are no credentials', async () => {
    const { scopeOf, found, users, kube } = world()
    const scope = await scopeOf(pod('team', 'a'), gone)
    expect(await found(scope)).toMatchObject({
      credentials: [],
      problems: [{ code: 'pull-secret-unread' }],
      remarks: [],
    })
    kube.of('team/secrets/a').list(secretAt('team/a', configOf('a')))
    expect(await users(pod('team', 'a'))).toEqual(['a'])
    // The other name stands for what could not be read, for ever.
    expect(await found(scope)).toMatchObject({ credentials: [], problems: [{ code: 'pull-secret-unread' }] })
  })

  test('holds nobody up for longer than patience', async () => {
    const { scopeOf, found } = world(undefined, { patienceMs: 1 })
    expect(await found(await scopeOf(pod('team', 'a')))).toMatchObject({ problems: [{ code: 'pull-secret-unread' }] })
  })

  test('leaves the others as they are', async () => {
    const { scopeOf, found } = world((followed) => followed.place.endsWith('/a') || eachItsName(followed), {
      patienceMs: 1,
    })
    const { credentials, problems } = await found(await scopeOf(pod('team', 'a', 'b')))
    expect([credentials.length, problems.length]).toEqual([1, 1])
  })

  test('is waited for by all who want it, and read once', async () => {
    const { users, kube } = world()
    const asked = Promise.all([users(pod('team', 'a')), users(pod('team', 'a'))])
    await turn()
    kube.of('team/secrets/a').list(secretAt('team/a', configOf('a')))
    expect(await asked).toEqual([['a'], ['a']])
    expect(kube.all).toHaveLength(1)
  })

  test.each(['kube-unreachable', 'kube-failing', 'kube-rejected'] as const)(
    'because of %s is tried again while one waits',
    async (code) => {
      const { users, kube } = world()
      const asked = users(pod('team', 'a'))
      await turn()
      kube.of('team/secrets/a').fail(code)
      kube.of('team/secrets/a').list(secretAt('team/a', configOf('a')))
      expect(await asked).toEqual(['a'])
    },
  )
})

describe('an API server that is away', () => {
  test('leaves what is known for a minute, and no longer', async () => {
    const { scopeOf, found, users, kube, clock } = world(eachItsName)
    const before = await scopeOf(pod('team', 'a'))
    kube.of('team/secrets/a').fail('kube-unreachable')
    clock.now += 59_999
    kube.of('team/secrets/a').fail('kube-unreachable')
    expect(await scopeOf(pod('team', 'a'))).toBe(before)
    clock.now += 1
    const away = await scopeOf(pod('team', 'a'))
    expect(away).not.toBe(before)
    expect(await found(away)).toMatchObject({ credentials: [], problems: [{ code: 'pull-secret-unread' }] })
    kube.of('team/secrets/a').list(secretAt('team/a', configOf('a')))
    expect(await users(pod('team', 'a'))).toEqual(['a'])
    clock.now += 3_600_000
    expect(await scopeOf(pod('team', 'a'))).toBe(before)
  })
})

describe('a Secret that is not granted', () => {
  test('gives nothing, and is not asked for again for half a minute', async () => {
    const { scopeOf, found, kube, clock } = world((followed) => followed.fail('kube-forbidden'))
    const scope = await scopeOf(pod('team', 'a'))
    expect(await found(scope)).toMatchObject({
      credentials: [],
      problems: [],
      remarks: ['the pull secret team/a was not read: no RoleBinding in team lets Sealward list and watch it'],
    })
    expect(kube.of('team/secrets/a').options.signal.aborted).toBe(true)
    clock.now += 29_999
    expect(await scopeOf(pod('team', 'a'))).toBe(scope)
    expect(kube.all).toHaveLength(1)
    clock.now += 1
    await scopeOf(pod('team', 'a'))
    expect(kube.all).toHaveLength(2)
  })

  test('is not one that an API server keeps from us because it does not know who we are', async () => {
    const { scopeOf, users, kube } = world(eachItsName)
    const before = await scopeOf(pod('team', 'a'))
    kube.of('team/secrets/a').fail('kube-unauthenticated')
    expect(await scopeOf(pod('team', 'a'))).toBe(before)
    expect(await users(pod('team', 'a'))).toEqual(['a'])
    expect(kube.of('team/secrets/a').options.signal.aborted).toBe(false)
  })

  test('any more gives nothing from that moment on', async () => {
    const { scopeOf, users, kube } = world(eachItsName)
    const before = await scopeOf(pod('team', 'a'))
    expect(await users(pod('team', 'a'))).toEqual(['a'])
    kube.of('team/secrets/a').fail('kube-forbidden')
    expect(await users(pod('team', 'a'))).toEqual([])
    expect(await scopeOf(pod('team', 'a'))).not.toBe(before)
  })

  test('is nothing that a late word of the watch brings back', async () => {
    const { users, kube } = world(eachItsName)
    await users(pod('team', 'a'))
    const watch = kube.of('team/secrets/a')
    watch.fail('kube-forbidden')
    watch.change(secretAt('team/a', configOf('a')))
    expect(await users(pod('team', 'a'))).toEqual([])
  })
})

describe('what is followed', () => {
  test('is bounded: the least recently used leaves, and is read again', async () => {
    const { users, kube } = world(eachItsName, { limits: { lodgers: 2, bytes: 1e9 } })
    for (const name of ['a', 'b', 'a', 'c']) await users(pod('team', name))
    expect(kube.of('team/secrets/b').options.signal.aborted).toBe(true)
    expect(kube.of('team/secrets/a').options.signal.aborted).toBe(false)
    expect(await users(pod('team', 'b'))).toEqual(['b'])
    expect(kube.all.map(({ place }) => place)).toEqual([
      'team/secrets/a',
      'team/secrets/b',
      'team/secrets/c',
      'team/secrets/b',
    ])
  })

  test('of one namespace leaves for its own, not for those of others', async () => {
    const { users, kube } = world(eachItsName, { limits: { lodgers: 4, bytes: 1e9 } })
    await users(pod('quiet', 'a'))
    for (let index = 0; index < 20; index++) await users(pod('loud', `s-${index}`))
    expect(kube.of('quiet/secrets/a').options.signal.aborted).toBe(false)
    expect(kube.all.filter(({ options }) => !options.signal.aborted)).toHaveLength(4)
  })

  test('is bounded by what it holds', async () => {
    const large = { ...configOf('a'), filling: 'x'.repeat(100_000) }
    const { users, kube } = world(
      (followed) => followed.list(secretAt(`team/${followed.place.split('/')[2]}`, large)),
      {
        limits: { lodgers: 100, bytes: 2_000_000 },
      },
    )
    for (let index = 0; index < 10; index++) await users(pod('team', `s-${index}`))
    expect(kube.all.filter(({ options }) => !options.signal.aborted)).toHaveLength(2)
  })

  test('that had to leave while a request was judged is read again for it', async () => {
    const { scopeOf, found, users } = world(eachItsName, { limits: { lodgers: 1, bytes: 1e9 } })
    const scope = await scopeOf(pod('team', 'a'))
    await users(pod('team', 'b'))
    expect((await found(scope)).credentials).toHaveLength(1)
  })

  test('ends with the program', async () => {
    const { users, kube, close } = world(eachItsName)
    await users(pod('team', 'a', 'b'))
    await close()
    expect(kube.all.every(({ options }) => options.signal.aborted)).toBe(true)
  })

  test('waits for its turn where one namespace wants much at once', async () => {
    const { scopeOf, kube } = world()
    const names = Array.from({ length: 10 }, (_, index) => `s-${index}`)
    const asking = scopeOf(pod('team', ...names))
    await turn()
    expect(kube.all).toHaveLength(4)
    for (let index = 0; index < names.length; index++) {
      await expect.poll(() => kube.all.length).toBeGreaterThan(index)
      kube.all[index]?.list()
    }
    expect(await asking).toBeDefined()
  })
})

describe('secrets', () => {
  test('are in nothing but the credentials themselves', async () => {
    const { scopeOf, found, kube } = world(eachItsName)
    const told: unknown[] = []
    for (const request of [pod('team', 'a'), pod('team', 'a', 'BAD')]) {
      const scope = await scopeOf(request)
      const { problems, remarks } = await found(scope)
      told.push(scope, problems, remarks)
    }
    kube.of('team/secrets/a').change(secretAt('team/a', { auths: { 'r.example': { auth: 'marker' } } }))
    told.push(await found(await scopeOf(pod('team', 'a'))))
    expect(JSON.stringify(told)).toContain('cannot be used')
    expect(JSON.stringify(told)).not.toContain('marker')
  })
})
