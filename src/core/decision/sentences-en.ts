// English.

import type { ErrorCode } from '#core/errors.ts'
import { errorTable } from '#core/errors.ts'
import type { Sentences } from './sentences.ts'

const lists: Readonly<Record<string, string>> = {
  containers: 'container',
  initContainers: 'init container',
  ephemeralContainers: 'ephemeral container',
  volumes: 'image volume',
}

const outcomes = {
  trusted: 'is trusted',
  untrusted: 'is not trusted',
  undetermined: 'could not be judged, so it is not let in',
  accepted: 'is accepted without verification',
} as const

export const english: Sentences = {
  place: (list, name, field) => `${lists[list] ?? list} ${name === '' ? '' : `"${name}" `}(${field}): `,
  headline: ({ place, image, outcome, policy, cause }) => {
    const by =
      policy === undefined ? '' : outcome === 'undetermined' ? ` (policy "${policy}")` : ` by policy "${policy}"`
    return `${place}image "${image}" ${outcomes[outcome]}${by}${cause === '' ? '.' : `: ${cause}`}`
  },
  cause: (code, detail) => {
    if (code === undefined) return ''
    const meaning = causes[code] ?? errorTable[code].meaning.replace(/\.$/, '')
    const sentence =
      detail === undefined || detail === ''
        ? meaning
        : code === 'denied-by-rule'
          ? detail
          : `${lowerFirst(meaning)} (${detail})`
    return `${lowerFirst(sentence)}.`
  },
  found: (lines) => `Found: ${lines.join('; ')}.`,
  noSignature: () => 'no signature at all',
  nothingLookedFor: () => 'nothing was looked for',
  signature: ({ place, signer, counts, code, detail }) => {
    const who = signer === undefined ? 'by an unknown key' : `by "${signer.attestor}" (key "${signer.key}")`
    const wrongKey = code === 'signature-wrong-key' || code === undefined
    const why = counts
      ? 'which counts'
      : wrongKey
        ? signer
          ? 'whom the policy does not ask for'
          : ''
        : (detail ?? code)
    return `a signature ${who} at ${place}${why ? `, ${why}` : ''}`
  },
  oddity: (place, code, detail) => `${place}: ${detail || code}`,
  signedBy: (signer) =>
    `Signed by "${signer.attestor}" (key "${signer.key}", SHA-256 ${signer.fingerprint.slice(0, 16)}…).`,
  wouldBeAccepted: (what) => `Would be accepted: ${what}.`,
  attestor: (name, keys) =>
    keys.length === 0
      ? `a signature by "${name}" (which has no valid key now)`
      : `a signature by "${name}" (key ${keys.map((key) => `"${key}"`).join(' or ')})`,
  anything: () => 'anything',
  all: (parts) => (parts.length === 1 ? (parts[0] ?? '') : `all of [${parts.join('; ')}]`),
  any: (parts) => (parts.length === 1 ? (parts[0] ?? '') : `any of [${parts.join('; ')}]`),
  atLeast: (count, parts) => `${count} distinct signers out of [${parts.join('; ')}]`,
  nextStep: (text) => `Next step: ${text}`,
  next: (code, reference, digest) => {
    if (signingHelps.has(code))
      return `sealward sign --key KEY ${digest === undefined ? reference : bare(reference, digest)}`
    return errorTable[code].next
  },
  more: (count) => `and ${count} more`,
  moreImages: (count) => `${count} more ${count === 1 ? 'image is' : 'images are'} refused.`,
  codeAndDecision: (codes, id) => `code: ${codes}  decision: ${id}`,
  softened: (image, code, policy) =>
    code === 'accepted-last-verdict'
      ? `sealward: image "${image}" is let in by its last verdict, because the registry could not be asked${by(policy)}`
      : `sealward: image "${image}" is let in UNVERIFIED, because the registry could not be asked${by(policy)}`,
  unchangedUntrusted: (image, code) =>
    `sealward: image "${image}" of this object is not trusted any more (${code ?? 'unknown'}); new Pods will be refused`,
  wouldBeRefused: (image, { policy, code, detail }) =>
    `sealward: image "${image}" would be refused by policy "${policy ?? ''}" (${code ?? ''}): ${detail ?? (code ? errorTable[code].meaning : '')}`,
}

/** The sentences of a denial, where the meaning in the table of codes is too general. */
const causes: Partial<Record<ErrorCode, string>> = {
  'signature-missing': 'nobody has signed it',
  'signature-by-stranger': 'it is signed, but by nobody whom the policy asks for',
  'signature-invalid': 'its signatures are broken or were made for another image',
  'annotation-mismatch': 'its signature lacks an annotation that the policy asks for',
  'identity-mismatch': 'it was signed under another name than the policy accepts',
  'key-not-valid': 'the key that signed it does not count',
  'threshold-not-met': 'too few distinct signers',
  'digest-required': 'it is named by tag, and only digests are accepted',
  'denied-by-rule': 'a rule refuses it',
  'no-rule': 'no rule of any policy covers it',
  'no-policy': 'no policy applies here',
  'accepted-by-rule': 'a rule says insecureAcceptAnything',
  'accepted-otherwise': 'no rule covers it, and the policies say otherwise: Accept',
}

/** Codes of which a signature by the right key is the cure. */
const signingHelps: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'signature-missing',
  'signature-by-stranger',
  'signature-invalid',
  'threshold-not-met',
  'key-not-valid',
])

function bare(reference: string, digest: string): string {
  const at = reference.indexOf('@')
  const name = at === -1 ? reference : reference.slice(0, at)
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1)
  return `${colon === -1 ? name : name.slice(0, colon)}@${digest}`
}

function by(policy: string | undefined): string {
  return policy === undefined ? '' : ` (policy "${policy}")`
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.slice(0, 1).toLowerCase() + text.slice(1) : text
}
