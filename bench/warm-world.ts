// A webhook that has seen its images: registry, signed images, one policy, and requests whose answers are known.

import { startGenerator } from './load.ts'
import { podReview } from './pod-review.ts'
import { policyFor } from './policy.ts'
import type { Shot } from './processes/generator.ts'
import { startRegistry } from './registry.ts'
import type { Bench } from './scenario.ts'
import type { BenchImage, BenchKey } from './signed-images.ts'
import { newKey, signedImage } from './signed-images.ts'
import type { BenchWebhook } from './webhook.ts'
import { startWebhook } from './webhook.ts'

export interface WarmShots {
  readonly digest: readonly Shot[]
  readonly tag: readonly Shot[]
  /** `/mutate` by digest and `/validate` of the same, in turn. */
  readonly whole: readonly Shot[]
}

export interface WarmWorld {
  readonly webhook: BenchWebhook
  readonly shots: WarmShots
  /** The same bodies for the yardstick, which has answers of its own. */
  readonly bareShots: readonly Shot[]
  /** Fails unless images that nobody signed, and that a stranger signed, are refused still. */
  checkRefusals(): Promise<void>
}

export interface WarmOptions {
  readonly flags?: readonly string[]
  readonly nodeFlags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly policy?: (registry: string, key: BenchKey) => string
}

/** Of three images each; images of their own, so that a digest at the wrong image is noticed. */
const pods = 16
const imagesEach = 3

export async function startWarmWorld(bench: Bench, options: WarmOptions = {}): Promise<WarmWorld> {
  const registry = await startRegistry(bench)
  const key = newKey()
  const images = Array.from({ length: pods * imagesEach }, (_, n) => signedImage(`team/app${n}`, 'v1', { keys: [key] }))
  const unsigned = signedImage('team/unsigned', 'v1', { keys: [] })
  const foreign = signedImage('team/foreign', 'v1', { keys: [newKey()] })
  await registry.store([...images, unsigned, foreign].flatMap(({ stored }) => stored))
  const webhook = await startWebhook(bench, {
    ...options,
    policy: options.policy?.(registry.host, key) ?? policyFor(registry.host, [key]),
    registry: registry.host,
  })
  const byPod = Array.from({ length: pods }, (_, pod) => images.slice(pod * imagesEach, (pod + 1) * imagesEach))
  const digest = byPod.map((each, pod) => allowedShot('/mutate', `digest-${pod}`, each.map(byDigest(registry.host))))
  const validate = byPod.map((each, pod) => allowedShot('/validate', `whole-${pod}`, each.map(byDigest(registry.host))))
  const shots: WarmShots = {
    digest,
    tag: byPod.map((each, pod) => pinnedShot(`tag-${pod}`, registry.host, each)),
    whole: digest.flatMap((shot, pod) => [shot, ...validate.slice(pod, pod + 1)]),
  }
  const bareShots = digest.map((shot) => ({ ...shot, holds: [], lacks: [] }))
  const refusals = [unsigned, foreign].map(refusedShot(registry.host))
  const refused = await startGenerator(bench, webhook, refusals, 1)
  // A connection that is opened and not used is closed after seconds.
  await refused.fire({ count: 2 })
  return {
    webhook,
    shots,
    bareShots,
    async checkRefusals() {
      // Over a new connection: the first one has been idle for longer than a server lets it.
      await refused.aim(refusals, 1)
      await refused.fire({ count: 2 })
    },
  }
}

function byDigest(host: string): (image: BenchImage) => string {
  return ({ repository, digest }) => `${host}/${repository}@${digest}`
}

export function allowedShot(path: string, uid: string, images: readonly string[]): Shot {
  const { body } = podReview(uid, images)
  return { path, body, holds: [`"uid":"${uid}"`, '"allowed":true'], lacks: ['"patch"', '"warnings"'] }
}

/** By tag: the answer must hold exactly the patch that pins each image to its own digest. */
export function pinnedShot(uid: string, host: string, images: readonly BenchImage[]): Shot {
  const texts = images.map(({ repository, tag }) => `${host}/${repository}:${tag}`)
  const patch = images.map(({ digest }, index) => ({
    op: 'replace',
    path: `/spec/containers/${index}/image`,
    value: `${texts[index]}@${digest}`,
  }))
  const encoded = Buffer.from(JSON.stringify(patch)).toString('base64')
  const { body } = podReview(uid, texts)
  return { path: '/mutate', body, holds: [`"uid":"${uid}"`, '"allowed":true', `"patch":"${encoded}"`], lacks: [] }
}

function refusedShot(host: string): (image: BenchImage, index: number) => Shot {
  return (image, index) => {
    const uid = `refused-${index}`
    const { body } = podReview(uid, [byDigest(host)(image)])
    return { path: '/mutate', body, holds: [`"uid":"${uid}"`, '"allowed":false'], lacks: ['"patch"'] }
  }
}
