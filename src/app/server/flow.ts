// Which flow a request belongs to, for sharing out places fairly. A wrong guess costs fairness and nothing else.

import type { AdmissionRequest } from '#core/admission/review.ts'
import { imageUses } from '#core/admission/workload.ts'
import { parseReference } from '#core/image/reference.ts'
import type { Flow } from './gate.ts'

/** Few objects use more registries than this many images name; it is asked for in a crowd. */
const imagesLooked = 16

export function flowOfRequest(peer: string, { namespace = '', object, kind }: AdmissionRequest): Flow {
  try {
    const images = new Set(
      imageUses(object, kind)
        ?.slice(0, imagesLooked)
        .map(({ image }) => image),
    )
    const hosts = new Set([...images].map((image) => parseReference(image).registry))
    return { peer, namespace, hosts: [...hosts].sort().join(' ') }
  } catch {
    return { peer, namespace, hosts: '' }
  }
}
