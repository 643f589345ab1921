// A process of the bench's own (`processes/`), and calls to it.

import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Place } from './pinning.ts'
import { placed } from './pinning.ts'
import type { Returned } from './processes/channel.ts'

export interface Child {
  readonly pid: number
  call<T>(name: string, argument?: unknown): Promise<T>
  stop(): Promise<void>
}

export interface ChildOptions {
  readonly nodeFlags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts `processes/NAME.ts`. */
export function startChild(name: string, place: Place, { nodeFlags = [], env = {} }: ChildOptions = {}): Child {
  const file = fileURLToPath(new URL(`./processes/${name}.ts`, import.meta.url))
  const [program, args] = placed(place, process.execPath, [...nodeFlags, file])
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    env: plainEnvironment(env),
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let calls = 0
  child.on('message', (message) => {
    const { id, value, error } = message as Returned
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(value)
    else call?.reject(new Error(`${name}: ${error}`))
  })
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the process ${name} ended with ${code}`))
  })
  return {
    pid: child.pid ?? 0,
    call: <T>(procedure: string, argument?: unknown) =>
      new Promise<T>((resolve, reject) => {
        const id = ++calls
        waiting.set(id, { resolve: (value) => resolve(value as T), reject })
        child.send({ id, name: procedure, argument }, (error) => error && reject(error))
      }),
    stop: () => stopProcess(child),
  }
}

/** An authority of the machine's own, or options for Node, would cost every process something that is not ours. */
export function plainEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', ...more }
}

/** Resolves when it has ended. */
export function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
