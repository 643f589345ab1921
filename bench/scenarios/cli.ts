// Commands in a terminal: what starting Sealward costs, and what `verify --key` takes beside the least program that could do
// the same, and beside cosign 2. Every program verifies the same image by tag.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { tool } from '../../test/support/tools.ts'
import { delayMs } from '../cold-world.ts'
import type { Command, CommandFigures } from '../commands.ts'
import { runCommand } from '../commands.ts'
import { type BenchRegistry, startRegistry } from '../registry.ts'
import type { Bench, Goal, Row, Scenario } from '../scenario.ts'
import { pairedRow } from '../scenario.ts'
import { newKey, signedImage } from '../signed-images.ts'
import { mean } from '../statistic.ts'

/** A command takes a tenth of a second, and what disturbs it as long: more rounds than for a load of seconds. */
const runsEach = 4

interface Pair {
  readonly ours: CommandFigures
  readonly theirs: CommandFigures
}

function byTurns(bench: Bench, ours: Command, theirs: Command): readonly Pair[] {
  const home = bench.folder
  // The first run of each reads it from the disk.
  runCommand(ours, home)
  runCommand(theirs, home)
  const count = bench.smoke ? 1 : bench.rounds * runsEach
  return Array.from({ length: count }, () => ({ ours: runCommand(ours, home), theirs: runCommand(theirs, home) }))
}

interface Heading {
  readonly figure: string
  readonly yardstick: string
  readonly goal?: Goal
}

function timeRow(heading: Heading, pairs: readonly Pair[]): Row {
  const took = (of: 'ours' | 'theirs') => pairs.map((pair) => pair[of].took)
  return pairedRow({ ...heading, unit: 'ms' }, took('ours'), took('theirs'))
}

function cpuRow({ figure, yardstick }: Heading, pairs: readonly Pair[]): Row {
  const cpu = (of: 'ours' | 'theirs') => mean(pairs.map((pair) => pair[of].cpu))
  const [value, other] = [cpu('ours'), cpu('theirs')]
  const name = `${figure}: processor time`
  return { figure: name, unit: 'ms', value, yardstick: { name: yardstick, value: other }, ratio: value / other }
}

const node = process.execPath

export const cliStart: Scenario = {
  name: 'cli-start',
  about: 'a command that does nothing, from its start to its end',
  async run(bench) {
    const help: Command = { file: node, args: [bench.program, '--help'], prints: 'Usage' }
    const nothing: Command = { file: node, args: ['-e', '0'], prints: '' }
    const heading = { figure: '--help', yardstick: 'node -e 0' }
    const pairs = byTurns(bench, help, nothing)
    return [timeRow({ ...heading, goal: { kind: 'at most', limit: 1.7 } }, pairs), cpuRow(heading, pairs)]
  },
}

interface VerifyWorld {
  readonly registry: BenchRegistry
  readonly ours: Command
  readonly minimal: Command
  readonly cosign: (path: string) => Command
}

async function startVerifyWorld(bench: Bench): Promise<VerifyWorld> {
  const registry = await startRegistry(bench)
  const key = newKey()
  const { repository, tag, digest, stored } = signedImage('team/app', 'v1', { keys: [key] })
  await registry.store(stored)
  await registry.behave({ hasReferrersApi: true })
  const keyFile = join(bench.folder, 'cosign.pub')
  writeFileSync(keyFile, key.publicPem)
  const image = `${registry.host}/${repository}:${tag}`
  const script = fileURLToPath(new URL('../processes/minimal-verify.mjs', import.meta.url))
  const offline = ['--insecure-ignore-tlog=true', '--offline']
  return {
    registry,
    ours: { file: node, args: [bench.program, 'verify', '--key', keyFile, image], prints: digest },
    minimal: { file: node, args: [script, `http://${registry.host}`, repository, tag, keyFile], prints: digest },
    cosign: (file) => ({ file, args: ['verify', '--key', keyFile, ...offline, image], prints: digest }),
  }
}

export const cliVerify: Scenario = {
  name: 'cli-verify',
  about: 'verify --key beside a script of three reads and one check, registry on this machine',
  async run(bench) {
    const { ours, minimal } = await startVerifyWorld(bench)
    const heading = { figure: 'verify --key, loopback', yardstick: 'minimal script' }
    const pairs = byTurns(bench, ours, minimal)
    return [timeRow({ ...heading, goal: { kind: 'at most', limit: 1.2 } }, pairs), cpuRow(heading, pairs)]
  },
}

export const cliCosign: Scenario = {
  name: 'cli-cosign',
  about: 'verify --key beside cosign 2, registry on this machine and 20 ms away',
  lacks: () => (tool('cosign2') === undefined ? 'cosign2 is not here; npm run tools installs it' : undefined),
  async run(bench) {
    const { registry, ours, cosign } = await startVerifyWorld(bench)
    const theirs = cosign(tool('cosign2') ?? '')
    const yardstick = 'cosign 2'
    const near = { figure: 'verify --key, loopback', yardstick }
    const nearPairs = byTurns(bench, ours, theirs)
    await registry.behave({ delayMs })
    const farPairs = byTurns(bench, ours, theirs)
    const requests = async (command: Command) => {
      await registry.asked()
      runCommand(command, bench.folder)
      return (await registry.asked()).requests
    }
    return [
      timeRow({ ...near, goal: { kind: 'at most', limit: 1.6 } }, nearPairs),
      cpuRow(near, nearPairs),
      timeRow(
        { figure: `verify --key, ${delayMs} ms away`, yardstick, goal: { kind: 'at most', limit: 0.75 } },
        farPairs,
      ),
      {
        figure: 'verify --key: requests',
        unit: '',
        value: await requests(ours),
        yardstick: { name: yardstick, value: await requests(theirs) },
      },
    ]
  },
}
