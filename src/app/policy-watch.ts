// Watches policy files and the key files that they name, and reloads them when they change. A bad edit, and one that
// would leave no policy, is told and not taken: whoever listens keeps the last good set (design: policies and server).

import type { FSWatcher } from 'node:fs'
import { watch } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CodedError, messageOf } from '#core/errors.ts'
import type { LoadedPolicies, PolicyFileOptions, PolicyFilesRead } from './policy-files.ts'
import { listPolicyFiles, readPolicyFiles, stampOf, toLoaded } from './policy-files.ts'

export type PolicyChange =
  | { readonly outcome: 'loaded'; readonly loaded: LoadedPolicies }
  /** The files are not right as they are now. */
  | { readonly outcome: 'kept'; readonly error: CodedError }

export interface WatchOptions extends PolicyFileOptions {
  /** How often the files are looked at, whether or not the operating system tells of changes. */
  readonly pollMilliseconds?: number
  /** For how long nothing may change before the files are read: editors and `kubectl` write in several steps. */
  readonly settleMilliseconds?: number
}

export interface PolicyWatch {
  /** What was loaded at the start. */
  readonly first: LoadedPolicies
  /** No call comes after this. */
  close(): void
}

/**
 * Loads, then watches. `onChange` is called for every change after that, in order, never twice at a time.
 *
 * @throws CodedError as `loadPolicyFiles`, for the first load
 */
export async function watchPolicyFiles(
  paths: readonly string[],
  onChange: (change: PolicyChange) => void,
  options: WatchOptions = {},
): Promise<PolicyWatch> {
  const reading = { ...options, once: options.once ?? new Map<string, string>() }
  const found = await readPolicyFiles(paths, reading)
  const first = toLoaded(paths, found, reading)
  let seen = found.stamps
  let closed = false

  const reload = async (): Promise<void> => {
    if (!(await settled(paths, seen, reading))) return
    const again = await readPolicyFiles(paths, { ...reading, missingIsEmpty: true })
    seen = again.stamps
    if (!closed) onChange(changeOf(paths, again, reading))
  }
  const look = oneAtATime(async () => {
    try {
      await reload()
    } catch (error) {
      // The listener failed, or the disk did in a way that reading does not foresee: told, and looked at again.
      if (!closed) onChange({ outcome: 'kept', error: asCoded(error) })
    }
  })
  const timer = setInterval(look, options.pollMilliseconds ?? defaultPoll)
  timer.unref()
  const watchers = directoriesOf(first.stamps.keys()).flatMap((directory) => watchDirectory(directory, look))
  return {
    first,
    close: () => {
      closed = true
      clearInterval(timer)
      for (const watcher of watchers) watcher.close()
    },
  }
}

/** Slow enough to cost nothing, fast enough that a revoked key is felt within seconds. */
const defaultPoll = 2000
const defaultSettle = 200
/** Files that never stop changing are read nevertheless; a half-written one is a bad edit and read again. */
const maxSettles = 10

/** Waits until nothing changes any more. @returns whether anything is different from what was read last */
async function settled(
  paths: readonly string[],
  seen: ReadonlyMap<string, string>,
  options: WatchOptions,
): Promise<boolean> {
  let before = await stampsNow(paths, seen)
  if (equal(before, seen)) return false
  for (let round = 0; round < maxSettles; round++) {
    await delay(options.settleMilliseconds ?? defaultSettle, undefined, { ref: false })
    const now = await stampsNow(paths, seen)
    if (equal(now, before)) return !equal(now, seen)
    before = now
  }
  return true
}

/** Of the files that the paths name now, and of all that were read last. */
async function stampsNow(
  paths: readonly string[],
  seen: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  const listed = await listPolicyFiles(paths, [], { missingIsEmpty: true })
  return new Map([...new Set([...listed, ...seen.keys()])].map((file) => [file, stampOf(file)]))
}

function equal(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([file, stamp]) => b.get(file) === stamp)
}

function changeOf(paths: readonly string[], found: PolicyFilesRead, options: WatchOptions): PolicyChange {
  try {
    return { outcome: 'loaded', loaded: toLoaded(paths, found, options) }
  } catch (error) {
    return { outcome: 'kept', error: asCoded(error) }
  }
}

function asCoded(error: unknown): CodedError {
  return error instanceof CodedError ? error : new CodedError('internal-error', messageOf(error), { cause: error })
}

/** Runs again if it was asked for while it ran. */
function oneAtATime(run: () => Promise<void>): () => void {
  let running = false
  let again = false
  const start = async (): Promise<void> => {
    if (running) {
      again = true
      return
    }
    running = true
    do {
      again = false
      await run()
    } while (again)
    running = false
  }
  return () => void start()
}

function directoriesOf(files: Iterable<string>): readonly string[] {
  return [...new Set([...files].filter((file) => file !== '-').map((file) => dirname(file)))]
}

/** Only hastens what the timer does: where it cannot be had (too many, a network disk), nothing is lost. */
function watchDirectory(directory: string, look: () => void): readonly FSWatcher[] {
  try {
    const watcher = watch(directory, { persistent: false }, look)
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    return []
  }
}
