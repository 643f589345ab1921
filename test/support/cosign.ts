// Runs the real cosign, both lines, without the internet: flags that keep every log out, a password for keys, a home of
// its own. Guard suites with `missing('cosign2', 'cosign3')`.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { needed } from './tools.ts'

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export type Line = 'cosign2' | 'cosign3'

export interface Cosign {
  /** Files named in arguments are relative to it. */
  readonly folder: string
  run(line: Line, ...args: string[]): Promise<Ran>
  /** Fails with what cosign said unless it succeeds. */
  must(line: Line, ...args: string[]): Promise<Ran>
  file(name: string, text: string | Uint8Array): Promise<string>
  path(name: string): string
  close(): Promise<void>
}

/** cosign 3 tries for seconds to reach a TUF repository before it goes on without. */
const deadline = 60_000

export async function createCosign(password: string): Promise<Cosign> {
  const folder = await mkdtemp(join(tmpdir(), 'sealward-cosign-'))
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    COSIGN_PASSWORD: password,
    COSIGN_YES: 'true',
    COSIGN_EXPERIMENTAL: '1',
  }
  const path = (name: string) => join(folder, name)
  const run = (line: Line, ...args: string[]) => execute(needed(line), args, folder, env)
  // An empty signing config: no log, no timestamps. An empty trusted root: cosign 2 asks for one beside bundles.
  await writeFile(path('signing.json'), '{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}')
  await writeFile(path('root.json'), '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}')
  return {
    folder,
    run,
    path,
    must: async (line, ...args) => {
      const ran = await run(line, ...args)
      if (ran.status !== 0) throw new Error(`${line} ${args.join(' ')}\n${ran.stderr}`)
      return ran
    },
    file: async (name, text) => {
      await writeFile(path(name), text)
      return path(name)
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

export function execute(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: deadline })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8')
    })
    child.once('error', reject)
    child.once('close', (status) => resolve({ status: status ?? -1, stdout, stderr }))
  })
}

const offline = ['--insecure-ignore-tlog', '--allow-http-registry']

/** Arguments that sign into the `.sig` tag without a log. */
export const signClassic: Readonly<Record<Line, readonly string[]>> = {
  cosign2: ['sign', '--yes', '--tlog-upload=false', '--allow-http-registry'],
  cosign3: [
    'sign',
    '--yes',
    '--use-signing-config=false',
    '--tlog-upload=false',
    '--new-bundle-format=false',
    '--allow-http-registry',
  ],
}

/** cosign 3 writes bundles by default. */
export const signBundle = ['sign', '--yes', '--signing-config', 'signing.json', '--allow-http-registry']

export const verifyClassic: Readonly<Record<Line, readonly string[]>> = {
  cosign2: ['verify', ...offline],
  cosign3: ['verify', ...offline],
}

export const verifyBundle: Readonly<Record<Line, readonly string[]>> = {
  cosign2: ['verify', ...offline, '--new-bundle-format', '--trusted-root', 'root.json'],
  cosign3: ['verify', ...offline],
}
