// All targets of the fuzzer, by name.

import type { Target } from './target.ts'
import { challenge } from './targets/challenge.ts'
import { dockerConfig } from './targets/docker-config.ts'
import { evidence } from './targets/evidence.ts'
import { json } from './targets/json.ts'
import { key } from './targets/key.ts'
import { manifest } from './targets/manifest.ts'
import { pattern } from './targets/pattern.ts'
import { policy } from './targets/policy.ts'
import { rawRegistry } from './targets/raw-registry.ts'
import { recording } from './targets/recording.ts'
import { reference } from './targets/reference.ts'
import { registryTarget } from './targets/registry.ts'
import { review } from './targets/review.ts'
import { sealedKey } from './targets/sealed-key.ts'
import { token } from './targets/token.ts'
import { wire } from './targets/wire.ts'
import { words } from './targets/words.ts'
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
  key,
  dockerConfig,
  challenge,
  recording,
  words,
  wire,
  rawRegistry,
  sealedKey,
  token,
]
