import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outputs } from '#app/cli/output.ts'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { runHere, tempFolder } from '../../support/cli.ts'
import type { PushedImage } from '../../support/images.ts'
import { pushImage } from '../../support/images.ts'

let folder: Awaited<ReturnType<typeof tempFolder>>
let image: PushedImage
let host: string
const env = { COSIGN_PASSWORD: '' }

const cli = (line: string, input?: string) =>
  runHere(line, { cwd: folder.path, env, ...(input === undefined ? {} : { input }) })

const policy = (pattern: string) => `apiVersion: sealward.dev/v1alpha1
kind: Attestor
metadata: { name: release }
spec: { key: { keys: [{ name: main, file: keys/main.pub }] } }
---
apiVersion: sealward.dev/v1alpha1
kind: ClusterTrustPolicy
metadata: { name: production }
spec:
  match: { namespaces: [prod] }
  rules:
    - images: ["${pattern}"]
      require: { signature: { attestor: release } }
`

beforeAll(async () => {
  folder = await tempFolder()
  const registry = await startDemoRegistry()
  try {
    host = registry.host
    image = await pushImage(host, 'team/app', 'v1')
    await cli('keys generate --output-key-prefix @main')
    await cli('keys generate --output-key-prefix @other')
    await cli(`sign --key @main.key ${image.pinned}`)
    await cli(`sign --key @other.key ${image.pinned}`)
    await (await import('node:fs/promises')).mkdir(join(folder.path, 'keys'))
    await writeFile(join(folder.path, 'keys', 'main.pub'), await readFile(join(folder.path, 'main.pub')))
    await writeFile(join(folder.path, 'p.yaml'), policy(`${host}/team/**`))
    await writeFile(join(folder.path, 'elsewhere.yaml'), policy(`${host}/elsewhere/**`))
    const told = await cli(`explain --policy @p.yaml -n prod ${image.reference} --save-facts @facts.json`)
    expect([told.code, told.stderr]).toEqual([0, `Facts written to ${join(folder.path, 'facts.json')}\n`])
    await cli(`explain --key @other.pub ${image.reference} --save-facts @by-key.json`)
    // From here on there is no registry: whatever is told comes from the files.
  } finally {
    await registry.close()
  }
})

afterAll(() => folder?.remove())

describe('replaying recorded facts without a registry', () => {
  test('tells the same tree: policy, rule, requirement, every signature with its checks', async () => {
    const { code, stdout } = await cli('explain --facts @facts.json')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^trusted {2}/)
    expect(stdout).toContain('policy "production" (Enforce), rules[0]: trusted')
    expect(stdout).toContain('✓ signature by "release" (key "main"): satisfied')
    expect(stdout).toMatch(/✓ layer 1 .*\[cosign\] by "release" \(key "main"\), signed as .*: counts/)
    expect(stdout).toContain('namespace: prod')
  })

  test('holds the policies and the key files they name: neither has to be there', async () => {
    const moved = await tempFolder()
    try {
      await writeFile(join(moved.path, 'facts.json'), await readFile(join(folder.path, 'facts.json')))
      expect((await runHere('explain --facts @facts.json', { cwd: moved.path })).code).toBe(0)
    } finally {
      await moved.remove()
    }
  })

  test('verifies again: a signature changed in the file does not count', async () => {
    const recording = JSON.parse(await readFile(join(folder.path, 'facts.json'), 'utf8'))
    const blob = recording.facts.find(({ question }: { question: string }) => question.startsWith('blob '))
    blob.answer = { blob: Buffer.from('{}').toString('base64') }
    await writeFile(join(folder.path, 'forged.json'), JSON.stringify(recording))
    const { code, stdout } = await cli('explain --facts @forged.json')
    expect(code).toBe(3)
    expect(stdout).toContain('digest-mismatch')
  })

  test('answers what another policy would have said', async () => {
    const { code, stdout } = await cli('explain --facts @facts.json --policy @elsewhere.yaml')
    expect(code).toBe(1)
    expect(stdout).toContain('code: no-rule')
  })

  test('of `--key` holds the key as well', async () => {
    const { code, stdout } = await cli('explain --facts @by-key.json')
    expect(code).toBe(0)
    expect(stdout).toContain('by "command-line" (key "other.pub")')
  })

  test('does not invent what was not recorded', async () => {
    const { code, stdout } = await cli(`explain --facts @facts.json ${host}/team/more:v1`)
    expect(code).toBe(3)
    expect(stdout).toContain('code: facts-missing')
  })

  test('keeps to the schema of its JSON', async () => {
    const { stdout } = await cli('explain --facts @facts.json -o json')
    const report = outputs.explanation.schema.parse(JSON.parse(stdout))
    const [judged] = report.images[0]?.policies ?? []
    expect(judged).toMatchObject({ policy: 'production', outcome: 'trusted', finding: { kind: 'signature' } })
    expect(judged?.finding?.signatures?.[0]?.checks.map(({ name, passed }) => [name, passed])).toEqual([
      ['encoding', true],
      ['payload', true],
      ['digest', true],
      ['signature', true],
    ])
  })
})

describe('an image that no policy is about', () => {
  test('is not trusted, since nobody vouches for it', async () => {
    const recorded = await cli(`explain --policy @p.yaml -n dev ${image.reference}`)
    expect(recorded.code).toBe(1)
    expect(recorded.stdout).toContain('code: no-policy')
    const verified = await cli(`verify --policy @p.yaml ${image.reference}`)
    expect(verified.code).toBe(1)
    expect(verified.stdout).toContain('none of the policies is about new Pods in the namespace "default"')
  })
})

describe('mistakes', () => {
  test.each([
    ['explain', 'usage', 'no image was named'],
    ['explain --facts @nowhere.json', 'file-unreadable', 'nowhere.json'],
    ['explain --facts @p.yaml', 'facts-malformed', 'not a file of recorded facts'],
    ['explain --facts @facts.json --save-facts @x.json', 'usage', 'contradict each other'],
    ['explain --key @main.pub a/b@sha256:1', 'usage', 'the digest is not sha256'],
  ])('%s', async (line, code, message) => {
    const run = await cli(line)
    expect([run.code, run.stdout]).toEqual([2, ''])
    expect(run.stderr).toContain(`code: ${code}\n`)
    expect(run.stderr).toContain(message)
  })
})
