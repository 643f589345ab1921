// Reads manifests out of fetched bytes, for formats that gather: what is no image manifest becomes a sentence, not an
// error, because it stands beside signatures that may be good.

import type { Fetched } from '#core/decision/question.ts'
import { messageOf } from '#core/errors.ts'
import type { ImageManifest } from '#core/image/manifest.ts'
import { parseManifest } from '#core/image/manifest.ts'

/** The image manifest, or why it is none. */
export function readImageManifest(fetched: Fetched): ImageManifest | string {
  try {
    const manifest = parseManifest(fetched.bytes, fetched.mediaType)
    return manifest.kind === 'image' ? manifest : 'it is an index, not a manifest with layers'
  } catch (error) {
    return messageOf(error)
  }
}
