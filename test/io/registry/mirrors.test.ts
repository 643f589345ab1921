import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { originEndpoint } from '#io/registry/endpoint.ts'
import { refusalCode } from '../../support/coded.ts'
import { type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'
import {
  alice,
  at,
  basic,
  bytesOf,
  clientFor,
  closeClients,
  context,
  credentialsOf,
  descriptorOf,
  digestOf,
  index,
  indexType,
  manifest,
  manifestType,
} from './fixtures.ts'

let origin: StubRegistry
let mirror: StubRegistry
beforeEach(async () => {
  origin = await startStubRegistry()
  mirror = await startStubRegistry()
})
afterEach(async () => {
  await closeClients()
  await origin.close()
  await mirror.close()
})

const blob = bytesOf('payload')
const path = `/v2/team/app/blobs/${digestOf(blob)}`
const mirrored = (prefix = '', more = {}) =>
  clientFor({ mirrors: new Map([[origin.host, [`${mirror.host}${prefix}`]]]), ...more })
const read = (client = mirrored()) => client.blob(at(origin), digestOf(blob), 100, context())

describe('a mirror', () => {
  it('is read from instead of the registry', async () => {
    mirror.on('GET', path, { body: blob })
    expect(await read()).toEqual(blob)
    expect(origin.requests).toEqual([])
  })

  it('may keep repositories below a path', async () => {
    mirror.on('GET', `/v2/proxy/cache/team/app/blobs/${digestOf(blob)}`, { body: blob })
    expect(await read(mirrored('/proxy/cache'))).toEqual(blob)
  })

  it.each([
    ['lacks it', { status: 404 }],
    ['denies it', { status: 403 }],
    ['fails', { status: 500 }],
    ['lies', { body: 'other bytes' }],
    ['leads to a metadata service', { status: 307, headers: { location: 'http://169.254.169.254/' } }],
  ])('that %s is passed over', async (_what, reply) => {
    mirror.on('GET', path, reply)
    origin.on('GET', path, { body: blob })
    expect(await read()).toEqual(blob)
  })

  it('that is away is passed over', async () => {
    origin.on('GET', path, { body: blob })
    await mirror.close()
    expect(await read()).toEqual(blob)
    mirror = await startStubRegistry()
  })

  it('never has the last word', async () => {
    mirror.on('GET', path, { status: 403 })
    expect(await refusalCode(read())).toBe('content-missing')
  })

  it('cannot say that there is no signature', async () => {
    const entry = descriptorOf(manifest())
    origin.on('GET', '/v2/team/app/manifests/v1', { headers: { 'content-type': manifestType }, body: manifest() })
    mirror.on('GET', '/v2/team/app/referrers/*', { headers: { 'content-type': indexType }, body: index() })
    origin.on('GET', '/v2/team/app/referrers/*', { headers: { 'content-type': indexType }, body: index(entry) })
    const client = mirrored()
    expect(await client.tagged(at(origin), 'v1', context())).not.toBeNull()
    expect(await client.referrers(at(origin), digestOf('image'), context())).toEqual([entry])
  })

  it('gets its own credentials, never those of the registry', async () => {
    const challenge = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
    mirror.on('GET', '*', challenge)
    origin.on('GET', path, ({ headers }) => (headers['authorization'] === basic(alice) ? { body: blob } : challenge))
    expect(await read(mirrored('', { credentials: credentialsOf(origin.host, alice) }))).toEqual(blob)
    expect(mirror.requests.every(({ headers }) => headers['authorization'] === undefined)).toBe(true)
  })

  it('is never written to', async () => {
    origin.on('PUT', '*', { status: 201 })
    await mirrored().putManifest(at(origin), 'v1', { bytes: manifest(), mediaType: manifestType }, context())
    expect(mirror.requests).toEqual([])
  })
})

describe('the place of a registry', () => {
  const rules = { insecure: (host: string) => host === 'plain.example:5000', mirrors: new Map() }
  it.each([
    ['docker.io', 'https://registry-1.docker.io/'],
    ['r.example', 'https://r.example/'],
    ['plain.example:5000', 'http://plain.example:5000/'],
    ['plain.example', 'https://plain.example/'],
    ['[::1]:5000', 'https://[::1]:5000/'],
  ])('%s is %s', (registry, url) => {
    expect(originEndpoint({ registry, repository: 'a' }, rules).base.href).toBe(url)
  })

  it.each(['r.example/x', 'u@r.example', ':p@r.example', 'r.example?x', 'r.example#x', 'a b', ''])(
    '"%s" is none',
    (registry) => {
      expect(() => originEndpoint({ registry, repository: 'a' }, rules)).toThrow(
        expect.objectContaining({ code: 'registry-unreachable' }),
      )
    },
  )
})
