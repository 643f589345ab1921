// docs/install.md, read as a script: every command in it is run on a real API server, in the order of the text.

import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { render } from '../support/helm.ts'
import { missing, needed, titled } from '../support/tools.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'

interface Block {
  readonly mark: string
  readonly text: string
}

const tools = [...clusterTools, 'helm'] as const
const document = await readFile('docs/install.md', 'utf8')
const blocks: readonly Block[] = [...document.matchAll(/(?:<!-- (.*?) -->\n)?```[a-z]+\n([\s\S]*?)```/g)].map(
  ([, mark = '', text = '']) => ({ mark, text }),
)
const way = (name: string) =>
  blocks.filter(({ mark }) => mark.startsWith('run: ') && mark.slice(5).split(', ').includes(name))
const files = blocks.filter(({ mark }) => mark.startsWith('file: '))

describe('docs/install.md', () => {
  test('has no block that nothing tries', () => {
    expect(blocks.filter(({ mark }) => !/^(?:run: (?:helm|manifest|helm, manifest)|file: \S+)$/.test(mark))).toEqual([])
    expect([way('helm').length, way('manifest').length, files.length]).toEqual([7, 4, 3])
  })
})

// A quiet machine needs a few seconds for each; one on which five other suites are at work took twenty.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 })

describe.skipIf(missing(...tools))(titled('docs/install.md, as a script', ...tools), () => {
  let cluster: ControlPlane
  let folder: string
  beforeEach(async () => {
    cluster = await startControlPlane()
    folder = await mkdtemp(join(tmpdir(), 'sealward-install-'))
    // kustomize reads nothing from outside of its own folder, links included.
    await cp('deploy', join(folder, 'deploy'), { recursive: true, dereference: true })
    await mkdir(join(folder, 'bin'))
    for (const name of ['kubectl', 'helm'] as const) await symlink(needed(name), join(folder, 'bin', name))
    for (const { mark, text } of files) await writeFile(join(folder, mark.slice('file: '.length)), text)
  })
  afterEach(async () => {
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const run = (script: string) =>
    new Promise<{ readonly code: number | string | null; readonly output: string }>((resolve) => {
      const env = { PATH: `${folder}/bin:${process.env['PATH']}`, HOME: folder, KUBECONFIG: cluster.kubeconfig }
      execFile('bash', ['-euc', script], { cwd: folder, env, timeout: 150_000 }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, output: stdout + stderr }),
      )
    })
  const objects = async (kinds: string) => (await cluster.kubectl(['get', kinds, '-A', '-o', 'name'])).stdout
  const ours = 'clusterroles,clusterrolebindings,deployments,services,crds'

  // An API server took more than half a minute once to remove a definition, beside another run of suites on two processors.
  test.each(['helm', 'manifest'])(
    'installs, enforces, upgrades and removes by way of %s',
    { timeout: 400_000, retry: 1 },
    async (name) => {
      const before = await objects(ours)
      const [installing, ...others] = way(name)
      expect(await run(installing?.text ?? '')).toMatchObject({ code: 0 })
      expect(await objects(ours)).toContain('deployment.apps/sealward')
      const image = 'jsonpath={.spec.template.spec.containers[0].image}'
      const { stdout } = await cluster.kubectl(['get', 'deployment', '-n', 'sealward', 'sealward', '-o', image])
      expect(stdout).toMatch(/^registry\.example\.com\/.*sealward@sha256:5f70/)
      for (const { text } of others) {
        const { code, output } = await run(text)
        expect(code, `${text}\n${output}`).toBe(0)
      }
      await expect.poll(() => objects(ours), { timeout: 60_000 }).toBe(before)
    },
  )

  test('the hardened values are those that it speaks of', async () => {
    const values = parse(files.find(({ mark }) => mark.endsWith('values.yaml'))?.text ?? '')
    const rendered = await render({ values })
    expect(JSON.stringify(rendered.filter(({ kind }) => kind.endsWith('Role')))).not.toContain('secrets')
    expect(rendered.find(({ kind }) => kind === 'NetworkPolicy')).toMatchObject({
      spec: { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/28' } }] }] },
    })
  })
})
