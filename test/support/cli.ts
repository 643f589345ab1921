// Runs the program: as a child process, as people do (bin/sealward.js with an environment of its own), or in this
// process, from arguments to exit code, which is the same but for what bin/sealward.js and main.ts do.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

import type { Stream } from '#app/cli/command.ts'
import { runProgram } from '#app/cli/program.ts'
import { version } from '../../src/version.ts'

export interface CliRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Standard input; closed and empty if absent. */
  readonly input?: string
}

export const program = fileURLToPath(new URL('../../bin/sealward.js', import.meta.url))

/** Never rejects for what the program says; its exit code is part of the answer. */
export function runCli(args: readonly string[], { cwd, env, input }: CliOptions = {}): Promise<CliRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd,
      // No proxy, no docker config, no password of the machine that tests.
      env: { PATH: process.env['PATH'] ?? '', HOME: cwd ?? tmpdir(), ...env },
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    // A program that never reads its input is no failure of the test.
    child.stdin.on('error', () => {})
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    child.stdin.end(input ?? '')
  })
}

/** A folder that goes away with the suite. */
export async function tempFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'sealward-cli-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** In this process: no second start of Node. Words `@name` are files of the folder. */
export async function runHere(line: string, { cwd = '.', env = {}, input = '' }: CliOptions = {}): Promise<CliRun> {
  const argv = line.split(' ').map((word) => (word.startsWith('@') ? join(cwd, word.slice(1)) : word))
  let [stdout, stderr] = ['', '']
  const code = await runProgram(argv, {
    env: { HOME: cwd, ...env },
    version,
    // Everything that reads standard input takes any stream.
    stdin: Readable.from(input === '' ? [] : [Buffer.from(input)]) as NodeJS.ReadStream,
    stdout: collect((text) => {
      stdout += text
    }),
    stderr: collect((text) => {
      stderr += text
    }),
    stopped: () => new AbortController().signal,
  })
  return { code, stdout, stderr }
}

function collect(add: (text: string) => void): Stream {
  return { line: (text) => add(`${text}\n`), write: add, colour: false, isTerminal: false }
}
