// What the demo registry keeps: blobs, manifests, tags and unfinished uploads, in memory, each with a cap. It checks
// digests and sizes; it knows nothing of HTTP.

import { createHash, randomUUID } from 'node:crypto'
import { type Digest, digestAlgorithm } from '#core/image/digest.ts'

/** A blob of a demo is a small layer; 64 MiB holds any that a test would push. */
export const maxBlobBytes = 64 * 1024 * 1024
/** distribution-spec 1.1, "Pushing Manifests": a registry should take at least 4 MiB. */
export const maxManifestBytes = 4 * 1024 * 1024
/** Everything together, so that a test that never stops pushing ends with an answer and not without memory. */
const maxTotalBytes = 512 * 1024 * 1024
/** Unfinished uploads; the oldest makes room, as a real registry purges them. */
const maxUploads = 256

export interface StoredManifest {
  readonly bytes: Uint8Array
  readonly mediaType: string
  readonly subject: Digest | undefined
  readonly artifactType: string | undefined
  readonly annotations: Readonly<Record<string, string>> | undefined
}

export interface Repository {
  readonly blobs: Map<Digest, Uint8Array>
  readonly manifests: Map<Digest, StoredManifest>
  readonly tags: Map<string, Digest>
}

interface Upload {
  readonly repository: string
  readonly chunks: Uint8Array[]
  size: number
}

export type Kept = 'kept' | 'full'

export interface Store {
  readonly repository: (name: string) => Repository | undefined
  readonly addBlob: (name: string, digest: Digest, bytes: Uint8Array) => Kept
  readonly addManifest: (name: string, digest: Digest, manifest: StoredManifest) => Kept
  readonly deleteBlob: (name: string, digest: Digest) => boolean
  /** Its tags go with it. */
  readonly deleteManifest: (name: string, digest: Digest) => boolean
  readonly startUpload: (name: string) => string
  readonly uploadSize: (name: string, id: string) => number | undefined
  /** `undefined`: no such upload. */
  readonly append: (name: string, id: string, chunk: Uint8Array) => Kept | undefined
  /** Ends the upload and answers its bytes. */
  readonly finish: (name: string, id: string) => Uint8Array | undefined
}

export function matchesDigest(bytes: Uint8Array, digest: Digest): boolean {
  return `${digestAlgorithm(digest)}:${createHash(digestAlgorithm(digest)).update(bytes).digest('hex')}` === digest
}

export function sha256Digest(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export function createStore(): Store {
  const repositories = new Map<string, Repository>()
  const uploads = new Map<string, Upload>()
  let total = 0

  const open = (name: string): Repository => {
    const found = repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() }
    repositories.set(name, found)
    return found
  }
  const add = (present: boolean, size: number, write: () => void): Kept => {
    if (!present && total + size > maxTotalBytes) return 'full'
    if (!present) total += size
    write()
    return 'kept'
  }
  const drop = (id: string, upload: Upload) => {
    total -= upload.size
    uploads.delete(id)
  }
  const uploadOf = (name: string, id: string): Upload | undefined => {
    const upload = uploads.get(id)
    return upload?.repository === name ? upload : undefined
  }

  return {
    repository: (name) => repositories.get(name),
    addBlob: (name, digest, bytes) => {
      const { blobs } = open(name)
      return add(blobs.has(digest), bytes.length, () => blobs.set(digest, bytes))
    },
    addManifest: (name, digest, manifest) => {
      const { manifests } = open(name)
      return add(manifests.has(digest), manifest.bytes.length, () => manifests.set(digest, manifest))
    },
    deleteBlob: (name, digest) => {
      const blobs = repositories.get(name)?.blobs
      total -= blobs?.get(digest)?.length ?? 0
      return blobs?.delete(digest) ?? false
    },
    deleteManifest: (name, digest) => {
      const found = repositories.get(name)
      if (found === undefined) return false
      total -= found.manifests.get(digest)?.bytes.length ?? 0
      for (const [tag, target] of found.tags) if (target === digest) found.tags.delete(tag)
      return found.manifests.delete(digest)
    },
    startUpload: (name) => {
      for (const [id, upload] of uploads) if (uploads.size >= maxUploads) drop(id, upload)
      const id = randomUUID()
      uploads.set(id, { repository: name, chunks: [], size: 0 })
      return id
    },
    uploadSize: (name, id) => uploadOf(name, id)?.size,
    append: (name, id, chunk) => {
      const upload = uploadOf(name, id)
      if (upload === undefined) return undefined
      if (upload.size + chunk.length > maxBlobBytes || total + chunk.length > maxTotalBytes) return 'full'
      upload.chunks.push(chunk)
      upload.size += chunk.length
      total += chunk.length
      return 'kept'
    },
    finish: (name, id) => {
      const upload = uploadOf(name, id)
      if (upload === undefined) return undefined
      drop(id, upload)
      return Buffer.concat(upload.chunks)
    },
  }
}
