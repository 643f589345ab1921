// The real `sealward serve` on the processor of the server, from the package, with its log in a file.

import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { plainEnvironment, stopProcess } from './child.ts'
import { type Place, placed } from './pinning.ts'
import type { Bench } from './scenario.ts'

export interface BenchWebhook {
  readonly pid: number
  readonly port: number
  /** PEM of the authority that vouches for it. */
  readonly ca: string
  /** Its log as far as it was written. */
  log(): string
  /** As an operator stops it. */
  stop(): Promise<void>
  readonly startedInMs: number
}

export interface ServeOptions {
  /** `127.0.0.1:PORT` of a registry without TLS. */
  readonly registry: string
  /** Any free one if absent. */
  readonly port?: number
  readonly place?: Place
  readonly flags?: readonly string[]
  readonly nodeFlags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface WebhookOptions extends ServeOptions {
  /** The text of its policy file. */
  readonly policy: string
}

let webhooks = 0

export async function startWebhook(bench: Bench, options: WebhookOptions): Promise<BenchWebhook> {
  // A folder of its own: the webhook is told of every change in the folder of its policies, and so of every line of a
  // log there.
  const policies = join(bench.folder, `policies-${webhooks + 1}`)
  mkdirSync(policies)
  writeFileSync(join(policies, 'policies.yaml'), options.policy)
  return startServe(bench, { ...options, flags: ['--policy', policies, ...(options.flags ?? [])] })
}

/** With flags that say where the policies are. */
export async function startServe(bench: Bench, options: ServeOptions): Promise<BenchWebhook> {
  const { place = 'server', port: wanted = 0 } = options
  const name = join(bench.folder, `webhook-${++webhooks}`)
  const [caFile, logFile] = [`${name}.pem`, `${name}.log`]
  const log = openSync(logFile, 'w')
  const [program, args] = placed(place, process.execPath, [
    ...(options.nodeFlags ?? []),
    ...[bench.program, 'serve', '--listen', `127.0.0.1:${wanted}`, '--tls-ca-out', caFile],
    ...['--insecure-registry', options.registry, ...(options.flags ?? [])],
  ])
  const begun = performance.now()
  const child = spawn(program, args, {
    stdio: ['ignore', log, log],
    env: plainEnvironment({ HOME: bench.folder, ...options.env }),
  })
  bench.closing(() => stopProcess(child))
  // Should the bench itself break off: the other processes hang on its channel, this one does not.
  process.once('exit', () => child.kill('SIGKILL'))
  const port = await listening(logFile, () => child.exitCode)
  const startedInMs = performance.now() - begun
  return {
    pid: child.pid ?? 0,
    port,
    ca: readFileSync(caFile, 'utf8'),
    log: () => readFileSync(logFile, 'utf8'),
    startedInMs,
    stop: () => {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      child.kill('SIGTERM')
      return ended
    },
  }
}

async function listening(logFile: string, exitCode: () => number | null): Promise<number> {
  for (;;) {
    const text = readFileSync(logFile, 'utf8')
    const port = /listening on https:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1]
    if (port !== undefined) return Number(port)
    if (exitCode() !== null) throw new Error(`the webhook did not start: ${text}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
