// How many files this process may have open: each connection is one, and whoever may connect could use them up.

import { readFileSync } from 'node:fs'

/** Infinite where the system does not say: only Linux does. Node.js has raised its own limit to the highest by then. */
export function openFilesLimit(limits: string = ownLimits()): number {
  const soft = /^Max open files +(\d+) /m.exec(limits)?.[1]
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
}

function ownLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return ''
  }
}
