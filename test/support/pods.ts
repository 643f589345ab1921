// An AdmissionRequest for a Pod, as the API server sends it.

import type { AdmissionRequest } from '#core/admission/review.ts'

export function podRequest(images: readonly string[], parts: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const containers = images.map((image, index) => ({ name: `c${index}`, image }))
  return {
    apiVersion: 'admission.k8s.io/v1',
    uid: 'u',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    namespace: 'prod',
    operation: 'CREATE',
    userInfo: { username: 'somebody', groups: [] },
    dryRun: false,
    object: { metadata: {}, spec: { containers } },
    ...parts,
  }
}
