// A webhook, a registry in which every answer takes its time, and images that the webhook has never seen.

import { Agent, get } from 'node:http'
import type { LoadFigures } from './load.ts'
import { startGenerator } from './load.ts'
import { podReview } from './pod-review.ts'
import { policyFor } from './policy.ts'
import type { Shot } from './processes/generator.ts'
import type { Asked } from './processes/registry.ts'
import type { BenchRegistry } from './registry.ts'
import { startRegistry } from './registry.ts'
import type { Bench } from './scenario.ts'
import type { BenchImage, BenchKey } from './signed-images.ts'
import { newKey, signedImage } from './signed-images.ts'
import { startWebhook } from './webhook.ts'

/** Of the registry, for each answer: a round trip to a registry in the same region. */
export const delayMs = 20

export interface ColdOptions {
  readonly keys?: readonly BenchKey[]
  readonly layouts?: readonly string[]
  readonly hasReferrersApi?: boolean
  readonly signaturesPerKey?: number
  readonly nodeFlags?: readonly string[]
  /** Puts something else than a signature under the `.sig` tag beside a new image. */
  readonly sign?: (image: BenchImage, host: string, key: BenchKey) => Promise<BenchImage>
}

export interface Admitted extends LoadFigures {
  readonly asked: Asked
}

export interface ColdWorld {
  readonly host: string
  readonly registry: BenchRegistry
  /** New images, each with a signature by the first key. */
  fresh(count: number): Promise<readonly BenchImage[]>
  /** All shots at once, each on a connection that is open already. */
  admit(shots: readonly Shot[], connections?: number): Promise<Admitted>
  /**
   * Milliseconds that a client takes which does nothing with the answers: so many requests one after the other, and so many
   * such rows at once.
   */
  bare(requests: number, rows?: number): Promise<number>
}

let images = 0

export async function startColdWorld(bench: Bench, options: ColdOptions = {}): Promise<ColdWorld> {
  const registry = await startRegistry(bench)
  const keys = options.keys ?? [newKey()]
  const [key] = keys
  if (key === undefined) throw new Error('somebody has to sign')
  await registry.behave({ delayMs, hasReferrersApi: options.hasReferrersApi ?? true })
  const policy = policyFor(registry.host, keys, options.layouts)
  const webhook = await startWebhook(bench, { policy, registry: registry.host, nodeFlags: options.nodeFlags ?? [] })
  const generator = await startGenerator(bench, webhook, [allowed('first', [])], 1)
  const { sign, signaturesPerKey = 1 } = options
  const world: ColdWorld = {
    host: registry.host,
    registry,
    async fresh(count) {
      const plain = Array.from({ length: count }, () =>
        signedImage(`team/app${++images}`, 'v1', { keys: sign === undefined ? [key] : [], signaturesPerKey }),
      )
      const made = sign === undefined ? plain : await Promise.all(plain.map((image) => sign(image, registry.host, key)))
      await registry.store(made.flatMap(({ stored }) => stored))
      return made
    },
    async admit(shots, connections = shots.length) {
      await generator.aim(shots, connections)
      await registry.asked()
      const figures = await generator.fire({ count: shots.length })
      return { ...figures, asked: await registry.asked() }
    },
    bare: bareClient(registry.host),
  }
  // What a process does for the first times costs more than it ever will again, and counts nowhere here: new are the images.
  for (const image of await world.fresh(bench.smoke ? 1 : 60))
    await world.admit([allowed('warm-up', [byDigest(world, image)])])
  return world
}

function bareClient(host: string): ColdWorld['bare'] {
  const agent = new Agent({ keepAlive: true })
  const ask = () =>
    new Promise<void>((resolve, reject) => {
      get(`http://${host}/v2/`, { agent }, (answer) => answer.resume().once('end', resolve)).once('error', reject)
    })
  const row = async (requests: number) => {
    for (let sent = 0; sent < requests; sent++) await ask()
  }
  return async (requests, rows = 1) => {
    const begun = performance.now()
    await Promise.all(Array.from({ length: rows }, () => row(requests)))
    return performance.now() - begun
  }
}

export function byDigest({ host }: Pick<ColdWorld, 'host'>, { repository, digest }: BenchImage): string {
  return `${host}/${repository}@${digest}`
}

export function byTag({ host }: Pick<ColdWorld, 'host'>, { repository, tag }: BenchImage): string {
  return `${host}/${repository}:${tag}`
}

export function allowed(uid: string, names: readonly string[], namespace?: string): Shot {
  const { body } = podReview(uid, names, namespace)
  return { path: '/mutate', body, holds: [`"uid":"${uid}"`, '"allowed":true'], lacks: ['"warnings"'] }
}
