// What a warning is, and where it stands.

import type { YamlPath } from '#core/encoding/yaml.ts'
import type { Problem } from './problem.ts'
import { renderPath } from './problem.ts'
import type { ReadResult } from './read.ts'
import type { Attestor, DenyList, Policy } from './words.ts'

export type WarningCode =
  | 'system-namespace'
  | 'never-applies'
  | 'chosen-by-submitter'
  | 'subresource-missed'
  | 'labels-unknown'
  | 'accepts-uncovered'
  | 'admits-in-outage'
  | 'pin-without-effect'
  | 'never-pinned'
  | 'rule-unreachable'
  | 'accepts-broadly'
  | 'accepts-anyway'
  | 'denies-anyway'
  | 'deny-without-message'
  | 'trust-by-tag'
  | 'attestor-shadowed'
  | 'attestor-unused'
  | 'key-expired'
  | 'key-expires-soon'
  | 'key-not-yet-valid'
  | 'key-denied'
  | 'key-revoked'
  | 'no-valid-key'
  | 'denies-unknown-key'

export interface Warning extends Omit<Problem, 'code'> {
  readonly code: WarningCode
}

export type Warn = (code: WarningCode, path: YamlPath, message: string) => void

interface Remark {
  readonly code: WarningCode
  readonly path: YamlPath
  readonly message: string
}

export function warningOf(
  read: ReadResult,
  about: Policy | Attestor | DenyList,
  { code, path, message }: Remark,
): Warning {
  const origin = read.origins.get(about)
  const namespace = 'namespace' in about ? about.namespace : undefined
  return {
    code,
    file: origin?.file ?? '',
    ...(origin && { line: origin.lineOf(path) }),
    kind: about.kind === 'key' ? 'Attestor' : about.kind,
    name: namespace === undefined ? about.name : `${namespace}/${about.name}`,
    path: renderPath([...(origin?.at ?? []), ...path]),
    message,
  }
}
