// The strict profile at work: a certificate that the chart made, reached through the Service by its own name, and not one right
// on Secrets. The program is the one that the image holds, started as there.

import { execFile } from 'node:child_process'
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { render } from '../support/helm.ts'
import type { Manifest } from '../support/manifests.ts'
import { missing, titled } from '../support/tools.ts'
import { type ControlPlane, clusterTools, startControlPlane } from './control-plane.ts'
import { account } from './installed.ts'
import { compareRights, grantedRights, usedRights, userOf } from './rights.ts'
import { type Sealward, startSealward } from './sealward.ts'
import { startWorld, type World } from './world.ts'

const tools = [...clusterTools, 'helm'] as const
const patient = { timeout: 60_000, interval: 200 }

// A quiet machine needs a few seconds for each; one on which five other suites are at work took twenty.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 })

describe.skipIf(missing(...tools))(titled('the strict profile in a cluster', ...tools), () => {
  let cluster: ControlPlane
  let world: World
  let sealward: Sealward
  let manifests: readonly Manifest[]

  const kubectl = async (args: readonly string[], input?: string) => {
    const { code, stdout, stderr } = await cluster.kubectl(args, input)
    if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
    return stdout
  }

  /** The files of deploy/Dockerfile, and its entry point. */
  async function builtProgram(): Promise<readonly string[]> {
    const folder = join(cluster.folder, 'app')
    await promisify(execFile)(process.execPath, ['scripts/build.ts', join(folder, 'dist')])
    for (const name of ['package.json', 'bin']) await cp(name, join(folder, name), { recursive: true })
    return ['--disallow-code-generation-from-strings', join(folder, 'bin/sealward.js')]
  }

  /** What the kubelet would mount. */
  async function certificateFiles() {
    const secret = manifests.find(({ kind }) => kind === 'Secret')
    const data: Readonly<Record<string, string>> = Object(secret?.['data'])
    const path = (name: string) => join(cluster.folder, name)
    for (const name of ['tls.crt', 'tls.key', 'ca.crt'])
      await writeFile(path(name), Buffer.from(data[name] ?? '', 'base64'), { mode: 0o600 })
    return { cert: path('tls.crt'), key: path('tls.key'), ca: path('ca.crt'), name: 'sealward.sealward.svc' }
  }

  beforeAll(async () => {
    ;[cluster, world] = await Promise.all([startControlPlane({ audited: [userOf(account)] }), startWorld()])
    await kubectl(['create', 'namespace', 'sealward'])
    const rendered = await render({ values: { profile: 'Strict' }, crds: true })
    // There are no Pods, and no network between them and the API server: the name of the Service leads to this machine.
    manifests = rendered.filter(({ kind }) => kind !== 'Deployment' && kind !== 'Service')
    await kubectl(['apply', '--server-side', '-f', '-'], manifests.map((each) => JSON.stringify(each)).join('\n---\n'))
    await kubectl(['create', 'service', 'externalname', '-n', 'sealward', 'sealward', '--external-name=localhost'])
    await kubectl(['wait', '--for=condition=Established', 'crd', '-l', 'app.kubernetes.io/part-of=sealward'])
    const token = (await kubectl(['create', 'token', '-n', 'sealward', 'sealward'])).trim()
    const [port, kubeconfig] = [await freePort(), await cluster.kubeconfigOf(token, 'sealward')]
    const flags = ['--insecure-registry', world.host, '--webhook-port', `${port}`]
    const [tls, program] = [await certificateFiles(), await builtProgram()]
    sealward = await startSealward({ folder: cluster.folder, kubeconfig, port, flags, tls, program })
    await kubectl(['apply', '-f', '-'], world.policy)
  })
  afterAll(async () => {
    await sealward?.stop()
    await Promise.all([cluster?.stop(), world?.stop()])
  })

  const create = (name: string, tag: 'signed' | 'unsigned') =>
    cluster.kubectl(['create', 'deployment', name, `--image=${world.image(tag)}`])

  test('refuses what nobody signed, and admits what is signed', async () => {
    const refusal = async () => (await create('unsigned', 'unsigned')).stderr
    await expect.poll(refusal, patient).toContain('code: signature-missing')
    expect(await create('signed', 'signed')).toMatchObject({ code: 0 })
  })

  test('the API server trusts the authority that the chart made, and no other', async () => {
    const bundle = 'jsonpath={.webhooks[0].clientConfig.caBundle}'
    const secret = await kubectl([
      'get',
      'secret',
      '-n',
      'sealward',
      'sealward-serving',
      '-o',
      'jsonpath={.data.ca\\.crt}',
    ])
    for (const kind of ['mutatingwebhookconfiguration', 'validatingwebhookconfiguration'])
      expect(await kubectl(['get', kind, 'sealward', '-o', bundle])).toBe(secret)
  })

  test('no right on Secrets was granted, and none was asked for', async () => {
    const grants = grantedRights(manifests, account)
    const calls = await usedRights(cluster, account)
    expect([...grants, ...calls].filter(({ resource }) => resource === 'secrets')).toEqual([])
    expect(compareRights(calls, grants)).toMatchObject({ refused: [], foreign: [] })
    expect(calls.length).toBeGreaterThan(5)
  })
})
