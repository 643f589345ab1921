// cosign's classic signature: a layer that holds the signed JSON payload, with the signature in its annotations. The
// same layers lie under the `.sig` tag and in OCI 1.1 referrers; where they were found is not known here.
// Payload: sigstore `SIGNATURE_SPEC.md`; its members are those of containers-signature(5).

import { createHash } from 'node:crypto'
import type { Gathering, Material, SignedSubject, Verification } from '#core/decision/format.ts'
import type { Facts, FetchQuestion, Repository } from '#core/decision/question.ts'
import { decodeBase64 } from '#core/encoding/base64.ts'
import { canonicalJson } from '#core/encoding/canonical-json.ts'
import { printable } from '#core/encoding/printable.ts'
import type { JsonObject } from '#core/encoding/strict-json.ts'
import { asObject, asString, onlyMembers, parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { Descriptor, SignatureManifest } from '#core/image/manifest.ts'
import type { Attestor } from '#core/policy/words.ts'
import { refuseAt } from './acceptance.ts'
import { verifyByKey } from './by-key.ts'

export const simpleSigningType = 'application/vnd.dev.cosign.simplesigning.v1+json'
export const signatureAnnotation = 'dev.cosignproject.cosign/signature'
export const cosignPayloadType = 'cosign container image signature'

/** How many signatures of one image are read: each costs a request, and no image seen has more than a dozen. */
export const maxSignatures = 100
/** A payload takes 300 bytes; annotations may be long, but this is longer than any tool writes. */
const maxPayloadBytes = 64 * 1024
/** RSA with 8192 bits gives 1,368 characters. */
const maxSignatureLength = 8192
/** Of how many signatures it is found out whether they are Ed25519ph, at milliseconds each, for the explanation. */
export const prehashedTold = 4

interface SimpleSigning {
  readonly payload: Uint8Array
  readonly annotations: Readonly<Record<string, string>>
  readonly tellPrehashed: boolean
}

/** One material for each signature layer; what else lies there is named. `place` says where, for people. */
export function gatherLayers(manifest: SignatureManifest, place: string, at: Repository, facts: Facts): Gathering {
  const questions: FetchQuestion[] = []
  const materials = new Map<string, Material>()
  const oddities: Gathering['oddities'][number][] = []
  const gaps: Gathering['gaps'][number][] = []
  let seen = 0
  for (const [index, layer] of manifest.layers.entries()) {
    const here = `layer ${index + 1} of ${place}`
    if ('malformed' in layer || layer.mediaType !== simpleSigningType) {
      const detail =
        'malformed' in layer
          ? layer.malformed
          : `it is of the type "${printable(layer.mediaType, 100)}", not a signature`
      // A manifest may have thousands of layers; an explanation has no room for them.
      if (oddities.length < maxSignatures) oddities.push({ place: here, code: 'layer-malformed', detail })
      continue
    }
    seen += 1
    if (seen > maxSignatures) continue
    if (layer.size > maxPayloadBytes) {
      gaps.push({ place: here, code: 'content-too-large', detail: `a payload of ${layer.size} bytes` })
      continue
    }
    const question = { kind: 'blob', at, digest: layer.digest, maxBytes: maxPayloadBytes } as const
    const fact = facts.about(question)
    if (fact === undefined) questions.push(question)
    else if (!fact.known) gaps.push({ place: here, code: fact.code, detail: fact.detail })
    else addMaterial(materials, layer, fact.value, here)
  }
  if (seen > maxSignatures) {
    gaps.push({ place, code: 'too-many-signatures', detail: `${seen} signatures; the first ${maxSignatures} are read` })
  }
  return { questions, materials: [...materials.values()], oddities, gaps }
}

function addMaterial(materials: Map<string, Material>, layer: Descriptor, payload: Uint8Array, place: string): void {
  const annotations = layer.annotations ?? {}
  const tellPrehashed = materials.size < prehashedTold
  const rest = createHash('sha256')
    .update(canonicalJson([annotations, tellPrehashed]))
    .digest('hex')
  const id = `${layer.digest} ${rest}`
  const untrusted: SimpleSigning = { payload, annotations, tellPrehashed }
  if (!materials.has(id)) materials.set(id, { id, place, untrusted })
}

/** Checks: encoding, payload, digest, signature. The payload is believed only after the signature. */
export async function verifySimpleSigning(
  material: Material,
  attestor: Attestor,
  subject: SignedSubject,
): Promise<Verification> {
  const { payload, annotations, tellPrehashed } = material.untrusted as SimpleSigning
  const signature = readSignature(annotations)
  if (typeof signature === 'string') {
    return refuseAt('encoding', [], { code: 'signature-encoding', detail: signature })
  }
  try {
    const { digest, reference, optional } = parsePayload(payload)
    const matches = digest === subject.digest
    const bound = matches ? ({ matches } as const) : { matches, detail: `it is made for ${printable(digest, 140)}` }
    return await verifyByKey(
      {
        checked: ['encoding', 'payload'],
        signedBytes: payload,
        signature,
        digest: bound,
        reference: reference === '' ? undefined : reference,
        annotations: stringsOf(optional),
        tellPrehashed,
      },
      attestor,
      subject.digest,
    )
  } catch (error) {
    if (!(error instanceof CodedError) || error.code === 'internal-error') throw error
    const code = error.code === 'payload-type-wrong' ? 'payload-type-wrong' : 'payload-malformed'
    return refuseAt('payload', ['encoding'], { code, detail: messageOf(error) })
  }
}

/** The signature's bytes, or why there are none. */
function readSignature(annotations: Readonly<Record<string, string>>): Uint8Array | string {
  const text = Object.hasOwn(annotations, signatureAnnotation) ? annotations[signatureAnnotation] : undefined
  if (text === undefined || text === '') return `the annotation ${signatureAnnotation} is missing or empty`
  if (text.length > maxSignatureLength) return `the signature has ${text.length} characters`
  try {
    return decodeBase64(text)
  } catch (error) {
    return messageOf(error)
  }
}

interface Payload {
  readonly digest: string
  readonly reference: string
  readonly optional: JsonObject
}

/** Exactly these members: another reader, which ignores case or takes the last of two, must not see another image. */
function parsePayload(bytes: Uint8Array): Payload {
  const top = asObject(parseStrictJsonBytes(bytes), '')
  onlyMembers(top, ['critical', 'optional'], '')
  const critical = asObject(top['critical'], 'critical')
  onlyMembers(critical, ['identity', 'image', 'type'], 'critical')
  const identity = asObject(critical['identity'], 'critical.identity')
  onlyMembers(identity, ['docker-reference'], 'critical.identity')
  const image = asObject(critical['image'], 'critical.image')
  onlyMembers(image, ['docker-manifest-digest'], 'critical.image')
  const type = asString(critical['type'], 'critical.type')
  if (type !== cosignPayloadType) {
    throw new CodedError('payload-type-wrong', `critical.type is "${printable(type, 100)}"`)
  }
  return {
    digest: asString(image['docker-manifest-digest'], 'critical.image.docker-manifest-digest'),
    reference: asString(identity['docker-reference'], 'critical.identity.docker-reference'),
    optional: asObject(top['optional'] ?? {}, 'optional'),
  }
}

/** Only text can be asked for by a policy; other values are signed all the same. */
export function stringsOf(values: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}
