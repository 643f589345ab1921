import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askCredentialHelper } from '#io/registry/credential-helper.ts'
import { joinCredentials } from '#io/registry/credentials.ts'
import { parseDockerConfig } from '#io/registry/docker-config.ts'
import { dockerConfigPath, dockerCredentials, loadDockerConfig } from '#io/registry/docker-config-file.ts'
import { refusal, refusalCode } from '../../support/coded.ts'

let folder: string
const path = process.env['PATH']
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealward-docker-config-'))
  process.env['PATH'] = `${folder}${delimiter}${path}`
})
afterEach(async () => {
  process.env['PATH'] = path
  await rm(folder, { recursive: true, force: true })
})

const signal = () => AbortSignal.timeout(15_000)
const at = { registry: 'r.example', repository: 'team/app' }
const one = '{"auths":{"r.example":{"username":"u","password":"p"}}}'

async function helper(name: string, script: string): Promise<void> {
  const file = join(folder, `docker-credential-${name}`)
  await writeFile(file, `#!/bin/sh\ncd '${folder}'\n${script}\n`)
  await chmod(file, 0o755)
}

describe('the place of the config', () => {
  it('is what podman, docker or the home directory say, in this order', () => {
    const all = { REGISTRY_AUTH_FILE: '/a/auth.json', DOCKER_CONFIG: '/d', HOME: '/h' }
    expect(dockerConfigPath(all)).toBe('/a/auth.json')
    expect(dockerConfigPath({ ...all, REGISTRY_AUTH_FILE: '' })).toBe('/d/config.json')
    expect(dockerConfigPath({ HOME: '/h' })).toBe('/h/.docker/config.json')
    expect(dockerConfigPath({})).toBeUndefined()
  })

  it('may be empty: then there are no credentials', async () => {
    expect(await loadDockerConfig({ DOCKER_CONFIG: folder })).toEqual({ auths: [], credHelpers: [] })
    expect(await loadDockerConfig({})).toEqual({ auths: [], credHelpers: [] })
  })

  it('is read', async () => {
    await writeFile(join(folder, 'config.json'), one)
    const config = await loadDockerConfig({ DOCKER_CONFIG: folder })
    const found = await dockerCredentials(config, { helpers: true })(at, 'test', signal())
    expect(found).toEqual({ credentials: [{ kind: 'basic', username: 'u', password: 'p' }], problems: [] })
  })

  it.each([
    ['broken', '{"auths":'],
    ['too large', `{"x":"${'x'.repeat(1024 * 1024)}"}`],
  ])('is named where the file is %s', async (_what, text) => {
    await writeFile(join(folder, 'config.json'), text)
    const error = await refusal(loadDockerConfig({ DOCKER_CONFIG: folder }))
    expect(error.code).toBe('docker-config-malformed')
    expect(error.message).toContain(join(folder, 'config.json'))
  })

  it('that cannot be read is not taken for none', async () => {
    await mkdir(join(folder, 'config.json'))
    expect(await refusalCode(loadDockerConfig({ DOCKER_CONFIG: folder }))).toBe('file-unreadable')
  })
})

describe('a credential helper', () => {
  it('is asked with the server on its input', async () => {
    await helper('ok', `cat > asked; echo "$1" > verb; echo '{"ServerURL":"x","Username":"u","Secret":"s"}'`)
    expect(await askCredentialHelper('ok', 'r.example', signal())).toEqual({
      kind: 'basic',
      username: 'u',
      password: 's',
    })
    expect(await readFile(join(folder, 'asked'), 'utf8')).toBe('r.example')
    expect(await readFile(join(folder, 'verb'), 'utf8')).toBe('get\n')
  })

  it('may give an identity token', async () => {
    await helper('token', `echo '{"Username":"<token>","Secret":"s"}'`)
    expect(await askCredentialHelper('token', 'r.example', signal())).toEqual({ kind: 'identity-token', token: 's' })
  })

  it('may have nothing', async () => {
    await helper('none', 'echo "credentials not found in native keychain"; exit 1')
    expect(await askCredentialHelper('none', 'r.example', signal())).toBeUndefined()
  })

  it('that prints what it knows and fails is not quoted', async () => {
    await helper('bad', `echo '{"Username":"u","Secret":"hunter2"}'; exit 1`)
    const error = await refusal(askCredentialHelper('bad', 'r.example', signal()))
    expect([error.code, error.message]).toEqual([
      'credential-helper-failed',
      'the credential helper docker-credential-bad ended with exit code 1',
    ])
  })

  it.each([
    ['fails', 'echo "locked"; exit 1'],
    ['answers no JSON', 'echo hello'],
    ['answers a list', 'echo []'],
    ['leaves out the secret', `echo '{"Username":"u"}'`],
    ['names a member twice', `echo '{"Username":"u","Secret":"a","Secret":"b"}'`],
    ['talks without end', 'while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done'],
  ])('that %s has failed', async (_what, script) => {
    await helper('bad', script)
    expect(await refusalCode(askCredentialHelper('bad', 'r.example', signal()))).toBe('credential-helper-failed')
  })

  it('that is not installed has failed, and the message says so', async () => {
    const error = await refusal(askCredentialHelper('absent', 'r.example', signal()))
    expect(error.code).toBe('credential-helper-failed')
    expect(error.message).toContain('docker-credential-absent is not installed')
  })

  it('that hangs does not outlast the caller', async () => {
    await helper('slow', 'exec sleep 30')
    const start = performance.now()
    const work = askCredentialHelper('slow', 'r.example', AbortSignal.timeout(200))
    expect((await refusal(work)).message).toContain('in time')
    expect(performance.now() - start).toBeLessThan(5000)
  })

  it.each(['../evil', 'a b', 'a/b', ''])('of the name "%s" is never run', async (name) => {
    expect(await refusalCode(askCredentialHelper(name, 'r.example', signal()))).toBe('credential-helper-failed')
  })
})

describe('credentials of a config', () => {
  const config = parseDockerConfig('{"auths":{"r.example":{"username":"u","password":"p"}},"credsStore":"count"}')
  const counting = `echo x >> runs; echo '{"Username":"h","Secret":"s"}'`

  it('are those of the file, then the one of the helper, which runs once for many', async () => {
    await helper('count', counting)
    const lookup = dockerCredentials(config, { helpers: true })
    const [found] = await Promise.all([1, 2, 3].map(() => lookup(at, 'test', signal())))
    await lookup(at, 'test', signal())
    expect(found?.credentials.map((each) => each.kind === 'basic' && each.username)).toEqual(['u', 'h'])
    expect(await readFile(join(folder, 'runs'), 'utf8')).toBe('x\n')
  })

  it('come without running anything where the config is somebody else’s', async () => {
    await helper('count', counting)
    const found = await dockerCredentials(config, { helpers: false })(at, 'test', signal())
    expect(found.credentials).toHaveLength(1)
    await expect(readFile(join(folder, 'runs'))).rejects.toThrow()
  })

  it('come with the problem where the helper failed', async () => {
    const found = await dockerCredentials(config, { helpers: true })(at, 'test', signal())
    expect(found.credentials).toHaveLength(1)
    expect(found.problems.map((each) => each.code)).toEqual(['credential-helper-failed'])
  })

  it('of several configs come in their order, each once', async () => {
    const first = dockerCredentials(parseDockerConfig(one), { helpers: false })
    const second = dockerCredentials(parseDockerConfig('{"auths":{"r.example":{"username":"v","password":"p"}}}'), {
      helpers: false,
    })
    const found = await joinCredentials(first, second, first)(at, 'test', signal())
    expect(found.credentials.map((each) => each.kind === 'basic' && each.username)).toEqual(['u', 'v'])
  })
})
