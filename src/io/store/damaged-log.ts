// What is done about a damaged log before SQLite opens the store: whoever opens it drops what it cannot read, and the next
// transactions are written over it.

import { chmodSync, constants, copyFileSync } from 'node:fs'
import { messageOf } from '#core/errors.ts'
import type { LogDamage } from './log-damage.ts'
import { damageOfLog, logOf } from './log-damage.ts'

export interface DamagedLog extends Omit<LogDamage, 'salts'> {
  readonly log: string
  /** The file that it was copied to; or why it was not. */
  readonly copy: { readonly file: string } | { readonly problem: string }
}

/** @throws Error of the file system, where the log cannot be read */
export function keepDamagedLog(store: string): DamagedLog | undefined {
  const damage = damageOfLog(store)
  if (damage === undefined) return undefined
  const { frames, transactions, salts } = damage
  const log = logOf(store)
  return { log, frames, transactions, copy: copied(log, `${log}.damaged-${salts}`) }
}

/** A log that was kept by a start before this one is not kept twice. A disk that is full does not keep us from serving. */
function copied(log: string, file: string): DamagedLog['copy'] {
  try {
    copyFileSync(log, file, constants.COPYFILE_EXCL)
    chmodSync(file, 0o600)
    return { file }
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    return isThere ? { file } : { problem: messageOf(error) }
  }
}
