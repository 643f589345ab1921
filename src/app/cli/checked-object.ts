// One manifest with what the webhook would answer about it.

import type { Judged } from '#app/webhook.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import type { Manifest } from './manifests.ts'

export interface CheckedObject {
  readonly manifest: Manifest
  readonly request: AdmissionRequest
  readonly judged: Judged
}
