// `npm run cluster`: a cluster on this machine for a person to try, until Ctrl-C. Needs the tools of the cluster's tests; there
// are no nodes, so Pods are made and stay pending.

import { dirname } from 'node:path'
import process from 'node:process'
import { clusterTools } from '../test/cluster/control-plane.ts'
import { startDemoCluster } from '../test/cluster/demo-cluster.ts'
import type { Installed } from '../test/cluster/installed.ts'
import { needed, tool } from '../test/support/tools.ts'

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function invite({ cluster, world }: Installed): void {
  say(`
Sealward enforces the policy "demo" in a cluster of its own: ${cluster.server}. In another terminal:

  export KUBECONFIG=${cluster.kubeconfig} PATH=${dirname(needed('kubectl'))}:$PATH

  kubectl create deployment signed --image=${world.image('signed')}
  kubectl create deployment unsigned --image=${world.image('unsigned')}
  kubectl get ctp

The first is admitted, and its image pinned (kubectl get deployment signed -o wide); the second is refused. Further tags of
${world.host}/shop/app: ${Object.keys(world.digests).join(', ')}. There are no nodes: Pods stay pending.

Ctrl-C ends it and removes everything.`)
}

/** The second Ctrl-C of somebody impatient ends at once what the first one ends in order. */
function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}

async function main(): Promise<number> {
  const absent = clusterTools.filter((name) => tool(name) === undefined)
  if (absent.length > 0) {
    process.stderr.write(
      `cluster: not here: ${absent.join(', ')}. Bring them with: npm run tools ${absent.join(' ')}\n`,
    )
    return 2
  }
  const told = untilTold()
  say('Starting etcd, the API server, a registry and Sealward: ten seconds on a quiet machine.')
  const demo = await startDemoCluster()
  try {
    invite(demo)
    await told
    say('\nEnding.')
  } finally {
    await demo.stop()
  }
  return 0
}

process.exitCode = await main()
