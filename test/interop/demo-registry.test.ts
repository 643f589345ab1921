// Real clients against the demo registry: skopeo copies and inspects, cosign 2 and 3 sign and verify. That is what makes it
// a registry and not only ours.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DemoRegistry, startDemoRegistry } from '#app/demo/registry.ts'
import { http, mediaTypes, pushImage, pushIndex } from '../support/images.ts'
import type { ToolName } from '../support/tool-recipes.ts'
import { missing, needed, titled } from '../support/tools.ts'

let folder = ''
let registry: DemoRegistry

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealward-demo-interop-'))
  registry = await startDemoRegistry()
})

afterAll(async () => {
  await registry?.close()
  await rm(folder, { recursive: true, force: true })
})

/** In a home of its own, so that nobody's credentials or settings take part. */
async function run(name: ToolName, args: readonly string[]): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, COSIGN_PASSWORD: 'x' }
  const { stdout } = await promisify(execFile)(needed(name), [...args], { cwd: folder, env, timeout: 60_000 })
  return stdout
}

async function digestOf(repository: string, reference: string): Promise<unknown> {
  const headers = { accept: `${mediaTypes.manifest}, ${mediaTypes.index}` }
  const url = `${registry.host}/v2/${repository}/manifests/${reference}`
  return (await http('HEAD', url, { headers })).headers['docker-content-digest']
}

describe.skipIf(missing('skopeo'))(titled('skopeo and the demo registry', 'skopeo'), () => {
  it('inspects an image', async () => {
    const image = await pushImage(registry.host, 'team/inspected', 'v1')
    const told = JSON.parse(await run('skopeo', ['inspect', '--tls-verify=false', `docker://${image.reference}`]))
    expect(told).toMatchObject({ Digest: image.digest, RepoTags: ['v1'], Architecture: 'amd64', Os: 'linux' })
  })

  it('copies an index with its images, in chunks, and deletes it', async () => {
    const index = await pushIndex(registry.host, 'team/multi', 'v1')
    const target = `docker://${registry.host}/mirror/multi:v2`
    // Layers are kept as they are, so the digests are too.
    await writeFile(join(folder, 'policy.json'), JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }))
    const flags = ['--policy', 'policy.json', 'copy', '--all', '--preserve-digests']
    const plain = ['--src-tls-verify=false', '--dest-tls-verify=false']
    await run('skopeo', [...flags, ...plain, `docker://${index.reference}`, target])
    expect(await digestOf('mirror/multi', 'v2')).toBe(index.digest)
    await run('skopeo', ['delete', '--tls-verify=false', target])
    expect(await digestOf('mirror/multi', 'v2')).toBeUndefined()
  })
})

const keyPair = ['generate-key-pair', '--output-key-prefix'] as const
const plain = ['--allow-http-registry'] as const

describe.skipIf(missing('cosign2'))(titled('cosign 2 and the demo registry', 'cosign2'), () => {
  it('signs into the .sig tag and verifies from it', async () => {
    const image = await pushImage(registry.host, 'team/classic', 'v1')
    await run('cosign2', [...keyPair, 'two'])
    await run('cosign2', ['sign', '--yes', '--key', 'two.key', '--tlog-upload=false', ...plain, image.pinned])
    expect(await digestOf('team/classic', `${image.digest.replace(':', '-')}.sig`)).toMatch(/^sha256:/)
    const verify = ['verify', '--key', 'two.pub', '--insecure-ignore-tlog', ...plain]
    const [verified] = JSON.parse(await run('cosign2', [...verify, image.pinned]))
    expect(verified.critical.image['docker-manifest-digest']).toBe(image.digest)
    const unsigned = await pushImage(registry.host, 'team/classic', 'v2')
    await expect(run('cosign2', [...verify, unsigned.pinned])).rejects.toThrow(/no signatures found/)
  })
})

describe.skipIf(missing('cosign3'))(titled('cosign 3 and the demo registry', 'cosign3'), () => {
  it('attaches a bundle as a referrer and finds it by the referrers API', async () => {
    const image = await pushImage(registry.host, 'team/bundle', 'v1')
    await run('cosign3', [...keyPair, 'three'])
    await run('cosign3', ['signing-config', 'create', '--out', 'signing.json'])
    const sign = ['sign', '--yes', '--key', 'three.key', '--signing-config', 'signing.json', ...plain]
    await run('cosign3', [...sign, image.pinned])
    const listed = await http('GET', `${registry.host}/v2/team/bundle/referrers/${image.digest}`)
    const { manifests } = JSON.parse(listed.body.toString('utf8'))
    expect(manifests).toHaveLength(1)
    expect(manifests[0].artifactType).toMatch(/^application\/vnd\.dev\.sigstore\.bundle/)
    const verify = ['verify', '--key', 'three.pub', '--insecure-ignore-tlog', ...plain]
    expect(await run('cosign3', [...verify, image.pinned])).toContain(image.digest)
    const unsigned = await pushImage(registry.host, 'team/bundle', 'v2')
    await expect(run('cosign3', [...verify, unsigned.pinned])).rejects.toThrow(/no signatures found/)
  })
})
