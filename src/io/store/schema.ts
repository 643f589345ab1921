// The tables of the store, and how an older file becomes a newer one. A file of a later version is left alone.

import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { isDeepStrictEqual } from 'node:util'
import { CodedError } from '#core/errors.ts'
import { anchorSeal, genesis } from './chain.ts'
import { databaseInMemory } from './database.ts'

/** "Seal" in ASCII: marks the file as ours (`PRAGMA application_id`). */
const applicationId = 0x5365616c

/**
 * Each step brings a file one version further, in one transaction. A step is never changed after a release; what
 * is new is a new step. STRICT tables refuse a value of another type.
 */
export const migrations: readonly ((database: DatabaseSync) => void)[] = [
  (database) => {
    database.exec(`
      CREATE TABLE chain (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        id TEXT NOT NULL, anchor_seq INTEGER NOT NULL, anchor_hash TEXT NOT NULL, seal TEXT NOT NULL
      ) STRICT;
      CREATE TABLE entries (
        seq INTEGER PRIMARY KEY,
        kind TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, content TEXT NOT NULL, hash TEXT NOT NULL
      ) STRICT;
      CREATE INDEX entries_by_id ON entries (id) WHERE id <> '';
      CREATE INDEX marks ON entries (seq) WHERE kind <> 'decision';
      CREATE TABLE judgements (
        hash TEXT PRIMARY KEY, content TEXT NOT NULL, last INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `)
    const chain = randomBytes(16).toString('hex')
    const anchor = genesis(chain)
    database
      .prepare('INSERT INTO chain (only, id, anchor_seq, anchor_hash, seal) VALUES (1, ?, ?, ?, ?)')
      .run(chain, anchor.seq, anchor.hash, anchorSeal(chain, anchor))
  },
]

/** Of the newest file that this version knows. */
export const schemaVersion = migrations.length

/** @throws CodedError `store-newer`, `store-foreign` */
export function migrate(
  database: DatabaseSync,
  steps: readonly ((database: DatabaseSync) => void)[] = migrations,
): void {
  if (versionOf(database, steps.length) === steps.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Somebody else may have done it while we waited.
    for (let version = versionOf(database, steps.length); version < steps.length; version++) {
      steps[version]?.(database)
      database.exec(`PRAGMA user_version = ${version + 1}; PRAGMA application_id = ${applicationId}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** For a reader, who changes nothing. @throws CodedError `store-newer`, `store-foreign` */
export function checkSchema(database: DatabaseSync): void {
  const version = versionOf(database, schemaVersion)
  if (version !== schemaVersion) {
    throw new CodedError(
      'store-foreign',
      version === 0
        ? 'the file holds no decision records'
        : `the file is of version ${version}; start serve with it once, and it becomes version ${schemaVersion}`,
    )
  }
  checkTables(database)
}

/** A view in the place of a table, or a table without its constraints, would show what was never written. */
function checkTables(database: DatabaseSync): void {
  const own = databaseInMemory()
  try {
    migrate(own)
    if (isDeepStrictEqual(tablesOf(database), tablesOf(own))) return
  } finally {
    own.close()
  }
  throw new CodedError('store-foreign', 'the tables of the file are not those that Sealward makes')
}

function tablesOf(database: DatabaseSync): readonly unknown[] {
  // The statistics of ANALYZE are SQLite's own, and show nothing.
  return database
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name")
    .all()
}

function versionOf(database: DatabaseSync, known: number): number {
  const version = pragma(database, 'user_version')
  const application = pragma(database, 'application_id')
  const isEmpty = version === 0 && database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0
  if (isEmpty) return 0
  if (application !== applicationId || version < 1) {
    throw new CodedError('store-foreign', 'the file is a database of something else')
  }
  if (version > known) {
    throw new CodedError('store-newer', `the store has version ${version}; this Sealward knows ${known} and older`)
  }
  return version
}

function pragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  const value = database.prepare(`PRAGMA ${name}`).get()?.[name]
  return typeof value === 'number' ? value : Number.NaN
}
