// All scenarios, in the order of the table.

import type { Scenario } from './scenario.ts'
import { cliCosign, cliStart, cliVerify } from './scenarios/cli.ts'
import { cluster } from './scenarios/cluster.ts'
import { coldSharing, coldTrips } from './scenarios/cold.ts'
import { growth } from './scenarios/growth.ts'
import { keptConnection } from './scenarios/kept.ts'
import { reviewLarge } from './scenarios/large.ts'
import { memory } from './scenarios/memory.ts'
import { warmRecords } from './scenarios/records.ts'
import { warmByDigest, warmByTag, warmWhole } from './scenarios/warm.ts'

export const scenarios: readonly Scenario[] = [
  ...[warmByDigest, warmByTag, warmWhole, warmRecords],
  ...[memory, growth, reviewLarge, keptConnection],
  ...[coldTrips, coldSharing],
  ...[cluster],
  ...[cliStart, cliVerify, cliCosign],
]
