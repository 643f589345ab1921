// The format `bundle`: sigstore bundles that refer to the image (OCI 1.1), as `cosign sign` of the 3 line writes them:
// a DSSE envelope around an in-toto statement. Signed by a key; log entries and certificates are not judged here.

import type { Format, Gap, Gathering, Material, Oddity, SignedSubject, Verification } from '#core/decision/format.ts'
import type { Facts, FetchQuestion } from '#core/decision/question.ts'
import { decodeBase64 } from '#core/encoding/base64.ts'
import { printable } from '#core/encoding/printable.ts'
import type { ErrorCode } from '#core/errors.ts'
import { CodedError, messageOf } from '#core/errors.ts'
import type { Attestor } from '#core/policy/words.ts'
import type { Refusal } from '#signature/acceptance.ts'
import { refuseAt } from '#signature/acceptance.ts'
import { verifyByKey } from '#signature/by-key.ts'
import type { SubjectEntry } from '#signature/dsse.ts'
import {
  inTotoPayloadType,
  parseSignStatement,
  preAuthEncoding,
  signPredicateType,
  subjectFor,
} from '#signature/dsse.ts'
import type { Found, FoundManifest, ReferrerKind } from '#signature/referrers.ts'
import { findOlderReferrers, findReferrers } from '#signature/referrers.ts'
import type { SigstoreBundle } from '#signature/sigstore-bundle.ts'
import { bundleTypePrefix, parseSigstoreBundle } from '#signature/sigstore-bundle.ts'
import { prehashedTold, stringsOf } from '#signature/simple-signing.ts'

export const predicateTypeAnnotation = 'dev.sigstore.bundle.predicateType'

/**
 * A signature takes 10 KB with its log entry; only attestations, which are none, are larger. A hundred of them are read,
 * parsed and kept while one image is judged: so this also bounds what a stranger who pushes can cost.
 */
const maxBundleBytes = 256 * 1024

interface StoredBundle {
  readonly bundle: Uint8Array
  readonly tellPrehashed: boolean
}

/** The list may say what a bundle states; then attestations need not be fetched to be told from signatures. */
const bundles: ReferrerKind = {
  holds: (type) => type.startsWith(bundleTypePrefix),
  dismiss: ({ annotations = {} }) => {
    const predicateType = Object.hasOwn(annotations, predicateTypeAnnotation)
      ? annotations[predicateTypeAnnotation]
      : ''
    if (predicateType === undefined || predicateType === '' || predicateType === signPredicateType) return undefined
    return `by its annotation it is an attestation, "${printable(predicateType, 150)}"`
  },
}

export const bundle: Format = {
  name: 'bundle',
  layout: 'Bundle',
  serves: (attestor) => attestor.kind === 'key',
  ask: (subject, facts) => gather(findReferrers(subject, facts, bundles), subject, facts),
  askFurther: (subject, facts) => gather(findOlderReferrers(subject, facts, bundles), subject, facts),
  verify: verifyBundle,
}

function gather({ questions, manifests, oddities, gaps }: Found, subject: SignedSubject, facts: Facts): Gathering {
  const materials = new Map<string, Material>()
  for (const found of manifests) gatherBundle(found, subject, facts, { questions, materials, oddities, gaps })
  return { questions, materials: [...materials.values()], oddities, gaps }
}

interface Collected {
  readonly questions: FetchQuestion[]
  readonly materials: Map<string, Material>
  readonly oddities: Oddity[]
  readonly gaps: Gap[]
}

function gatherBundle(found: FoundManifest, subject: SignedSubject, facts: Facts, into: Collected): void {
  const { place, manifest } = found
  const [layer, ...others] = manifest.layers
  if (layer === undefined || 'malformed' in layer || others.length > 0 || !bundles.holds(layer.mediaType)) {
    into.oddities.push({ place, code: 'layer-malformed', detail: 'it must have one layer, which is a bundle' })
    return
  }
  if (layer.size > maxBundleBytes) {
    into.gaps.push({ place, code: 'content-too-large', detail: `a bundle of ${layer.size} bytes` })
    return
  }
  const question = { kind: 'blob', at: subject.signatures, digest: layer.digest, maxBytes: maxBundleBytes } as const
  const fact = facts.about(question)
  if (fact === undefined) into.questions.push(question)
  else if (!fact.known) into.gaps.push({ place, code: fact.code, detail: fact.detail })
  else if (![...into.materials.values()].some(({ id }) => id.startsWith(layer.digest))) {
    const tellPrehashed = into.materials.size < prehashedTold
    const id = `${layer.digest} ${tellPrehashed}`
    const untrusted: StoredBundle = { bundle: fact.value, tellPrehashed }
    into.materials.set(id, { id, place, untrusted })
  }
}

/** Checks: encoding (the bundle), statement, digest, signature. Nothing is believed before the signature. */
async function verifyBundle(material: Material, attestor: Attestor, subject: SignedSubject): Promise<Verification> {
  const { bundle: bytes, tellPrehashed } = material.untrusted as StoredBundle
  const opened = reading(() => parseSigstoreBundle(bytes), 'bundle-malformed')
  if ('refusal' in opened) return refuseAt('encoding', [], opened.refusal)
  const { payloadType, payload, signature, signedBy } = opened.value
  const statement = reading(() => statementOf(opened.value), 'payload-malformed')
  if ('refusal' in statement) return refuseAt('statement', ['encoding'], statement.refusal)
  if (signedBy.kind === 'certificate') {
    const detail = 'it is signed with a certificate (keyless), not by a key'
    return refuseAt('signature', ['encoding', 'statement'], { code: 'signature-wrong-key', detail })
  }
  const entry = subjectFor(statement.value, subject.digest)
  const detail = `none of its ${statement.value.length} subjects is this digest`
  return verifyByKey(
    {
      checked: ['encoding', 'statement'],
      signedBytes: preAuthEncoding(payloadType, payload),
      signature,
      digest: entry === undefined ? { matches: false, detail } : { matches: true },
      reference: entry?.name === '' ? undefined : entry?.name,
      annotations: stringsOf(entry?.annotations ?? {}),
      hint: fingerprintOf(signedBy.hint),
      tellPrehashed,
    },
    attestor,
    subject.digest,
  )
}

function statementOf({ payloadType, payload }: SigstoreBundle): readonly SubjectEntry[] {
  if (payloadType !== inTotoPayloadType) {
    throw new CodedError('payload-type-wrong', `the payload is of the type "${printable(payloadType, 100)}"`)
  }
  return parseSignStatement(payload)
}

/** A refusal in the code that the reader chose, or in `otherwise` where it only says what is wrong with the text. */
function reading<T>(read: () => T, otherwise: ErrorCode): { readonly value: T } | { readonly refusal: Refusal } {
  try {
    return { value: read() }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    const code = /^(json|base64)-/.test(error.code) ? otherwise : error.code
    return { refusal: { code, detail: messageOf(error) } }
  }
}

/** sigstore's hint is the base64 of the SHA-256 of the key's SPKI; anything else only helps nobody. */
function fingerprintOf(hint: string): string | undefined {
  if (hint.length !== 44) return undefined
  try {
    return Buffer.from(decodeBase64(hint)).toString('hex')
  } catch {
    return undefined
  }
}
