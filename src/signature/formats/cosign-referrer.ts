// The format `cosign-referrer`: classic signature layers in a manifest that refers to the image, as cosign writes them
// in its experimental OCI 1.1 mode. The layers are those of `cosign`; only the place differs.

import type { Format, Gathering } from '#core/decision/format.ts'
import { findReferrers } from '#signature/referrers.ts'
import { gatherLayers, verifySimpleSigning } from '#signature/simple-signing.ts'

export const cosignArtifactType = 'application/vnd.dev.cosign.artifact.sig.v1+json'

export const cosignReferrer: Format = {
  name: 'cosign-referrer',
  layout: 'Bundle',
  serves: (attestor) => attestor.kind === 'key',
  ask(subject, facts): Gathering {
    const found = findReferrers(subject, facts, { holds: (type) => type === cosignArtifactType })
    const layers = found.manifests.map(({ manifest, place }) =>
      gatherLayers(manifest, place, subject.signatures, facts),
    )
    return {
      questions: [...found.questions, ...layers.flatMap(({ questions }) => questions)],
      materials: layers.flatMap(({ materials }) => materials),
      oddities: [...found.oddities, ...layers.flatMap(({ oddities }) => oddities)],
      gaps: [...found.gaps, ...layers.flatMap(({ gaps }) => gaps)],
    }
  },
  verify: verifySimpleSigning,
}
