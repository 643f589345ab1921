// Asks a docker credential helper: a program `docker-credential-NAME` that answers `get` with a user name and a secret.

import { printable } from '#core/encoding/printable.ts'
import { parseStrictJson } from '#core/encoding/strict-json.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { Credential } from './credentials.ts'

/** Helpers of clouds fetch a token over the network; longer than this no admission could wait anyway. */
const deadline = 10_000
/** A user name and a token; 64 KiB is far more than any header may carry. */
const maxOutput = 64 * 1024

interface Ran {
  readonly code: number | null
  readonly output: string
}

/**
 * What the helper knows about a server; `undefined` if it has nothing for it.
 *
 * @throws CodedError `credential-helper-failed`
 */
export async function askCredentialHelper(
  helper: string,
  server: string,
  signal: AbortSignal,
): Promise<Credential | undefined> {
  if (!/^[A-Za-z0-9_.-]+$/.test(helper)) throw failed(helper, 'is not a name')
  const { code, output } = await run(`docker-credential-${helper}`, server, signal)
  if (code !== 0) {
    // The protocol has no exit code for "nothing here", only this sentence on stdout.
    if (/credentials not found/i.test(output)) return undefined
    // What else it printed may hold the secret, and a denial is read by whoever deploys.
    throw failed(helper, `ended with exit code ${code ?? 'none'}`)
  }
  return parseAnswer(helper, output)
}

function parseAnswer(helper: string, output: string): Credential | undefined {
  let answer: unknown
  try {
    answer = parseStrictJson(output)
  } catch {
    throw failed(helper, 'answered something that is not JSON')
  }
  if (typeof answer !== 'object' || answer === null) throw failed(helper, 'did not answer with an object')
  const username = 'Username' in answer ? answer.Username : undefined
  const secret = 'Secret' in answer ? answer.Secret : undefined
  if (typeof username !== 'string' || typeof secret !== 'string') throw failed(helper, 'gave no user name and secret')
  if (secret === '') return undefined
  // Docker's own mark for a token that is to be exchanged.
  return username === '<token>'
    ? { kind: 'identity-token', token: secret }
    : { kind: 'basic', username, password: secret }
}

function run(program: string, input: string, signal: AbortSignal): Promise<Ran> {
  return new Promise((resolve, reject) => {
    // On use: most registries need no helper, and the module is a large one.
    const { spawn } = process.getBuiltinModule('node:child_process')
    const child = spawn(program, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      signal: AbortSignal.any([signal, AbortSignal.timeout(deadline)]),
      killSignal: 'SIGKILL',
    })
    const chunks: Buffer[] = []
    let length = 0
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxOutput) child.kill('SIGKILL')
      else chunks.push(chunk)
    })
    // A helper that does not read its input closes the pipe; its exit code says the rest.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.on('error', (error) => reject(failed(program.slice('docker-credential-'.length), reasonOf(error))))
    child.on('close', (code) => resolve({ code, output: Buffer.concat(chunks).toString('utf8') }))
  })
}

function reasonOf(error: Error): string {
  if (error.name === 'AbortError') return 'did not answer in time'
  return 'code' in error && error.code === 'ENOENT' ? 'is not installed' : printable(messageOf(error))
}

function failed(helper: string, reason: string): CodedError {
  return new CodedError(
    'credential-helper-failed',
    `the credential helper docker-credential-${printable(helper, 60)} ${reason}`,
  )
}
