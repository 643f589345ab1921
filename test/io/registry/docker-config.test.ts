import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { credentialsFor, helperFor, parseDockerConfig, parseLegacyDockerConfig } from '#io/registry/docker-config.ts'
import { refusal } from '../../support/coded.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const auth = (name: string) => ({ auth: base64(`${name}:${name}-password`) })
const users = (auths: Record<string, unknown>, registry: string, repository = 'team/app') =>
  credentialsFor(parseDockerConfig(JSON.stringify({ auths })), { registry, repository }).map((each) =>
    each.kind === 'basic' ? each.username : each.kind,
  )

describe('a .dockercfg', () => {
  it('is what auths hold, and nothing around it', () => {
    const config = parseLegacyDockerConfig(JSON.stringify({ 'https://r.example/v1/': auth('alice') }))
    expect(credentialsFor(config, { registry: 'r.example', repository: 'a' })).toEqual([
      { kind: 'basic', username: 'alice', password: 'alice-password' },
    ])
    expect(credentialsFor(config, { registry: 'other.example', repository: 'a' })).toEqual([])
  })

  it('names no helpers, whatever it says', () => {
    const config = parseLegacyDockerConfig('{"credHelpers":{"r.example":"evil"}}'.replace('"evil"', '{}'))
    expect(config.credHelpers).toEqual([])
    expect(helperFor(config, { registry: 'r.example', repository: 'a' })).toBeUndefined()
  })

  it('that is none is refused', () => {
    for (const text of ['[]', '', '{"r.example":"u:p"}', '{"credsStore":"evil"}']) {
      expect(() => parseLegacyDockerConfig(text)).toThrow(CodedError)
    }
  })
})

describe('a docker config', () => {
  it.each([
    [{ auth: base64('u:p') }, { kind: 'basic', username: 'u', password: 'p' }],
    [{ auth: base64('u:p:with:colons') }, { kind: 'basic', username: 'u', password: 'p:with:colons' }],
    [{ auth: base64('u:p\0\0') }, { kind: 'basic', username: 'u', password: 'p' }],
    [{ auth: base64('ü:ö') }, { kind: 'basic', username: 'ü', password: 'ö' }],
    [
      { username: 'u', password: 'p', email: 'x@y' },
      { kind: 'basic', username: 'u', password: 'p' },
    ],
    [
      { auth: base64('old:old'), username: 'u', password: 'p' },
      { kind: 'basic', username: 'u', password: 'p' },
    ],
    [{ identitytoken: 't' }, { kind: 'identity-token', token: 't' }],
    [
      { auth: base64('u:'), identitytoken: 't' },
      { kind: 'identity-token', username: 'u', token: 't' },
    ],
    [
      { registrytoken: 't', auth: base64('u:p') },
      { kind: 'registry-token', token: 't' },
    ],
  ])('reads %j', (entry, credential) => {
    const config = parseDockerConfig(JSON.stringify({ auths: { 'r.example': entry } }))
    expect(credentialsFor(config, { registry: 'r.example', repository: 'a' })).toEqual([credential])
  })

  it('ignores what it does not know, and entries that docker left empty', () => {
    const config = parseDockerConfig('{"HttpHeaders":{"a":1},"psFormat":"x","auths":{"r.example":{}},"credsStore":""}')
    expect(config).toEqual({ auths: [], credHelpers: [] })
    expect(parseDockerConfig('{"auths":null}').auths).toEqual([])
  })

  it.each([
    ['no JSON', 'auths: {}'],
    ['nothing', ''],
    ['a list', '[]'],
    ['auths that are a list', '{"auths":[]}'],
    ['an entry that is a text', '{"auths":{"r.example":"u:p"}}'],
    ['an auth that is no base64', '{"auths":{"r.example":{"auth":"u:p"}}}'],
    ['an auth without a colon', `{"auths":{"r.example":{"auth":"${base64('up')}"}}}`],
    ['an auth that is no text', '{"auths":{"r.example":{"auth":1}}}'],
    ['a user without a password', '{"auths":{"r.example":{"username":"u"}}}'],
    ['a registry token with a line break', '{"auths":{"r.example":{"registrytoken":"a\\nb"}}}'],
    ['a key without a host', '{"auths":{"https://":{"auth":"dTpw"}}}'],
    ['a key with user info', '{"auths":{"https://u@r.example":{"auth":"dTpw"}}}'],
    ['a host twice', '{"auths":{"r.example":{},"r.example":{}}}'],
    ['a helper with a path', '{"credHelpers":{"r.example":"../evil"}}'],
    ['a store with a blank', '{"credsStore":"a b"}'],
  ])('is refused with %s', (_what, text) => {
    expect(() => parseDockerConfig(text)).toThrow(expect.objectContaining({ code: 'docker-config-malformed' }))
  })

  it('never shows a secret in a message', () => {
    for (const text of [
      '{"auths":{"r.example":{"password":"hunter2"}}}',
      '{"auths":{"r.example":{"auth":"hunter2="}}}',
      '{"auths":{"r.example":{"username":"u","password":"hunter2" oops}}}',
    ]) {
      try {
        parseDockerConfig(text)
        expect.unreachable()
      } catch (error) {
        expect(String(error)).not.toContain('hunter2')
      }
    }
  })

  it('of any JSON is read or refused with a code', () => {
    const part = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.dictionary(fc.string(), fc.string()))
    const entries = fc.dictionary(fc.constantFrom('r.example', 'https://x/v1/', '*.y', ''), part)
    const config = fc.record({ auths: fc.oneof(entries, part), credHelpers: fc.oneof(entries, part), credsStore: part })
    fc.assert(
      fc.property(config, (value) => {
        try {
          parseDockerConfig(JSON.stringify(value))
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError)
        }
      }),
    )
  })
})

describe('an entry', () => {
  it.each([
    ['r.example', 'r.example', true],
    ['https://r.example', 'r.example', true],
    ['http://r.example/', 'r.example', true],
    ['https://r.example/v1/', 'r.example', true],
    ['https://r.example/v2/', 'r.example', true],
    ['R.Example', 'r.example', true],
    ['r.example', 'r.example:5000', false],
    ['r.example:5000', 'r.example:5000', true],
    ['r.example:5000', 'r.example', false],
    ['r.example:443', 'r.example', true],
    ['r.example', 'r.example:443', true],
    ['example', 'r.example', false],
    ['r.example', 'evil-r.example', false],
    ['r.example', 'r.example.evil.test', false],
    ['r.exampl', 'r.example', false],
    ['*.example', 'r.example', true],
    ['*.example', 'a.r.example', false],
    ['*.example', '.example.evil.test', false],
    ['*.azurecr.io', 'x.azurecr.io.evil.test', false],
    ['a*c.example', 'abc.example', true],
    ['a*c.example', 'ac.example', true],
    ['a*c.example', 'a.c.example', false],
    ['https://index.docker.io/v1/', 'docker.io', true],
    ['docker.io', 'docker.io', true],
    ['registry-1.docker.io', 'docker.io', true],
    ['https://hub.docker.com', 'docker.io', false],
    ['[::1]:5000', '[::1]:5000', true],
  ])('for %s speaks for %s: %s', (key, registry, expected) => {
    expect(users({ [key]: auth('u') }, registry)).toEqual(expected ? ['u'] : [])
  })

  it('with a path speaks for what lies below it, segment by segment', () => {
    const auths = { 'r.example/team': auth('team'), 'r.example/team/app': auth('app'), 'r.example': auth('all') }
    expect(users(auths, 'r.example', 'team/app')).toEqual(['app', 'team', 'all'])
    expect(users(auths, 'r.example', 'team/other')).toEqual(['team', 'all'])
    expect(users(auths, 'r.example', 'team/app2')).toEqual(['team', 'all'])
    expect(users(auths, 'r.example', 'teams/app')).toEqual(['all'])
    expect(users(auths, 'other.example', 'team/app')).toEqual([])
  })

  it.each([
    ['a credential', auth('u')],
    ['a mistake', { auth: 7 }],
  ])('whose key holds a password, with %s, is refused without telling it', async (_what, entry) => {
    const config = JSON.stringify({ auths: { 'https://user:hunter2@r.example': entry } })
    const error = await refusal((async () => parseDockerConfig(config))())
    expect(error.code).toBe('docker-config-malformed')
    expect(error.message).toContain('…@r.example')
    expect(error.message).not.toMatch(/hunter2|user/)
  })

  it('of a host is not given to a name that only looks like a property', () => {
    expect(users({ 'r.example': auth('u') }, '__proto__')).toEqual([])
    expect(users({ 'r.example': auth('u') }, 'constructor')).toEqual([])
  })
})

describe('a helper', () => {
  const config = parseDockerConfig('{"credHelpers":{"r.example":"own","docker.io":"hub"},"credsStore":"store"}')
  it.each([
    ['r.example', { helper: 'own', server: 'r.example' }],
    ['other.example', { helper: 'store', server: 'other.example' }],
    ['docker.io', { helper: 'hub', server: 'https://index.docker.io/v1/' }],
  ])('of %s is the nearest one', (registry, expected) => {
    expect(helperFor(config, { registry, repository: 'a' })).toEqual(expected)
  })

  it('is nobody where none is named', () => {
    expect(helperFor(parseDockerConfig('{}'), { registry: 'r.example', repository: 'a' })).toBeUndefined()
  })
})
