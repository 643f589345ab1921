// The last steps of every format whose signatures are made by plain keys: is the digest this image's, and which of the
// attestor's keys made the signature? Formats bring what they read; nothing here knows JSON.

import type { Check, Verification } from '#core/decision/format.ts'
import type { Digest } from '#core/image/digest.ts'
import type { Attestor, AttestorKey } from '#core/policy/words.ts'
import { accept, passed, refuse } from './acceptance.ts'
import type { SignatureRefusal } from './keys/check.ts'
import { checkSignature } from './keys/check.ts'
import { prehashedRefusal } from './keys/ed25519ph.ts'

/** What a format has read out of a material; nothing of it is believed before `verifyByKey` accepts it. */
export interface Presented {
  /** The names of the checks that the format has made already; all passed. */
  readonly checked: readonly string[]
  readonly signedBytes: Uint8Array
  readonly signature: Uint8Array
  /** Do the signed bytes speak of this digest? If not, of what. */
  readonly digest: { readonly matches: true } | { readonly matches: false; readonly detail: string }
  readonly reference?: string | undefined
  readonly annotations: Readonly<Record<string, string>>
  /** The fingerprint of the key that is said to have signed: it is tried first, and means nothing else. */
  readonly hint?: string | undefined
  readonly tellPrehashed: boolean
}

/** Accepts what one of the attestor's keys has signed for this digest. A wrong digest is said only of a genuine signature. */
export async function verifyByKey(presented: Presented, attestor: Attestor, digest: Digest): Promise<Verification> {
  const { digest: bound, reference, annotations } = presented
  const found = await findKey(presented, attestor.keys)
  const checks: readonly Check[] = [
    ...presented.checked.map(passed),
    bound.matches
      ? passed('digest')
      : { name: 'digest', passed: false, code: 'payload-other-image', detail: bound.detail },
    'key' in found ? passed('signature') : { name: 'signature', passed: false, ...found },
  ]
  if (!('key' in found)) return refuse(checks, { ...found, untrustedHint: presented.hint })
  if (!bound.matches) return refuse(checks, { code: 'payload-other-image', detail: bound.detail })
  const { name, fingerprint } = found.key
  return accept(checks, {
    signer: { attestor: attestor.name, key: name, fingerprint },
    digest,
    ...(reference !== undefined && { reference }),
    annotations,
    provenTimes: [],
  })
}

async function findKey(
  { signedBytes, signature, hint, tellPrehashed }: Presented,
  keys: readonly AttestorKey[],
): Promise<{ readonly key: AttestorKey } | SignatureRefusal> {
  const refusals: SignatureRefusal[] = []
  for (const key of hintedFirst(keys, hint)) {
    const result = await checkSignature(key, signedBytes, signature)
    if (result === 'valid') return { key }
    refusals.push(result)
  }
  const raw = refusals.find(({ code }) => code === 'ecdsa-raw-refused')
  if (raw !== undefined) return raw
  // One attempt is enough for an explanation, and bounds what a stranger's signatures can cost.
  const telling = tellPrehashed ? keys.find(({ algorithm }) => algorithm === 'Ed25519') : undefined
  const prehashed = telling && (await prehashedRefusal(telling, signedBytes, signature))
  return prehashed ?? allOf(refusals)
}

function hintedFirst(keys: readonly AttestorKey[], hint: string | undefined): readonly AttestorKey[] {
  const hinted = keys.filter(({ fingerprint }) => fingerprint === hint)
  return hinted.length === 0 ? keys : [...hinted, ...keys.filter(({ fingerprint }) => fingerprint !== hint)]
}

function allOf(refusals: readonly SignatureRefusal[]): SignatureRefusal {
  const [first] = refusals
  if (first !== undefined && refusals.every(({ code }) => code === first.code)) {
    return refusals.length === 1 ? first : { ...first, detail: `${first.detail}, nor by another of the attestor` }
  }
  return { code: 'signature-wrong-key', detail: 'the signature was made by none of the keys' }
}
