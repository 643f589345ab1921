// npm run faults -- [ID…] [--seconds N] [--per-second N] [--attempts N] [--write] [--list]
//
// Brings each fault about under a stream of Pods of which the truth is known, and prints what became of them. Exit code 0:
// nothing was wrong or lost, and what is said of each fault is true; 1: it is not. --write puts the figures into
// docs/reliability.md.

import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { withFaults } from '../../scripts/render-reliability.ts'
import type { Fault } from './fault.ts'
import { faults } from './faults.ts'
import { type Load, type Outcome, runFault } from './run.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '8' },
    'per-second': { type: 'string', default: '10' },
    attempts: { type: 'string', default: '3' },
    write: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
})

const document = 'docs/reliability.md'
const print = (line: string) => void process.stdout.write(`${line}\n`)

/** What an API server waits unless it is told otherwise. */
const timeoutMs = 10_000

async function main(): Promise<number> {
  const unknown = positionals.filter((id) => !faults.some((fault) => fault.id === id))
  if (unknown.length > 0) throw new Error(`there is no fault ${unknown.join(', ')}; --list names them`)
  const chosen = positionals.length === 0 ? faults : faults.filter(({ id }) => positionals.includes(id))
  if (values.list) {
    for (const { id, fault } of chosen) print(`${id.padEnd(26)} ${fault}`)
    return 0
  }
  const load = {
    perSecond: Number(values['per-second']),
    faultMs: Number(values.seconds) * 1_000,
    calmMs: 2_000,
    timeoutMs,
  }
  let failed = 0
  for (const fault of chosen) {
    const outcome = await measured(fault, load)
    if (outcome === undefined || complaintsOf(outcome).length > 0) failed++
    if (outcome === undefined) continue
    print(lineOf(outcome))
    for (const complaint of complaintsOf(outcome).slice(0, 5)) print(`  ${complaint}`)
    if (values.write) writeFileSync(document, withFaults(readFileSync(document, 'utf8'), faults, [outcome]))
  }
  return failed === 0 ? 0 : 1
}

/** Half of what a webhook leaves before the API server stops waiting. */
const idleMachineMs = 500

/** The first run in which the machine had time for a server that does nothing. What came out of the others is not looked at. */
async function measured(fault: Fault, load: Load): Promise<Outcome | undefined> {
  for (let attempt = 0; attempt < Number(values.attempts); attempt++) {
    const outcome = await runFault(fault, load)
    const { machineMs } = outcome
    if (machineMs <= idleMachineMs) return outcome
    print(`${fault.id}: does not count, a bare server took ${Math.round(machineMs)} ms for an answer`)
  }
  print(`${fault.id}: NOT MEASURED, the machine is too busy`)
  return undefined
}

function lineOf({ fault, sent, undetermined, again, wrong, lost, slowestMs, feltMs }: Outcome): string {
  const counts = `${sent} Pods, ${undetermined} undetermined, ${wrong.length} wrong, ${lost.length} lost, ${again} asked again`
  return `${fault.id}: ${counts}, slowest ${Math.round(slowestMs)} ms, felt for ${Math.round(feltMs)} ms afterwards`
}

function complaintsOf({ wrong, lost, untrue }: Outcome): readonly string[] {
  return [
    ...wrong.map((what) => `WRONG ${what}`),
    ...lost.map((what) => `LOST ${what}`),
    ...untrue.map((what) => `UNTRUE ${what}`),
  ]
}

process.exitCode = await main()
