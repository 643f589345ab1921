// Does batches: opens a target when it is first asked for, keeps the case at hand where the parent can see it, reports
// each rule that is broken once, made small, and watches what is left on the heap.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Finding, type OpenTarget, type Target } from '../target.ts'
import { targets } from '../targets.ts'
import { type Found, runBatch } from './batch.ts'
import type { Told, Work, WorkerOptions } from './messages.ts'
import { writeCase } from './messages.ts'
import { minimise } from './minimise.ts'
import { catchRejections } from './run-case.ts'

/** What caches and compiled code may add to the heap after a target's first batches; a leak passes it in minutes. */
const mostGrowth = 96 * 1024 * 1024
/** Batches after which a target has filled its caches. */
const warmUp = 4

interface Bench {
  readonly target: Target
  readonly open: OpenTarget
  batches: number
  baseline: number
}

export function startWork({ seed, memory }: WorkerOptions, tell: (told: Told) => void): (work: Work) => Promise<void> {
  catchRejections()
  const benches = new Map<string, Bench>()
  const known = new Set<string>()
  const report = async ({ target, open }: Bench, { name, finding, parts }: Found) => {
    const about = `${target.name}: ${finding.violated}`
    if (known.has(about)) return
    known.add(about)
    const small = await minimise(target, open, parts, finding)
    const { violated, message } = finding
    tell({ kind: 'found', target: target.name, name, violated, message, parts: small })
  }
  return async ({ target: name, batch, cases }) => {
    const bench = benches.get(name) ?? (await openBench(name))
    benches.set(name, bench)
    const reached = await runBatch(
      bench.target,
      bench.open,
      { seed, target: name, batch },
      { cases, onCase: (parts) => writeCase(memory, parts), onFound: (found) => report(bench, found) },
    )
    const leak = weigh(bench)
    if (leak !== undefined) await report(bench, { name: `${seed}/${name}/${batch}`, finding: leak, parts: {} })
    tell({ kind: 'done', target: name, cases, reached: [...reached] })
  }
}

async function openBench(name: string): Promise<Bench> {
  const target = targets.find((each) => each.name === name)
  if (target === undefined) throw new Error(`there is no target "${name}"`)
  return { target, open: await target.open(), batches: 0, baseline: 0 }
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** The heap of all targets together, so a target is only blamed for what has grown since its own warm-up. */
function weigh(bench: Bench): Finding | undefined {
  bench.batches++
  if (bench.batches !== warmUp && bench.batches % 16 !== 0) return undefined
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  if (bench.batches <= warmUp) bench.baseline = heapUsed + external
  const growth = heapUsed + external - bench.baseline
  if (bench.batches <= warmUp || growth <= mostGrowth) return undefined
  return new Finding('memory grew and was not given back', `${Math.round(growth / 1024 / 1024)} MB`)
}
