// A registry that first tells the truth and then whatever a test wants: it serves what is put into it, and any route can
// be replaced by one of the answers of `hostile-answers.ts`. Every request is on record, so that a test can count them.

import { createHash } from 'node:crypto'
import { type Digest, parseDigest } from '#core/image/digest.ts'
import { type Handler, type Recorded, type Reply, type StubRegistry, startStubRegistry } from './stub-registry.ts'

export const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  schema1: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const

export interface ServedManifest {
  readonly mediaType?: string
  readonly tag?: string
  readonly repository?: string
}

export interface HostileRegistry extends StubRegistry {
  /** Under its digest, and under a tag. */
  putManifest(bytes: Uint8Array, served?: ServedManifest): Digest
  putBlob(bytes: Uint8Array, repository?: string): Digest
  /** The answer of the referrers API; without it the registry has none. */
  putReferrers(digest: Digest, list: unknown, repository?: string): void
  /** Replaces HEAD and GET of a manifest by a tag or digest. */
  lie(reference: string, handler: Handler): void
}

export const repository = 'team/app'

export function digestOf(bytes: Uint8Array | string): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** An image manifest without layers; `name` makes it differ from others. */
export function imageManifest(name: string, more: Readonly<Record<string, unknown>> = {}): Buffer {
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(name), size: name.length }
  return json({ schemaVersion: 2, mediaType: types.manifest, config, layers: [], ...more })
}

export function descriptorOf(bytes: Uint8Array, more: Readonly<Record<string, unknown>> = {}) {
  return { mediaType: types.manifest, digest: digestOf(bytes), size: bytes.length, ...more }
}

export function indexOf(...manifests: readonly unknown[]): Buffer {
  return json({ schemaVersion: 2, mediaType: types.index, manifests })
}

export async function startHostileRegistry(
  tls?: { readonly certificate: string; readonly key: string },
  address?: string,
): Promise<HostileRegistry> {
  const stub = await startStubRegistry(tls, address)
  const both = (path: string, handler: Handler | Reply) => {
    stub.on('GET', path, handler)
    stub.on('HEAD', path, handler)
  }
  return {
    ...stub,
    putManifest(bytes, { mediaType = types.manifest, tag, repository: name = repository } = {}) {
      const digest = digestOf(bytes)
      for (const reference of tag === undefined ? [digest] : [digest, tag]) {
        both(`/v2/${name}/manifests/${reference}`, asServed(bytes, mediaType))
      }
      return digest
    },
    putBlob(bytes, name = repository) {
      const digest = digestOf(bytes)
      both(`/v2/${name}/blobs/${digest}`, { body: bytes })
      return digest
    },
    putReferrers(digest, list, name = repository) {
      stub.on('GET', `/v2/${name}/referrers/${digest}`, asServed(json(list), types.index))
    },
    lie: (reference, handler) => both(`/v2/${repository}/manifests/${reference}`, handler),
  }
}

export function asServed(bytes: Uint8Array, mediaType: string) {
  return { headers: { 'content-type': mediaType, 'docker-content-digest': digestOf(bytes) }, body: bytes }
}

/** All that arrived somewhere, as one text: also what stands base64-encoded in an `Authorization` header. */
export function arrivedAt(host: Pick<StubRegistry, 'requests'>): string {
  return host.requests.map(shown).join('\n')
}

function shown({ method, path, headers, body }: Recorded): string {
  const basic = /^Basic (.+)$/.exec(String(headers['authorization'] ?? ''))?.[1]
  const decoded = basic === undefined ? '' : Buffer.from(basic, 'base64').toString('utf8')
  return [method, decodeURIComponent(path), JSON.stringify(headers), decoded, body.toString('latin1')].join(' ')
}
