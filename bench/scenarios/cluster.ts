// Pods made through a real API server: where it asks Sealward about each, where it asks a server that always answers the
// same, and where it asks nobody.

import { clusterTools } from '../../test/cluster/control-plane.ts'
import type { Call } from '../../test/cluster/rights.ts'
import { tool } from '../../test/support/tools.ts'
import { type Asked, type ClusterWorld, startClusterWorld } from '../cluster-world.ts'
import { type Generator, type LoadFigures, startGenerator } from '../load.ts'
import { cpuMicroseconds } from '../process-figures.ts'
import type { Bench, Goal, Row, Scenario } from '../scenario.ts'
import { pairedRow } from '../scenario.ts'
import { median } from '../statistic.ts'

/** One `kubectl apply`, a Deployment that grows, and more than an API server keeps connections for. */
const clientCounts = [1, 16, 64]
/** Each is two calls; the compiler and the caches of all programs have seen it then. */
const warmUpPods = 3_000
const everybody: readonly Asked[] = ['sealward', 'bare', 'nobody']

/** One stretch of load in one namespace. */
interface Stretch extends LoadFigures {
  /** Of whoever was asked, in microseconds a Pod: two calls. */
  readonly webhookCpu: number
  /** New ones, for 1,000 Pods. */
  readonly connections: number
  /** Of Sealward to the API server meanwhile. */
  readonly calls: readonly Call[]
}

type Round = Readonly<Record<Asked, Stretch>>

async function stretch(
  world: ClusterWorld,
  generator: Generator,
  { asked, clients, milliseconds }: { readonly asked: Asked; readonly clients: number; readonly milliseconds: number },
): Promise<Stretch> {
  await generator.aim([world.shots[asked]], clients)
  // The API server has closed connections that were idle for long; those of the first burst are not what load costs.
  await generator.fire({ count: 4 * clients })
  const pid = { sealward: world.webhook.pid, bare: world.bare.pid, nobody: 0 }[asked]
  const [connections, calls, cpu] = [await world.connections(asked), await world.calls(), cpuMicroseconds(pid)]
  const load = await generator.fire({ milliseconds })
  const used = cpuMicroseconds(pid) - cpu
  const opened = (await world.connections(asked)) - connections
  const made = (await world.calls()).slice(calls.length)
  await world.clear(asked)
  return { ...load, webhookCpu: used / load.count, connections: (opened / load.count) * 1_000, calls: made }
}

/** Each begins in its turn: what comes later finds an API server that has done more. */
async function measure(
  bench: Bench,
  world: ClusterWorld,
  generator: Generator,
  clients: number,
): Promise<readonly Round[]> {
  const rounds: Round[] = []
  const milliseconds = bench.seconds * 1_000
  for (let round = 0; round < bench.rounds; round++) {
    const order = everybody.map((_, index) => everybody[(round + index) % everybody.length] ?? 'nobody')
    const found = new Map<Asked, Stretch>()
    for (const asked of order) found.set(asked, await stretch(world, generator, { asked, clients, milliseconds }))
    const [sealward, bare, nobody] = everybody.map((asked) => found.get(asked))
    if (sealward !== undefined && bare !== undefined && nobody !== undefined) rounds.push({ sealward, bare, nobody })
    await world.checkRefusals()
  }
  return rounds
}

const bareName = 'bare server'

function rowsOf(clients: number, rounds: readonly Round[]): readonly Row[] {
  const who = clients === 1 ? '1 client' : `${clients} clients`
  const row = (figure: string, unit: string, read: (stretch: Stretch) => number, goal?: Goal) =>
    pairedRow(
      { figure: `${who}: ${figure}`, unit, yardstick: bareName, ...(goal && { goal }) },
      rounds.map(({ sealward }) => read(sealward)),
      rounds.map(({ bare }) => read(bare)),
    )
  const besideNobody = (name: string, asked: Asked) =>
    pairedRow(
      { figure: `${who}: pods made${name}`, unit: '/s', yardstick: 'no webhook' },
      rounds.map((round) => round[asked].perSecond),
      rounds.map(({ nobody }) => nobody.perSecond),
    )
  return [
    row('pods made', '/s', ({ perSecond }) => perSecond, { kind: 'at least', limit: 0.95 }),
    besideNobody('', 'sealward'),
    besideNobody(' with the bare server', 'bare'),
    row('latency, p50', 'ms', ({ p50 }) => p50),
    row('latency, p99', 'ms', ({ p99 }) => p99),
    row('processor time of the webhook, two calls', 'µs', ({ webhookCpu }) => webhookCpu),
    row('processor time of the API server', 'µs', ({ cpu }) => cpu),
    connectionsRow(who, rounds),
  ]
}

/** Where there is one client there are none, and no ratio. */
function connectionsRow(who: string, rounds: readonly Round[]): Row {
  const of = (asked: Asked) => median(rounds.map((round) => round[asked].connections))
  return {
    figure: `${who}: new TLS connections, for 1,000 pods`,
    value: of('sealward'),
    unit: '',
    yardstick: { name: bareName, value: of('bare') },
  }
}

/** What is done by the minute, or when something happens, and not for an admission. */
function isOfAdmission({ verb, resource }: Call): boolean {
  return verb !== 'watch' && resource !== 'events' && !resource.endsWith('/status')
}

function callsRow(rounds: readonly Round[]): Row {
  const pods = rounds.reduce((sum, { sealward }) => sum + sealward.count, 0)
  const calls = rounds.flatMap(({ sealward }) => sealward.calls).filter(isOfAdmission)
  const names = [...new Set(calls.map(({ verb, resource }) => `${verb} ${resource}`))]
  return {
    figure: `requests of Sealward to the API server, of ${pods.toLocaleString('en-US')} pods`,
    value: calls.length,
    unit: '',
    goal: { kind: 'exactly', limit: 0, of: 'value' },
    ...(names.length > 0 && { remark: names.join(', ') }),
  }
}

export const cluster: Scenario = {
  name: 'cluster',
  about:
    'pods made through a real API server that asks Sealward, a bare server, or nobody; nothing is pinned to processors',
  lacks() {
    const absent = clusterTools.filter((name) => tool(name) === undefined)
    return absent.length === 0 ? undefined : `${absent.join(', ')} is not here; \`npm run tools\` installs it`
  },
  async run(bench) {
    const world = await startClusterWorld(bench)
    const generator = await startGenerator(bench, world.apiServer, [world.shots.nobody], 1)
    for (const asked of everybody) {
      await generator.aim([world.shots[asked]], 16)
      await generator.fire({ count: bench.smoke ? 16 : warmUpPods })
      await world.clear(asked)
    }
    const all: Round[] = []
    const rows: Row[] = []
    for (const clients of bench.smoke ? [2] : clientCounts) {
      const rounds = await measure(bench, world, generator, clients)
      all.push(...rounds)
      rows.push(...rowsOf(clients, rounds))
    }
    return [...rows, callsRow(all)]
  },
}
