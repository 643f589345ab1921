import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { type Credential, joinCredentials } from '#io/registry/credentials.ts'
import { refusal, refusalCode } from '../../support/coded.ts'
import { type Handler, type Reply, type StubRegistry, startStubRegistry } from '../../support/stub-registry.ts'
import {
  alice,
  at,
  basic,
  bob,
  bytesOf,
  clientFor,
  closeClients,
  context,
  credentialsOf,
  digestOf,
} from './fixtures.ts'

let stub: StubRegistry
let tokens: StubRegistry
beforeEach(async () => {
  stub = await startStubRegistry()
  tokens = await startStubRegistry()
})
afterEach(async () => {
  await closeClients()
  await stub.close()
  await tokens.close()
})

const tagPath = '/v2/team/app/manifests/v1'
const found: Reply = { body: 'a manifest' }
const secrets = [alice, bob].map((each) => (each.kind === 'basic' ? each.password : ''))

function bearer(realm: string, service = 'the registry'): Reply {
  const header = `Bearer realm="${realm}",service="${service}",scope="repository:other/app:pull,push"`
  return { status: 401, headers: { 'www-authenticate': header } }
}

/** Lets in whoever shows one of the headers. */
function door(challenge: Reply, reply: Reply, ...keys: readonly string[]): Handler {
  return ({ headers }) => (keys.includes(String(headers['authorization'])) ? reply : challenge)
}

const anyRead = (client = clientFor()) => client.tagged(at(stub), 'v1', context())

describe('a token service', () => {
  const realm = () => `http://${tokens.host}/token`

  it('is asked once, for this repository and for reading only', async () => {
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer t1'))
    tokens.on('GET', '/token', { body: '{"token":"t1","expires_in":300}' })
    const client = clientFor({ credentials: credentialsOf(stub.host, alice) })
    await anyRead(client)
    await anyRead(client)
    expect(tokens.requests).toHaveLength(1)
    expect(stub.requests).toHaveLength(3)
    const asked = new URL(tokens.requests[0]?.path ?? '', tokens.url).searchParams
    expect([...asked]).toEqual([
      ['service', 'the registry'],
      ['scope', 'repository:team/app:pull'],
    ])
    expect(tokens.requests[0]?.headers['authorization']).toBe(basic(alice))
  })

  it('never sees the token of the registry, nor the registry the password', async () => {
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer t1'))
    tokens.on('GET', '/token', { body: '{"access_token":"t1"}' })
    await anyRead(clientFor({ credentials: credentialsOf(stub.host, alice) }))
    expect(JSON.stringify(stub.requests)).not.toContain(basic(alice))
  })

  it('is asked without credentials where there are none', async () => {
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer public'))
    tokens.on('GET', '/token', { body: '{"token":"public"}' })
    await anyRead()
    expect(tokens.requests[0]?.headers['authorization']).toBeUndefined()
  })

  it('is asked for a new token per repository, and for pushing', async () => {
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer t'))
    stub.on('PUT', '*', door(bearer(realm()), { status: 201 }, 'Bearer t'))
    tokens.on('GET', '/token', { body: '{"token":"t","expires_in":300}' })
    const client = clientFor({ credentials: credentialsOf(stub.host, alice) })
    await anyRead(client)
    await client.tagged(at(stub, 'team/second'), 'v1', context())
    await client.putManifest(at(stub), 'v1', { bytes: bytesOf('x'), mediaType: 'text/plain' }, context())
    const scopes = tokens.requests.map(({ path }) => new URL(path, tokens.url).searchParams.get('scope'))
    expect(scopes).toEqual(['repository:team/app:pull', 'repository:team/second:pull', 'repository:team/app:pull,push'])
  })

  it('is asked once by many requests at the same moment', async () => {
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer t1'))
    tokens.on('GET', '/token', async () => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      return { body: '{"token":"t1"}' }
    })
    const client = clientFor({ credentials: credentialsOf(stub.host, alice) })
    await Promise.all(Array.from({ length: 20 }, () => anyRead(client)))
    expect(tokens.requests).toHaveLength(1)
  })

  it('is asked again when the registry no longer takes the token', async () => {
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer t1'))
    tokens.on('GET', '/token', (_request, count) => ({ body: `{"token":"t${count}","expires_in":300}` }))
    const client = clientFor()
    await anyRead(client)
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer t2'))
    await anyRead(client)
    expect(tokens.requests).toHaveLength(2)
  })

  it('gets nothing twice: a fresh token that is refused ends the attempt', async () => {
    stub.on('GET', '*', bearer(realm()))
    tokens.on('GET', '/token', { body: '{"token":"t1"}' })
    expect(await refusalCode(anyRead())).toBe('access-denied')
    expect(stub.requests).toHaveLength(2)
  })

  it('exchanges an identity token by POST', async () => {
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer t1'))
    tokens.on('POST', '/token', { body: '{"access_token":"t1"}' })
    const identity: Credential = { kind: 'identity-token', token: 'refresh-me' }
    await anyRead(clientFor({ credentials: credentialsOf(stub.host, identity) }))
    const form = new URLSearchParams(tokens.requests[0]?.body.toString())
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'refresh_token',
      client_id: 'sealward',
      service: 'the registry',
      scope: 'repository:team/app:pull',
      refresh_token: 'refresh-me',
    })
  })

  it('gets an identity token as a password where it has no such route', async () => {
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer t1'))
    tokens.on('POST', '/token', { status: 405 })
    tokens.on('GET', '/token', { body: '{"token":"t1"}' })
    const identity: Credential = { kind: 'identity-token', username: 'u', token: 'refresh-me' }
    await anyRead(clientFor({ credentials: credentialsOf(stub.host, identity) }))
    expect(tokens.requests[1]?.headers['authorization']).toBe(
      basic({ kind: 'basic', username: 'u', password: 'refresh-me' }),
    )
  })

  it.each([
    ['500', { status: 500 }],
    ['404', { status: 404 }],
    ['a redirect', { status: 302, headers: { location: '/other' } }],
    ['no JSON', { body: 'token=t1' }],
    ['no token', { body: '{"expires_in":300}' }],
    ['a list', { body: '["t1"]' }],
    ['two tokens of one name', { body: '{"token":"t1","token":"t2"}' }],
    ['a token with a line break', { body: '{"token":"t1\\r\\nX-Evil: 1"}' }],
    ['more than a MiB', { body: `{"token":"${'t'.repeat(1024 * 1024)}"}` }],
  ] as const)('that answers %s is failing', async (_what, reply) => {
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer t1'))
    tokens.on('GET', '/token', reply)
    expect(await refusalCode(anyRead())).toBe('token-service-failing')
  })

  it('that is not there is failing, and says why', async () => {
    stub.on('GET', '*', bearer(realm()))
    await tokens.close()
    const error = await refusal(anyRead())
    expect(error.code).toBe('token-service-failing')
    expect(error.message).toContain('refused')
  })

  it('that throttles is throttled', async () => {
    stub.on('GET', '*', bearer(realm()))
    tokens.on('GET', '/token', { status: 429, headers: { 'retry-after': '120' } })
    expect(await refusalCode(anyRead())).toBe('registry-throttled')
  })

  it('that stalls does not outlast the caller', async () => {
    stub.on('GET', '*', bearer(realm()))
    tokens.on('GET', '/token', () => 'handled')
    const error = await refusal(clientFor().tagged(at(stub), 'v1', context(150)))
    expect(error.code).toBe('token-service-failing')
  })

  it('that hangs is asked anew by who comes seconds later, and not before', async () => {
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer t1'))
    tokens.on('GET', '/token', (_request, count) => (count === 1 ? 'handled' : { body: '{"token":"t1"}' }))
    const client = clientFor()
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1_000)
    const hanging = refusalCode(client.tagged(at(stub), 'v1', context(4_000)))
    await expect.poll(() => tokens.requests.length).toBe(1)
    clock.mockReturnValue(3_999)
    expect(await refusalCode(client.tagged(at(stub), 'v1', context(300)))).toBe('token-service-failing')
    expect(tokens.requests).toHaveLength(1)
    clock.mockReturnValue(4_000)
    expect(await anyRead(client)).not.toBeNull()
    expect(tokens.requests).toHaveLength(2)
    clock.mockRestore()
    expect(await hanging).toBe('token-service-failing')
  })

  it('that refuses a password is no failure: the next credential is tried', async () => {
    stub.on('GET', '*', door(bearer(realm()), found, 'Bearer t-bob'))
    tokens.on('GET', '/token', ({ headers }) =>
      headers['authorization'] === basic(bob) ? { body: '{"token":"t-bob"}' } : { status: 401 },
    )
    await anyRead(clientFor({ credentials: credentialsOf(stub.host, alice, bob) }))
    expect(tokens.requests).toHaveLength(2)
  })
})

describe('a realm that does not belong to the registry', () => {
  it.each([
    ['another host in plain HTTP', (host: string) => `http://localhost:${host.split(':')[1]}/token`],
    ['another address over https', (host: string) => `https://127.0.0.2:${host.split(':')[1]}/token`],
    ['user info', (host: string) => `http://user@${host}/token`],
    ['another scheme', (host: string) => `ftp://${host}/token`],
    ['no URL', () => 'token'],
  ])('gets nothing: %s', async (_what, realmOf) => {
    stub.on('GET', '*', bearer(realmOf(tokens.host)))
    const client = clientFor({ credentials: credentialsOf(stub.host, alice, bob) })
    expect(await refusalCode(anyRead(client))).toBe('realm-refused')
    expect(tokens.requests).toEqual([])
    expect(JSON.stringify(stub.requests)).not.toMatch(new RegExp(secrets.join('|')))
  })
})

describe('several credentials', () => {
  const challenge: Reply = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }

  it('are tried in their order', async () => {
    stub.on('GET', '*', door(challenge, found, basic(bob)))
    await anyRead(clientFor({ credentials: credentialsOf(stub.host, alice, bob) }))
    const sent = stub.requests.map(({ headers }) => headers['authorization'])
    expect(sent).toEqual([undefined, basic(alice), basic(bob)])
  })

  it.each([401, 403, 404])('are tried on after a %i', async (status) => {
    stub.on('GET', '*', ({ headers }) => {
      if (headers['authorization'] === undefined) return challenge
      return headers['authorization'] === basic(bob) ? found : { ...challenge, status }
    })
    expect(await anyRead(clientFor({ credentials: credentialsOf(stub.host, alice, bob) }))).not.toBeNull()
  })

  it('give way to anonymous reading', async () => {
    stub.on('GET', '*', ({ headers }) => (headers['authorization'] === undefined ? found : challenge))
    const client = clientFor({ credentials: credentialsOf(stub.host, alice) })
    expect(await anyRead(client)).not.toBeNull()
  })

  it('that worked goes first the next time, and its 404 is the truth', async () => {
    stub.on('GET', tagPath, door(challenge, found, basic(bob)))
    const client = clientFor({ credentials: credentialsOf(stub.host, alice, bob) })
    await anyRead(client)
    stub.forget()
    stub.on('GET', '/v2/team/app/manifests/none', door(challenge, { status: 404 }, basic(bob)))
    expect(await client.tagged(at(stub), 'none', context())).toBeNull()
    expect(stub.requests.map(({ headers }) => headers['authorization'])).toEqual([basic(bob)])
  })

  it('do not let a 404 for strangers pass as "there is none"', async () => {
    const forAlice: Reply = { status: 403 }
    stub.on('GET', '*', ({ headers }) => (headers['authorization'] === undefined ? { status: 404 } : forAlice))
    stub.on('GET', '/v2/team/first/manifests/v1', door(challenge, found, basic(alice)))
    const client = clientFor({ credentials: credentialsOf(stub.host, alice) })
    // Learns that the host wants Basic.
    await client.tagged(at(stub, 'team/first'), 'v1', context())
    expect(await refusalCode(anyRead(client))).toBe('access-denied')
  })

  it('all say 404: then there is none', async () => {
    stub.on('GET', '*', { status: 404 })
    expect(await anyRead(clientFor({ credentials: credentialsOf(stub.host, alice, bob) }))).toBeNull()
  })

  it('go to their own host only', async () => {
    stub.on('GET', '*', challenge)
    const client = clientFor({ credentials: credentialsOf('127.0.0.1:1', alice) })
    expect(await refusalCode(anyRead(client))).toBe('access-denied')
    expect(stub.requests.map(({ headers }) => headers['authorization'])).toEqual([undefined])
  })

  it('that could not be had are the reason where nothing else gave access', async () => {
    stub.on('GET', '*', challenge)
    const problem = new CodedError('credential-helper-failed', 'the helper is not installed')
    const client = clientFor({ credentials: async () => ({ credentials: [], problems: [problem] }) })
    expect(await refusalCode(anyRead(client))).toBe('credential-helper-failed')
    stub.on('GET', '*', { status: 404 })
    expect(await refusalCode(anyRead(client))).toBe('credential-helper-failed')
    stub.on('GET', '*', found)
    expect(await anyRead(client)).not.toBeNull()
  })
})

describe('what gave no credentials', () => {
  const challenge: Reply = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
  const remark = 'the pull secret team/regcred was not read: there is none'
  const client = () => clientFor({ credentials: async () => ({ credentials: [], problems: [], remarks: [remark] }) })

  it('is told where access is denied, and where a stranger is told that there is nothing', async () => {
    stub.on('GET', '*', challenge)
    stub.on('HEAD', '*', challenge)
    const denied = await refusal(anyRead(client()))
    expect([denied.code, denied.message]).toEqual(['access-denied', expect.stringContaining(`; ${remark}`)])
    stub.on('HEAD', '*', { status: 404 })
    const absent = await refusal(client().resolve(at(stub), 'v1', context()))
    expect([absent.code, absent.message]).toEqual(['image-not-found', expect.stringContaining(`; ${remark}`)])
  })

  it('is no doubt about what a registry says', async () => {
    stub.on('GET', '*', { status: 404 })
    expect(await anyRead(client())).toBeNull()
    stub.on('GET', '*', found)
    expect(await anyRead(client())).not.toBeNull()
  })

  it('is told of the first few only', async () => {
    stub.on('GET', '*', challenge)
    const remarks = Array.from({ length: 32 }, (_, index) => `remark ${index}.`)
    const many = clientFor({ credentials: async () => ({ credentials: [], problems: [], remarks }) })
    const { message } = await refusal(anyRead(many))
    expect(message).toContain('remark 3.; and 28 more')
    expect(message).not.toContain('remark 4.')
  })
})

describe('where credentials come from', () => {
  const challenge: Reply = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
  const from = (credential: Credential, origin: string): Credential => ({ ...credential, origin }) as Credential

  it('is told of each that was refused', async () => {
    stub.on('GET', '*', challenge)
    const client = clientFor({ credentials: credentialsOf(stub.host, from(alice, 'the pull secret team/a'), bob) })
    const { message } = await refusal(anyRead(client))
    expect(message).toContain(
      'with a user name and password of the pull secret team/a: 401; with a user name and password: 401',
    )
    expect(message).not.toContain('alice')
  })

  it('makes no other credential of the same: it is tried once, as of the first that has it', async () => {
    stub.on('GET', '*', challenge)
    const joined = joinCredentials(
      credentialsOf(stub.host, from(alice, 'the pull secret team/a')),
      credentialsOf(stub.host, alice),
    )
    const { message } = await refusal(anyRead(clientFor({ credentials: joined })))
    expect(message.match(/of the pull secret team\/a/g)).toHaveLength(1)
    expect(stub.requests.filter(({ headers }) => headers['authorization'] === basic(alice))).toHaveLength(1)
  })

  it('is joined with what gave none', async () => {
    const joined = joinCredentials(
      async () => ({ credentials: [], problems: [], remarks: ['one'] }),
      async () => ({ credentials: [], problems: [] }),
      async () => ({ credentials: [], problems: [], remarks: ['two'] }),
    )
    expect(await joined(at(stub), 'x', context().signal)).toEqual({
      credentials: [],
      problems: [],
      remarks: ['one', 'two'],
    })
  })
})

describe('other ways in', () => {
  it('sends a registry token at once', async () => {
    stub.on('GET', '*', door({ status: 401 }, found, 'Bearer rt'))
    await anyRead(clientFor({ credentials: credentialsOf(stub.host, { kind: 'registry-token', token: 'rt' }) }))
    expect(stub.requests).toHaveLength(1)
  })

  it('denies where only unknown schemes are offered', async () => {
    stub.on('GET', '*', { status: 401, headers: { 'www-authenticate': ['Negotiate', 'NTLM'] } })
    const client = clientFor({ credentials: credentialsOf(stub.host, alice) })
    expect(await refusalCode(anyRead(client))).toBe('access-denied')
    expect(JSON.stringify(stub.requests)).not.toContain('alice')
  })

  it('refuses a challenge that can be read in two ways', async () => {
    const header = `Bearer realm="http://${tokens.host}/a",realm="http://${tokens.host}/b"`
    stub.on('GET', '*', { status: 401, headers: { 'www-authenticate': header } })
    expect(await refusalCode(anyRead())).toBe('registry-protocol')
    expect(tokens.requests).toEqual([])
  })

  it('names in a denial the repository and what was tried, but no secret', async () => {
    stub.on('GET', '*', { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } })
    const { message } = await refusal(anyRead(clientFor({ credentials: credentialsOf(stub.host, alice) })))
    expect(message).toContain('team/app')
    expect(message).toContain('with a user name and password: 401')
    expect(message).not.toMatch(/alice/)
  })

  it('reads a blob with the same token', async () => {
    const blob = bytesOf('payload')
    const realm = `http://${tokens.host}/token`
    stub.on('GET', '*', door(bearer(realm), { body: blob }, 'Bearer t1'))
    tokens.on('GET', '/token', { body: '{"token":"t1"}' })
    const client = clientFor()
    await anyRead(client)
    await client.blob(at(stub), digestOf(blob), 100, context())
    expect(stub.requests.length + tokens.requests.length).toBe(4)
  })
})
