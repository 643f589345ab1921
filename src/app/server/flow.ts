// Which flow a request belongs to, and about how much it takes, for sharing out places fairly. A wrong guess costs fairness
// and nothing else.

import { type FurtherKinds, noFurtherKinds } from '#core/admission/further-kinds.ts'
import type { AdmissionRequest } from '#core/admission/review.ts'
import { imageUses, mostImages } from '#core/admission/workload.ts'
import { parseReference } from '#core/image/reference.ts'
import type { Flow } from './gate.ts'

/** Few objects use more registries than this many images name; it is asked for in a crowd. */
const imagesLooked = 16

/** The plan of an image, its questions and who waits for them: 2 to 4 KiB where no registry answers. */
const bytesOfImage = 4 * 1024

/** Real objects rarely have more; one that has no more is let in whatever all others take. */
const fewImages = 16

/** 16 MiB: an object with more images still finds room where nobody else has many. */
const mostWeighed = 4_096

/** About how many bytes judging the images of a request takes; 0 for a few. */
export function weightOfImages(
  { object, kind, resource }: AdmissionRequest,
  also: FurtherKinds = noFurtherKinds,
): number {
  const images = mostImages(object, kind, also.of(resource))
  return images > fewImages ? Math.min(images, mostWeighed) * bytesOfImage : 0
}

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
