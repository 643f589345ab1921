// Images that the webhook sees for the first time, before a registry in which every answer takes 20 ms. What is counted
// are round trips (time by delay) and requests: neither depends on the machine. Plain HTTP on this machine: the first
// connection's set-up, which is part of the first figure of each kind, takes no round trip of the delay.

import { withBundle } from '../bundles.ts'
import type { Admitted, ColdOptions, ColdWorld } from '../cold-world.ts'
import { allowed, byDigest, byTag, delayMs, startColdWorld } from '../cold-world.ts'
import type { Bench, Goal, Row, Scenario } from '../scenario.ts'
import { pairedRow } from '../scenario.ts'
import type { BenchImage } from '../signed-images.ts'
import { newKey } from '../signed-images.ts'

type Naming = (world: Pick<ColdWorld, 'host'>, image: BenchImage) => string

const atMost = (limit: number): Goal => ({ kind: 'at most', limit, of: 'value' })
const exactly = (limit: number): Goal => ({ kind: 'exactly', limit, of: 'value' })

function rounds<T>(bench: Bench, once: () => Promise<T>): Promise<readonly T[]> {
  return Array.from({ length: bench.rounds }).reduce<Promise<readonly T[]>>(
    async (before) => [...(await before), await once()],
    Promise.resolve([]),
  )
}

/** One Pod with one new image. */
async function admitOne(world: ColdWorld, naming: Naming): Promise<Admitted> {
  const [image] = await world.fresh(1)
  if (image === undefined) throw new Error('no image')
  return await world.admit([allowed('one', [naming(world, image)])])
}

interface Expected {
  readonly trips: number
  /** That one has to wait for before the next. */
  readonly inARow: number
  readonly requests: number
}

async function tripRows(
  bench: Bench,
  what: string,
  options: ColdOptions,
  goals: { readonly digest: Expected; readonly tag: Expected },
): Promise<readonly Row[]> {
  const world = await startColdWorld(bench, options)
  const rows: Row[] = []
  for (const [name, naming] of [
    ['digest', byDigest],
    ['tag', byTag],
  ] as const) {
    const { trips, inARow, requests } = goals[name]
    const figures = await rounds(bench, async () => ({
      ours: await admitOne(world, naming),
      bare: await world.bare(inARow),
    }))
    const heading = { figure: `${what}, by ${name}: round trips`, unit: '', yardstick: `${inARow} bare requests` }
    rows.push(
      pairedRow(
        { ...heading, goal: atMost(trips) },
        figures.map(({ ours }) => ours.longest / delayMs),
        figures.map(({ bare }) => bare / delayMs),
      ),
      countRow(`${what}, by ${name}: requests`, Math.max(...figures.map(({ ours }) => ours.asked.requests)), requests),
    )
  }
  return rows
}

function countRow(figure: string, value: number, wanted?: number): Row {
  return { figure, unit: '', value, ...(wanted !== undefined && { goal: exactly(wanted) }) }
}

export const coldTrips: Scenario = {
  name: 'cold-trips',
  about: 'a Pod with one new image, every answer of the registry takes 20 ms',
  run: async (bench) => [
    ...(await tripRows(
      bench,
      'layouts [Tag]',
      { layouts: ['Tag'] },
      { digest: { trips: 2.3, inARow: 2, requests: 2 }, tag: { trips: 3.3, inARow: 3, requests: 3 } },
    )),
    ...(await tripRows(
      bench,
      'layouts [Bundle], referrers API',
      { layouts: ['Bundle'], sign: withBundle },
      { digest: { trips: 3.3, inARow: 3, requests: 3 }, tag: { trips: 4.3, inARow: 4, requests: 4 } },
    )),
    // Side by side: the tag and the referrers in one trip, the payload and the fallback tag of the referrers in the next.
    ...(await tripRows(
      bench,
      'both layouts',
      {},
      { digest: { trips: 2.3, inARow: 2, requests: 4 }, tag: { trips: 3.3, inARow: 3, requests: 5 } },
    )),
  ],
}

/** Many against one, in the same rounds. */
async function compare(
  bench: Bench,
  world: ColdWorld,
  {
    figure,
    yardstick,
    goal,
    many,
  }: {
    readonly figure: string
    readonly yardstick: string
    readonly goal?: Goal
    readonly many: () => Promise<Admitted>
  },
): Promise<{ readonly row: Row; readonly asked: readonly Admitted['asked'][] }> {
  const pairs = await rounds(bench, async () => ({ one: await admitOne(world, byDigest), many: await many() }))
  const row = pairedRow(
    { figure, unit: 'ms', yardstick, ...(goal && { goal }) },
    pairs.map((pair) => pair.many.longest),
    pairs.map((pair) => pair.one.longest),
  )
  return { row, asked: pairs.map((pair) => pair.many.asked) }
}

function most(asked: readonly Admitted['asked'][], wanted: RegExp = /^/): number {
  return Math.max(...asked.map(({ lines }) => lines.filter((line) => wanted.test(line)).length))
}

export const coldSharing: Scenario = {
  name: 'cold-sharing',
  about: 'what is the same is asked for once: by containers, keys, requests and namespaces',
  async run(bench) {
    const world = await startColdWorld(bench, { layouts: ['Tag'] })
    const eight = await compare(bench, world, {
      figure: '8 containers of one image',
      yardstick: 'one container',
      goal: { kind: 'at most', limit: 1.1 },
      many: () => containers(world, 8),
    })
    return [
      eight.row,
      countRow('8 containers of one image: requests', most(eight.asked), 2),
      ...(await differentRows(bench, world)),
      ...(await keyRows(bench)),
      ...(await burstRows(bench, world)),
    ]
  },
}

/** Beside the same requests without anything done with the answers: what 64 of them cost a machine. */
async function differentRows(bench: Bench, world: ColdWorld): Promise<readonly Row[]> {
  const count = bench.smoke ? 4 : 32
  const different = await compare(bench, world, {
    figure: `${count} different images in one Pod`,
    yardstick: 'one image',
    goal: { kind: 'at most', limit: 1.6 },
    many: () => differentImages(world, count),
  })
  const bare = await rounds(bench, async () => ({ many: await world.bare(2, count), one: await world.bare(2) }))
  return [
    different.row,
    pairedRow(
      { figure: `${count} times 2 bare requests`, unit: 'ms', yardstick: '2 bare requests' },
      bare.map(({ many }) => many),
      bare.map(({ one }) => one),
    ),
    countRow(`${count} different images: requests`, most(different.asked), 2 * count),
  ]
}

async function containers(world: ColdWorld, count: number): Promise<Admitted> {
  const [image] = await world.fresh(1)
  return await world.admit([allowed('same', Array(count).fill(image && byDigest(world, image)))])
}

async function differentImages(world: ColdWorld, count: number): Promise<Admitted> {
  const images = await world.fresh(count)
  return await world.admit([
    allowed(
      'different',
      images.map((image) => byDigest(world, image)),
    ),
  ])
}

/** 15 keys, and three signatures by one of them, against one key and as many signatures. */
async function keyRows(bench: Bench): Promise<readonly Row[]> {
  const keys = Array.from({ length: 15 }, newKey)
  const signaturesPerKey = 3
  const many = await startColdWorld(bench, { keys, layouts: ['Tag'], signaturesPerKey })
  const one = await startColdWorld(bench, { keys: keys.slice(0, 1), layouts: ['Tag'], signaturesPerKey })
  const pairs = await rounds(bench, async () => ({
    one: await admitOne(one, byDigest),
    many: await admitOne(many, byDigest),
  }))
  const requests = (of: 'one' | 'many') => most(pairs.map((pair) => pair[of].asked))
  const yardstick = 'one key'
  return [
    pairedRow(
      { figure: '15 keys, 3 signatures', unit: 'ms', yardstick, goal: { kind: 'at most', limit: 1.1 } },
      pairs.map((pair) => pair.many.longest),
      pairs.map((pair) => pair.one.longest),
    ),
    {
      figure: '15 keys, 3 signatures: requests',
      unit: '',
      value: requests('many'),
      yardstick: { name: yardstick, value: requests('one') },
      ratio: requests('many') / requests('one'),
      goal: { kind: 'exactly', limit: 1 },
    },
  ]
}

async function burstRows(bench: Bench, world: ColdWorld): Promise<readonly Row[]> {
  const pods = bench.smoke ? 5 : 200
  const namespaces = bench.smoke ? 5 : 500
  const burst = (naming: Naming) => async () => {
    const [image] = await world.fresh(1)
    return await world.admit(
      Array.from({ length: pods }, (_, pod) => allowed(`pod-${pod}`, image ? [naming(world, image)] : [])),
    )
  }
  const digest = await compare(bench, world, {
    figure: `${pods} Pods at once, one new image by digest: the slowest`,
    yardstick: 'one Pod',
    many: burst(byDigest),
  })
  const tag = await rounds(bench, burst(byTag))
  const tagAsked = tag.map(({ asked }) => asked)
  const shared = await rounds(bench, () => oneInMany(world, namespaces))
  return [
    digest.row,
    countRow(`${pods} Pods at once by digest: requests`, most(digest.asked), 2),
    countRow(`${pods} Pods at once by tag: HEADs of the tag`, most(tagAsked, /^HEAD/)),
    countRow(`${pods} Pods at once by tag: other requests`, most(tagAsked, /^GET/), 2),
    countRow(`one new image in ${namespaces} namespaces: requests`, most(shared.map(({ asked }) => asked)), 2),
  ]
}

async function oneInMany(world: ColdWorld, namespaces: number): Promise<Admitted> {
  const [image] = await world.fresh(1)
  const names = image === undefined ? [] : [byDigest(world, image)]
  const shots = Array.from({ length: namespaces }, (_, n) => allowed(`ns-${n}`, names, `namespace-${n}`))
  return await world.admit(shots, 8)
}
