// All targets of the fuzzer, by name.

import type { Target } from './target.ts'
import { evidence } from './targets/evidence.ts'
import { json } from './targets/json.ts'
import { manifest } from './targets/manifest.ts'
import { pattern } from './targets/pattern.ts'
import { policy } from './targets/policy.ts'
import { reference } from './targets/reference.ts'
import { registryTarget } from './targets/registry.ts'
import { review } from './targets/review.ts'
import { yaml } from './targets/yaml.ts'

export const targets: readonly Target[] = [
  json,
  yaml,
  policy,
  manifest,
  evidence,
  reference,
  pattern,
  review,
  registryTarget,
]
