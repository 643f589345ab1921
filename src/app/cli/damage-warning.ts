// Said by whoever shows records while the newest of them cannot be read.

import type { RecordsReader } from '#io/store/records-reader.ts'
import type { Stream } from './command.ts'
import { counted } from './style.ts'

/** @returns whether there was reason to */
export function warnOfDamage(reader: RecordsReader, stderr: Stream): boolean {
  const damage = reader.damage()
  if (damage === undefined) return false
  const lost = counted(damage.transactions, 'batch', 'batches')
  stderr.line(
    `sealward: the end of the record is damaged: at least ${lost} of records cannot be read; sealward decisions verify says more`,
  )
  return true
}
