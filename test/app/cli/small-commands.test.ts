// completion, policy lint, tree.

import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outputs } from '#app/cli/output.ts'
import type { DemoRegistry } from '#app/demo/registry.ts'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { runHere, tempFolder } from '../../support/cli.ts'
import { pushImage, pushIndex } from '../../support/images.ts'

let folder: Awaited<ReturnType<typeof tempFolder>>
const cli = (line: string) => runHere(line, { cwd: folder.path, env: { COSIGN_PASSWORD: '' } })

beforeAll(async () => {
  folder = await tempFolder()
})

afterAll(() => folder?.remove())

describe('completion', () => {
  /** What bash would offer for the last of these words. */
  async function offered(...words: string[]): Promise<readonly string[]> {
    const { stdout } = await cli('completion bash')
    const array = words.map((word) => `'${word}'`).join(' ')
    const script = `${stdout}\nCOMP_WORDS=(${array}); COMP_CWORD=${words.length - 1}; _sealward; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout: found, stderr, status } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    return found.split('\n').filter((line) => line !== '')
  }

  test('of bash offers commands, those below a group, options and choices', async () => {
    expect(await offered('sealward', 've')).toEqual(['verify'])
    expect(await offered('sealward', 'keys', '')).toEqual(['generate', 'import', 'public'])
    expect(await offered('sealward', 'sign', '--rec')).toEqual(['--recursive'])
    expect(await offered('sealward', 'sign', '--format', '')).toEqual(['cosign', 'bundle'])
    expect(await offered('sealward', 'keys', 'generate', '--kind', 'rsa')).toEqual(['rsa-2048', 'rsa-3072', 'rsa-4096'])
    expect(await offered('sealward', 'completion', '')).toEqual(['bash', 'zsh', 'fish', 'pwsh'])
  })

  test.each(['bash', 'zsh'])('of %s is a script that bash can parse', async (shell) => {
    const { stdout } = await cli(`completion ${shell}`)
    expect(spawnSync('bash', ['-n'], { input: stdout, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })

  test('of fish and pwsh names every option, quoted for its shell', async () => {
    const [fish, pwsh] = await Promise.all([cli('completion fish'), cli('completion pwsh')])
    expect(fish.stdout).toContain("-l registry-ca -r -F -d '")
    expect(
      fish.stdout.split('\n').filter((line) => (line.replaceAll("\\'", '').split("'").length - 1) % 2 !== 0),
    ).toEqual([])
    expect(pwsh.stdout).toContain(
      "'keys generate' = @('--kind', '--output-key-prefix', '--force', '--output', '--help')",
    )
  })

  test('of another shell is refused', async () => {
    expect(await cli('completion ksh')).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('policy lint', () => {
  const attestor = `apiVersion: sealward.dev/v1alpha1
kind: Attestor
metadata: { name: release }
spec: { key: { keys: [{ name: main, file: main.pub }] } }
---
`
  const policy = (spec: string) => `${attestor}apiVersion: sealward.dev/v1alpha1
kind: ClusterTrustPolicy
metadata: { name: p }
spec: ${spec}
`

  async function lint(text: string, flags = '') {
    await writeFile(join(folder.path, 'p.yaml'), text)
    const run = await cli(`policy lint @p.yaml -o json${flags}`)
    return { code: run.code, ...outputs.lint.schema.parse(JSON.parse(run.stdout)) }
  }

  beforeAll(() => cli('keys generate --output-key-prefix @main'))

  test('what is right is 0, without a word', async () => {
    const report = await lint(policy('{ rules: [{ images: ["**"], require: { signature: { attestor: release } } }] }'))
    expect(report).toMatchObject({ code: 0, policies: 1, attestors: 1, problems: [], warnings: [] })
  })

  test('files without a policy are a problem, as they are to the server', async () => {
    expect(await lint(attestor)).toMatchObject({
      code: 2,
      policies: 0,
      attestors: 1,
      problems: [{ code: 'policy-empty', message: 'there is no ClusterTrustPolicy or TrustPolicy' }],
    })
    await mkdir(join(folder.path, 'empty'))
    const { code, stdout } = await cli('policy lint @empty')
    expect(code).toBe(2)
    expect(stdout).toMatch(/empty: there is no ClusterTrustPolicy or TrustPolicy {2}\[policy-empty\]$/m)
  })

  test('every problem comes with file, line and path, and is 2', async () => {
    const report = await lint(
      policy('{ mode: Enforced, rules: [{ images: ["**"], require: { signature: { attestor: releas } } }] }'),
    )
    expect(report.code).toBe(2)
    expect(report.problems.map(({ line, path }) => [line, path])).toEqual([
      [9, 'spec.mode'],
      [9, 'spec.rules[0].require.signature.attestor'],
    ])
    const { stdout } = await cli('policy lint @p.yaml')
    expect(stdout).toMatch(/^problem {2}.*p\.yaml:9: ClusterTrustPolicy p: spec\.mode: .*\[policy-invalid\]$/m)
    expect(stdout).toContain('2 problems, 0 warnings')
  })

  test('what is seldom meant is a warning with its place, which fails only with --strict', async () => {
    const text = policy('{ otherwise: Accept, rules: [{ images: ["**"], require: { insecureAcceptAnything: {} } }] }')
    const report = await lint(text)
    expect([report.code, report.problems]).toEqual([0, []])
    expect(report.warnings).toContainEqual(
      expect.objectContaining({ code: 'accepts-uncovered', line: 9, path: 'spec.otherwise' }),
    )
    expect((await lint(text, ' --strict')).code).toBe(2)
    const right = policy('{ rules: [{ images: ["**"], require: { signature: { attestor: release } } }] }')
    expect((await lint(right, ' --strict')).code).toBe(0)
  })
})

describe('tree', () => {
  let registry: DemoRegistry

  beforeAll(async () => {
    registry = await startDemoRegistry()
    await cli('keys generate --output-key-prefix @tree')
  })

  afterAll(() => registry?.close())

  test('lists what is there, and says that listing is not verifying', async () => {
    const { pinned, reference } = await pushImage(registry.host, 'team/app', 'v1')
    const before = await cli(`tree ${reference}`)
    expect(before.stdout).toContain('nothing refers to it: no signature, no attestation')
    await cli(`sign --key @tree.key ${pinned}`)
    await cli(`sign --key @tree.key --format bundle ${pinned}`)
    const after = await cli(`tree ${reference}`)
    expect(after.code).toBe(0)
    expect(after.stdout).toMatch(/├─ signature {2}sha256-[0-9a-f]{64}\.sig layer 1 .*simplesigning/)
    expect(after.stdout).toMatch(/└─ signature {2}referrer sha256:[0-9a-f]{64} .*bundle/)
    expect(after.stdout).toContain('Listed, not verified')
    const report = outputs.tree.schema.parse(JSON.parse((await cli(`tree ${reference} -o json`)).stdout))
    expect(report.entries.map(({ type }) => type)).toEqual(['signature', 'signature'])
  })

  test('names the platforms of an index', async () => {
    const index = await pushIndex(registry.host, 'team/index', 'v1')
    const { stdout } = await cli(`tree ${index.reference}`)
    for (const { digest } of index.images) expect(stdout).toContain(digest)
    expect(stdout).toContain('platform linux/arm64')
  })

  test('of an image that is not there is 3', async () => {
    expect(await cli(`tree ${registry.host}/none:v1`)).toMatchObject({ code: 3, stdout: '' })
  })
})
