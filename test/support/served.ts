// `sealward serve` as a process of its own, with a store: started, asked, stopped and killed as an operator's would be.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import process from 'node:process'
import { program } from './cli.ts'
import { askedOver } from './https-ask.ts'

export interface Served {
  readonly url: string
  readonly process: ChildProcess
  /** What it wrote on standard error so far. */
  stderr(): string
  /** The `response` of the review's answer. */
  ask(
    uid: string,
    parts?: object,
  ): Promise<{ readonly allowed: boolean; readonly status?: { readonly message: string } }>
  ready(): Promise<Record<string, unknown>>
  metrics(): Promise<string>
  /** Sends the signal and waits for the end. @returns the exit code */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

export interface ServedOptions {
  /** A shell's words before the program's: limits. */
  readonly shell?: string
  readonly flags?: readonly string[]
}

const denyAll = `apiVersion: sealward.dev/v1alpha1
kind: ClusterTrustPolicy
metadata: { name: everything }
spec: { mode: Enforce, otherwise: Deny }
`

export function reviewOf(uid: string, parts: object = {}): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: { username: 'somebody' },
      object: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'a' },
        spec: { containers: [{ name: 'c', image: 'alpine' }] },
      },
      ...parts,
    },
  })
}

/** Refuses every image, which needs no registry. */
export async function startServed(folder: string, options: ServedOptions = {}): Promise<Served> {
  const [policy, ca] = [join(folder, 'policy.yaml'), join(folder, 'ca.pem')]
  writeFileSync(policy, denyAll)
  const args = [program, 'serve', '--policy', policy, '--listen', '127.0.0.1:0', '--tls-ca-out', ca]
  const words = [process.execPath, ...args, '--log-level', 'error', ...(options.flags ?? [])]
  const child =
    options.shell === undefined
      ? spawn(process.execPath, words.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] })
      : spawn('bash', ['-c', `${options.shell}; exec "$@"`, 'bash', ...words], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  let text = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (part: Buffer) => {
      text += part.toString()
      const found = /listening on (\S+)/.exec(text)
      if (found?.[1] !== undefined) resolve(found[1])
    })
    child.once('exit', (code) => reject(new Error(`serve ended with ${code}: ${text}`)))
  })
  const agent = new Agent({ ca: readFileSync(ca, 'utf8'), keepAlive: true })
  const get = (path: string) => askedOver(`${url}${path}`, agent)
  return {
    url,
    process: child,
    stderr: () => text,
    ask: async (uid, parts) => {
      const answer = await askedOver(`${url}/mutate?timeout=10s`, agent, reviewOf(uid, parts))
      const { response } = JSON.parse(answer)
      if (response?.uid !== uid) throw new Error(`no answer to ${uid}: ${answer}`)
      return response
    },
    ready: async () => JSON.parse(await get('/readyz')),
    metrics: () => get('/metrics'),
    end: (signal = 'SIGTERM') => {
      child.kill(signal)
      return exited.finally(() => agent.destroy())
    },
  }
}
