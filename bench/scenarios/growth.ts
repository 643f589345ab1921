// Warm admissions under many policies, of which one speaks about the images: beside the same under ten.

import type { LoadFigures } from '../load.ts'
import { startGenerator } from '../load.ts'
import { policyFor } from '../policy.ts'
import type { Bench, Row, Scenario } from '../scenario.ts'
import { pairedRow } from '../scenario.ts'
import type { BenchKey } from '../signed-images.ts'
import { startWarmWorld } from '../warm-world.ts'

const connections = 8
const few = 10

export const growth: Scenario = {
  name: 'growth',
  about: 'one /mutate call for a Pod with 3 images by digest, under 10,000 policies',
  run: async (bench) => [
    await rowOf(bench, 'of other namespaces', (index) => ({ match: { namespaces: [`other-${index}`] } })),
    await rowOf(bench, 'about other images', () => ({})),
  ],
}

type Apart = (index: number) => object

async function rowOf(bench: Bench, which: string, apart: Apart): Promise<Row> {
  const many = bench.smoke ? 100 : 10_000
  const [ours, theirs] = [await startLoad(bench, many, apart), await startLoad(bench, few, apart)]
  const milliseconds = bench.seconds * 1_000
  for (const each of [ours, theirs]) await each.fire({ milliseconds })
  const rounds: { ours: LoadFigures; theirs: LoadFigures }[] = []
  for (let round = 0; round < bench.rounds; round++) {
    rounds.push({ ours: await ours.fire({ milliseconds }), theirs: await theirs.fire({ milliseconds }) })
  }
  return pairedRow(
    {
      figure: `processor time, ${many.toLocaleString('en-US')} policies ${which}`,
      unit: 'µs',
      yardstick: `${few} policies`,
      goal: { kind: 'at most', limit: 1.1 },
    },
    rounds.map((round) => round.ours.cpu),
    rounds.map((round) => round.theirs.cpu),
  )
}

async function startLoad(bench: Bench, count: number, apart: Apart) {
  const policy = (registry: string, key: BenchKey) =>
    [
      policyFor(registry, [key]),
      ...Array.from({ length: count - 1 }, (_, index) => other(registry, index, apart)),
    ].join('\n---\n')
  const world = await startWarmWorld(bench, { policy })
  return startGenerator(bench, world.webhook, world.shots.digest, connections)
}

function other(registry: string, index: number, apart: Apart): string {
  const rules = [{ images: [`${registry}/other-${index}/**`], require: { signature: { attestor: 'release' } } }]
  return JSON.stringify({
    apiVersion: 'sealward.dev/v1alpha1',
    kind: 'ClusterTrustPolicy',
    metadata: { name: `other-${index}` },
    spec: { ...apart(index), rules },
  })
}
