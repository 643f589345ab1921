// Who signed this digest? Read from what a registry holds, by node:crypto and by nothing of ours: an upper bound of what
// may be called trusted. It is generous about form and strict about meaning: the signed bytes must say one thing only.

import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { hasRepeatedMember, jsonValue, parseJsonText } from '../json-text.ts'

/** What a registry holds of one repository. */
export interface Shelf {
  /** Manifests and blobs, by what they are asked for with; they may be lies. */
  readonly byDigest: ReadonlyMap<string, Uint8Array>
  readonly byTag: ReadonlyMap<string, Uint8Array>
  /** Digests of manifests that are said to refer to a digest. */
  readonly referrers: ReadonlyMap<string, readonly string[]>
}

/** What a genuine signature says. */
export interface Said {
  readonly reference: unknown
  readonly annotations: Readonly<Record<string, unknown>>
}

type Json = Readonly<Record<string, unknown>>

const known = new WeakMap<Shelf, Map<string, readonly Said[]>>()
const keys = new Map<string, KeyObject>()

/** Everything that the key says of the digest; worked out once for a shelf. */
export function saidBy(pem: string, digest: string, shelf: Shelf): readonly Said[] {
  const kept = known.get(shelf) ?? new Map<string, readonly Said[]>()
  known.set(shelf, kept)
  const name = `${digest} ${pem}`
  const said = kept.get(name) ?? readShelf(pem, digest, shelf)
  kept.set(name, said)
  return said
}

function readShelf(pem: string, digest: string, shelf: Shelf): readonly Said[] {
  const key = keys.get(pem) ?? createPublicKey(pem)
  keys.set(pem, key)
  const tag = shelf.byTag.get(`${digest.replace(':', '-')}.sig`)
  const manifests = [...(tag === undefined ? [] : [{ bytes: tag, isReferrer: false }])]
  for (const name of shelf.referrers.get(digest) ?? []) {
    const bytes = honest(shelf, name)
    if (bytes !== undefined) manifests.push({ bytes, isReferrer: true })
  }
  return manifests.flatMap(({ bytes, isReferrer }) => {
    const manifest = plainJson(bytes)
    if (manifest === undefined) return []
    if (isReferrer && json(manifest['subject'])['digest'] !== digest) return []
    return list(manifest['layers']).flatMap((layer) => saidByLayer(json(layer), digest, shelf, key))
  })
}

function saidByLayer(layer: Json, digest: string, shelf: Shelf, key: KeyObject): readonly Said[] {
  const bytes = honest(shelf, text(layer['digest']))
  if (bytes === undefined) return []
  const mediaType = text(layer['mediaType'])
  if (mediaType === 'application/vnd.dev.cosign.simplesigning.v1+json') {
    const signature = json(layer['annotations'])['dev.cosignproject.cosign/signature']
    return isSigned(key, bytes, signature) ? saidByPayload(bytes, digest) : []
  }
  if (!mediaType.startsWith('application/vnd.dev.sigstore.bundle')) return []
  const envelope = json(plainJson(bytes)?.['dsseEnvelope'])
  const payload = Buffer.from(text(envelope['payload']), 'base64')
  const type = text(envelope['payloadType'])
  const preAuth = Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload])
  const isGenuine = list(envelope['signatures']).some((each) => isSigned(key, preAuth, json(each)['sig']))
  return isGenuine && type === 'application/vnd.in-toto+json' ? saidByStatement(payload, digest) : []
}

function saidByPayload(bytes: Uint8Array, digest: string): readonly Said[] {
  const payload = plainJson(bytes)
  const critical = json(payload?.['critical'])
  const isOfImage = json(critical['image'])['docker-manifest-digest'] === digest
  if (!isOfImage || critical['type'] !== 'cosign container image signature') return []
  const reference = json(critical['identity'])['docker-reference']
  return [{ reference, annotations: json(payload?.['optional']) }]
}

function saidByStatement(bytes: Uint8Array, digest: string): readonly Said[] {
  const statement = plainJson(bytes)
  if (statement?.['_type'] !== 'https://in-toto.io/Statement/v1') return []
  if (statement['predicateType'] !== 'https://sigstore.dev/cosign/sign/v1') return []
  return list(statement['subject']).flatMap((each) => {
    const subject = json(each)
    const isOfImage = json(subject['digest'])['sha256'] === digest.replace('sha256:', '')
    return isOfImage ? [{ reference: subject['name'], annotations: json(subject['annotations']) }] : []
  })
}

function isSigned(key: KeyObject, bytes: Uint8Array, signature: unknown): boolean {
  if (typeof signature !== 'string') return false
  try {
    return verify('sha256', bytes, key, Buffer.from(signature, 'base64'))
  } catch {
    return false
  }
}

/** What lies under the digest, if it is what the digest says. */
function honest(shelf: Shelf, digest: string): Uint8Array | undefined {
  const bytes = shelf.byDigest.get(digest)
  if (bytes === undefined) return undefined
  const [algorithm = '', hex] = digest.split(':')
  if (!['sha256', 'sha384', 'sha512'].includes(algorithm)) return undefined
  return createHash(algorithm).update(bytes).digest('hex') === hex ? bytes : undefined
}

/** The object that the bytes are to every reader; `undefined` where two readers could differ. */
export function plainJson(bytes: Uint8Array): Json | undefined {
  const written = Buffer.from(bytes).toString('utf8')
  if (!Buffer.from(written, 'utf8').equals(bytes)) return undefined
  const node = parseJsonText(written)
  if (node === undefined || node.kind !== 'object' || hasRepeatedMember(node)) return undefined
  return json(jsonValue(node))
}

function json(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Of a value that may be anything; making a text of a deep list would need a deep stack. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
