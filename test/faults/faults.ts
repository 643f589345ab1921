// Every fault that a run brings about, in the order of docs/reliability.md.

import type { Fault } from './fault.ts'
import { processFaults } from './process-faults.ts'
import { registryFaults } from './registry-faults.ts'

export const faults: readonly Fault[] = [...registryFaults, ...processFaults]
