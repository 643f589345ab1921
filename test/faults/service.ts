// `sealward serve` as a process with a fixed address and certificate, so that it can end and be started again under its
// clients.

import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { makeServingCertificate } from '#app/server/certificate.ts'
import { program } from '../support/cli.ts'
import { freePort } from '../support/free-port.ts'

export interface Service {
  readonly port: number
  /** Authorities of every certificate so far, as PEM. */
  readonly authorities: string[]
  readonly pid: number
  /** What all processes so far wrote. */
  log(): string
  start(): Promise<void>
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<void>
  writePolicy(text: string): void
  renewCertificate(): void
}

export interface ServiceOptions {
  readonly folder: string
  readonly policy: string
  readonly flags: readonly string[]
  readonly nodeFlags: readonly string[]
  /** As many as it may have open; absent: as many as the tests may. */
  readonly openFiles?: number | undefined
}

export async function createService({ folder, policy, flags, nodeFlags, openFiles }: ServiceOptions): Promise<Service> {
  const at = (name: string) => join(folder, name)
  const port = await freePort()
  const authorities: string[] = []
  let child: ChildProcess | undefined
  let log = ''
  const service: Service = {
    port,
    authorities,
    get pid() {
      return child?.pid ?? 0
    },
    log: () => log,
    async start() {
      const words = ['serve', '--policy', at('policy.yaml'), '--listen', `127.0.0.1:${port}`, '--log-level', 'warn']
      const tls = ['--tls-cert', at('tls.crt'), '--tls-key', at('tls.key')]
      // A file that may not grow any more is an error to be told, not the end of the process.
      const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles}; `
      const shell = ['-c', `${limit}trap '' XFSZ; exec "$@"`, 'bash', process.execPath, ...nodeFlags, program]
      const started = spawn('bash', [...shell, ...words, ...tls, ...flags], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: process.env['PATH'] ?? '', HOME: folder },
      })
      child = started
      await new Promise<void>((resolve, reject) => {
        let text = ''
        started.stderr.on('data', (part: Buffer) => {
          text += part.toString()
          log += part.toString()
          if (text.includes('listening on')) resolve()
        })
        started.once('exit', (code) => reject(new Error(`serve ended with ${code}: ${text}`)))
      })
    },
    end(signal) {
      const ending = child
      if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return Promise.resolve()
      return new Promise((resolve) => {
        ending.once('exit', () => resolve())
        ending.kill(signal)
      })
    },
    writePolicy: (text) => writeFileSync(at('policy.yaml'), text),
    renewCertificate() {
      const made = makeServingCertificate(['127.0.0.1'], Date.now())
      authorities.push(made.caPem)
      writeFileSync(at('tls.crt'), made.certPem)
      writeFileSync(at('tls.key'), made.keyPem)
    },
  }
  service.writePolicy(policy)
  service.renewCertificate()
  return service
}

/** Preloaded into a process, it lets its clock be set. */
export const settableClock = fileURLToPath(new URL('./settable-clock.ts', import.meta.url))
