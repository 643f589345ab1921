import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AddressKind } from '#io/http/address.ts'
import { createTransport } from '#io/http/transport.ts'
import { guardRedirect, sendFollowing } from '#io/registry/redirect.ts'
import { createPatientSend } from '#io/registry/retry.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
import { type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'
import { alice, at, basic, bytesOf, clientFor, closeClients, context, credentialsOf, digestOf } from './fixtures.ts'

let stub: StubRegistry
let storage: StubRegistry
beforeEach(async () => {
  stub = await startStubRegistry()
  storage = await startStubRegistry()
})
afterEach(async () => {
  await closeClients()
  await stub.close()
  await storage.close()
})

const blob = bytesOf('payload')
const digest = digestOf(blob)
const path = `/v2/team/app/blobs/${digest}`

const to = (location: string, status = 307) => ({ status, headers: { location } })
const read = (client = clientFor()) => client.blob(at(stub), digest, 100, context())

describe('a redirect of a read', () => {
  it.each([301, 302, 303, 307, 308])('is followed to the storage (%i), without credentials', async (status) => {
    stub.on('GET', path, ({ headers }) =>
      headers['authorization'] === basic(alice)
        ? to(`${storage.url}/store?signature=x`, status)
        : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
    )
    storage.on('GET', '/store', { body: blob })
    expect(await read(clientFor({ credentials: credentialsOf(stub.host, alice) }))).toEqual(blob)
    const headers = storage.requests[0]?.headers ?? {}
    expect(Object.keys(headers).sort()).toEqual(['accept-encoding', 'connection', 'host', 'user-agent'])
  })

  it('keeps credentials on the same origin', async () => {
    stub.on('GET', path, ({ headers }) =>
      headers['authorization'] === undefined
        ? { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
        : to('/elsewhere'),
    )
    stub.on('GET', '/elsewhere', ({ headers }) =>
      headers['authorization'] === basic(alice) ? { body: blob } : { status: 403 },
    )
    expect(await read(clientFor({ credentials: credentialsOf(stub.host, alice) }))).toEqual(blob)
  })

  it('does not carry credentials back after it has left', async () => {
    stub.on('GET', path, ({ headers }) =>
      headers['authorization'] === undefined
        ? { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
        : to(`${storage.url}/hop`),
    )
    storage.on('GET', '/hop', to(`${stub.url}/back`))
    stub.on('GET', '/back', { body: blob })
    await read(clientFor({ credentials: credentialsOf(stub.host, alice) }))
    expect(stub.requests.at(-1)?.headers['authorization']).toBeUndefined()
  })

  it('is followed five times, not six', async () => {
    stub.on('GET', path, to('/hop/1'))
    stub.on('GET', '/hop/*', ({ path: here }) => {
      const hop = Number(here.split('/')[2])
      return hop === last ? { body: blob } : to(`/hop/${hop + 1}`)
    })
    let last = 5
    expect(await read()).toEqual(blob)
    last = 6
    expect(await refusalCode(read())).toBe('redirect-refused')
  })

  it('is checked like the registry itself', async () => {
    stub.on('GET', path, to(`${storage.url}/store`))
    storage.on('GET', '/store', { body: 'another' })
    expect(await refusalCode(read())).toBe('digest-mismatch')
  })

  it.each([
    ['a metadata service', 'http://169.254.169.254/latest'],
    ['the same in decimal', 'http://2852039166/latest'],
    ['the same in octal', 'http://0251.0376.0251.0376/latest'],
    ['the same inside IPv6', 'http://[::ffff:169.254.169.254]/latest'],
    ['an IPv6 link-local address', 'http://[fe80::1]/'],
    ['a metadata service by name', 'http://metadata.google.internal/'],
  ])('is refused to %s', async (_what, location) => {
    stub.on('GET', path, to(location))
    const client = clientFor({ insecure: () => true })
    expect(await refusalCode(read(client))).toBe('redirect-refused')
  })

  it('is refused with user info, to other schemes and to plain HTTP that nobody allowed', async () => {
    for (const location of ['http://user:pw@127.0.0.1:1/', 'file:///etc/passwd', 'http://plain.example/']) {
      stub.on('GET', path, to(location))
      expect(await refusalCode(read())).toBe('redirect-refused')
    }
  })

  it('without a place is no proper answer', async () => {
    stub.on('GET', path, { status: 307 })
    expect(await refusalCode(read())).toBe('registry-protocol')
  })

  it('that ends in a 403 is denied access, and names where', async () => {
    stub.on('GET', path, to(`${storage.url}/store`))
    storage.on('GET', '/store', { status: 403 })
    const error = await refusal(read())
    expect(error.code).toBe('access-denied')
    expect(error.message).toContain(storage.host)
  })

  it('shows of its URL host and path only', async () => {
    stub.on('GET', path, to(`${storage.url}/store?X-Signature=very-secret`))
    storage.on('GET', '/store', { status: 400 })
    const error = await refusal(read())
    expect(`${error.message} ${error.where}`).toContain('/store')
    expect(`${error.message} ${error.where}`).not.toContain('very-secret')
  })
})

describe('a redirect into a private network', () => {
  /** Loopback is all that a test can reach, so the kind of the first host's address is given. */
  async function follow(first: AddressKind | undefined) {
    const transport = { ...createTransport({ userAgent: 'sealward/test' }), reached: () => first }
    const send = createPatientSend(transport, { random: () => 0, now: Date.now })
    const request = { method: 'GET', url: new URL(`${stub.url}/x`), headers: {}, maxBytes: 100 } as const
    const by = { send, transport, rules: { insecure: () => true } }
    try {
      return await sendFollowing({ ...request, signal: AbortSignal.timeout(10_000) }, { scope: 'test' }, by)
    } finally {
      await transport.close()
    }
  }

  it('is followed when the registry is in one itself', async () => {
    stub.on('GET', '/x', to(`${storage.url}/store`))
    storage.on('GET', '/store', { body: blob })
    expect((await follow('local')).elsewhere).toBe(true)
  })

  it.each(['public', undefined] as const)('is refused when the registry is not (%s)', async (kind) => {
    for (const host of [storage.host, `localhost:${storage.host.split(':')[1]}`]) {
      stub.on('GET', '/x', to(`http://${host}/store`))
      expect(await refusalCode(follow(kind))).toBe('redirect-refused')
    }
    expect(storage.requests).toEqual([])
  })
})

describe('the guard', () => {
  const from = new URL('https://registry.example/v2/a/blobs/x')
  const rules = { insecure: (host: string) => host === 'plain.example' }

  it('lets https lead to https', () => {
    expect(guardRedirect('https://storage.example/x', from, rules).host).toBe('storage.example')
    expect(guardRedirect('/y', from, rules).href).toBe('https://registry.example/y')
  })

  it('never gives up TLS, even for a host that may be plain', () => {
    expect(() => guardRedirect('http://plain.example/x', from, rules)).toThrow(/plain HTTP/)
  })
})
