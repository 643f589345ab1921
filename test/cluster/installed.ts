// A cluster with Sealward installed by the plain manifest, and the process beside it with the token of the manifest's own
// service account: what it may is what the manifest grants.

import { readFileSync } from 'node:fs'
import { freePort } from '../support/free-port.ts'
import { type Manifest, toManifests } from '../support/manifests.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { userOf } from './rights.ts'
import { type Sealward, startSealward } from './sealward.ts'
import { startWorld, type World } from './world.ts'

export const account = { namespace: 'sealward', name: 'sealward' }

/** What the manifest makes of a cluster. */
export interface Prepared {
  /** Of the process: its service account, in its own namespace. */
  readonly kubeconfig: string
  /** What was applied. */
  readonly manifests: readonly Manifest[]
  /** @throws Error with what kubectl said */
  kubectl(...args: readonly string[]): Promise<string>
  apply(...objects: readonly object[]): Promise<void>
}

export interface Installed extends Prepared {
  readonly cluster: ControlPlane
  readonly world: World
  readonly sealward: Sealward
  /** The same process anew, on the same port. */
  restart(signal?: NodeJS.Signals): Promise<void>
  stop(): Promise<void>
}

export interface InstallOptions {
  readonly flags?: readonly string[]
  /** Applied along with the manifest: what a value of the chart would add. */
  readonly more?: readonly Manifest[]
}

export async function install({ flags = [], more = [] }: InstallOptions = {}): Promise<Installed> {
  const [cluster, world] = await Promise.all([startControlPlane({ audited: [userOf(account)] }), startWorld()])
  const stops: (() => Promise<unknown>)[] = [() => cluster.stop(), () => world.stop()]
  const stop = async () => {
    for (const each of stops.toReversed()) await each()
  }
  try {
    const prepared = await prepare(cluster, more)
    const { kubeconfig } = prepared
    const port = await freePort()
    const own = ['--webhook-url', `https://127.0.0.1:${port}`, '--insecure-registry', world.host]
    const start = () => startSealward({ folder: cluster.folder, kubeconfig, port, flags: [...own, ...flags] })
    let sealward = await start()
    stops.push(() => sealward.stop())
    return {
      ...prepared,
      cluster,
      world,
      get sealward() {
        return sealward
      },
      async restart(signal = 'SIGTERM') {
        await sealward.stop(signal)
        sealward = await start()
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Applies the manifest, and leaves its Pods out. */
export async function prepare(cluster: ControlPlane, more: readonly Manifest[] = []): Promise<Prepared> {
  const kubectl = async (...args: readonly string[]) => told(await cluster.kubectl(args))
  const apply = async (...objects: readonly object[]) => {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
    told(await cluster.kubectl(['apply', '-f', '-'], list))
  }
  const manifests = [...toManifests(readFileSync('deploy/sealward.yaml', 'utf8')), ...more]
  await kubectl('apply', '--server-side', '-f', 'deploy/sealward.yaml')
  // The Pods of the manifest never run here; the process beside the cluster is what they would be.
  await kubectl('scale', 'deployment', '-n', account.namespace, account.name, '--replicas=0')
  if (more.length > 0) await apply(...more)
  await kubectl('wait', '--for=condition=Established', 'crd', '-l', 'app.kubernetes.io/part-of=sealward')
  const token = await kubectl('create', 'token', '-n', account.namespace, account.name, '--duration=2h')
  const kubeconfig = await cluster.kubeconfigOf(token.trim(), account.namespace)
  return { kubeconfig, manifests, kubectl, apply }
}

function told({ code, stdout, stderr }: { readonly code: number; readonly stdout: string; readonly stderr: string }) {
  if (code !== 0) throw new Error(stderr)
  return stdout
}
