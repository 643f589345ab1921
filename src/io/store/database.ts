// Opens the SQLite file that holds decision records. The only file that knows `node:sqlite`, which is loaded when a
// store is named and not before.

import { closeSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import type { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { printable } from '#core/encoding/printable.ts'
import { CodedError } from '#core/errors.ts'
import { whyUnreadable } from '#core/unreadable-file.ts'

/** In a folder that was named instead of a file. */
export const fileInFolder = 'decisions.db'

/** Whoever else writes (another process, a backup) is waited for no longer: the next attempt comes by itself. */
const busyMs = 1_000

/** A dozen records each: with SQLite's own 4 KiB, every record costs a write of its own. Of a new file only. */
const pageBytes = 16_384

/**
 * How much may stand in the write-ahead log before it is written back. What stands there is lost from the first damaged
 * byte on, which speaks for little; each time costs two syncs of the disk, which speaks for much. With 8 MiB a record costs
 * the writer as good as what it costs with 32; with 2, half as much again.
 */
const checkpointPages = 500

/** The file that `--store` means: itself, or the one in the folder. */
export function storeFile(path: string): string {
  try {
    return statSync(path).isDirectory() ? join(path, fileInFolder) : path
  } catch {
    return path
  }
}

/**
 * For the one who writes; made if it is not there. Whoever asked for what is nobody else's business: SQLite would make it
 * readable to all, and gives the files beside it the mode of this one.
 *
 * @throws CodedError `store-unusable`
 */
export function openForWriting(file: string): DatabaseSync {
  return opened(file, () => {
    makeIfMissing(file)
    const database = load(file, { timeout: busyMs })
    // NORMAL loses the last transactions of a power cut, and nothing of a killed process; the chain stays whole.
    database.exec(
      `PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA trusted_schema = OFF`,
    )
    return database
  })
}

/** While somebody writes, or of a copy on a medium that cannot be written. @throws CodedError `store-unusable` */
export function openForReading(file: string): DatabaseSync {
  return opened(file, () => {
    // SQLite would say "unable to open database file" for a missing one.
    statSync(file)
    const database = load(file, { readOnly: true, timeout: busyMs })
    try {
      probe(database)
      return database
    } catch (error) {
      database.close()
      if (hasLog(file)) throw error
      // Without a log beside it, nobody writes, and none can be made here: the file is all there is.
      const frozen = load(`${pathToFileURL(file).href}?immutable=1`, { readOnly: true })
      probe(frozen)
      return frozen
    }
  })
}

/** An empty one that no file holds. */
export function databaseInMemory(): DatabaseSync {
  return load(':memory:', {})
}

/** What SQLite calls its error, without the words around it. It quotes what stands in the file, which anybody may have written. */
export function sqliteProblem(error: unknown): string {
  return printable(whyUnreadable(error), 300)
}

/** An error of SQLite or of the file system: the store is away. Anything else is a fault of ours. */
export function isStoreFailure(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ERR_SQLITE_ERROR' || (typeof code === 'string' && /^E[A-Z]+$/.test(code))
}

export function unusable(file: string, error: unknown): CodedError {
  if (error instanceof CodedError) return error
  return new CodedError('store-unusable', `the store ${file}: ${sqliteProblem(error)}`, { where: file, cause: error })
}

function opened(file: string, open: () => DatabaseSync): DatabaseSync {
  try {
    return open()
  } catch (error) {
    throw unusable(file, error)
  }
}

function makeIfMissing(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    // The mode of a file that is there is its owner's choice.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function load(file: string, options: { readonly readOnly?: boolean; readonly timeout?: number }): DatabaseSync {
  const { DatabaseSync: Database } = process.getBuiltinModule('node:sqlite')
  // Views, triggers and functions of a file that somebody handed to us must not run.
  return new Database(file, { ...options, allowExtension: false, defensive: true })
}

function probe(database: DatabaseSync): void {
  database.prepare('SELECT count(*) FROM sqlite_schema').get()
}

function hasLog(file: string): boolean {
  try {
    return statSync(`${file}-wal`).size > 0
  } catch {
    return false
  }
}
