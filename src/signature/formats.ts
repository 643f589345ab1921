// The table of signature formats. A new format is one file in `formats/` and one row here.

import type { Format } from '#core/decision/format.ts'
import { bundle } from './formats/bundle.ts'
import { cosign } from './formats/cosign.ts'
import { cosignReferrer } from './formats/cosign-referrer.ts'

export const formats: readonly Format[] = [cosign, bundle, cosignReferrer]
