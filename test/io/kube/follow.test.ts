// Following a kind of an API server that forgets, stammers, lies and goes away: what is told stays a state that it had, and
// it is never asked faster than it can bear.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CodedError } from '#core/errors.ts'
import { openKubeAccess } from '#io/kube/access.ts'
import { createKubeClient, type KubeClient } from '#io/kube/client.ts'
import { type Follower, followObjects, type KubeObject } from '#io/kube/follow.ts'
import { realTiming, type Timing } from '#io/kube/pace.ts'
import { type Asked, answerJson, FakeApiServer, type Lie, refuse, status } from '../../support/fake-api-server.ts'
import { missing, titled } from '../../support/tools.ts'

const path = '/api/v1/namespaces/a/configmaps'
const second = 1_000

class Seen implements Follower {
  readonly names = new Set<string>()
  readonly failures: CodedError[] = []
  lists = 0
  heards = 0

  listed(objects: readonly KubeObject[]): void {
    this.lists++
    this.names.clear()
    for (const object of objects) this.changed(object)
  }

  changed({ metadata }: KubeObject): void {
    this.names.add(metadata.name)
  }

  deleted({ metadata }: KubeObject): void {
    this.names.delete(metadata.name)
  }

  heard(): void {
    this.heards++
  }

  failed(error: CodedError): void {
    this.failures.push(error)
  }
}

/** Pauses take no time: they are counted, and the last one ends it. */
function countedPauses(ending: AbortController, count: number) {
  const pauses: number[] = []
  let now = 0
  const timing: Timing = {
    now: () => now,
    pause: async (ms) => {
      now += ms
      if (pauses.push(ms) >= count) ending.abort()
    },
    random: () => 1,
  }
  return { pauses, timing, pass: (ms: number) => (now += ms) }
}

let clock = 0
const everythingLasts: Timing = {
  ...realTiming,
  now: () => {
    clock += 600 * second
    return clock
  },
}

describe.skipIf(missing('openssl'))(titled('following a kind', 'openssl'), () => {
  let fake: FakeApiServer
  let client: KubeClient
  beforeAll(async () => {
    fake = await FakeApiServer.start()
    client = createKubeClient(await openKubeAccess({ kubeconfig: await fake.kubeconfig() }))
  })
  afterAll(() => fake?.stop())
  let used = 0
  let kind = path
  beforeEach(() => {
    fake.lie = undefined
    fake.requests.length = 0
    kind = `/api/v1/namespaces/n${++used}/configmaps`
  })
  const put = (...names: readonly string[]) => {
    for (const name of names) fake.put(kind, { metadata: { name } })
  }
  const becomes = (seen: Seen, ...names: readonly string[]) =>
    expect.poll(() => [...seen.names].toSorted(), { timeout: 15_000 }).toEqual(names)
  const lists = () => fake.requests.filter(({ query }) => !query.has('watch'))
  const isWatch = ({ query }: Asked) => query.has('watch')

  async function following(during: (seen: Seen) => Promise<unknown>, timing?: Timing): Promise<Seen> {
    const seen = new Seen()
    const ending = new AbortController()
    const options = { path: kind, signal: ending.signal, ...(timing && { timing }) }
    const followed = followObjects(client, seen, options)
    try {
      await during(seen)
    } finally {
      ending.abort()
      await followed
    }
    return seen
  }

  test('tells what is there, and what becomes of it', async () => {
    put('a', 'b')
    const seen = await following(async (each) => {
      await becomes(each, 'a', 'b')
      put('c')
      fake.remove(kind, 'a')
      await becomes(each, 'b', 'c')
    })
    expect(seen).toMatchObject({ lists: 1, failures: [] })
  })

  test('reads a list of several pages as one', async () => {
    const names = Array.from({ length: 120 }, (_, index) => `c-${1_000 + index}`)
    put(...names)
    const seen = await following((each) => becomes(each, ...names))
    expect(seen.lists).toBe(1)
    expect(lists().map(({ query }) => query.get('limit'))).toEqual(Array.from({ length: 6 }, () => '20'))
  })

  test('begins anew when the history of a list is forgotten between two pages', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `c-${1_000 + index}`)
    put(...names)
    let hasForgotten = false
    fake.lie = ({ query }) => {
      if (!hasForgotten && query.has('continue')) {
        hasForgotten = true
        fake.forgetHistory()
      }
    }
    const seen = await following((each) => becomes(each, ...names))
    expect(hasForgotten).toBe(true)
    // It is no failure that anybody has to know.
    expect(seen).toMatchObject({ lists: 1, failures: [] })
  })

  test('lists anew when the history of a watch is forgotten', async () => {
    put('a')
    const seen = await following(async (each) => {
      await becomes(each, 'a')
      await expect.poll(() => fake.watches).toBe(1)
      // Before the next watch begins, its beginning is gone.
      fake.lie = (asked) => {
        if (isWatch(asked)) {
          fake.lie = undefined
          fake.remove(kind, 'a')
          put('b')
          fake.forgetHistory()
        }
      }
      fake.endWatches()
      await becomes(each, 'b')
    }, everythingLasts)
    expect(seen).toMatchObject({ lists: 2, failures: [] })
  })

  test('tells of a deletion that happened while it was cut off', async () => {
    put('a', 'b')
    const seen = await following(async (each) => {
      await becomes(each, 'a', 'b')
      await expect.poll(() => fake.watches).toBe(1)
      fake.lie = (_, response) => {
        response.destroy()
      }
      fake.cutConnections()
      await expect.poll(() => each.failures.length).toBeGreaterThan(0)
      fake.remove(kind, 'a')
      expect([...each.names]).toEqual(['a', 'b'])
      fake.lie = undefined
      await becomes(each, 'b')
    })
    expect(new Set(seen.failures.map(({ code }) => code))).toEqual(new Set(['kube-unreachable']))
  })

  test('goes on from where a watch ended, without a list', async () => {
    put('a')
    const seen = await following(async (each) => {
      await becomes(each, 'a')
      await expect.poll(() => fake.watches).toBe(1)
      // Half of a line that never ends counts as nothing.
      fake.write('{"type":"DELETED","object":{"metadata":{"name":"a"')
      fake.endWatches()
      put('b')
      await becomes(each, 'a', 'b')
    })
    expect(seen).toMatchObject({ lists: 1, failures: [] })
  })

  test.each([
    ['a line that is no JSON', 'hello\n'],
    ['an empty line', '\n'],
    ['a list', '[]\n'],
    ['an event of no kind', '{"type":"OTHER","object":{"metadata":{"name":"x","resourceVersion":"1"}}}\n'],
    ['an object without metadata', '{"type":"ADDED","object":{"kind":"ConfigMap"}}\n'],
    ['an object without a name', '{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}}\n'],
    [
      'an object whose name is a path',
      '{"type":"ADDED","object":{"metadata":{"name":"../x","resourceVersion":"1"}}}\n',
    ],
    ['an object without a version', '{"type":"DELETED","object":{"metadata":{"name":"a"}}}\n'],
    ['a bookmark without a version', '{"type":"BOOKMARK","object":{"metadata":{}}}\n'],
    ['a member twice', '{"type":"DELETED","type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"}}}\n'],
    ['an end with a reason', `${JSON.stringify({ type: 'ERROR', object: status(500, 'etcd is away') })}\n`],
    ['an end without one', '{"type":"ERROR"}\n'],
  ])('believes nothing of %s, says so, and lists anew', async (_, text) => {
    put('a')
    const seen = await following(async (each) => {
      await becomes(each, 'a')
      await expect.poll(() => fake.watches).toBe(1)
      fake.write(text)
      await expect.poll(() => each.lists, { timeout: 15_000 }).toBe(2)
      await becomes(each, 'a')
    })
    expect(seen.failures.map(({ code }) => code)).toEqual(['kube-failing'])
  })

  test.each<[string, unknown]>([
    ['whose items are no list', { items: {}, metadata: { resourceVersion: '1' } }],
    ['of something else than objects', { items: [7], metadata: { resourceVersion: '1' } }],
    [
      'with one object that has no name',
      { items: [{ metadata: { resourceVersion: '1' } }], metadata: { resourceVersion: '1' } },
    ],
    ['without a version', { items: [], metadata: {} }],
    ['without metadata', { items: [] }],
    ['whose next page is a number', { items: [], metadata: { resourceVersion: '1', continue: 7 } }],
  ])('tells nothing of a list %s', async (_, answer) => {
    put('a')
    const ending = new AbortController()
    const { timing } = countedPauses(ending, 1)
    fake.lie = (_asked, response) => {
      answerJson(response, 200, answer)
    }
    const seen = new Seen()
    await followObjects(client, seen, { path: kind, signal: ending.signal, timing })
    expect(seen).toMatchObject({ lists: 0, heards: 0 })
    expect(seen.failures.map(({ code }) => code)).toEqual(['kube-failing'])
  })

  test('gives up a list that has no end', async () => {
    const ending = new AbortController()
    const { timing } = countedPauses(ending, 1)
    const seen = new Seen()
    const endless: KubeClient = {
      ...client,
      send: async () => ({ items: [], metadata: { resourceVersion: '1', continue: 'more' } }),
    }
    await followObjects(endless, seen, { path: kind, signal: ending.signal, timing })
    expect(seen.failures.map(({ code, message }) => `${code} ${message}`)).toEqual([
      `kube-failing the list of ${kind} has more than 5000 pages`,
    ])
  })

  test('hears what is told by bookmarks alone, and goes on from the last', async () => {
    put('a')
    const seen = await following(async (each) => {
      await becomes(each, 'a')
      await expect.poll(() => fake.watches).toBe(1)
      const before = each.heards
      fake.forgetHistory()
      fake.bookmark()
      await expect.poll(() => each.heards).toBe(before + 1)
      fake.endWatches()
      put('b')
      await becomes(each, 'a', 'b')
    })
    // Without the bookmark, the beginning of the second watch would be forgotten.
    expect(seen).toMatchObject({ lists: 1, failures: [] })
  })

  const growing = [200, 400, 800, 1_600, 3_200, 4_000, 4_000, 4_000]

  test.each<[string, Lie, number]>([
    ['has too many requests', (_, response) => refuse(response, 429, 'too many'), 1],
    ['fails', (_, response) => refuse(response, 500, 'broken'), 1],
    ['breaks off', (_, response) => response.destroy(), 1],
    ['lists, and lets nobody watch', (asked, response) => isWatch(asked) && refuse(response, 403, 'no'), 2],
    ['lists, and has forgotten at once', (asked, response) => isWatch(asked) && refuse(response, 410, 'old'), 2],
  ])('asks an API server that %s after longer and longer pauses', async (_, lie, asked) => {
    const ending = new AbortController()
    const { pauses, timing } = countedPauses(ending, growing.length)
    fake.lie = lie
    await followObjects(client, new Seen(), { path: kind, signal: ending.signal, timing })
    expect(pauses).toEqual(growing)
    expect(fake.requests.length).toBe(asked * growing.length)
  })

  test('asks an API server that ends every watch at once after longer and longer pauses', async () => {
    const ending = new AbortController()
    const { pauses, timing } = countedPauses(ending, growing.length)
    fake.lie = (asked, response) => isWatch(asked) && response.writeHead(200).end()
    const seen = new Seen()
    await followObjects(client, seen, { path: kind, signal: ending.signal, timing })
    expect(pauses).toEqual(growing)
    expect(fake.requests.length).toBe(1 + growing.length)
    expect(seen).toMatchObject({ lists: 1, failures: [] })
  })

  test('does not pause after a watch that has lasted, and briefly after one that broke', async () => {
    const ending = new AbortController()
    const { pauses, timing, pass } = countedPauses(ending, 3)
    let watches = 0
    fake.lie = (asked, response) => {
      if (!isWatch(asked)) return
      watches++
      if (watches !== 3 && watches < 5) pass(600 * second)
      response.writeHead(200).flushHeaders()
      if (watches === 2) setImmediate(() => response.destroy())
      else response.end()
    }
    await followObjects(client, new Seen(), { path: kind, signal: ending.signal, timing })
    // 1 lasted, 2 broke, 3 ended at once, 4 lasted, 5 ended at once.
    expect(pauses).toEqual([200, 400, 200])
  })

  test('says that history is forgotten again and again', async () => {
    const ending = new AbortController()
    const { timing } = countedPauses(ending, 3)
    fake.lie = (_, response) => refuse(response, 410, 'too old')
    const seen = new Seen()
    await followObjects(client, seen, { path: kind, signal: ending.signal, timing })
    expect(seen.failures.map(({ code }) => code)).toEqual(['kube-expired', 'kube-expired'])
  })

  test('pauses differ between replicas, by half at most', async () => {
    const ending = new AbortController()
    const { pauses, timing } = countedPauses(ending, 2)
    fake.lie = (_, response) => refuse(response, 500, 'broken')
    await followObjects(client, new Seen(), {
      path: kind,
      signal: ending.signal,
      timing: { ...timing, random: () => 0 },
    })
    expect(pauses).toEqual([100, 200])
  })

  test('a follower that throws does not end it', async () => {
    put('a')
    const seen = new Seen()
    const ending = new AbortController()
    const { timing } = countedPauses(ending, 2)
    const breaking = Object.assign(Object.create(seen), {
      listed: () => {
        throw new TypeError('a defect')
      },
    }) as Seen
    await followObjects(client, breaking, { path: kind, signal: ending.signal, timing })
    expect(seen.failures.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'internal-error a defect',
      'internal-error a defect',
    ])
  })

  describe('ends at once', () => {
    const until = async (ready: (seen: Seen) => Promise<unknown>) => {
      const seen = await following(ready)
      await expect.poll(() => fake.watches).toBe(0)
      const { lists: told, heards, failures } = seen
      put('later')
      await new Promise((resolve) => setImmediate(resolve))
      expect(seen).toMatchObject({ lists: told, heards, failures })
      expect(seen.names).not.toContain('later')
      return seen
    }

    test('in a watch', async () => {
      put('a')
      const seen = await until(async (each) => {
        await becomes(each, 'a')
        await expect.poll(() => fake.watches).toBe(1)
      })
      expect(seen.failures).toEqual([])
    })

    test('in a list that is not answered', async () => {
      let asked = false
      fake.lie = () => {
        asked = true
        return 'silent'
      }
      const seen = await until(() => expect.poll(() => asked).toBe(true))
      expect(seen).toMatchObject({ lists: 0, failures: [] })
    })

    test('in a pause', async () => {
      fake.lie = (_, response) => refuse(response, 500, 'broken')
      const seen = await until((each) => expect.poll(() => each.failures.length).toBe(1))
      expect(seen.lists).toBe(0)
    })

    test('between two lines that came at once', async () => {
      put('a')
      const ending = new AbortController()
      const seen = new Seen()
      seen.changed = ({ metadata }) => {
        seen.names.add(metadata.name)
        if (metadata.name === 'b') ending.abort()
      }
      const followed = followObjects(client, seen, { path: kind, signal: ending.signal })
      await expect.poll(() => fake.watches).toBe(1)
      const line = (name: string) =>
        `${JSON.stringify({ type: 'ADDED', object: { metadata: { name, resourceVersion: '9' } } })}\n`
      fake.write(`${line('b')}${line('c')}`)
      await followed
      expect([...seen.names]).toEqual(['a', 'b'])
    })
  })
})
