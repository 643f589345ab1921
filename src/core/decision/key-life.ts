// When a key counts. Proven signing times decide where there are any; without one, only now is known.

import type { AttestorKey } from '#core/policy/words.ts'

export type KeyLife =
  /** `until`: the first moment at which this answer may change, in milliseconds; absent if never. */
  { readonly counts: true; readonly until?: number } | { readonly counts: false; readonly reason: string }

/**
 * Does a signature by `key` count?
 * @param provenTimes when it was signed, by trusted logs or timestamps (ms); empty if nothing proves it
 * @param now milliseconds since the epoch
 */
export function keyLife(key: AttestorKey, provenTimes: readonly number[], now: number): KeyLife {
  if (key.revoked?.reason === 'Compromised') {
    return { counts: false, reason: `key "${key.name}" is compromised (revoked on ${day(key.revoked.at)})` }
  }
  const times = provenTimes.length > 0 ? provenTimes : [now]
  for (const time of times) {
    if (key.notBefore !== undefined && time < key.notBefore) {
      return { counts: false, reason: `key "${key.name}" is not valid before ${day(key.notBefore)}` }
    }
    if (key.notAfter !== undefined && time >= key.notAfter) {
      return { counts: false, reason: `key "${key.name}" expired on ${day(key.notAfter)}` }
    }
    if (key.revoked !== undefined && time >= key.revoked.at) {
      return { counts: false, reason: `key "${key.name}" was superseded on ${day(key.revoked.at)}` }
    }
  }
  if (provenTimes.length > 0) return { counts: true }
  const ends = [key.notAfter, key.revoked?.at].filter((end) => end !== undefined)
  return ends.length > 0 ? { counts: true, until: Math.min(...ends) } : { counts: true }
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
