import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outputs } from '#app/cli/output.ts'
import type { DemoRegistry } from '#app/demo/registry.ts'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { runCli, runHere, tempFolder } from '../../support/cli.ts'
import { freePort } from '../../support/free-port.ts'
import { pushImage, pushIndex } from '../../support/images.ts'

let registry: DemoRegistry
let folder: Awaited<ReturnType<typeof tempFolder>>
const env = { COSIGN_PASSWORD: 'correct horse' }

beforeAll(async () => {
  registry = await startDemoRegistry()
  folder = await tempFolder()
  const made = await Promise.all([
    runCli(['keys', 'generate'], { cwd: folder.path, env }),
    runCli(['keys', 'generate', '--kind', 'ed25519', '--output-key-prefix', 'other'], { cwd: folder.path, env }),
  ])
  expect(made.map(({ code, stderr }) => [code, stderr])).toEqual([
    [0, 'Private key written to cosign.key\nPublic key written to cosign.pub\n'],
    [0, 'Private key written to other.key\nPublic key written to other.pub\n'],
  ])
})

afterAll(async () => {
  await registry?.close()
  await folder?.remove()
})

const cli = (line: string, more: Readonly<Record<string, string>> = {}) =>
  runHere(line, { cwd: folder.path, env: { ...env, ...more } })

describe('from making a key to trusting an image', () => {
  test('what is signed is trusted by that key, and by no other', async () => {
    const { reference, digest, pinned } = await pushImage(registry.host, 'team/app', 'v1')
    const before = await cli(`verify --key @cosign.pub ${reference}`)
    expect(before.code).toBe(1)
    expect(before.stdout).toContain('code: signature-missing')

    const signed = await cli(`sign --key @cosign.key ${reference}`)
    expect(signed.code).toBe(0)
    expect(signed.stderr).toContain(`Pushing signature to: ${registry.host}/team/app`)
    expect(signed.stderr).toContain(`warning: ${reference} is ${digest} now`)
    expect(signed.stdout).toContain(`signed  ${pinned}`)

    const [ours, theirs] = await Promise.all([
      cli(`verify --key @cosign.pub ${reference}`),
      cli(`verify --key @other.pub ${reference}`),
    ])
    expect(ours.code).toBe(0)
    expect(ours.stdout).toMatch(new RegExp(`^trusted {2}${reference}\n {2}digest: ${digest}\n`))
    expect(theirs.code).toBe(1)
    expect(theirs.stdout).toContain('code: signature-by-stranger')
  })

  test('the same by the program itself, with its exit codes', async () => {
    const { pinned } = await pushImage(registry.host, 'team/program', 'v1')
    const program = (...args: string[]) => runCli(args, { cwd: folder.path, env })
    expect((await program('verify', '--key', 'cosign.pub', pinned)).code).toBe(1)
    expect((await program('sign', '--key', 'cosign.key', pinned)).code).toBe(0)
    const runs = await Promise.all([
      program('verify', '--key', 'cosign.pub', pinned),
      program('verify', '--key', 'other.pub', pinned),
      program('verify', '--key', 'cosign.pub', `${registry.host}/team/nothing:v1`),
      program('verify', '--key', 'cosign.pub', 'UPPER'),
    ])
    expect(runs.map(({ code }) => code)).toEqual([0, 1, 3, 2])
  })

  test('a digest is signed without a warning; of several keys any will do', async () => {
    const { pinned } = await pushImage(registry.host, 'team/pinned', null)
    const signed = await cli(`sign --key @other.key ${pinned}`)
    expect(signed.stderr).not.toContain('warning')
    expect((await cli(`verify --key @cosign.pub --key @other.pub ${pinned}`)).code).toBe(0)
  })

  test('a second signer leaves the first one’s signature where it is', async () => {
    const { pinned } = await pushImage(registry.host, 'team/two', 'v1')
    await cli(`sign --key @cosign.key ${pinned}`)
    await cli(`sign --key @other.key ${pinned}`)
    const both = await Promise.all([
      cli(`verify --key @cosign.pub ${pinned}`),
      cli(`verify --key @other.pub ${pinned}`),
    ])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
  })

  test('a bundle is trusted as well, and the other format beside it is warned of', async () => {
    const { pinned } = await pushImage(registry.host, 'team/bundle', 'v1')
    const signed = await cli(`sign --format bundle --key @cosign.key ${pinned}`)
    expect([signed.code, signed.stderr]).toEqual([0, `Pushing signature to: ${registry.host}/team/bundle\n`])
    expect((await cli(`verify --key @cosign.pub ${pinned}`)).code).toBe(0)
    const second = await cli(`sign --format cosign --key @cosign.key ${pinned}`)
    expect(second.stderr).toContain('cosign 2.6 verifies neither when both are there')
  })

  test('claims must be there, each with its value', async () => {
    const { pinned } = await pushImage(registry.host, 'team/claims', 'v1')
    await cli(`sign --key @cosign.key -a env=prod -a team=a ${pinned}`)
    const runs = await Promise.all([
      cli(`verify --key @cosign.pub -a env=prod ${pinned}`),
      cli(`verify --key @cosign.pub -a env=test ${pinned}`),
    ])
    expect(runs.map(({ code }) => code)).toEqual([0, 1])
    expect(runs[1]?.stdout).toContain('code: annotation-mismatch')
  })

  test('the name inside the signature counts when it is asked for', async () => {
    const { pinned } = await pushImage(registry.host, 'team/named', 'v1')
    await cli(`sign --key @cosign.key ${pinned}`)
    const runs = await Promise.all([
      cli(`verify --key @cosign.pub --identity MatchRepository ${pinned}`),
      cli(`verify --key @cosign.pub --identity ExactRepository=${registry.host}/team/named ${pinned}`),
      cli(`verify --key @cosign.pub --identity ExactRepository=${registry.host}/team/other ${pinned}`),
    ])
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 1])
    expect(runs[2]?.stdout).toContain('code: identity-mismatch')
  })

  test('signatures may lie in a repository of their own, by flag or by COSIGN_REPOSITORY', async () => {
    const { pinned } = await pushImage(registry.host, 'team/elsewhere', 'v1')
    const store = `${registry.host}/signatures`
    const signed = await cli(`sign --key @cosign.key --signature-repository ${store} ${pinned}`)
    expect(signed.stderr).toContain(`Pushing signature to: ${store}`)
    const runs = await Promise.all([
      cli(`verify --key @cosign.pub ${pinned}`),
      cli(`verify --key @cosign.pub --signature-repository ${store} ${pinned}`),
      cli(`verify --key @cosign.pub ${pinned}`, { COSIGN_REPOSITORY: store }),
    ])
    expect(runs.map(({ code }) => code)).toEqual([1, 0, 0])
  })

  test('--recursive signs the index and every image in it; without it, the index alone', async () => {
    const index = await pushIndex(registry.host, 'team/index', 'v1')
    const { code, stdout } = await cli(`sign --recursive --key @cosign.key ${index.pinned} -o json`)
    expect(code).toBe(0)
    const report = outputs.signing.schema.parse(JSON.parse(stdout))
    const digests = [...index.images.map(({ digest }) => digest), index.digest]
    expect(report.signed.map(({ reference }) => reference.split('@')[1])).toEqual(digests)

    const alone = await pushIndex(registry.host, 'team/alone', 'v1')
    await cli(`sign --key @cosign.key ${alone.pinned}`)
    const [whole, child] = await Promise.all([
      cli(`verify --key @cosign.pub ${alone.pinned}`),
      cli(`verify --key @cosign.pub ${alone.images[0]?.pinned}`),
    ])
    expect([whole.code, child.code]).toEqual([0, 1])
  })

  test('signers at the same time do not lose each other’s signatures', async () => {
    const { pinned } = await pushImage(registry.host, 'team/race', 'v1')
    const keys = ['cosign', 'other', 'cosign', 'other']
    const signed = await Promise.all(keys.map((key) => cli(`sign --key @${key}.key ${pinned}`)))
    expect(signed.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    const both = await Promise.all(['cosign', 'other'].map((key) => cli(`verify --key @${key}.pub ${pinned}`)))
    expect(both.map(({ code }) => code)).toEqual([0, 0])
  })
})

describe('what cannot be found out is neither trusted nor unsigned', () => {
  test('a registry that is down: 3', async () => {
    const { code, stdout } = await cli(`verify --key @cosign.pub 127.0.0.1:${await freePort()}/a:1`)
    expect(code).toBe(3)
    expect(stdout).toContain('code: registry-unreachable')
  })

  test('an image that is not there: 3, whether verified or signed', async () => {
    const missing = `${registry.host}/team/none@sha256:${'0'.repeat(64)}`
    const [verified, signed] = await Promise.all([
      cli(`verify --key @cosign.pub ${registry.host}/team/none:v1`),
      cli(`sign --key @cosign.key ${missing}`),
    ])
    expect([verified.code, signed.code]).toEqual([3, 3])
    expect(signed.stderr).toContain(`${missing} is not in the registry, so it is not signed`)
    expect(signed.stderr).toContain('code: image-not-found')
  })

  test('of several images the worst counts: untrusted before undetermined before trusted', async () => {
    const good = await pushImage(registry.host, 'team/good', 'v1')
    const bad = await pushImage(registry.host, 'team/bad', 'v1')
    await cli(`sign --key @cosign.key ${good.pinned}`)
    const none = `${registry.host}/team/none:v1`
    const runs = await Promise.all([
      cli(`verify --key @cosign.pub ${good.reference} ${none}`),
      cli(`verify --key @cosign.pub ${good.reference} ${none} ${bad.reference}`),
      cli(`verify --key @cosign.pub ${good.reference} ${bad.reference} UPPER`),
    ])
    expect(runs.map(({ code }) => code)).toEqual([3, 1, 2])
  })
})

describe('usage and configuration: 2, before the registry is asked', () => {
  test.each([
    ['verify --key @cosign.pub UPPER/case', 'not an image name'],
    ['verify --key @nowhere.pub a/b', '/nowhere.pub: '],
    ['verify --key @cosign.key a/b', 'not a public key'],
    ['verify --key k8s://ns/name a/b', 'k8s:// is not supported yet'],
    ['verify a/b', 'give --key FILE (a public key) or --policy FILE|DIR'],
    ['verify --key @cosign.pub --policy @p.yaml a/b', 'contradict each other'],
    ['verify --policy @p.yaml -a x=y a/b', '--annotation goes with --key'],
    ['verify --key @cosign.pub -a xy a/b', 'write key=value'],
    ['verify --key @cosign.pub -a x=1 -a x=2 a/b', 'x is given twice'],
    ['verify --key @cosign.pub --identity Same a/b', 'the types are Any, MatchExact'],
    ['verify --key @cosign.pub --identity RemapIdentity=a a/b', 'write RemapIdentity=PREFIX=SIGNEDPREFIX'],
    ['verify --key @cosign.pub --identity ExactReference=UPPER a/b', 'not an image name'],
    ['verify --key @cosign.pub --signature-repository a/b:v1 a/b', 'must have neither tag nor digest'],
    ['verify --key @cosign.pub --timeout soon a/b', 'write a time between 1ms and 60m'],
    ['verify --key @cosign.pub --registry-ca @cosign.pub a/b', 'the file holds no certificate'],
    ['verify --key @cosign.pub --insecure-registry http://x a/b', '--insecure-registry http://x: not a host'],
    ['sign a/b', 'the private key is missing'],
    ['sign --key @cosign.pub a/b', 'not a sealed private key'],
    ['sign --key @nowhere.key a/b', '/nowhere.key: '],
  ])('%s', async (line, message) => {
    const { code, stdout, stderr } = await cli(line)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })

  test('a public key where a private one is wanted, before any password', async () => {
    const { code, stderr } = await runHere('sign --key @cosign.pub a/b', { cwd: folder.path })
    expect(code).toBe(2)
    expect(stderr).toContain('cosign.pub: not a sealed private key: this holds only the public half')
    expect(stderr).not.toContain('password')
  })

  test('neighbour: a private key asks for its password', async () => {
    const { code, stderr } = await runHere('sign --key @cosign.key a/b', { cwd: folder.path })
    expect([code, stderr]).toEqual([2, expect.stringContaining('set COSIGN_PASSWORD')])
  })

  test.each([
    'check @nowhere --policy @nowhere',
    'check @nowhere --policy @p.yaml',
    'review @nowhere --policy @nowhere',
    'policy lint @nowhere',
    'explain --facts @nowhere',
    'verify --key @nowhere a/b',
    'sign --key @nowhere a/b',
    'keys import @nowhere',
    'keys public @nowhere',
  ])('a file that is not there is said in one wording: %s', async (line) => {
    const policy = 'kind: ClusterTrustPolicy\nmetadata: { name: p }\nspec: { otherwise: Deny }\n'
    await writeFile(join(folder.path, 'p.yaml'), `apiVersion: sealward.dev/v1alpha1\n${policy}`)
    const { code, stdout, stderr } = await cli(line)
    expect(code).toBe(2)
    expect(stdout + stderr).toContain(`${folder.path}/nowhere: there is no such file`)
    expect(stdout + stderr).not.toMatch(/ENOENT|cannot be read/)
  })

  test('a wrong password', async () => {
    const { code, stderr } = await cli('sign --key @cosign.key a/b', { COSIGN_PASSWORD: 'battery' })
    expect(code).toBe(2)
    expect(stderr).toContain('code: key-password-wrong')
  })

  test('a docker config that is none', async () => {
    await writeFile(join(folder.path, 'config.json'), '{"auths": 5}')
    const { code, stderr } = await cli('verify --key @cosign.pub a/b', { DOCKER_CONFIG: folder.path })
    expect(code).toBe(2)
    expect(stderr).toContain('code: docker-config-malformed')
  })
})

describe('keys', () => {
  test('a private key is sealed, for its owner only, and never overwritten unasked', async () => {
    const file = join(folder.path, 'cosign.key')
    const [text, { mode }] = await Promise.all([readFile(file, 'utf8'), stat(file)])
    expect(text).toMatch(/^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n/)
    expect(mode & 0o777).toBe(0o600)
    const again = await cli('keys generate --output-key-prefix @cosign')
    expect(again.code).toBe(2)
    expect(again.stderr).toContain('code: file-exists')
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  test('the public half comes out of the private one with its password, and as JSON', async () => {
    const [given, text, json] = await Promise.all([
      readFile(join(folder.path, 'cosign.pub'), 'utf8'),
      cli('keys public @cosign.key'),
      cli('keys public @cosign.pub -o json'),
    ])
    expect(text.stdout).toBe(given)
    expect(outputs.key.schema.parse(JSON.parse(json.stdout))).toMatchObject({
      publicKey: given,
      algorithm: 'ECDSA-P256',
    })
  })

  test('the empty password is legal, and warned of', async () => {
    const { code, stderr } = await cli('keys generate --output-key-prefix @empty', { COSIGN_PASSWORD: '' })
    expect(code).toBe(0)
    expect(stderr).toContain('warning: the password is empty')
    const { pinned } = await pushImage(registry.host, 'team/empty', 'v1')
    expect((await cli(`sign --key @empty.key ${pinned}`, { COSIGN_PASSWORD: '' })).code).toBe(0)
  })

  test('no password at all is a mistake, and makes no key', async () => {
    const { code, stderr } = await runCli(['keys', 'generate', '--output-key-prefix', 'none'], { cwd: folder.path })
    expect(code).toBe(2)
    expect(stderr).toContain('set COSIGN_PASSWORD')
    await expect(stat(join(folder.path, 'none.key'))).rejects.toThrow('ENOENT')
  })

  test('the password may come from a pipe', async () => {
    const options = { cwd: folder.path, input: 'correct horse\n' }
    const { code, stdout } = await runCli(['keys', 'public', 'cosign.key'], options)
    expect([code, stdout]).toEqual([0, await readFile(join(folder.path, 'cosign.pub'), 'utf8')])
  })
})

test('the JSON of verify keeps to its schema, trusted or not', async () => {
  const { pinned } = await pushImage(registry.host, 'team/json', 'v1')
  await cli(`sign --key @cosign.key ${pinned}`)
  const [ours, theirs, none] = await Promise.all([
    cli(`verify --key @cosign.pub ${pinned} -o json`),
    cli(`verify --key @other.pub ${pinned} -o json`),
    cli(`verify --key @other.pub ${registry.host}/none:1 -o json`),
  ])
  const reports = [ours, theirs, none].map(({ stdout }) => outputs.verification.schema.parse(JSON.parse(stdout)))
  expect(reports.map(({ exitCode, images }) => [exitCode, images[0]?.outcome, images[0]?.code])).toEqual([
    [0, 'trusted', undefined],
    [1, 'untrusted', 'signature-by-stranger'],
    [3, 'undetermined', 'image-not-found'],
  ])
  expect(reports[0]?.images[0]?.signers).toMatchObject([{ attestor: 'command-line', key: 'cosign.pub' }])
})
