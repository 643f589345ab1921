// A whole cluster to try: control plane, the demo's registry and images, Sealward as its chart installs it, and a policy in
// Enforce. What `npm run cluster` shows to a person.

import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { install } from './installation.ts'
import { startSealward } from './sealward.ts'
import { startWorld, type World } from './world.ts'

export interface DemoCluster {
  readonly cluster: ControlPlane
  readonly world: World
  /** What Sealward wrote on standard error. */
  log(): string
  stop(): Promise<void>
}

/** From the policy's making until the API server asks the webhook: a second on a quiet machine, five on a busy one. */
const enforcedDeadlineMs = 60_000

/** Waits until the policy is enforced. @throws Error with what was said, where something does not start */
export async function startDemoCluster(): Promise<DemoCluster> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each()
  }
  try {
    const world = await startWorld()
    stops.push(() => world.stop())
    const cluster = await startControlPlane()
    stops.push(() => cluster.stop())
    const { kubeconfig } = await install(cluster)
    const port = await freePort()
    const flags = ['--insecure-registry', world.host, '--webhook-url', `https://127.0.0.1:${port}`]
    const sealward = await startSealward({ folder: cluster.folder, kubeconfig, port, flags })
    stops.push(() => sealward.stop())
    const applied = await cluster.kubectl(['apply', '-f', '-'], world.policy)
    if (applied.code !== 0) throw new Error(applied.stderr)
    await untilEnforced(cluster, world, sealward.log)
    return { cluster, world, log: sealward.log, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function untilEnforced(cluster: ControlPlane, world: World, log: () => string): Promise<void> {
  const args = ['create', 'deployment', 'probe', `--image=${world.image('unsigned')}`, '--dry-run=server']
  const end = performance.now() + enforcedDeadlineMs
  let told = await cluster.kubectl(args)
  while (!told.stderr.includes('images.sealward.dev') && performance.now() < end) {
    await sleep(100)
    told = await cluster.kubectl(args)
  }
  if (!told.stderr.includes('denied the request'))
    throw new Error(`the policy is not enforced: ${told.stdout}${told.stderr}\n${log()}`)
}
