// Starts Debian's docker-registry (distribution 2.8.2) as a real peer: on 127.0.0.1, with storage of its own that goes
// away with it. It has no referrers API. Needs the tool `docker-registry`; guard the suite with `missing(…)`.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { freePort } from './free-port.ts'
import { needed } from './tools.ts'

export interface DockerRegistryOptions {
  /** Lines `user:bcrypt hash`, as `htpasswd -B` writes them: the registry then asks for Basic credentials. */
  readonly htpasswd?: string
  /** PEM texts: the registry then speaks TLS only. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** Deletion is off unless asked for, as in Debian's own configuration. */
  readonly deletion?: boolean
}

export interface DockerRegistry {
  /** `127.0.0.1:PORT`, as it is written in front of an image's name. */
  readonly host: string
  readonly url: string
  readonly pid: number
  /** What it logged so far, for a failed test's message. */
  log(): string
  close(): Promise<void>
}

/** Warm it is there in 0.1 s; a busy machine with two cores took 3 s. */
const startDeadline = 20_000
/** Logs are only for failure messages. */
const maxLog = 64 * 1024

async function writeConfiguration(folder: string, port: number, options: DockerRegistryOptions): Promise<string> {
  const http: Record<string, unknown> = { addr: `127.0.0.1:${port}`, secret: 'only-for-tests' }
  if (options.tls !== undefined) {
    const [certificate, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')]
    await writeFile(certificate, options.tls.certificate)
    await writeFile(key, options.tls.key, { mode: 0o600 })
    http['tls'] = { certificate, key }
  }
  const configuration: Record<string, unknown> = {
    version: 0.1,
    log: { accesslog: { disabled: true }, level: 'warn' },
    storage: {
      filesystem: { rootdirectory: join(folder, 'data') },
      delete: { enabled: options.deletion ?? false },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http,
  }
  if (options.htpasswd !== undefined) {
    const path = join(folder, 'htpasswd')
    await writeFile(path, options.htpasswd, { mode: 0o600 })
    configuration['auth'] = { htpasswd: { realm: 'tests', path } }
  }
  const path = join(folder, 'config.yml')
  await writeFile(path, JSON.stringify(configuration)) // JSON is YAML
  return path
}

/** Does `/v2/` answer anything at all? 401 is ready too. */
function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest
    const request = send(`${url}/v2/`, { rejectUnauthorized: false, timeout: 2000, agent: false }, (response) => {
      response.resume().once('end', () => resolve(true))
    })
    request.once('timeout', () => request.destroy(new Error('timeout')))
    request.once('error', () => resolve(false))
    request.end()
  })
}

async function waitUntilReady(child: ChildProcess, url: string): Promise<boolean> {
  const end = performance.now() + startDeadline
  while (child.exitCode === null && child.signalCode === null && performance.now() < end) {
    if (await answers(url)) return child.exitCode === null
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGTERM')
    const kill = setTimeout(() => child.kill('SIGKILL'), 5000)
    await gone
    clearTimeout(kill)
  }
  await rm(folder, { recursive: true, force: true })
}

/** Waits until the registry answers. @throws Error with the registry's own log when it does not start. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const program = needed('docker-registry')
  let log = ''
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const folder = await mkdtemp(join(tmpdir(), 'sealward-docker-registry-'))
    const port = await freePort()
    const configuration = await writeConfiguration(folder, port, options)
    // Debian's build exports traces to the network unless told not to.
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder, OTEL_TRACES_EXPORTER: 'none' }
    const child = spawn(program, ['serve', configuration], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const keep = (chunk: Buffer) => {
      log = (log + chunk.toString('utf8')).slice(-maxLog)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', (error) => keep(Buffer.from(String(error))))
    const url = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
    if (await waitUntilReady(child, url)) {
      const close = () => stop(child, folder)
      return { host: `127.0.0.1:${port}`, url, pid: child.pid ?? 0, log: () => log, close }
    }
    await stop(child, folder)
  }
  throw new Error(`docker-registry did not start; its log:\n${log}`)
}
