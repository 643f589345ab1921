// Who is asked, and as whom: what of a kubeconfig is taken, and what is refused before anything is sent.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openKubeAccess } from '#io/kube/access.ts'
import { createKubeClient } from '#io/kube/client.ts'
import { openKube } from '#io/kube/kube.ts'
import { refusal } from '../../support/coded.ts'
import { FakeApiServer } from '../../support/fake-api-server.ts'
import { loopbackTls } from '../../support/loopback-tls.ts'
import { missing, titled } from '../../support/tools.ts'

const path = '/api/v1/namespaces/a/configmaps'

describe.skipIf(missing('openssl'))(titled('access to an API server', 'openssl'), () => {
  let fake: FakeApiServer
  let folder: string
  beforeAll(async () => {
    fake = await FakeApiServer.start()
    folder = await mkdtemp(join(tmpdir(), 'sealward-kubeconfig-'))
  })
  afterAll(async () => {
    await fake?.stop()
    await rm(folder, { recursive: true, force: true })
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.useRealTimers()
  })
  const file = async (text: string) => {
    const name = join(folder, `${Math.random()}`)
    await writeFile(name, text)
    return name
  }
  const open = async (...args: Parameters<FakeApiServer['kubeconfig']>) =>
    openKubeAccess({ kubeconfig: await fake.kubeconfig(...args) })
  const ask = async (...args: Parameters<FakeApiServer['kubeconfig']>) =>
    createKubeClient(await open(...args)).send({ method: 'GET', path })

  test('is what the context of a kubeconfig names', async () => {
    const kube = await openKube({ kubeconfig: await fake.kubeconfig({}, { token: 'good' }, { namespace: 'trust' }) })
    expect(kube).toMatchObject({ server: fake.url, namespace: 'trust', isInside: false })
    expect(await kube.send({ method: 'GET', path })).toMatchObject({ items: [] })
    expect((await open({}, { token: 'good' }, { namespace: 'default' })).namespace).toBe('default')
  })

  test('that names no namespace means that of the installation, not the one of everybody’s Pods', async () => {
    expect((await open()).namespace).toBe('sealward')
  })

  test('is found by KUBECONFIG', async () => {
    vi.stubEnv('KUBECONFIG', await fake.kubeconfig({}, { token: 'good' }, { namespace: 'by-environment' }))
    expect((await openKubeAccess()).namespace).toBe('by-environment')
  })

  test('is refused with what was looked for where there is nothing', async () => {
    vi.stubEnv('KUBECONFIG', '')
    vi.stubEnv('HOME', folder)
    expect(await refusal(openKubeAccess())).toMatchObject({
      code: 'kube-config',
      message: expect.stringContaining('no --kubeconfig, no KUBECONFIG, no ~/.kube/config and no service account'),
    })
  })

  test.each<[string, Parameters<FakeApiServer['kubeconfig']>, RegExp]>([
    ['without TLS', [{ server: 'http://127.0.0.1:1' }], /must be reached by https|HTTP protocol is not allowed/],
    [
      'without its certificate being checked',
      [{ 'insecure-skip-tls-verify': true }],
      /insecure-skip-tls-verify is not/,
    ],
    ['by a proxy', [{ 'proxy-url': 'http://127.0.0.1:1' }], /proxy-url is not supported/],
    ['at no address', [{ server: 'nonsense' }], /must be reached by https/],
    ['by a password', [{}, { username: 'me', password: 'pw' }], /a user name with a password/],
    ['in a namespace that cannot be', [{}, { token: 'good' }, { namespace: '../a' }], /the namespace of the context/],
    ['of a cluster that is not named', [{}, { token: 'good' }, { cluster: 'other' }], /names no cluster/],
  ])('%s is refused', async (_, args, message) => {
    const error = await refusal(ask(...args))
    expect(error).toMatchObject({ code: 'kube-config', message: expect.stringMatching(message) })
  })

  test.each([
    ['is not there', '/nowhere/kubeconfig', /ENOENT/],
    ['is a folder', '/', /EISDIR/],
  ])('by a file that %s is refused', async (_, kubeconfig, message) => {
    expect(await refusal(openKubeAccess({ kubeconfig }))).toMatchObject({
      code: 'kube-config',
      message: expect.stringMatching(message),
    })
  })

  test.each([
    ['nothing', ''],
    ['a text', 'hello'],
    ['no YAML', 'users:\n- user: {token: s3cr3t-token\n  *s3cr3t-token: ['],
    ['members of other kinds', '{"users":"s3cr3t-token","clusters":4,"contexts":{}}'],
    ['a key that is none', JSON.stringify({ users: [{ name: 'u', user: { 'client-key-data': 's3cr3t-token' } }] })],
  ])('by a file that holds %s is refused, and what stands there is not told', async (_, text) => {
    const error = await refusal(openKubeAccess({ kubeconfig: await file(text) }))
    expect(error.code).toBe('kube-config')
    expect(error.message).toMatch(/^access to the API server: .{5,300}$/)
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('s3cr3t')
  })

  test('by a program that fails, or says no credential, is refused without what it said on success', async () => {
    const exec = (script: string) => ({ exec: { command: 'sh', args: ['-c', script], apiVersion: 'v1' } })
    const failed = await refusal(ask({}, exec('echo no such profile >&2; exit 3')))
    expect(failed).toMatchObject({ code: 'kube-config', message: 'access to the API server: no such profile' })
    const nonsense = await refusal(ask({}, exec('echo s3cr3t-token')))
    expect(nonsense.code).toBe('kube-config')
    expect(inspect(nonsense, { depth: 20 })).not.toContain('s3cr3t')
    const credential = JSON.stringify({ kind: 'ExecCredential', status: { token: 'good' } })
    expect(await ask({}, exec(`echo '${credential}'`))).toMatchObject({ items: [] })
  })

  test('is that of the authority that is named, whatever the environment says', async () => {
    expect(await ask()).toMatchObject({ items: [] })
    const stranger = Buffer.from((await loopbackTls()).certificate).toString('base64')
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const before = fake.requests.length
    expect((await refusal(ask({ 'certificate-authority-data': stranger }))).code).toBe('kube-unreachable')
    expect((await refusal(ask({ 'tls-server-name': 'elsewhere.example' }))).code).toBe('kube-unreachable')
    expect(fake.requests.length).toBe(before)
    expect(await ask({ 'tls-server-name': 'localhost' })).toMatchObject({ items: [] })
  })

  test('has the token that stands in the file now', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const tokenFile = await file('bad')
    const config = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } }
    const client = createKubeClient(await open({}, config))
    expect((await refusal(client.send({ method: 'GET', path }))).code).toBe('kube-unauthenticated')
    await writeFile(tokenFile, 'good')
    vi.advanceTimersByTime(61_000)
    expect(await client.send({ method: 'GET', path })).toMatchObject({ items: [] })
  })
})
