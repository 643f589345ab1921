// Image manifests and indexes: OCI image specification 1.1 (manifest.md, image-index.md, descriptor.md) and Docker
// schema 2. Whatever another reader could take for something else is refused. It fetches and hashes nothing.

import type { MalformedEntry, Referrer } from '#core/decision/question.ts'
import { printable } from '#core/encoding/printable.ts'
import type { JsonObject } from '#core/encoding/strict-json.ts'
import {
  asArray,
  asInteger,
  asObject,
  asString,
  asStringMap,
  memberPath,
  ownMember,
  parseStrictJsonBytes,
} from '#core/encoding/strict-json.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { Digest } from './digest.ts'
import { toDigest } from './digest.ts'

export const ociManifestType = 'application/vnd.oci.image.manifest.v1+json'
export const ociIndexType = 'application/vnd.oci.image.index.v1+json'
export const dockerManifestType = 'application/vnd.docker.distribution.manifest.v2+json'
export const dockerListType = 'application/vnd.docker.distribution.manifest.list.v2+json'
/** Docker schema 1, signed or not: never accepted, since its digest does not cover what it names. */
export const dockerSchema1Types: readonly string[] = [
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
]
/** What to send as `Accept`. */
export const manifestTypes: readonly string[] = [ociIndexType, ociManifestType, dockerListType, dockerManifestType]

/** The cap of containers/image and the least that the distribution specification asks registries to take. */
export const maxManifestBytes = 4 * 1024 * 1024
/** An image has at most a few hundred layers, an index a few dozen platforms; 4 MiB would hold some 30,000. */
export const maxDescriptors = 10_000

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly osVersion?: string
}

export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: Platform
}

interface ManifestCommon {
  readonly mediaType: string
  readonly artifactType?: string
  readonly subject?: Descriptor
  readonly annotations: Readonly<Record<string, string>>
}

export interface ImageManifest extends ManifestCommon {
  readonly kind: 'image'
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

export interface ImageIndex extends ManifestCommon {
  readonly kind: 'index'
  readonly manifests: readonly Descriptor[]
}

export type Manifest = ImageManifest | ImageIndex

/** A manifest whose layers are signatures: each stands for itself. */
export interface SignatureManifest extends Omit<ImageManifest, 'layers'> {
  readonly layers: readonly (Descriptor | MalformedEntry)[]
}

const kinds: Readonly<Record<string, Manifest['kind']>> = {
  [ociManifestType]: 'image',
  [dockerManifestType]: 'image',
  [ociIndexType]: 'index',
  [dockerListType]: 'index',
}

/**
 * A manifest by its bytes and the Content-Type that came with them. Unknown members are ignored, as OCI demands.
 *
 * @throws CodedError `manifest-malformed`, `manifest-ambiguous`, `manifest-unsupported`, `content-too-large`
 */
export function parseManifest(bytes: Uint8Array, declaredMediaType?: string): Manifest {
  return reading(() => {
    const object = readTop(bytes)
    const mediaType = mediaTypeOf(object, plainType(declaredMediaType))
    const common = commonOf(object, mediaType)
    if (kinds[mediaType] === 'index') {
      return { kind: 'index', ...common, manifests: descriptors(object, 'manifests') }
    }
    const config = descriptor(ownMember(object, 'config'), 'config')
    return { kind: 'image', ...common, config, layers: descriptors(object, 'layers') }
  })
}

/**
 * A manifest whose layers are judged one by one: a malformed layer spoils none beside it, anything else is as strict.
 *
 * @returns `undefined` for an index
 * @throws CodedError as `parseManifest`
 */
export function parseSignatureManifest(bytes: Uint8Array, declaredMediaType?: string): SignatureManifest | undefined {
  return reading(() => {
    const object = readTop(bytes)
    const mediaType = mediaTypeOf(object, plainType(declaredMediaType))
    if (kinds[mediaType] === 'index') return undefined
    const config = descriptor(ownMember(object, 'config'), 'config')
    const layers = listOf(object, 'layers').map((entry, at) => orMalformed(entry, memberPath('layers', at)))
    return { kind: 'image', ...commonOf(object, mediaType), config, layers }
  })
}

/**
 * The answer of the referrers API, or the index under the fallback tag (distribution-spec, "Listing Referrers").
 *
 * @throws CodedError as `parseManifest`
 */
export function parseReferrersIndex(bytes: Uint8Array): readonly (Referrer | MalformedEntry)[] {
  return reading(() => {
    const object = readTop(bytes)
    // Registries written in Go say null for a list without entries.
    const empty = ownMember(object, 'manifests') === null
    if (mediaTypeOf(object, undefined) !== ociIndexType) throw unsupported('a list of referrers is an OCI index')
    if (empty) return []
    return listOf(object, 'manifests').map((entry, at) => {
      const read = orMalformed(entry, memberPath('manifests', at))
      return 'malformed' in read ? read : toReferrer(read)
    })
  })
}

/** For lists that many write to: one bad entry must not hide the others. */
function orMalformed(value: unknown, where: string): Descriptor | MalformedEntry {
  try {
    return descriptor(value, where)
  } catch (error) {
    if (error instanceof CodedError) return { malformed: messageOf(error) }
    throw error
  }
}

function toReferrer(entry: Descriptor): Referrer {
  const { mediaType, digest, size, artifactType, annotations } = entry
  return {
    mediaType,
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && { annotations }),
  }
}

function readTop(bytes: Uint8Array): JsonObject {
  if (bytes.length > maxManifestBytes) {
    throw new CodedError('content-too-large', `manifest of ${bytes.length} bytes; at most ${maxManifestBytes} are read`)
  }
  const object = asObject(parseStrictJsonBytes(bytes), '')
  refuseVariants(object, topMembers, '')
  return object
}

/** Which of the four the manifest is. Everything that speaks about it must agree. */
function mediaTypeOf(object: JsonObject, declared: string | undefined): string {
  const version = ownMember(object, 'schemaVersion')
  const written = optional(object, 'mediaType', '', asString)
  if (version === 1 || [written, declared].some((type) => type !== undefined && dockerSchema1Types.includes(type))) {
    throw unsupported('Docker schema 1 is not accepted')
  }
  if (written !== undefined && declared !== undefined && written !== declared) {
    throw ambiguous(`it says "${printable(written)}", but was sent as "${printable(declared)}"`)
  }
  const structure = structureOf(object)
  const mediaType = written ?? declared ?? (structure === 'index' ? ociIndexType : ociManifestType)
  const kind = Object.hasOwn(kinds, mediaType) ? kinds[mediaType] : undefined
  if (kind === undefined) throw unsupported(`media type "${printable(mediaType)}"`)
  if (structure === undefined) throw malformed('it has neither config and layers nor manifests')
  if (kind !== structure) throw ambiguous(`by its media type it is an ${kind}, by its members an ${structure}`)
  if (version !== 2) throw malformed('schemaVersion must be 2')
  return mediaType
}

function structureOf(object: JsonObject): Manifest['kind'] | undefined {
  const image = imageMembers.filter((name) => Object.hasOwn(object, name))
  const index = Object.hasOwn(object, 'manifests')
  if (image.length > 0 && index) throw ambiguous(`it has both manifests and ${image.join(', ')}`)
  return index ? 'index' : image.length > 0 ? 'image' : undefined
}

function commonOf(object: JsonObject, mediaType: string): ManifestCommon {
  const artifactType = optional(object, 'artifactType', '', asString)
  const subject = optional(object, 'subject', '', descriptor)
  return {
    mediaType,
    annotations: optional(object, 'annotations', '', asStringMap) ?? {},
    ...(artifactType !== undefined && { artifactType }),
    ...(subject !== undefined && { subject }),
  }
}

function descriptors(object: JsonObject, name: string): readonly Descriptor[] {
  return listOf(object, name).map((entry, at) => descriptor(entry, memberPath(name, at)))
}

function listOf(object: JsonObject, name: string): readonly unknown[] {
  const list = asArray(ownMember(object, name), name)
  if (list.length > maxDescriptors) {
    throw new CodedError(
      'content-too-large',
      `manifest with ${list.length} ${name}; at most ${maxDescriptors} are read`,
    )
  }
  return list
}

function descriptor(value: unknown, where: string): Descriptor {
  const object = asObject(value, where)
  refuseVariants(object, descriptorMembers, where)
  const digest = toDigest(asString(ownMember(object, 'digest'), memberPath(where, 'digest')))
  if (digest === undefined) throw malformed(`${where}.digest is not a sha256, sha384 or sha512 digest`)
  const size = asInteger(ownMember(object, 'size'), memberPath(where, 'size'))
  if (size < 0) throw malformed(`${where}.size is negative`)
  const artifactType = optional(object, 'artifactType', where, asString)
  const annotations = optional(object, 'annotations', where, asStringMap)
  const platform = optional(object, 'platform', where, platformOf)
  return {
    mediaType: asString(ownMember(object, 'mediaType'), memberPath(where, 'mediaType')),
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && { annotations }),
    ...(platform !== undefined && { platform }),
  }
}

function platformOf(value: unknown, where: string): Platform {
  const object = asObject(value, where)
  refuseVariants(object, platformMembers, where)
  const variant = optional(object, 'variant', where, asString)
  const osVersion = optional(object, 'os.version', where, asString)
  return {
    os: asString(ownMember(object, 'os'), memberPath(where, 'os')),
    architecture: asString(ownMember(object, 'architecture'), memberPath(where, 'architecture')),
    ...(variant !== undefined && { variant }),
    ...(osVersion !== undefined && { osVersion }),
  }
}

/** Writers in Go say null for what is absent. */
function optional<T>(
  object: JsonObject,
  name: string,
  where: string,
  read: (value: unknown, where: string) => T,
): T | undefined {
  const value = ownMember(object, name)
  return value === undefined || value === null ? undefined : read(value, memberPath(where, name))
}

const imageMembers = ['config', 'layers', 'fsLayers', 'history'] as const
const topMembers = new Set([
  ...imageMembers,
  'schemaVersion',
  'mediaType',
  'artifactType',
  'manifests',
  'subject',
  'annotations',
])
const descriptorMembers = new Set(['mediaType', 'digest', 'size', 'artifactType', 'annotations', 'platform'])
const platformMembers = new Set(['os', 'architecture', 'variant', 'os.version'])

/** Readers that ignore case (Go's) would take `Layers` for `layers`; then two readers see two images. */
function refuseVariants(object: JsonObject, known: ReadonlySet<string>, where: string): void {
  for (const name of Object.keys(object)) {
    if (known.has(name)) continue
    const folded = fold(name)
    for (const each of known) {
      if (fold(each) === folded) {
        throw ambiguous(`the member ${memberPath(where, name)} differs from "${each}" only by case`)
      }
    }
  }
}

/** Upper case first: it maps the long s and the Kelvin sign to S and K, as Go's case folding does. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase()
}

function plainType(declared: string | undefined): string | undefined {
  const plain = declared?.split(';', 1)[0]?.trim().toLowerCase()
  return plain === '' ? undefined : plain
}

/** Every refusal of the JSON readers is one of the manifest here. */
function reading<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof CodedError && error.code.startsWith('json-')) {
      throw new CodedError('manifest-malformed', `manifest: ${error.message}`, { where: error.where, cause: error })
    }
    throw error
  }
}

function malformed(reason: string): CodedError {
  return new CodedError('manifest-malformed', `manifest: ${reason}`)
}

function ambiguous(reason: string): CodedError {
  return new CodedError('manifest-ambiguous', `manifest: ${reason}`)
}

function unsupported(reason: string): CodedError {
  return new CodedError('manifest-unsupported', `manifest of a kind that is not supported: ${reason}`)
}
