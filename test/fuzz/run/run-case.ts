// One case under the bounds that every target has: no surprise thrown, no promise left to fail, no prototype changed, and
// no more processor time than the target allows.

import process from 'node:process'
import type { Parts } from '../case.ts'
import { Finding, type OpenTarget, type Target, uncoded } from '../target.ts'

export interface Ran {
  /** What was reached, in a few words. */
  readonly reached: string
  readonly finding?: Finding
}

/** Larger inputs of ours take up to 100 ms on a loaded machine, and admission gives up after seconds. */
const defaultCpuMs = 250

/** How often a slow case is run again before it is called slow: compiling and collecting garbage are not its fault. */
const again = 3

const watched: readonly object[] = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  String.prototype,
  Promise.prototype,
]
const before = watched.map((each) => Reflect.ownKeys(each).length)

/** Rejections that nobody handled since the last look. */
const rejections: unknown[] = []

/** For the whole process; once. */
export function catchRejections(): void {
  process.on('unhandledRejection', (reason) => rejections.push(reason))
}

export async function runCase(target: Target, open: OpenTarget, parts: Parts): Promise<Ran> {
  const first = await timed(open, parts)
  const allowed = target.cpuMs ?? defaultCpuMs
  if (first.finding !== undefined || first.cpuMs <= allowed) return first
  const times = [first.cpuMs]
  for (let time = 0; time < again; time++) times.push((await timed(open, parts)).cpuMs)
  const median = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
  if (median <= allowed) return first
  return { ...first, finding: new Finding('a case took too long', `${Math.round(median)} ms of processor time`) }
}

async function timed(open: OpenTarget, parts: Parts): Promise<Ran & { readonly cpuMs: number }> {
  const start = process.threadCpuUsage()
  const ran = await judged(open, parts)
  const { user, system } = process.threadCpuUsage(start)
  return { ...ran, cpuMs: (user + system) / 1_000 }
}

async function judged(open: OpenTarget, parts: Parts): Promise<Ran> {
  let ran: Ran
  try {
    ran = { reached: await open.run(parts) }
  } catch (error) {
    ran = { reached: 'thrown', finding: error instanceof Finding ? error : uncoded(error) }
  }
  const left = leftBehind()
  return left === undefined || ran.finding !== undefined ? ran : { ...ran, finding: left }
}

function leftBehind(): Finding | undefined {
  const grown = watched.findIndex((each, at) => Reflect.ownKeys(each).length !== before[at])
  if (grown >= 0) return new Finding('a prototype was changed', Object.prototype.toString.call(watched[grown]))
  const [rejection] = rejections.splice(0)
  if (rejection === undefined) return undefined
  return new Finding('a promise was rejected and nobody handled it', uncoded(rejection).message)
}
