// What is remembered: what it takes, what asking it costs when it is much, and that it does not grow with the traffic.

import { startChild } from '../child.ts'
import { startGenerator } from '../load.ts'
import { policyFor } from '../policy.ts'
import { residentMiB } from '../process-figures.ts'
import type { BenchRegistry } from '../registry.ts'
import { startRegistry } from '../registry.ts'
import type { Bench, Row, Scenario } from '../scenario.ts'
import { pairedRow } from '../scenario.ts'
import type { BenchKey } from '../signed-images.ts'
import { newKey, signedImage } from '../signed-images.ts'
import { allowedShot } from '../warm-world.ts'
import { startWebhook } from '../webhook.ts'

export const memory: Scenario = {
  name: 'memory',
  about: '100,000 remembered verdicts: their bytes, and a request about one of them; memory after as many admissions',
  run: async (bench) => [...(await verdictRows(bench)), await trafficRow(bench)],
}

async function verdictRows(bench: Bench): Promise<readonly Row[]> {
  const [few, many] = bench.smoke ? [10, 100] : [1_000, 100_000]
  const [small, large] = [startVerdicts(bench), startVerdicts(bench)]
  await small.call('fill', 1)
  await large.call('fill', 1)
  const before = await large.call<number>('heapBytes')
  await small.call('fill', few)
  await large.call('fill', many)
  const bytes = ((await large.call<number>('heapBytes')) - before) / many
  const milliseconds = bench.seconds * 1_000
  for (const each of [small, large]) await each.call('hit', milliseconds)
  const rounds = []
  for (let round = 0; round < bench.rounds; round++) {
    rounds.push({
      ours: await large.call<number>('hit', milliseconds),
      theirs: await small.call<number>('hit', milliseconds),
    })
  }
  return [
    {
      figure: `a remembered verdict, of ${grouped(many)}`,
      value: bytes,
      unit: 'B',
      goal: { kind: 'at most', limit: 250, of: 'value' },
    },
    pairedRow(
      {
        figure: 'processor time of a request about one',
        unit: 'µs',
        yardstick: `one of ${grouped(few)}`,
        goal: { kind: 'at most', limit: 3 },
      },
      rounds.map(({ ours }) => ours),
      rounds.map(({ theirs }) => theirs),
    ),
  ]
}

function startVerdicts(bench: Bench) {
  const child = startChild('verdicts', 'server', { nodeFlags: ['--expose-gc'] })
  bench.closing(() => child.stop())
  return child
}

/** Evidence 64, verdicts 25 and 6, proofs 8, verifications 4 (`src/app/engine/answers.ts`, `memory.ts`, `verdicts.ts`). */
const mayBeKeptMiB = 107

/**
 * What Node chooses by itself where a container may have 512 MiB. With all the memory of a large machine before it, it
 * lets four times as much garbage lie as there is content, and what is kept could not be told from that.
 */
const nodeFlags = ['--max-old-space-size=256', '--max-semi-space-size=2']

const imagesEach = 3
/** Images whose signatures are stored by one call. */
const storedAtOnce = 1_000

async function trafficRow(bench: Bench): Promise<Row> {
  const [pods, admissions] = bench.smoke ? [10, 30] : [3_334, 100_000]
  const registry = await startRegistry(bench)
  const key = newKey()
  const images = await storeImages(registry, key, pods * imagesEach)
  const shots = Array.from({ length: pods }, (_, pod) =>
    allowedShot('/mutate', `pod-${pod}`, images.slice(pod * imagesEach, (pod + 1) * imagesEach)),
  )
  const webhook = await startWebhook(bench, {
    policy: policyFor(registry.host, [key]),
    registry: registry.host,
    nodeFlags,
  })
  const warm = await startGenerator(bench, webhook, shots.slice(0, 10), 8)
  await warm.fire({ count: admissions / 10 })
  const before = residentMiB(webhook.pid)
  const all = await startGenerator(bench, webhook, shots, 8)
  await all.fire({ count: admissions })
  const after = residentMiB(webhook.pid)
  return {
    figure: `memory after ${grouped(admissions)} admissions of ${grouped(images.length)} images`,
    value: after,
    unit: 'MiB',
    yardstick: { name: `before, and ${mayBeKeptMiB} that may be kept`, value: before + mayBeKeptMiB },
    ratio: after / (before + mayBeKeptMiB),
    goal: { kind: 'at most', limit: 1 },
  }
}

/** @returns their references by digest */
async function storeImages(registry: BenchRegistry, key: BenchKey, count: number): Promise<readonly string[]> {
  const references: string[] = []
  while (references.length < count) {
    const images = Array.from({ length: Math.min(storedAtOnce, count - references.length) }, (_, index) =>
      signedImage(`team/app${references.length + index}`, 'v1', { keys: [key] }),
    )
    await registry.store(images.flatMap(({ stored }) => stored))
    references.push(...images.map(({ repository, digest }) => `${registry.host}/${repository}@${digest}`))
  }
  return references
}

function grouped(count: number): string {
  return count.toLocaleString('en-US')
}
