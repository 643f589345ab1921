// Policy files from disk: files, directories and standard input, with the key files that they name. Everything that is
// wrong with them becomes one error that names every place. Watching for changes is in `policy-watch.ts`.

import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { printable } from '#core/encoding/printable.ts'
import type { ErrorCode } from '#core/errors.ts'
import { CodedError, codeOf } from '#core/errors.ts'
import type { PolicyFile } from '#core/policy/documents.ts'
import type { Problem } from '#core/policy/problem.ts'
import { renderProblem } from '#core/policy/problem.ts'
import type { ReadResult } from '#core/policy/read.ts'
import { readDocuments } from '#core/policy/read.ts'
import type { ReaderTools } from '#core/policy/read-attestor.ts'
import type { PolicySet } from '#core/policy/set.ts'
import { compilePolicySet } from '#core/policy/set.ts'
import { unreadableFile, whyUnreadable } from '#core/unreadable-file.ts'
import { readPublicKey } from '#signature/keys/public-key.ts'

export interface PolicyFileOptions {
  /** Leaves objects of other systems out instead of reporting them. */
  readonly ignoreForeign?: boolean
  /** Namespaces in which only policies apply that name them; a default is in `core/policy/set.ts`. */
  readonly exempt?: readonly string[]
  /** What `-` stands for; the process's standard input if absent. */
  readonly stdin?: AsyncIterable<Uint8Array>
  /** Texts that can be read only once (standard input, pipes), kept from the first reading for the next. */
  readonly once?: Map<string, string>
  /** A path that is not there counts as empty: when reloading, a removed file is an edit. */
  readonly missingIsEmpty?: boolean
}

export interface PolicyFilesRead {
  readonly read: ReadResult
  /** With the problems of files that could not be read at all. */
  readonly problems: readonly Problem[]
  /** Every file that was read or looked for, key files included, with its state just before it was read. */
  readonly stamps: ReadonlyMap<string, string>
}

export interface LoadedPolicies {
  readonly read: ReadResult
  readonly set: PolicySet
  readonly stamps: ReadonlyMap<string, string>
}

/** 10,000 policies of 6 KiB, which is far more than people write. */
const maxFileBytes = 64 * 1024 * 1024
/** All files of a load together. */
const maxTotalBytes = 2 * maxFileBytes
/** A policy each, at most. */
const maxFiles = 20_000
/** As `readPublicKey` reads no more. */
const maxKeyBytes = 16 * 1024
/** More lines than anybody reads at once. */
const maxShown = 50

/**
 * Reads files, directories (their *.yaml, *.yml and *.json, not those of their directories, in the order of names) and
 * `-`, and compiles what they say.
 *
 * @throws CodedError `policy-invalid`, `policy-unsupported` or `file-unreadable` with every problem in the message;
 *   `policy-empty` where there is no policy
 */
export async function loadPolicyFiles(
  paths: readonly string[],
  options: PolicyFileOptions = {},
): Promise<LoadedPolicies> {
  return toLoaded(paths, await readPolicyFiles(paths, options), options)
}

/** @throws CodedError as `loadPolicyFiles` */
export function toLoaded(paths: readonly string[], found: PolicyFilesRead, options: PolicyFileOptions): LoadedPolicies {
  if (found.problems.length > 0) throw problemsError(found.problems)
  if (found.read.policies.length === 0) {
    const named = paths.map((path) => `"${printable(path)}"`).join(', ')
    throw new CodedError('policy-empty', `${noPolicy} in ${named}`)
  }
  const set = compilePolicySet(found.read, options.exempt === undefined ? {} : { exempt: options.exempt })
  return { read: found.read, set, stamps: found.stamps }
}

const noPolicy = 'there is no ClusterTrustPolicy or TrustPolicy'

/** All that `loadPolicyFiles` would refuse these files for; empty if it takes them. */
export function problemsIn(paths: readonly string[], { read, problems }: PolicyFilesRead): readonly Problem[] {
  if (problems.length > 0 || read.policies.length > 0) return problems
  return [problemOf(paths.join(', '), new CodedError('policy-empty', noPolicy))]
}

/** The same as `loadPolicyFiles` without throwing for what is wrong in the files: for `policy lint`. */
export async function readPolicyFiles(
  paths: readonly string[],
  options: PolicyFileOptions = {},
): Promise<PolicyFilesRead> {
  const problems: Problem[] = []
  const files = await listPolicyFiles(paths, problems, options)
  const stamps = new Map(files.map((file) => [file, stampOf(file)]))
  const texts = await readTexts(files, problems, options)
  const tools = readerTools((path) => stamps.set(path, stampOf(path)))
  const read = readDocuments(texts, tools, { ignoreForeign: options.ignoreForeign ?? false })
  return { read, problems: [...problems, ...read.problems], stamps }
}

/** What changes when a file does; the same text for one that is not there. */
export function stampOf(file: string): string {
  if (file === '-') return 'kept'
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
  } catch (error) {
    return isMissing(error) ? 'absent' : 'unreadable'
  }
}

/** What reading needs of Node. @param onKeyFile hears of every key file before it is opened */
export function readerTools(onKeyFile: (path: string) => void = () => {}): ReaderTools {
  return {
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    describePublicKey: readPublicKey,
    readFile: (path, from) => {
      const absolute = resolve(from === '-' ? '.' : dirname(from), path)
      onKeyFile(absolute)
      return keyFileText(absolute)
    },
  }
}

function keyFileText(path: string): string {
  try {
    const { size } = statSync(path)
    if (size > maxKeyBytes) {
      throw new CodedError(
        'key-malformed',
        `"${printable(path)}" has ${size} bytes; a public key has fewer than ${maxKeyBytes}`,
      )
    }
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw unreadableFile(path, error)
  }
}

/** The files that the paths name now; what cannot be listed is a problem. */
export async function listPolicyFiles(
  paths: readonly string[],
  problems: Problem[],
  options: PolicyFileOptions = {},
): Promise<readonly string[]> {
  const files = new Set<string>()
  for (const path of paths) {
    try {
      for (const file of path === '-' ? ['-'] : await filesOf(path)) files.add(file)
    } catch (error) {
      files.add(path)
      if (!(options.missingIsEmpty && isMissing(error))) problems.push(unreadableProblem(path, error))
    }
    if (files.size > maxFiles) {
      problems.push(problemOf(path, new CodedError('input-too-large', `more than ${maxFiles} files`)))
      return []
    }
  }
  return [...files]
}

async function filesOf(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path]
  const entries = await readdir(path)
  const names = entries.filter((name) => !name.startsWith('.') && /\.(?:yaml|yml|json)$/.test(name)).sort()
  const kept = await Promise.all(
    names.map(async (name) => ((await isDirectory(join(path, name))) ? [] : [join(path, name)])),
  )
  return kept.flat()
}

/** Kubernetes mounts the files of a ConfigMap as links, so the target decides; a link to nothing is for the reader to find. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

async function readTexts(
  files: readonly string[],
  problems: Problem[],
  options: PolicyFileOptions,
): Promise<readonly PolicyFile[]> {
  const texts: PolicyFile[] = []
  let left = maxTotalBytes
  for (const name of files) {
    if (problems.some((problem) => problem.file === name)) continue
    try {
      const bytes = await readOnce(name, Math.min(maxFileBytes, left), options)
      left -= bytes.length
      texts.push({ name, text: decode(bytes) })
    } catch (error) {
      if (!(options.missingIsEmpty && isMissing(error))) problems.push(unreadableProblem(name, error))
    }
  }
  return texts
}

async function readOnce(name: string, max: number, options: PolicyFileOptions): Promise<Uint8Array> {
  const kept = options.once?.get(name)
  if (kept !== undefined) return new TextEncoder().encode(kept)
  if (name !== '-' && (await stat(name)).isFile()) return readCapped(createReadStream(name), max)
  const bytes = await readCapped(name === '-' ? (options.stdin ?? process.stdin) : createReadStream(name), max)
  options.once?.set(name, decode(bytes))
  return bytes
}

async function readCapped(stream: AsyncIterable<Uint8Array>, max: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > max) throw new CodedError('input-too-large', `is larger than ${max} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CodedError('yaml-malformed', 'is not UTF-8 text')
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

/** A problem names its file by itself. */
function unreadableProblem(file: string, error: unknown): Problem {
  return problemOf(file, error instanceof CodedError ? error : new CodedError('file-unreadable', whyUnreadable(error)))
}

function problemOf(file: string, error: CodedError): Problem {
  return { code: codeOf(error), file: printable(file), path: '', message: error.message }
}

function problemsError(problems: readonly Problem[]): CodedError {
  const [first] = problems
  const shared: readonly ErrorCode[] = ['policy-unsupported', 'file-unreadable']
  const alike = shared.find((code) => problems.every((problem) => problem.code === code))
  const lines = problems.slice(0, maxShown).map(renderProblem)
  if (problems.length > maxShown) lines.push(`… and ${problems.length - maxShown} more`)
  const head = problems.length === 1 ? [] : [`${problems.length} problems in the policy files:`]
  const where = first?.line === undefined ? first?.file : `${first.file}:${first.line}`
  return new CodedError(alike ?? 'policy-invalid', [...head, ...lines].join('\n'), { where })
}
