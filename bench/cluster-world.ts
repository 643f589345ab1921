// A control plane with three namespaces: in one the API server asks Sealward about each Pod, in one the bare server, in one
// nobody. All share everything else, so that a figure of one can be held against that of another.

import { readFile } from 'node:fs/promises'
import { get } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ControlPlane, startControlPlane } from '../test/cluster/control-plane.ts'
import { account, type Prepared, prepare } from '../test/cluster/installed.ts'
import { type Call, usedRights, userOf } from '../test/cluster/rights.ts'
import { freePort } from '../test/support/free-port.ts'
import { type BareServer, bareDigest, startBareServer } from './bare-server.ts'
import type { ChildOptions } from './child.ts'
import type { Served } from './load.ts'
import { policyFor } from './policy.ts'
import type { Shot } from './processes/generator.ts'
import { startRegistry } from './registry.ts'
import type { Bench } from './scenario.ts'
import { newKey, signedImage } from './signed-images.ts'
import { type BenchWebhook, type ServeOptions, startServe } from './webhook.ts'

/** Who is asked in the namespace of this name. */
export type Asked = 'sealward' | 'bare' | 'nobody'

export const namespaceOf: Readonly<Record<Asked, string>> = {
  sealward: 'asks-sealward',
  bare: 'asks-bare',
  nobody: 'asks-nobody',
}

export interface ClusterWorld {
  readonly apiServer: Served
  readonly webhook: BenchWebhook
  readonly bare: BareServer
  /** The same Pod for each, of which the answer must hold the image as whoever was asked has pinned it. */
  readonly shots: Readonly<Record<Asked, Shot>>
  /** Handshakes so far, as the server counts them; without our own. */
  connections(asked: Asked): Promise<number>
  /** Deletes all Pods. */
  clear(asked: Asked): Promise<void>
  /** Fails unless an image that nobody signed, and one that a stranger signed, are refused where Sealward is asked, and nowhere else. */
  checkRefusals(): Promise<void>
  /** What Sealward has asked the API server so far. */
  calls(): Promise<readonly Call[]>
}

/** A quiet machine needs a second until configurations are in force, a busy one five. */
const deadlineMs = 60_000

/** @param options of Sealward's process */
export async function startClusterWorld(bench: Bench, options: ChildOptions = {}): Promise<ClusterWorld> {
  const cluster = await startControlPlane({ audited: [userOf(account)] })
  bench.closing(() => cluster.stop())
  const prepared = await prepare(cluster)
  await prepared.apply(...Object.values(namespaceOf).map(namespace))
  // Four programs and the load share the processors, as the scheduler likes.
  const registry = await startRegistry(bench, 'anywhere')
  const key = newKey()
  const image = signedImage('team/app', 'v1', { keys: [key] })
  const unsigned = signedImage('team/unsigned', 'v1', { keys: [] })
  const foreign = signedImage('team/foreign', 'v1', { keys: [newKey()] })
  await registry.store([image, unsigned, foreign].flatMap(({ stored }) => stored))
  const textOf = ({ repository, tag }: typeof image) => `${registry.host}/${repository}:${tag}`
  await prepared.apply(...policyFor(registry.host, [key]).split('\n---\n').map(parsed))
  const webhook = await startSealward(bench, prepared, { ...options, registry: registry.host })
  await until('Sealward did not register itself', () => isRegistered(cluster))
  const bare = await startBareServer(bench, { place: 'anywhere' })
  await prepared.apply(...(await bareConfigurations(cluster, bare)))
  const text = textOf(image)
  const held: Readonly<Record<Asked, string>> = {
    sealward: `${text}@${image.digest}`,
    bare: `${text}@${bareDigest}`,
    nobody: text,
  }
  for (const asked of ['sealward', 'bare', 'nobody'] as const) {
    await until(`pods are not made as they should be in ${namespaceOf[asked]}`, async () => {
      const { code, stdout } = await tryPod(cluster, asked, text)
      return code === 0 && stdout.includes(`"image": "${held[asked]}"`)
    })
  }
  return {
    apiServer: await served(cluster),
    webhook,
    bare,
    shots: {
      sealward: shot('sealward', text, held.sealward),
      bare: shot('bare', text, held.bare),
      nobody: shot('nobody', text, held.nobody),
    },
    connections: connectionsOf(webhook, bare),
    clear: (asked) => clear(cluster, prepared, namespaceOf[asked]),
    async checkRefusals() {
      await checkRefusal(cluster, textOf(unsigned), 'signature-missing')
      await checkRefusal(cluster, textOf(foreign), 'signature-by-stranger')
    },
    calls: () => usedRights(cluster, account),
  }
}

function connectionsOf(webhook: BenchWebhook, bare: BareServer): ClusterWorld['connections'] {
  let own = 0
  return async (asked) => {
    if (asked === 'nobody') return 0
    if (asked === 'bare') return bare.connections()
    own++
    const [, count] = /^sealward_tls_connections_total (\d+)$/m.exec(await scrape(webhook)) ?? []
    return Number(count ?? Number.NaN) - own
  }
}

/** Over a connection of its own. */
function scrape({ port, ca }: BenchWebhook): Promise<string> {
  return new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port, ca, servername: 'localhost', path: '/metrics', agent: false }
    const asked = get(to, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve(Buffer.concat(chunks).toString()))
    })
    asked.on('error', reject)
  })
}

function namespace(name: string) {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}

function parsed(text: string): object {
  return JSON.parse(text)
}

async function startSealward(bench: Bench, { kubeconfig }: Prepared, options: ServeOptions): Promise<BenchWebhook> {
  const port = await freePort()
  const others = [namespaceOf.bare, namespaceOf.nobody].flatMap((name) => ['--exempt-namespace', name])
  const url = `https://127.0.0.1:${port}`
  const flags = ['--kube', '--kubeconfig', kubeconfig, '--webhook-url', url, ...others]
  return startServe(bench, { ...options, port, place: 'anywhere', flags })
}

const kinds = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'] as const

interface Configuration {
  readonly apiVersion: string
  readonly webhooks: readonly (object & { readonly clientConfig: { readonly url: string } })[]
}

/** Sealward's own, with nothing changed but whom they ask, and where. */
function bareConfigurations(cluster: ControlPlane, { port, ca }: BareServer): Promise<readonly object[]> {
  return Promise.all(
    kinds.map(async (kind) => {
      const { apiVersion, webhooks }: Configuration = JSON.parse((await read(cluster, kind)).stdout)
      const ofBare = webhooks.map((webhook) => ({
        ...webhook,
        name: 'images.bare.example',
        clientConfig: {
          url: `https://127.0.0.1:${port}${new URL(webhook.clientConfig.url).pathname}`,
          caBundle: Buffer.from(ca).toString('base64'),
        },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespaceOf.bare } },
      }))
      return { apiVersion, kind, metadata: { name: 'bare' }, webhooks: ofBare }
    }),
  )
}

function read(cluster: ControlPlane, kind: string) {
  return cluster.kubectl(['get', kind, account.name, '-o', 'json'])
}

async function isRegistered(cluster: ControlPlane): Promise<boolean> {
  const found = await Promise.all(kinds.map((kind) => read(cluster, kind)))
  return found.every(({ code }) => code === 0)
}

async function until(otherwise: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(otherwise)
    await sleep(100)
  }
}

function pod(image: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'app-', labels: { app: 'app' } },
    spec: { containers: [{ name: 'app', image }] },
  })
}

function shot(asked: Asked, image: string, held: string): Shot {
  return {
    path: `/api/v1/namespaces/${namespaceOf[asked]}/pods`,
    body: Buffer.from(pod(image)),
    status: 201,
    holds: ['"kind":"Pod"', `"image":"${held}"`],
    lacks: [],
  }
}

function tryPod(cluster: ControlPlane, asked: Asked, image: string) {
  const args = ['create', '-n', namespaceOf[asked], '-f', '-', '--dry-run=server', '-o', 'json']
  return cluster.kubectl(args, pod(image))
}

async function checkRefusal(cluster: ControlPlane, image: string, code: string): Promise<void> {
  const ours = await tryPod(cluster, 'sealward', image)
  if (ours.code === 0 || !ours.stderr.includes(code))
    throw new Error(`${image} was not refused: ${ours.stdout}${ours.stderr}`)
  const others = await tryPod(cluster, 'nobody', image)
  if (others.code !== 0) throw new Error(`${image} was refused where nobody is asked: ${others.stderr}`)
}

async function clear(cluster: ControlPlane, { kubectl }: Prepared, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${name}/pods`
  await kubectl('delete', '--raw', path)
  const left = (await cluster.kubectl(['get', '--raw', `${path}?limit=1`])).stdout
  if (!left.includes('"items":[]')) throw new Error(`there are still pods in ${name}: ${left.slice(0, 200)}`)
}

/** To its administrator, who is asked to wait for nobody. */
async function served(cluster: ControlPlane): Promise<Served> {
  const pem = (file: string) => readFile(`${cluster.folder}/pki/${file}`, 'utf8')
  const [ca, cert, key] = await Promise.all([readFile(cluster.ca, 'utf8'), pem('admin.crt'), pem('admin.key')])
  const port = Number(new URL(cluster.server).port)
  return { pid: cluster.apiServer.pid, port, ca, client: { cert, key }, loadFrom: 'anywhere' }
}
