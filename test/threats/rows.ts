// The threats that Sealward is tested against, in groups. A test belongs to a row when its title, or that of a `describe`
// around it, begins with the row's id; CONTRIBUTING.md says how.

import { admissionThreats } from './admission.ts'
import { faultThreats } from './faults.ts'
import { networkThreats } from './network.ts'
import { policyThreats } from './policies.ts'
import { referenceThreats } from './references.ts'
import { registryThreats } from './registry.ts'
import type { ThreatRow } from './row.ts'
import { runtimeThreats } from './runtime.ts'
import { signatureThreats } from './signatures.ts'

export interface ThreatGroup {
  readonly title: string
  readonly rows: readonly ThreatRow[]
}

export const threatGroups: readonly ThreatGroup[] = [
  { title: 'Admission', rows: admissionThreats },
  { title: 'Names of images', rows: referenceThreats },
  { title: 'What registries send', rows: registryThreats },
  { title: 'Network and secrets', rows: networkThreats },
  { title: 'Signatures', rows: signatureThreats },
  { title: 'Policies and memory', rows: policyThreats },
  { title: 'The language it is written in', rows: runtimeThreats },
  { title: 'Faults', rows: faultThreats },
]

export const threatRows: readonly ThreatRow[] = threatGroups.flatMap(({ rows }) => rows)
