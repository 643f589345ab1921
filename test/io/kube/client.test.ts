// Requests to an API server that says no, says nothing, says nonsense, or goes away in the middle.

import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openKubeAccess } from '#io/kube/access.ts'
import { createKubeClient, type KubeClient } from '#io/kube/client.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
import { answerJson, answerText, FakeApiServer, refuse } from '../../support/fake-api-server.ts'
import { missing, titled } from '../../support/tools.ts'

const path = '/api/v1/namespaces/a/configmaps'
const one = { metadata: { name: 'one' } }

describe.skipIf(missing('openssl'))(titled('requests to an API server', 'openssl'), () => {
  let fake: FakeApiServer
  let client: KubeClient
  const opened = async (...args: Parameters<FakeApiServer['kubeconfig']>) =>
    createKubeClient(await openKubeAccess({ kubeconfig: await fake.kubeconfig(...args) }))
  beforeAll(async () => {
    fake = await FakeApiServer.start()
    client = await opened()
  })
  afterAll(() => fake?.stop())
  afterEach(() => {
    fake.lie = undefined
  })
  const get = () => client.send({ method: 'GET', path })

  test('are answered with objects', async () => {
    const made = await client.send({ method: 'POST', path, body: one })
    expect(made).toMatchObject({ metadata: { name: 'one', namespace: 'a' } })
    expect(await client.send({ method: 'GET', path: `${path}/one` })).toEqual(made)
  })

  test.each([
    [400, 'kube-rejected'],
    [401, 'kube-unauthenticated'],
    [403, 'kube-forbidden'],
    [404, 'kube-not-found'],
    [409, 'kube-conflict'],
    [410, 'kube-expired'],
    [422, 'kube-rejected'],
    [429, 'kube-failing'],
    [500, 'kube-failing'],
    [503, 'kube-failing'],
    [302, 'kube-failing'],
  ])('that are refused with %i fail as %s, in the words of the API server', async (status, code) => {
    fake.lie = (_, response) => {
      refuse(response, status, `it says ${status}`)
    }
    expect(await refusal(get())).toMatchObject({ code, message: `GET ${path}: ${status} it says ${status}` })
  })

  test.each([
    ['plain text', '404 page not found\n', `GET ${path}: 404 404 page not found`],
    ['a page of HTML', '<html><body>Not here</body></html>', `GET ${path}: 404`],
    ['nothing', '', `GET ${path}: 404`],
    ['half a Status', '{"kind":"Status","mess', `GET ${path}: 404 {"kind":"Status","mess`],
    ['a Status whose message is none', '{"message":{"a":1}}', `GET ${path}: 404`],
  ])('keep their code where %s says why', async (_, text, message) => {
    fake.lie = (_asked, response) => {
      answerText(response, 404, text)
    }
    expect(await refusal(get())).toMatchObject({ code: 'kube-not-found', message })
  })

  test('show no more of a refusal than fits a line, and nothing that is not seen', async () => {
    fake.lie = (_, response) => {
      refuse(response, 403, `\u001b[2J${'x'.repeat(200_000)}`)
    }
    const { code, message } = await refusal(get())
    // Of what is cut, no whole Status is left.
    expect(code).toBe('kube-forbidden')
    expect(message.length).toBeLessThan(700)
    expect(message).not.toContain('\u001b')
  })

  test.each([
    ['no JSON', 'hello', 'something else than JSON'],
    ['a member twice', '{"a":1,"a":2}', 'something else than JSON'],
    ['depth without end', `${'['.repeat(10_000)}`, 'something else than JSON'],
    ['a list', '[]', 'something else than an object'],
    ['null', 'null', 'something else than an object'],
  ])('do not believe %s', async (_, text, why) => {
    fake.lie = (_asked, response) => {
      answerText(response, 200, text)
    }
    expect(await refusal(get())).toMatchObject({ code: 'kube-failing', message: expect.stringContaining(why) })
  })

  test('do not go on elsewhere with the token', async () => {
    const asked = fake.requests.length
    fake.lie = (_, response) => {
      response.writeHead(307, { location: `${fake.url}/api/v1/elsewhere` }).end()
    }
    expect(await refusalCode(get())).toBe('kube-failing')
    expect(fake.requests.slice(asked).map((each) => each.path)).toEqual([path])
  })

  test('end after their time where nothing is answered, and where an answer does not end', async () => {
    const hasty = createKubeClient(await openKubeAccess({ kubeconfig: await fake.kubeconfig() }), { deadlineMs: 100 })
    const late = { code: 'kube-unreachable', message: `GET ${path}: no answer within 100 ms` }
    fake.lie = () => 'silent'
    expect(await refusal(hasty.send({ method: 'GET', path }))).toMatchObject(late)
    for (const status of [200, 500]) {
      fake.lie = (_, response) => {
        response.writeHead(status).write('{"items":')
      }
      expect(await refusal(hasty.send({ method: 'GET', path }))).toMatchObject(late)
      const lines = hasty.lines({ method: 'GET', path }, { idleMs: 100, signal: new AbortController().signal })
      expect((await refusal(all(lines))).code).toBe('kube-unreachable')
    }
  })

  test('do not wait for a credential that does not come', async () => {
    const access = await openKubeAccess({ kubeconfig: await fake.kubeconfig() })
    const stuck = createKubeClient({ ...access, headers: () => new Promise(() => {}) }, { deadlineMs: 50 })
    const late = { code: 'kube-unreachable', message: `GET ${path}: no answer within 50 ms` }
    expect(await refusal(stuck.send({ method: 'GET', path }))).toMatchObject(late)
  })

  test('are told when their answer breaks off', async () => {
    fake.lie = (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"items":')
      setImmediate(() => fake.cutConnections())
    }
    expect(await refusalCode(get())).toBe('kube-unreachable')
  })

  test('end with whoever waits for them, and their connection is gone', async () => {
    const waiting = new AbortController()
    let connection: Socket | null = null
    fake.lie = (_, response) => {
      connection = response.socket
      waiting.abort(new Error('nobody waits'))
      return 'silent'
    }
    const error = await refusal(client.send({ method: 'GET', path }, waiting.signal))
    expect(error).toMatchObject({ code: 'kube-unreachable', message: `GET ${path}: nobody waits` })
    await expect.poll(() => connection?.destroyed).toBe(true)
    const before = fake.requests.length
    expect(await refusalCode(client.send({ method: 'GET', path }, waiting.signal))).toBe('kube-unreachable')
    expect(fake.requests.length).toBe(before)
  })

  test('say why nobody is reached', async () => {
    const nobody = await opened({ server: 'https://127.0.0.1:1' })
    expect(await refusal(nobody.send({ method: 'GET', path }))).toMatchObject({
      code: 'kube-unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
    const severalAddresses = await opened({ server: 'https://localhost:1' })
    expect((await refusal(severalAddresses.send({ method: 'GET', path }))).message).toContain('ECONNREFUSED')
  })

  test('tell nobody their token', async () => {
    const secret = 'a-token-that-nobody-sees'
    const bearer = await opened({}, { token: secret })
    const errors = [await refusal(bearer.send({ method: 'GET', path }))]
    expect(errors[0]).toMatchObject({ code: 'kube-unauthenticated', message: `GET ${path}: 401 Unauthorized` })
    fake.lie = (_, response) => {
      response.socket?.destroy()
    }
    errors.push(await refusal(bearer.send({ method: 'GET', path })))
    const split = await opened({}, { token: `${secret}\nx-more: 1` })
    errors.push(await refusal(split.send({ method: 'GET', path })))
    for (const error of errors) expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(secret)
  })

  test('are sent while more watches go on than requests may at a time', async () => {
    const ending = new AbortController()
    const query = { watch: 'true', resourceVersion: '1000' }
    const watches = Array.from({ length: 60 }, () =>
      all(client.lines({ method: 'GET', path, query }, { idleMs: 60_000, signal: ending.signal })),
    )
    const ended = Promise.allSettled(watches)
    await expect.poll(() => fake.watches, { timeout: 15_000 }).toBe(60)
    expect(await client.send({ method: 'GET', path: `${path}/one` })).toMatchObject(one)
    ending.abort()
    await ended
    await expect.poll(() => fake.watches, { timeout: 15_000 }).toBe(0)
  })

  describe('that go on', () => {
    const signal = new AbortController().signal
    const linesOf = (idleMs = 10_000) => texts(client.lines({ method: 'GET', path }, { idleMs, signal }))

    test('are told line by line, however they are cut', async () => {
      fake.lie = (_, response) => {
        response.writeHead(200)
        const parts = ['{"a":', '1}', '\n{"b":2}\n{"c"', ':"ö', '"}\n{"half of a']
        const next = () => {
          const part = parts.shift()
          if (part === undefined) response.end()
          else response.write(part, () => setImmediate(next))
        }
        next()
      }
      // The last line has no end: nobody knows whether that was all of it.
      expect(await linesOf()).toEqual(['{"a":1}', '{"b":2}', '{"c":"ö"}'])
    })

    test('fail where nothing comes any more', async () => {
      fake.lie = (_, response) => {
        response.writeHead(200).write('{"a":1}\n{"b"')
      }
      const seen: string[] = []
      const work = (async () => {
        for await (const line of client.lines({ method: 'GET', path }, { idleMs: 100, signal }))
          seen.push(new TextDecoder().decode(line))
      })()
      expect(await refusal(work)).toMatchObject({
        code: 'kube-unreachable',
        message: `GET ${path}: nothing came for 100 ms`,
      })
      expect(seen).toEqual(['{"a":1}'])
    })

    test('fail where the connection is cut', async () => {
      fake.lie = (_, response) => {
        response.writeHead(200).write('{"a":1}\n')
        setTimeout(() => fake.cutConnections(), 20)
      }
      expect(await refusalCode(linesOf())).toBe('kube-unreachable')
    })

    test('fail at a line without end', async () => {
      let connection: Socket | null = null
      fake.lie = (_, response) => {
        connection = response.socket
        response.writeHead(200)
        const part = 'x'.repeat(256 * 1024)
        const more = () => void (response.destroyed || response.write(part, more))
        more()
      }
      expect(await refusal(linesOf())).toMatchObject({
        code: 'kube-failing',
        message: expect.stringMatching(/^a line of a watch exceeds/),
      })
      await expect.poll(() => connection?.destroyed).toBe(true)
    })

    test('are refused like others', async () => {
      fake.lie = (_, response) => {
        answerJson(response, 403, { message: 'cannot watch' })
      }
      expect(await refusal(linesOf())).toMatchObject({
        code: 'kube-forbidden',
        message: `GET ${path}: 403 cannot watch`,
      })
    })
  })
})

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const seen: T[] = []
  for await (const item of items) seen.push(item)
  return seen
}

async function texts(lines: AsyncIterable<Uint8Array>): Promise<readonly string[]> {
  return (await all(lines)).map((line) => new TextDecoder().decode(line))
}
