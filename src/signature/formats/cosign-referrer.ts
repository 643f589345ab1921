// The format `cosign-referrer`: classic signature layers in a manifest that refers to the image, as cosign writes them
// in its experimental OCI 1.1 mode. The layers are those of `cosign`; only the place differs.

import type { Format, Gathering, SignedSubject } from '#core/decision/format.ts'
import type { Facts } from '#core/decision/question.ts'
import type { Found } from '#signature/referrers.ts'
import { findOlderReferrers, findReferrers } from '#signature/referrers.ts'
import { gatherLayers, verifySimpleSigning } from '#signature/simple-signing.ts'

export const cosignArtifactType = 'application/vnd.dev.cosign.artifact.sig.v1+json'

const kind = { holds: (type: string) => type === cosignArtifactType }

export const cosignReferrer: Format = {
  name: 'cosign-referrer',
  layout: 'Bundle',
  serves: (attestor) => attestor.kind === 'key',
  ask: (subject, facts) => gather(findReferrers(subject, facts, kind), subject, facts),
  askFurther: (subject, facts) => gather(findOlderReferrers(subject, facts, kind), subject, facts),
  verify: verifySimpleSigning,
}

function gather(found: Found, { signatures }: SignedSubject, facts: Facts): Gathering {
  const layers = found.manifests.map(({ manifest, place }) => gatherLayers(manifest, place, signatures, facts))
  return {
    questions: [...found.questions, ...layers.flatMap(({ questions }) => questions)],
    materials: layers.flatMap(({ materials }) => materials),
    oddities: [...found.oddities, ...layers.flatMap(({ oddities }) => oddities)],
    gaps: [...found.gaps, ...layers.flatMap(({ gaps }) => gaps)],
  }
}
