// Pushes small valid OCI images and indexes over plain HTTP, for tests and benches of everything else. It shares no
// code with the registry client that those tests are about.

import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface PushOptions {
  /** Another seed makes other bytes, so another digest; the same seed the same. */
  readonly seed?: string | number
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: Platform
  /** `Authorization` of every request. */
  readonly authorization?: string
  /** A CA's PEM: then the registry is asked over TLS. */
  readonly ca?: string
}

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: Platform
}

export interface Named {
  /** `host/repository:tag`; the pinned form for what has no tag. */
  readonly reference: string
  /** `host/repository@sha256:…` */
  readonly pinned: string
  readonly digest: string
  readonly descriptor: Descriptor
  readonly manifest: Uint8Array
}

export interface PushedImage extends Named {
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

export interface PushedIndex extends Named {
  readonly images: readonly PushedImage[]
}

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  empty: 'application/vnd.oci.empty.v1+json',
} as const

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export interface HttpAsk {
  readonly body?: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  readonly ca?: string | undefined
}

/** One HTTP request to a registry, nothing followed, nothing judged. `url` may lack the scheme. */
export function http(method: string, url: string, ask: HttpAsk = {}): Promise<HttpAnswer> {
  const scheme = ask.ca === undefined ? 'http' : 'https'
  const target = new URL(/^https?:/.test(url) ? url : `${scheme}://${url}`)
  const length = ask.body === undefined ? {} : { 'content-length': String(ask.body.length) }
  return new Promise((resolve, reject) => {
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest
    const headers = { ...length, ...ask.headers }
    const request = send(target, { method, headers, timeout: 15_000, agent: false, ca: ask.ca }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    request.once('timeout', () => request.destroy(new Error(`${method} ${target.href}: no answer in 15 s`)))
    request.once('error', reject)
    request.end(ask.body)
  })
}

export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function must(answer: HttpAnswer, status: number, what: string): HttpAnswer {
  if (answer.status === status) return answer
  throw new Error(`${what}: wanted ${status}, got ${answer.status}: ${answer.body.toString('utf8').slice(0, 300)}`)
}

function credentials(options: PushOptions): Record<string, string> {
  return options.authorization === undefined ? {} : { authorization: options.authorization }
}

/** Pushes bytes in one piece and answers their descriptor. */
export async function pushBlob(
  host: string,
  repository: string,
  content: { readonly bytes: Uint8Array; readonly mediaType: string },
  options: PushOptions = {},
): Promise<Descriptor> {
  const digest = sha256(content.bytes)
  const { ca } = options
  const uploads = `${host}/v2/${repository}/blobs/uploads/`
  const started = must(await http('POST', uploads, { headers: credentials(options), ca }), 202, `POST ${uploads}`)
  const scheme = ca === undefined ? 'http' : 'https'
  const location = new URL(String(started.headers['location']), `${scheme}://${uploads}`)
  location.searchParams.set('digest', digest)
  const headers = { ...credentials(options), 'content-type': 'application/octet-stream' }
  must(await http('PUT', location.href, { body: content.bytes, headers, ca }), 201, `PUT blob ${digest}`)
  return { mediaType: content.mediaType, digest, size: content.bytes.length }
}

/** Pushes a manifest under a tag or digest and answers its descriptor. */
export async function pushManifest(
  host: string,
  repository: string,
  manifest: { readonly tag: string; readonly bytes: Uint8Array; readonly mediaType: string },
  options: PushOptions = {},
): Promise<Descriptor> {
  const url = `${host}/v2/${repository}/manifests/${manifest.tag}`
  const headers = { ...credentials(options), 'content-type': manifest.mediaType }
  must(await http('PUT', url, { body: manifest.bytes, headers, ca: options.ca }), 201, `PUT ${url}`)
  return { mediaType: manifest.mediaType, digest: sha256(manifest.bytes), size: manifest.bytes.length }
}

const linux: Platform = { os: 'linux', architecture: 'amd64' }

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

/** An empty tar archive is 1,024 zero bytes; one file with the seed makes it an image's own. */
function layerTar(seed: string): Uint8Array {
  const content = new TextEncoder().encode(`sealward test image ${seed}\n`)
  const tar = Buffer.alloc(512 + Math.ceil(content.length / 512) * 512 + 1024)
  tar.write('seed.txt', 0)
  tar.write('0000644\0', 100)
  tar.write('0000000\0', 108)
  tar.write('0000000\0', 116)
  tar.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  tar.write('00000000000\0', 136)
  tar.write('        0', 148)
  tar.write('ustar\x0000', 257)
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  tar.set(content, 512)
  return tar
}

/** Pushes a manifest that is complete but for its tag; `null`: by digest only. */
async function pushNamed(
  at: { readonly host: string; readonly repository: string; readonly tag: string | null },
  content: { readonly bytes: Uint8Array; readonly mediaType: string },
  options: PushOptions,
): Promise<Named> {
  const tag = at.tag ?? sha256(content.bytes)
  const descriptor = await pushManifest(at.host, at.repository, { ...content, tag }, options)
  const pinned = `${at.host}/${at.repository}@${descriptor.digest}`
  const reference = at.tag === null ? pinned : `${at.host}/${at.repository}:${at.tag}`
  return { reference, pinned, digest: descriptor.digest, descriptor, manifest: content.bytes }
}

/** Pushes config, one layer and the manifest; the tag then names the image (`null`: it has only its digest). */
export async function pushImage(
  host: string,
  repository: string,
  tag: string | null,
  options: PushOptions = {},
): Promise<PushedImage> {
  const tar = layerTar(String(options.seed ?? `${repository}:${tag}`))
  const rootfs = { type: 'layers', diff_ids: [sha256(tar)] }
  const about = jsonBytes({ ...(options.platform ?? linux), config: {}, rootfs, history: [] })
  const config = await pushBlob(host, repository, { mediaType: mediaTypes.config, bytes: about }, options)
  const layers = [await pushBlob(host, repository, { mediaType: mediaTypes.layer, bytes: tar }, options)]
  const annotations = options.annotations === undefined ? {} : { annotations: options.annotations }
  const bytes = jsonBytes({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers, ...annotations })
  const named = await pushNamed({ host, repository, tag }, { bytes, mediaType: mediaTypes.manifest }, options)
  return { ...named, config, layers }
}

/** Pushes one image for each platform (without a tag) and the index over them under the tag. */
export async function pushIndex(
  host: string,
  repository: string,
  tag: string | null,
  options: PushOptions & { readonly platforms?: readonly Platform[] } = {},
): Promise<PushedIndex> {
  const images: PushedImage[] = []
  for (const platform of options.platforms ?? [linux, { os: 'linux', architecture: 'arm64' }]) {
    const seed = `${options.seed ?? `${repository}:${tag}`}/${platform.os}/${platform.architecture}`
    const image = await pushImage(host, repository, null, { ...options, seed, platform })
    images.push({ ...image, descriptor: { ...image.descriptor, platform } })
  }
  const manifests = images.map((image) => image.descriptor)
  const annotations = options.annotations === undefined ? {} : { annotations: options.annotations }
  const bytes = jsonBytes({ schemaVersion: 2, mediaType: mediaTypes.index, manifests, ...annotations })
  const named = await pushNamed({ host, repository, tag }, { bytes, mediaType: mediaTypes.index }, options)
  return { ...named, images }
}
