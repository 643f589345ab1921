// One program of a control plane: started with its output kept for failure messages, stopped by pid.

import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import type { ToolName } from '../support/tool-recipes.ts'
import { needed } from '../support/tools.ts'

export interface Program {
  readonly pid: number
  readonly running: boolean
  /** What it said last, for a failed test's message. */
  log(): string
  signal(signal: NodeJS.Signals): void
  stop(): Promise<void>
}

/** Logs are only for failure messages. */
const maxLog = 64 * 1024
/** An API server waits for a minute until watches end, a stopped one (SIGSTOP) for ever; what they have not written is thrown away. */
const stopDeadline = 3_000

export function startProgram(name: ToolName, flags: Readonly<Record<string, string>>, folder: string): Program {
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder }
  const child = spawn(needed(name), args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  const keep = (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-maxLog)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  child.once('error', (error) => keep(Buffer.from(String(error))))
  return {
    pid: child.pid ?? 0,
    get running() {
      return isRunning(child)
    },
    log: () => log,
    signal: (signal) => child.kill(signal),
    stop: () => stop(child),
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

async function stop(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const kill = setTimeout(() => child.kill('SIGKILL'), stopDeadline)
  await gone
  clearTimeout(kill)
}
