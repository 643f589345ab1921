// Evidence of signatures written down by hand, so that each of its bytes can be changed: manifests, payloads, bundles
// and the facts that lead to them. No registry, no door for signing: what is composed here is composed apart from it.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { Format, Material, SignedSubject } from '#core/decision/format.ts'
import type { FetchQuestion } from '#core/decision/question.ts'
import { type Digest, parseDigest } from '#core/image/digest.ts'
import { verifyMaterial } from '#signature/verify.ts'
import { attestorOf, outcome, subjectAt, WrittenFacts } from './evidence.ts'

export const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const pemOf = (key: KeyObject): string => key.export({ format: 'pem', type: 'spki' }).toString()
export const attestor = attestorOf(pemOf(pair.publicKey))

export const digestOf = (bytes: Uint8Array | string): Digest =>
  parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)

export const image = digestOf('an image')
export const otherImage = digestOf('another image')
export const subject: SignedSubject = subjectAt('registry.example', 'team/app', image)
export const at = subject.signatures

export const signatureAnnotation = 'dev.cosignproject.cosign/signature'
export const simpleSigning = 'application/vnd.dev.cosign.simplesigning.v1+json'
export const manifestType = 'application/vnd.oci.image.manifest.v1+json'
export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const configType = 'application/vnd.oci.image.config.v1+json'

// biome-ignore lint/suspicious/noExplicitAny: JSON that tests take apart and change at will
export type Json = any

export const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const fetched = (bytes: Uint8Array) => ({ digest: digestOf(bytes), mediaType: manifestType, bytes })

export const payloadOf = (digest: string = image): Json => ({
  critical: {
    identity: { 'docker-reference': 'registry.example/team/app' },
    image: { 'docker-manifest-digest': digest },
    type: 'cosign container image signature',
  },
  optional: { team: 'payments', built: 7 },
})

export interface Layer {
  readonly bytes: Uint8Array
  readonly mediaType: string
  readonly annotations: Record<string, string>
  readonly size?: number
}

export const signBase64 = (bytes: Uint8Array, key: KeyObject = pair.privateKey): string =>
  sign('sha256', bytes, key).toString('base64')

/** A signature layer over a payload, given as JSON or as the very text. */
export function layer(payload: Json = payloadOf(), key: KeyObject = pair.privateKey): Layer {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : json(payload)
  return { bytes, mediaType: simpleSigning, annotations: { [signatureAnnotation]: signBase64(bytes, key) } }
}

export function manifestOf(layers: readonly Layer[], more: Json = {}): Uint8Array {
  const descriptors = layers.map(({ bytes, mediaType, annotations, size }) => ({
    mediaType,
    digest: digestOf(bytes),
    size: size ?? bytes.length,
    annotations,
  }))
  const config = { mediaType: configType, digest: digestOf('{}'), size: 2 }
  return json({ schemaVersion: 2, mediaType: manifestType, config, layers: descriptors, ...more })
}

export const signatureTag = `${image.replace(':', '-')}.sig`

/** Facts of an image whose `.sig` tag holds these layers. */
export function tagged(layers: readonly Layer[], maxBytes = 64 * 1024): WrittenFacts {
  const facts = new WrittenFacts()
  facts.set({ kind: 'tagged', at, tag: signatureTag }, { known: true, value: fetched(manifestOf(layers)) })
  return withBlobs(facts, layers, maxBytes)
}

export function withBlobs(facts: WrittenFacts, layers: readonly Layer[], maxBytes: number): WrittenFacts {
  for (const { bytes } of layers) {
    facts.set({ kind: 'blob', at, digest: digestOf(bytes), maxBytes }, { known: true, value: bytes })
  }
  return facts
}

export const statementOf = (digest: string = image): Json => ({
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ digest: { sha256: digest.slice(7) }, annotations: { team: 'payments', built: 7 } }],
  predicateType: 'https://sigstore.dev/cosign/sign/v1',
  predicate: {},
})

/** DSSE's encoding, once more, apart from the code under test. */
function encodePae(type: string, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body])
}

export interface BundleParts {
  readonly statement?: Json
  readonly payloadType?: string
  readonly key?: KeyObject
}

export function bundleOf({ statement = statementOf(), payloadType, key }: BundleParts = {}): Json {
  const type = payloadType ?? 'application/vnd.in-toto+json'
  const payload = typeof statement === 'string' ? new TextEncoder().encode(statement) : json(statement)
  return {
    mediaType: bundleType,
    verificationMaterial: { publicKey: { hint: '' } },
    dsseEnvelope: {
      payload: Buffer.from(payload).toString('base64'),
      payloadType: type,
      signatures: [{ sig: signBase64(encodePae(type, payload), key) }],
    },
  }
}

export interface Referring {
  readonly manifest: Uint8Array
  readonly layers: readonly Layer[]
  readonly artifactType?: string
  readonly annotations?: Record<string, string>
}

export function referring(bundle: Json, more: Json = {}): Referring {
  const bytes = typeof bundle === 'string' ? new TextEncoder().encode(bundle) : json(bundle)
  const layers = [{ bytes, mediaType: bundleType, annotations: {} }]
  const about = { artifactType: bundleType, subject: { mediaType: manifestType, digest: image, size: 1 }, ...more }
  return { manifest: manifestOf(layers, about), layers, artifactType: bundleType }
}

export function referred(list: readonly Referring[], maxBytes = 256 * 1024): WrittenFacts {
  const facts = new WrittenFacts()
  const value = list.map(({ manifest, artifactType, annotations }) => ({
    digest: digestOf(manifest),
    mediaType: manifestType,
    size: manifest.length,
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && { annotations }),
  }))
  facts.set({ kind: 'referrers', at, digest: image }, { known: true, value })
  for (const { manifest, layers } of list) {
    facts.set({ kind: 'manifest', at, digest: digestOf(manifest) }, { known: true, value: fetched(manifest) })
    withBlobs(facts, layers, maxBytes)
  }
  return facts
}

/** Everything that came of the facts, in words that compare. */
export async function outcomes(
  format: Format,
  facts: WrittenFacts,
  by = attestor,
): Promise<{ verified: string[]; oddities: string[]; gaps: string[]; questions: readonly FetchQuestion[] }> {
  const { materials, oddities, gaps, questions } = format.ask(subject, facts)
  const verified = await Promise.all(materials.map((material) => verify(format, material, by)))
  const codes = (list: readonly { readonly code: string }[]) => list.map(({ code }) => code)
  return { verified: verified.map(outcome), oddities: codes(oddities), gaps: codes(gaps), questions }
}

export const verify = (format: Format, material: Material, by = attestor) =>
  verifyMaterial({ format: format.name, material, attestor: by, subject })
