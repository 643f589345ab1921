// Reads manifests out of fetched bytes: what is no image manifest becomes a sentence, not an error, because it stands
// beside signatures that may be good.

import type { Fetched } from '#core/decision/question.ts'
import { messageOf } from '#core/errors.ts'
import type { ImageManifest, SignatureManifest } from '#core/image/manifest.ts'
import { parseManifest, parseSignatureManifest } from '#core/image/manifest.ts'

const noLayers = 'it is an index, not a manifest with layers'

/** Formats look at the same bytes after every answer; a manifest of 4 MiB takes 100 ms to read. */
const known = new WeakMap<Fetched, SignatureManifest | string>()

/** The manifest whose layers may be signatures, or why it is none. */
export function readSignatureManifest(fetched: Fetched): SignatureManifest | string {
  const before = known.get(fetched)
  if (before !== undefined) return before
  const manifest = readOnce(fetched)
  known.set(fetched, manifest)
  return manifest
}

function readOnce({ bytes, mediaType }: Fetched): SignatureManifest | string {
  try {
    return parseSignatureManifest(bytes, mediaType) ?? noLayers
  } catch (error) {
    return messageOf(error)
  }
}

/** The image manifest, all of it well-formed, or why it is none. */
export function readImageManifest(fetched: Fetched): ImageManifest | string {
  try {
    const manifest = parseManifest(fetched.bytes, fetched.mediaType)
    return manifest.kind === 'image' ? manifest : noLayers
  } catch (error) {
    return messageOf(error)
  }
}
