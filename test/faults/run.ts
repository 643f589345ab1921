// One fault under load: a stream of Pods begins before it and goes on after it. What was wrong or lost at any time, how
// long it was felt, and whether what is said about it is true.

import { setTimeout as sleep } from 'node:timers/promises'
import { verified } from '../support/decision-store.ts'
import type { Fault, Signs } from './fault.ts'
import type { Answered, Rate, Stream } from './load.ts'
import { startStream } from './load.ts'
import type { World } from './world.ts'
import { startWorld } from './world.ts'
import { startYardstick } from './yardstick.ts'

export interface Load extends Rate {
  readonly faultMs: number
  /** Before the fault, of a process that is warm; and so long must all be well after it, before it counts as over. */
  readonly calmMs: number
}

export interface Outcome {
  readonly fault: Fault
  readonly sent: number
  readonly undetermined: number
  readonly again: number
  readonly wrong: readonly string[]
  readonly lost: readonly string[]
  readonly slowestMs: number
  /** From the end of the fault until the last Pod was sent that got no right answer because of it. */
  readonly feltMs: number
  /** What is said of the fault and did not hold. */
  readonly untrue: readonly string[]
  /** How long a bare HTTPS server beside it took for an answer, at worst. */
  readonly machineMs: number
}

/** Every kind of image has been asked for three times. */
const warmAfter = 24

export async function runFault(fault: Fault, load: Load): Promise<Outcome> {
  const world = await startWorld()
  const yardstick = await startYardstick()
  try {
    const stream = startStream(world.service, () => world.images.next(), load)
    // A process that has just started is slow: who is caught by the fault then would be late for another reason.
    while (stream.answered.length < warmAfter) await sleep(50)
    await sleep(load.calmMs)
    const begunAt = performance.now()
    const end = await fault.begin(world)
    await sleep(load.faultMs)
    const missing = await missingSigns(fault.signs, stream.answered, world)
    const crowd = (await end()) ?? []
    const endedAt = performance.now()
    await calmAgain(stream, endedAt, load, fault.backWithin * 1_000)
    await stream.stop()
    await world.service.end('SIGTERM')
    const outcome = outcomeOf(fault, stream.answered, crowd, { begunAt, endedAt })
    const untrue = [...missing, ...outcome.untrue, ...flawsOfRecord(world, outcome)]
    return { ...outcome, untrue, machineMs: yardstick.slowest() }
  } finally {
    yardstick.stop()
    await world.close()
  }
}

/** Until all that was sent for a while got its right answer; or as long as it may take, and a bit. */
async function calmAgain({ answered }: Stream, endedAt: number, load: Load, withinMs: number): Promise<void> {
  const lastFelt = () => Math.max(endedAt, ...answered.filter(isFelt).map(({ sentAt }) => sentAt))
  const latest = endedAt + withinMs + load.calmMs
  // What was sent last is answered by then.
  while (performance.now() < Math.min(lastFelt() + load.calmMs + load.timeoutMs, latest)) await sleep(100)
}

const isFelt = ({ kind }: Answered) => kind !== 'right'

interface Times {
  readonly begunAt: number
  readonly endedAt: number
}

function outcomeOf(
  fault: Fault,
  answered: readonly Answered[],
  crowd: readonly Answered[],
  { begunAt, endedAt }: Times,
): Omit<Outcome, 'machineMs'> {
  const all = [...answered, ...crowd]
  const complaints = (kind: Answered['kind']) =>
    all.flatMap((each) => (each.kind === kind ? [each.complaint ?? ''] : []))
  const undetermined = answered.filter(({ kind }) => kind === 'undetermined')
  const feltMs = Math.max(0, ...undetermined.map(({ sentAt }) => sentAt - endedAt))
  const untrue: string[] = []
  const early = undetermined.filter(({ sentAt, ms }) => sentAt + ms < begunAt)
  if (early.length > 0) untrue.push(`not well before it: ${early[0]?.code}`)
  if (fault.isHarmless && undetermined.length > 0) untrue.push(`not harmless: ${undetermined[0]?.code}`)
  if (feltMs > fault.backWithin * 1_000) untrue.push(`felt for ${Math.round(feltMs)} ms`)
  return {
    fault,
    sent: all.length,
    undetermined: all.filter(({ kind }) => kind === 'undetermined').length,
    again: answered.reduce((sum, { again }) => sum + again, 0),
    wrong: complaints('wrong'),
    lost: complaints('lost'),
    slowestMs: Math.max(...all.map(({ ms }) => ms)),
    feltMs,
    untrue,
  }
}

/** The chain is whole, and where no connection broke, it holds every answer once. */
function flawsOfRecord({ store }: World, { sent, again }: Pick<Outcome, 'sent' | 'again'>): readonly string[] {
  const { findings, records, gaps } = verified(store)
  const flaws = findings.map((finding) => `the record is not whole: ${JSON.stringify(finding)}`)
  if (again > 0 || (records === sent && gaps.records === 0)) return flaws
  return [...flaws, `the record holds ${records} of ${sent} answers`]
}

/** How long a sign may take to show: a store is tried for some seconds before it is called away. */
const signsWithinMs = 20_000

async function missingSigns(signs: Signs, answered: readonly Answered[], world: World): Promise<readonly string[]> {
  const missingNow = async (): Promise<readonly string[]> => {
    const { codes, metric, log } = signs
    const lines = metric === undefined ? [] : (await world.metrics()).split('\n')
    const said = new Set(answered.flatMap(({ code = [] }) => code))
    return [
      ...(codes === undefined || codes.some((code) => said.has(code))
        ? []
        : [`no denial has a code of ${codes.join(', ')}, but ${[...said].join(', ')}`]),
      ...(metric === undefined || lines.some((line) => isShown(line, metric)) ? [] : [`no metric ${metric}`]),
      ...(log === undefined || world.service.log().includes(log) ? [] : [`no line of the log with "${log}"`]),
    ]
  }
  const until = performance.now() + signsWithinMs
  for (;;) {
    const missing = await missingNow()
    if (missing.length === 0 || performance.now() > until) return missing
    await sleep(200)
  }
}

function isShown(line: string, metric: string): boolean {
  return line === metric || (line.startsWith(metric) && !line.endsWith(' 0'))
}
