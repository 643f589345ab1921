// Commands from their start to their end, one after another, on whichever processor is free.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { plainEnvironment } from './child.ts'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  /** What it prints if it did its work. */
  readonly prints: string
}

export interface CommandFigures {
  /** Milliseconds on the clock. */
  readonly took: number
  /** Milliseconds of processor time; the kernel counts hundredths of a second, so that only a mean of many says something. */
  readonly cpu: number
}

/** @throws if it failed: then no figure counts */
export function runCommand({ file, args, prints }: Command, home: string): CommandFigures {
  const before = childrenCpuMs()
  const begun = performance.now()
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', env: plainEnvironment({ HOME: home }) })
  const took = performance.now() - begun
  if (status !== 0 || !(stdout + stderr).includes(prints))
    throw new Error(`${file} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`)
  return { took, cpu: childrenCpuMs() - before }
}

/** Of all children that have ended. */
function childrenCpuMs(): number {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[13]) + Number(fields[14])) * 10
  } catch {
    return Number.NaN
  }
}
