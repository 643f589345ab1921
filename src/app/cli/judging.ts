// Puts the engine together for one process: the formats, the clock and the names of decisions.

import { randomFillSync } from 'node:crypto'
import type { Engine } from '#app/engine/engine.ts'
import { createEngine } from '#app/engine/engine.ts'
import { defaultMemoryLimits, Memory } from '#app/engine/memory.ts'
import type { Sources } from '#app/engine/sources.ts'
import { formats } from '#signature/formats.ts'
import { verifyMaterial } from '#signature/verify.ts'

export interface JudgingOptions {
  readonly registry: Sources
  /** For a replay: the time of the recording. */
  readonly now?: () => number
  /** For a command that ends after a few decisions: room for what a server remembers costs time to make. */
  readonly brief?: true
}

export interface Judging {
  readonly engine: Engine
}

export function createJudging({ registry, now = Date.now, brief }: JudgingOptions): Judging {
  return {
    engine: createEngine({
      sources: registry,
      formats,
      verify: (question) => verifyMaterial(question),
      now,
      newId: newDecisionId,
      ...(brief && { memory: new Memory({ ...defaultMemoryLimits, entries: briefEntries }, now) }),
    }),
  }
}

/** Images of one command line, or of one workload. */
const briefEntries = 64

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Chance for so many ids is drawn at once: drawing costs more than all the rest of an id. */
const idsDrawn = 256
const chanceBytes = 16
const chance = { bytes: new Uint8Array(idsDrawn * chanceBytes), used: idsDrawn * chanceBytes }

/** A ULID: 48 bits of time, so that ids sort as they were given, and 80 bits of chance. */
export function newDecisionId(at: number = Date.now()): string {
  let time = ''
  for (let rest = at, digits = 0; digits < 10; digits++) {
    time = `${crockford.charAt(rest % 32)}${time}`
    rest = Math.floor(rest / 32)
  }
  if (chance.used === chance.bytes.length) {
    randomFillSync(chance.bytes)
    chance.used = 0
  }
  let id = time
  const end = chance.used + chanceBytes
  // A byte has eight times as many values as a digit: the remainder is fair.
  while (chance.used < end) id += crockford.charAt((chance.bytes[chance.used++] ?? 0) % 32)
  return id
}
