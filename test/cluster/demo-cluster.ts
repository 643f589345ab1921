// A cluster to try: Sealward as the plain manifest installs it, the images of the demo, and a policy in Enforce. What
// `npm run cluster` shows to a person.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Installed, install } from './installed.ts'

/** From the policy's making until the API server asks the webhook: a second on a quiet machine, five on a busy one. */
const enforcedDeadlineMs = 60_000

/** Waits until the policy is enforced. @throws Error with what was said, where something does not start */
export async function startDemoCluster(): Promise<Installed> {
  const installed = await install()
  try {
    const { cluster, world } = installed
    const applied = await cluster.kubectl(['apply', '-f', '-'], world.policy)
    if (applied.code !== 0) throw new Error(applied.stderr)
    await untilEnforced(installed)
    return installed
  } catch (error) {
    await installed.stop()
    throw error
  }
}

async function untilEnforced({ cluster, world, sealward }: Installed): Promise<void> {
  const args = ['create', 'deployment', 'probe', `--image=${world.image('unsigned')}`, '--dry-run=server']
  const end = performance.now() + enforcedDeadlineMs
  let told = await cluster.kubectl(args)
  while (!told.stderr.includes('signature-missing') && performance.now() < end) {
    await sleep(100)
    told = await cluster.kubectl(args)
  }
  if (!told.stderr.includes('signature-missing'))
    throw new Error(`the policy is not enforced: ${told.stdout}${told.stderr}\n${sealward.log()}`)
}
