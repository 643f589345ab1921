// `npm run bench:profile`: where the processor time of a warm admission goes, function by function. From the sources, not
// from the package, because the package has no names.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { startBareServer } from './bare-server.ts'
import type { ChildOptions } from './child.ts'
import { startClusterWorld } from './cluster-world.ts'
import { startGenerator } from './load.ts'
import { cpuMicroseconds } from './process-figures.ts'
import type { Bench } from './scenario.ts'
import { startWarmWorld } from './warm-world.ts'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly children?: readonly number[]
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const root = fileURLToPath(new URL('..', import.meta.url))
const shown = 40
const calls = 30_000
/** Of Pods through an API server, which makes some hundred a second. */
const podsMade = 4_000
const profiler = fileURLToPath(new URL('./processes/profiler.ts', import.meta.url))

function placeOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const file = url.replace(`file://${root}`, '').replace(/^.*node_modules\//, '')
  return `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`
}

/** Microseconds by place; what waits is left out. */
function selfTimes({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]))
  const times = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '?'
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0))
  }
  times.delete('(idle)')
  return times
}

/** The same with all that each function of ours calls. What comes later, after a promise, is not called by it. */
function inclusiveTimes({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const times = new Map<string, number>()
  for (const [index, leaf] of samples.entries()) {
    const callers = new Set<string>()
    for (let id: number | undefined = leaf; id !== undefined; id = parents.get(id)) callers.add(names.get(id) ?? '?')
    for (const name of callers) {
      if (name.includes(' src/')) times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0))
    }
  }
  return times
}

function areaOf(place: string): string {
  if (place === '(garbage collector)') return 'garbage collector'
  if (/^(parseJson src\/core\/encoding\/strict-json|parse bench\/processes\/bare-server)\.ts/.test(place))
    return 'the platform’s JSON parser'
  const file = place.split(' ').at(-1) ?? ''
  if (!file.includes(':')) return 'native code: TLS, sockets, files'
  if (file.startsWith('node:')) return 'Node: HTTP, streams, TLS, timers, promises'
  return file.startsWith('src/') ? file.split('/').slice(0, 3).join('/').replace(/:.*/, '') : (file.split('/')[0] ?? '')
}

function printTable(head: string, times: ReadonlyMap<string, number>, total: number, count: number): void {
  const top = [...times].sort((a, b) => b[1] - a[1]).slice(0, shown)
  const lines = top.map(
    ([name, time]) => `| ${name} | ${(time / count).toFixed(1)} | ${((time / total) * 100).toFixed(1)} % |`,
  )
  process.stdout.write(`\n| ${head} | µs an admission | share |\n| --- | --- | --- |\n${lines.join('\n')}\n`)
}

async function written(file: string): Promise<string> {
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 50))
  await new Promise((resolve) => setTimeout(resolve, 500))
  return readFileSync(file, 'utf8')
}

/** `bare`: the yardstick, to see what of the rest is ours. */
async function worldOf(kind: string, bench: Bench, options: ChildOptions) {
  if (kind === 'bare') {
    const { bareShots } = await startWarmWorld(bench)
    const server = await startBareServer(bench, options)
    return { server, pid: server.pid, shots: bareShots, count: calls }
  }
  if (kind === 'cluster') {
    const { apiServer, webhook, shots } = await startClusterWorld(bench, options)
    return { server: apiServer, pid: webhook.pid, shots: [shots.sealward], count: podsMade }
  }
  const { webhook, shots } = await startWarmWorld(bench, options)
  const chosen = kind === 'tag' ? shots.tag : kind === 'whole' ? shots.whole : shots.digest
  return { server: webhook, pid: webhook.pid, shots: chosen, count: calls }
}

const kinds = ['digest', 'tag', 'whole', 'bare', 'cluster']

const usage = `npm run bench:profile -- [${kinds.join('|')}]

Profiles the webhook while it admits Pods whose image is named by digest (unless told otherwise) or by tag, or whole Pods; or the bare
server that it is compared with; or the webhook behind a real API server.
`

async function profile(kind: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-profile-'))
  const open: (() => unknown)[] = []
  const program = join(root, 'bin', 'sealward.js')
  const bench: Bench = {
    ...{ rounds: 1, seconds: 1, gapSeconds: 0, smoke: false, folder, program },
    closing: (close) => open.unshift(close),
    say: () => {},
  }
  try {
    const file = join(folder, 'profile.json')
    const profiled = { nodeFlags: ['--import', profiler], env: { BENCH_PROFILE: file } }
    const { server, pid, shots, count } = await worldOf(kind, bench, profiled)
    const generator = await startGenerator(bench, server, shots, 8)
    await generator.fire({ count })
    process.kill(pid, 'SIGUSR2')
    const before = cpuMicroseconds(pid)
    await generator.fire({ count })
    const cpu = (cpuMicroseconds(pid) - before) / count
    process.kill(pid, 'SIGUSR2')
    const profile: Profile = JSON.parse(await written(file))
    const times = selfTimes(profile)
    const total = [...times.values()].reduce((sum, time) => sum + time, 0)
    process.stdout.write(`${count} calls, ${cpu.toFixed(0)} µs each under the profiler\n`)
    const areas = new Map<string, number>()
    for (const [place, time] of times) areas.set(areaOf(place), (areas.get(areaOf(place)) ?? 0) + time)
    printTable('area', areas, total, count)
    printTable('function, by itself', times, total, count)
    printTable('function of ours, with what it calls', inclusiveTimes(profile), total, count)
  } finally {
    for (const close of open) await close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const [kind = 'digest', ...more] = process.argv.slice(2)
if (kind === '--help') process.stdout.write(usage)
else if (more.length === 0 && kinds.includes(kind)) await profile(kind)
else {
  process.stderr.write(`bench:profile: there is no such choice\n\n${usage}`)
  process.exitCode = 2
}
