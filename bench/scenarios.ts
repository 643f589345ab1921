// All scenarios, in the order of the table.

import type { Scenario } from './scenario.ts'
import { warmRecords } from './scenarios/records.ts'
import { warmByDigest, warmByTag, warmWhole } from './scenarios/warm.ts'

export const scenarios: readonly Scenario[] = [warmByDigest, warmByTag, warmWhole, warmRecords]
