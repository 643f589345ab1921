// Warm admissions: everything about the images is known already.

import { startBareServer } from '../bare-server.ts'
import type { Generator, LoadFigures, Served } from '../load.ts'
import { startGenerator } from '../load.ts'
import type { Bench, Row, Scenario } from '../scenario.ts'
import { pairedRow } from '../scenario.ts'
import type { WarmOptions, WarmShots } from '../warm-world.ts'
import { startWarmWorld } from '../warm-world.ts'

const connections = 8
/** Until the compiler has seen it all: on a busy machine that takes longer, not more calls. */
const warmUpCalls = 20_000
const bare = 'bare TLS + JSON server'

interface Goals {
  readonly perSecond?: Row['goal']
  readonly cpu: Row['goal']
  readonly p50?: Row['goal']
}

/** Ours and the yardstick by turns, under the same load. */
export async function compare(
  bench: Bench,
  shotsOf: (shots: WarmShots) => WarmShots['digest'],
  calls: number,
  goals: Goals,
  options: WarmOptions = {},
): Promise<readonly Row[]> {
  const world = await startWarmWorld(bench, options)
  const shots = shotsOf(world.shots)
  const server = await startBareServer(bench)
  // One after the other: a connection that is opened and not used for a minute is closed by the server.
  const ours = await startWarm(bench, world.webhook, shots)
  const theirs = await startWarm(bench, server, world.bareShots)
  const rounds: { ours: LoadFigures; theirs: LoadFigures }[] = []
  const milliseconds = bench.seconds * 1_000
  for (let round = 0; round < bench.rounds; round++) {
    rounds.push({ ours: await ours.fire({ milliseconds }), theirs: await theirs.fire({ milliseconds }) })
    await world.checkRefusals()
  }
  return rowsOf(rounds, calls, goals)
}

async function startWarm(bench: Bench, server: Served, shots: WarmShots['digest']): Promise<Generator> {
  const generator = await startGenerator(bench, server, shots, connections)
  await generator.fire({ count: bench.smoke ? 64 : warmUpCalls })
  return generator
}

function rowsOf(
  rounds: readonly { readonly ours: LoadFigures; readonly theirs: LoadFigures }[],
  calls: number,
  goals: Goals,
): readonly Row[] {
  const row = (figure: string, unit: string, goal: Row['goal'], read: (figures: LoadFigures) => number, factor = 1) =>
    pairedRow(
      { figure, unit, yardstick: bare, ...(goal && { goal }) },
      rounds.map(({ ours }) => read(ours) * factor),
      rounds.map(({ theirs }) => read(theirs)),
    )
  const rows = [
    row('admissions per second', '/s', goals.perSecond, ({ perSecond }) => perSecond, 1 / calls),
    row('processor time', 'µs', goals.cpu, ({ cpu }) => cpu, calls),
  ]
  if (calls > 1) return rows
  return [
    ...rows,
    row('latency, p50', 'ms', goals.p50, ({ p50 }) => p50),
    row('latency, p99', 'ms', undefined, ({ p99 }) => p99),
  ]
}

export const warmByDigest: Scenario = {
  name: 'warm-digest',
  about: 'one /mutate call for a Pod with 3 images by digest, 8 connections, one processor',
  run: (bench) =>
    compare(bench, ({ digest }) => digest, 1, {
      perSecond: { kind: 'at least', limit: 0.6, stretch: 0.75 },
      cpu: { kind: 'at most', limit: 1.6, stretch: 1.35 },
      p50: { kind: 'at most', limit: 1.7 },
    }),
}

export const warmByTag: Scenario = {
  name: 'warm-tag',
  about: 'the same with 3 images by tag: each is resolved by a HEAD, and pinned by the answer',
  run: (bench) => compare(bench, ({ tag }) => tag, 1, { cpu: undefined }),
}

export const warmWhole: Scenario = {
  name: 'warm-whole',
  about: 'a whole admission by digest: /mutate, then /validate with the object as it was patched',
  run: (bench) => compare(bench, ({ whole }) => whole, 2, { cpu: { kind: 'at most', limit: 3.2 } }),
}
