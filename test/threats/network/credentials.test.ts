// A registry that wants credentials to leave for somewhere else: by challenges, redirects, upload places.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CredentialLookup } from '#io/registry/credentials.ts'
import { type Attack, demanding, layerFor, putClassic, startAttack } from '../../support/attack.ts'
import { refusalCode } from '../../support/coded.ts'
import { challenging, redirect } from '../../support/hostile-answers.ts'
import {
  arrivedAt,
  asServed,
  digestOf,
  type HostileRegistry,
  json,
  repository,
  startHostileRegistry,
  types,
} from '../../support/hostile-registry.ts'
import { type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'

const password = 'marker-password-5c1e'
const token = 'marker-token-90ab'

let registry: HostileRegistry
let canary: StubRegistry
let attack: Attack
beforeEach(async () => {
  registry = await startHostileRegistry()
  canary = await startStubRegistry(undefined, '127.0.0.2')
  const lookup: CredentialLookup = async ({ registry: host }) => ({
    credentials: host === registry.host ? [{ kind: 'basic', username: 'alice', password }] : [],
    problems: [],
  })
  attack = await startAttack({
    registry,
    policies: [demanding(['Tag'])],
    client: { credentials: lookup, insecure: (host) => host === registry.host || host === canary.host },
  })
  putClassic(registry, attack.digest, [layerFor(attack.digest)])
  for (const place of [registry, canary]) place.on('GET', '/token', { body: json({ token }) })
})
afterEach(async () => {
  await attack.close()
  await canary.close()
})

const manifests = `/v2/${repository}/manifests`
const image = () => asServed(attack.bytes, types.manifest)
const context = () => ({ signal: AbortSignal.timeout(10_000), scope: 'own' })

function expectNoSecrets(place: StubRegistry): void {
  const arrived = arrivedAt(place)
  for (const secret of [password, token, Buffer.from(`alice:${password}`).toString('base64'), 'authorization'])
    expect(arrived).not.toContain(secret)
}

describe('NW-02: a challenge that names a token service', () => {
  const challenge = (realm: string, more = '') =>
    registry.on('HEAD', `${manifests}/v1`, challenging(`Bearer realm="${realm}"${more}`, image()))

  test('neighbour: on the host of the registry itself gets a token, and the image is admitted', async () => {
    challenge(`${registry.url}/token`, ',service="registry"')
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'patched' })
    expect(arrivedAt(registry)).toContain(`alice:${password}`)
  })

  test.each([
    ['on a foreign host', () => `${canary.url}/token`],
    ['on a foreign host by https', () => `https://${canary.host}/token`],
    ['on plain HTTP elsewhere', () => 'http://auth.example/token'],
    ['on a metadata service', () => 'http://169.254.169.254/token'],
    ['with a user name in its URL', () => `http://alice@${registry.host}/token`],
    ['of another scheme', () => 'file:///etc/passwd'],
    ['that is no URL', () => 'token'],
    ['whose host only begins like the registry', () => `${registry.url}.evil.example/token`],
    ['whose user part looks like the registry', () => `http://${registry.host}@${canary.host}/token`],
  ])('%s is denied with the reason, and nothing arrives there', async (_where, realm) => {
    challenge(realm())
    const answer = await attack.admit(attack.tagged)
    expect(answer).toMatchObject({ outcome: 'denied', code: 'realm-refused' })
    expect(answer.message).toContain('token service')
    expect(canary.connections()).toBe(0)
    expectNoSecrets(registry)
  })

  test.each([
    ['scope', 'repository:secret/app:pull,push,delete'],
    ['scope', 'registry:catalog:*'],
    ['service', 'x&scope=registry:catalog:*'],
    ['account', 'root'],
  ])('gets no token for more than what is read, whatever %s="%s" it asks for', async (name, value) => {
    challenge(`${registry.url}/token`, `,${name}="${value}"`)
    await attack.admit(attack.tagged)
    const asked = registry.requests
      .filter(({ path }) => path.startsWith('/token'))
      .map(({ path }) => new URL(path, registry.url).searchParams)
    expect(asked.map((query) => query.getAll('scope'))).toEqual([[`repository:${repository}:pull`]])
    expect(asked[0]?.get('account')).toBeNull()
  })

  test.each([
    ['two realms', () => `Bearer realm="${registry.url}/token",realm="${canary.url}/token"`],
    ['a broken quotation', () => `Bearer realm="${registry.url}/token`],
    ['no realm', () => 'Bearer service="x"'],
  ])('with %s is denied as malformed', async (_what, header) => {
    registry.on('HEAD', `${manifests}/v1`, challenging(header(), image()))
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'registry-protocol' })
    expectNoSecrets(registry)
  })
})

describe('NW-03: a redirect of a read', () => {
  const signature = () => `${attack.digest.replace(':', '-')}.sig`
  const basic = 'Basic realm="x"'
  const reads = {
    manifest: () => `${manifests}/${signature()}`,
    blob: () => `/v2/${repository}/blobs/${digestOf(layerFor(attack.digest).bytes)}`,
  }
  type Read = keyof typeof reads
  /** After the credentials have been shown, and with a cookie. */
  const leading = (read: Read, location: string, status = 307) => {
    const { headers } = redirect(location, status)
    registry.on(
      'GET',
      reads[read](),
      challenging(basic, { status, headers: { ...headers, 'set-cookie': 'id=marker-cookie' } }),
    )
  }
  const truth = (read: Read) => {
    const layers = [layerFor(attack.digest)]
    if (read === 'blob') return { body: layers[0]?.bytes ?? '' }
    putClassic(registry, attack.digest, layers)
    return undefined
  }

  test.each([301, 302, 303, 307, 308])(
    'neighbour: of a blob to its storage (%i) is followed without credentials and cookies, and admitted',
    async (status) => {
      const kept = truth('blob') ?? {}
      canary.on('GET', '/store', kept)
      leading('blob', `${canary.url}/store`, status)
      expect(await attack.admit()).toMatchObject({ outcome: 'allowed' })
      expect(canary.requests).toHaveLength(1)
      expectNoSecrets(canary)
      expect(arrivedAt(canary)).not.toContain('marker-cookie')
      expect(arrivedAt(registry)).toContain(`alice:${password}`)
    },
  )

  describe.each(Object.keys(reads) as readonly Read[])('of a %s', (read) => {
    test.each([
      ['a metadata service', () => 'http://169.254.169.254/latest/meta-data'],
      ['a metadata service in decimal', () => 'http://2852039166/latest'],
      ['plain HTTP that nobody allowed', () => 'http://127.0.0.3:1/store'],
      ['a file', () => 'file:///etc/passwd'],
      ['a place with a user name', () => `http://alice:${password}@${canary.host}/store`],
    ])('to %s is denied, and nothing arrives', async (_where, location) => {
      leading(read, location())
      expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'redirect-refused' })
      expect(canary.connections()).toBe(0)
    })

    test('in a circle is denied after five hops', async () => {
      leading(read, '/circle')
      registry.on('GET', '/circle', redirect('/circle'))
      expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'redirect-refused' })
      expect(registry.seen().filter((line) => line.endsWith('/circle'))).toHaveLength(5)
    })

    test('between two hosts is denied after five hops, and the other one learns nothing', async () => {
      leading(read, `${canary.url}/there`)
      canary.on('GET', '/there', redirect(`${registry.url}/back`))
      registry.on('GET', '/back', redirect(`${canary.url}/there`))
      expect(await attack.admit()).toMatchObject({ outcome: 'denied', code: 'redirect-refused' })
      expect(canary.requests).toHaveLength(3)
      expectNoSecrets(canary)
    })
  })

  test('of a token request is not followed', async () => {
    registry.on('HEAD', `${manifests}/v1`, challenging(`Bearer realm="${registry.url}/token"`, image()))
    registry.on('GET', '/token', redirect(`${canary.url}/token`))
    expect(await attack.admit(attack.tagged)).toMatchObject({ outcome: 'denied', code: 'token-service-failing' })
    expect(canary.connections()).toBe(0)
  })
})

describe('NW-04: an upload that is sent elsewhere', () => {
  const bytes = Buffer.from('a signature to push')
  const upload = () => attack.client.putBlob({ registry: registry.host, repository }, bytes, 'text/plain', context())
  const begin = (location: string) => {
    registry.on('HEAD', `/v2/${repository}/blobs/${digestOf(bytes)}`, challenging('Basic realm="x"', { status: 404 }))
    registry.on('POST', `/v2/${repository}/blobs/uploads/`, { status: 202, headers: { location } })
    for (const place of [registry, canary]) place.on('PUT', '/upload', { status: 201 })
  }

  test('neighbour: to the registry itself is done', async () => {
    begin('/upload')
    expect(await upload()).toMatchObject({ size: bytes.length })
    expect(registry.requests.at(-1)?.body).toEqual(bytes)
  })

  test.each([
    ['another host', () => `${canary.url}/upload`],
    ['another host, without a scheme', () => `//${canary.host}/upload`],
    ['another port of the host', () => `http://127.0.0.1:1/upload`],
    ['a user name at the host', () => `http://alice@${registry.host}/upload`],
    ['a metadata service', () => 'http://169.254.169.254/upload'],
    ['a file', () => 'file:///tmp/upload'],
  ])('to %s is refused, and nothing is sent', async (_where, location) => {
    begin(location())
    expect(await refusalCode(upload())).toBe('redirect-refused')
    expect(canary.connections()).toBe(0)
    expect(registry.seen().filter((line) => line.startsWith('PUT'))).toEqual([])
  })

  test('by a redirect of the upload itself is refused, and nothing is sent', async () => {
    begin('/upload')
    registry.on('PUT', '/upload', redirect(`${canary.url}/upload`))
    expect(await refusalCode(upload())).toBe('push-refused')
    expect(canary.connections()).toBe(0)
  })
})

describe('NW-07: what every request carries', () => {
  /** Of the protocol; nothing that could identify a cluster. */
  const known = [
    'accept',
    'accept-encoding',
    'authorization',
    'connection',
    'content-length',
    'content-type',
    'host',
    'user-agent',
  ]

  test('is nothing but the protocol and the credentials of its host, on every way out', async () => {
    registry.on('HEAD', `${manifests}/v1`, challenging(`Bearer realm="${registry.url}/token"`, image()))
    await attack.admit(attack.tagged)
    await attack.client
      .putBlob({ registry: registry.host, repository }, Buffer.from('x'), 'text/plain', context())
      .catch(() => {})
    expect(registry.requests.length).toBeGreaterThan(4)
    const unknown = registry.requests.flatMap(({ headers }) =>
      Object.keys(headers).filter((name) => !known.includes(name)),
    )
    expect(unknown).toEqual([])
    const shown = new Set(
      registry.requests.map(({ headers }) => headers['authorization']).filter((each) => each !== undefined),
    )
    expect([...shown].sort()).toEqual([
      `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`,
      `Bearer ${token}`,
    ])
  })

  test('neighbour: a registry without credentials of its own is read without any, and admitted', async () => {
    const lookup: CredentialLookup = async () => ({ credentials: [], problems: [] })
    const other = await startAttack({ policies: [demanding(['Tag'])], client: { credentials: lookup } })
    putClassic(other.registry, other.digest, [layerFor(other.digest)])
    expect(await other.admit(other.tagged)).toMatchObject({ outcome: 'patched' })
    expect(other.registry.requests.map(({ headers }) => headers['authorization'])).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    await other.close()
  })
})
