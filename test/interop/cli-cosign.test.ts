// The commands and the real cosign, as people mix them: keys of one, signatures of the other, on a registry without the
// referrers API.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runHere } from '../support/cli.ts'
import { type Cosign, createCosign, signBundle, signClassic, verifyBundle, verifyClassic } from '../support/cosign.ts'
import type { DockerRegistry } from '../support/docker-registry.ts'
import { startDockerRegistry } from '../support/docker-registry.ts'
import { pushImage, pushIndex } from '../support/images.ts'
import { missing, titled } from '../support/tools.ts'

const tools = ['cosign2', 'cosign3', 'docker-registry'] as const
const password = 'shared secret'

describe.skipIf(missing(...tools))(titled('the commands and cosign', ...tools), { timeout: 60_000 }, () => {
  let cosign: Cosign
  let registry: DockerRegistry

  beforeAll(async () => {
    cosign = await createCosign(password)
    registry = await startDockerRegistry()
    await cli('keys generate --output-key-prefix @ours')
    await cosign.must('cosign2', 'generate-key-pair', '--output-key-prefix', 'theirs')
  }, 60_000)

  afterAll(async () => {
    await registry?.close()
    await cosign?.close()
  })

  const cli = (line: string) => runHere(line, { cwd: cosign.folder, env: { COSIGN_PASSWORD: password } })

  test.each(['ours', 'theirs'])('with the key of %s, what we sign cosign 2 and 3 verify', async (key) => {
    const { pinned } = await pushImage(registry.host, `team/${key}`, 'v1')
    expect((await cli(`sign --key @${key}.key -a env=prod ${pinned}`)).code).toBe(0)
    for (const line of ['cosign2', 'cosign3'] as const) {
      const { stdout } = await cosign.must(
        line,
        ...verifyClassic[line],
        '-a',
        'env=prod',
        '--key',
        `${key}.pub`,
        pinned,
      )
      expect(stdout).toContain(pinned.split('@')[1])
    }
  })

  test('a bundle of ours is one to cosign 2 and 3', async () => {
    const { pinned } = await pushImage(registry.host, 'team/bundle', 'v1')
    expect((await cli(`sign --format bundle --key @theirs.key ${pinned}`)).code).toBe(0)
    for (const line of ['cosign2', 'cosign3'] as const) {
      await cosign.must(line, ...verifyBundle[line], '--key', 'theirs.pub', pinned)
    }
  })

  test('what cosign signs we verify, by its key and no other', async () => {
    const classic = await pushImage(registry.host, 'team/classic', 'v1')
    const bundled = await pushImage(registry.host, 'team/bundled', 'v1')
    await cosign.must('cosign2', ...signClassic.cosign2, '--key', 'ours.key', classic.pinned)
    await cosign.must('cosign3', ...signBundle, '--key', 'theirs.key', bundled.pinned)
    const runs = await Promise.all([
      cli(`verify --key @ours.pub ${classic.reference}`),
      cli(`verify --key @theirs.pub ${classic.reference}`),
      cli(`verify --key @theirs.pub ${bundled.reference}`),
      cli(`verify --key @ours.pub ${bundled.reference}`),
    ])
    expect(runs.map(({ code }) => code)).toEqual([0, 1, 0, 1])
  })

  test('our signature beside one of cosign’s leaves both standing', async () => {
    const { pinned } = await pushImage(registry.host, 'team/both', 'v1')
    await cosign.must('cosign2', ...signClassic.cosign2, '--key', 'theirs.key', pinned)
    expect((await cli(`sign --key @ours.key ${pinned}`)).code).toBe(0)
    await cosign.must('cosign3', ...verifyClassic.cosign3, '--key', 'theirs.pub', pinned)
    await cosign.must('cosign2', ...verifyClassic.cosign2, '--key', 'ours.pub', pinned)
  })

  test('--recursive signs what cosign finds on every platform', async () => {
    const index = await pushIndex(registry.host, 'team/index', 'v1')
    expect((await cli(`sign --recursive --key @ours.key ${index.pinned}`)).code).toBe(0)
    for (const { pinned } of [index, ...index.images]) {
      await cosign.must('cosign2', ...verifyClassic.cosign2, '--key', 'ours.pub', pinned)
    }
  })
})
