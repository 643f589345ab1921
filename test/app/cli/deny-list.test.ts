// Every command that judges honours DenyLists from files; each refusal stands beside the same with another entry.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outputs } from '#app/cli/output.ts'
import type { DemoRegistry } from '#app/demo/registry.ts'
import { startDemoRegistry } from '#app/demo/registry.ts'
import { runHere, tempFolder } from '../../support/cli.ts'
import type { PushedImage } from '../../support/images.ts'
import { pushImage } from '../../support/images.ts'

let registry: DemoRegistry
let folder: Awaited<ReturnType<typeof tempFolder>>
let image: PushedImage
let fingerprint: string

const cli = (line: string, input?: string) =>
  runHere(line, { cwd: folder.path, env: { COSIGN_PASSWORD: '' }, ...(input === undefined ? {} : { input }) })

const pod = () => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'prod' },
  spec: { containers: [{ name: 'main', image: image.reference }] },
})

const review = () => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'the-uid',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    namespace: 'prod',
    operation: 'CREATE',
    userInfo: { username: 'somebody' },
    object: pod(),
  },
})

/** Written as people do: the list stands beside the policies, in a file of its own. */
const list = (name: string, spec: object) =>
  writeFile(
    join(folder.path, `${name}.yaml`),
    JSON.stringify({
      apiVersion: 'sealward.dev/v1alpha1',
      kind: 'DenyList',
      metadata: { name },
      spec: { ...spec, reason: 'a runner was taken over' },
    }),
  )

beforeAll(async () => {
  registry = await startDemoRegistry()
  folder = await tempFolder()
  await cli('keys generate --output-key-prefix @release')
  fingerprint = outputs.key.schema.parse(JSON.parse((await cli('keys public @release.pub -o json')).stdout)).fingerprint
  image = await pushImage(registry.host, 'team/app', 'v1')
  await cli(`sign --key @release.key ${image.pinned}`)
  await writeFile(
    join(folder.path, 'policy.yaml'),
    `apiVersion: sealward.dev/v1alpha1
kind: Attestor
metadata: { name: release }
spec: { key: { keys: [{ name: main, file: release.pub }] } }
---
apiVersion: sealward.dev/v1alpha1
kind: ClusterTrustPolicy
metadata: { name: production }
spec:
  rules:
    - images: ["${registry.host}/team/**"]
      require: { signature: { attestor: release } }
`,
  )
  await list('images', { digests: [image.digest] })
  await list('keys', { keys: [fingerprint] })
  await list('others', { digests: [`sha256:${'0'.repeat(64)}`], keys: ['0'.repeat(64)] })
})

afterAll(async () => {
  await registry?.close()
  await folder?.remove()
})

const policies = (name: string) => `--policy @policy.yaml --policy @${name}.yaml`

const commands: readonly (readonly [string, (name: string) => ReturnType<typeof cli>])[] = [
  ['verify', (name) => cli(`verify ${image.reference} ${policies(name)}`)],
  ['explain', (name) => cli(`explain ${image.reference} ${policies(name)}`)],
  ['check', (name) => cli(`check - ${policies(name)}`, JSON.stringify(pod()))],
  ['review', (name) => cli(`review - ${policies(name)} --mutate`, JSON.stringify(review()))],
]

describe.each(commands)('%s', (_, run) => {
  test('refuses a listed image, with list and reason', async () => {
    const { code, stdout } = await run('images')
    expect(code).toBe(1)
    expect(stdout).toContain('digest-denied')
    expect(stdout.replaceAll('\\', '')).toContain(
      `${image.digest} is on the DenyList "images": a runner was taken over`,
    )
  })

  test('refuses what only a listed key has signed', async () => {
    const { code, stdout } = await run('keys')
    expect(code).toBe(1)
    expect(stdout).toContain('key-denied')
    expect(stdout.replaceAll('\\', '')).toContain('key "main" is on the DenyList "keys": a runner was taken over')
  })

  test('lets it in with other entries', async () => {
    expect((await run('others')).code).toBe(0)
  })
})

describe('recorded facts', () => {
  test('are judged again with the list that was recorded, or with another one', async () => {
    expect((await cli(`explain ${image.reference} ${policies('images')} --save-facts @facts.json`)).code).toBe(1)
    expect((await cli('explain --facts @facts.json')).stdout).toContain('code: digest-denied')
    expect((await cli(`explain ${image.reference} ${policies('others')} --save-facts @trusted.json`)).code).toBe(0)
    expect((await cli('explain --facts @trusted.json')).code).toBe(0)
    const others = await cli(`explain --facts @trusted.json ${policies('images')}`)
    expect(others.stdout).toContain('code: digest-denied')
  })
})

describe('policy lint', () => {
  test('counts the lists, and warns of a key that is nobody’s', async () => {
    const { code, stdout } = await cli('policy lint @policy.yaml @others.yaml')
    expect(code).toBe(0)
    expect(stdout).toContain('[denies-unknown-key]')
    expect(stdout).toContain('1 policy, 1 attestor, 1 deny list: 0 problems, 1 warning')
    const known = await cli('policy lint @policy.yaml @images.yaml')
    expect(known.stdout).toContain('1 policy, 1 attestor, 1 deny list: 0 problems, 0 warnings')
  })

  test('says that lists alone judge nothing', async () => {
    const { code, stdout } = await cli('policy lint @images.yaml')
    expect(code).toBe(2)
    expect(stdout).toContain('there is no ClusterTrustPolicy or TrustPolicy')
  })
})
