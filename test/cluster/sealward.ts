// `sealward serve --kube` as a process beside the cluster, as somebody of the cluster.

import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { join } from 'node:path'
import process from 'node:process'
import { program as sources } from '../support/cli.ts'
import { askedOver } from '../support/https-ask.ts'
import { reviewOf } from '../support/served.ts'

export interface SealwardOptions {
  /** A folder for its files. */
  readonly folder: string
  /** Who it is to the API server. */
  readonly kubeconfig: string
  /** Where it listens on loopback; any free port unless told. */
  readonly port?: number
  readonly flags?: readonly string[]
  /** Node's words before `serve`; absent: the sources as they are. */
  readonly program?: readonly string[]
  /** A certificate of somebody else; absent: it makes one of its own. */
  readonly tls?: GivenCertificate
}

/** Paths of PEM files, and the name that the certificate is for. */
export interface GivenCertificate {
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly name: string
}

export interface Answered {
  readonly allowed: boolean
  readonly patch?: string
  readonly status?: { readonly message: string; readonly code: number }
}

export interface Sealward {
  readonly url: string
  log(): string
  /** Of a Pod with this image in the namespace shop, sent without the API server. */
  ask(image: string, parts?: object): Promise<Answered>
  ready(): Promise<{ readonly ready: boolean } & Record<string, unknown>>
  metrics(): Promise<string>
  /** @returns the exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

let started = 0

/** Waits until it listens; it may not be ready. @throws Error with what it said, where it ends before that */
export async function startSealward(options: SealwardOptions): Promise<Sealward> {
  const { folder, kubeconfig, port = 0, flags = [], program = [sources], tls } = options
  const ca = tls?.ca ?? join(folder, `sealward-${++started}.pem`)
  const certificate =
    tls === undefined ? ['--tls-ca-out', ca] : ['--tls-cert', tls.cert, '--tls-key', tls.key, '--webhook-ca', tls.ca]
  const where = ['--listen', `127.0.0.1:${port}`, ...certificate]
  const args = ['serve', '--kube', '--kubeconfig', kubeconfig, ...where, ...flags]
  const child = spawn(process.execPath, [...program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (part: Buffer) => {
      said += part.toString()
      const found = /listening on (\S+)/.exec(said)
      if (found?.[1] !== undefined) resolve(found[1])
    })
    child.once('exit', (code) => reject(new Error(`serve ended with ${code}: ${said}`)))
  })
  const named = tls === undefined ? {} : { servername: tls.name }
  const agent = new Agent({ ca: await readFile(ca, 'utf8'), keepAlive: true, ...named })
  let asked = 0
  return {
    url,
    log: () => said,
    ask: async (image, parts = {}) => {
      const uid = `u-${++asked}`
      const object = { metadata: { name: 'a' }, spec: { containers: [{ name: 'c', image }] } }
      const answer = await askedOver(
        `${url}/mutate?timeout=10s`,
        agent,
        reviewOf(uid, { object, namespace: 'shop', ...parts }),
      )
      return JSON.parse(answer).response
    },
    ready: async () => JSON.parse(await askedOver(`${url}/readyz`, agent)),
    metrics: () => askedOver(`${url}/metrics`, agent),
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal)
      const code = await ended
      agent.destroy()
      return code
    },
  }
}
