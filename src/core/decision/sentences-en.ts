// English.

import type { ErrorCode } from '#core/errors.ts'
import { errorTable } from '#core/errors.ts'
import { curedBySigning, selfExplaining, withoutName, withoutStop } from './clauses.ts'
import type { Place, Sentences } from './sentences.ts'

export const english: Sentences = {
  headline: ({ place, image, outcome, policy, cause }) => {
    const subject = place === undefined ? `Image "${image}"` : `The image "${image}" of ${spot(place)}`
    const by = policy === undefined ? '' : ` by policy "${policy}"`
    const keeper = policy === undefined ? 'it is kept out' : `policy "${policy}" keeps it out`
    const said = {
      trusted: `is trusted${by}`,
      untrusted: `is refused${by}`,
      undetermined: `could not be judged, so ${keeper}`,
      accepted: `is let in without verification${by}`,
    }[outcome]
    return `${subject} ${said}${cause === '' ? '' : `: ${cause}`}.`
  },
  alsoAt: (places) => `The same image is at ${places.map(spot).join(', ')}.`,
  cause: (code, detail = '') => {
    if (code === undefined) return ''
    const own = causes[code]
    if (typeof own === 'function') return own(withoutStop(detail))
    const meaning = own ?? lowerFirst(withoutStop(errorTable[code].meaning))
    return detail === '' || selfExplaining.has(code) ? meaning : `${meaning} (${withoutStop(detail)})`
  },
  platform: (name, digest, cause) => `its platform image ${name} (${digest}) does not satisfy the policy: ${cause}`,
  alsoRefused: (policy, outcome, cause) =>
    outcome === 'undetermined'
      ? `Policy "${policy}" could not judge it: ${cause}.`
      : `Policy "${policy}" refuses it as well: ${cause}.`,
  found: (lines) => `Found: ${lines.join('; ')}.`,
  noSignature: () => 'no signature',
  signature: ({ place, signer, counts, code, detail }) => {
    const who = signer === undefined ? '' : ` by "${signer.attestor}" (key "${signer.key}")`
    if (counts) return `a signature${who}, which counts, in ${place}`
    if (code === 'signature-wrong-key') {
      return signer === undefined
        ? `a signature by an unknown key, in ${place}`
        : `a signature${who}, whom the policy does not ask for, in ${place}`
    }
    return `a signature${who} in ${place}, which does not count${detail === undefined ? '' : `: ${withoutStop(detail)}`}`
  },
  oddity: (place, detail) => `${place}: ${withoutStop(detail)}`,
  unread: (place, detail) => `${place} could not be read: ${withoutStop(detail)}`,
  signedBy: (signer) =>
    `Signed by "${signer.attestor}" (key "${signer.key}", SHA-256 ${signer.fingerprint.slice(0, 16)}…).`,
  wouldBeAccepted: (what) => `Would be accepted: ${what}.`,
  attestor: ({ attestor, keys, otherKeys, annotations, identity }) => {
    const names = keys.map((key) => `"${key}"`)
    if (otherKeys > 0) names.push(`${otherKeys === 1 ? 'another' : `one of ${otherKeys} others`}`)
    const by = names.length === 0 ? 'none of whose keys is valid now' : `key ${names.join(' or ')}`
    const carrying = annotations.length === 0 ? '' : ` with ${annotations.join(' and ')}`
    const named = identity === undefined ? '' : `, made for a name that fits identity ${identity}`
    return `a signature by "${attestor}" (${by})${carrying}${named}`
  },
  anything: () => 'any image',
  all: (parts) => parts.join(' and '),
  any: (parts) => parts.join(' or '),
  atLeast: (count, parts) => `${count} of these, each by a key of its own: ${parts.join('; ')}`,
  nobodyCanSign: () =>
    'Ask the owner of the policy: of the attestors that it names, none has a key that is valid now, or they are not there.',
  nextStep: (text) => `Next step: ${text}`,
  next: (code) => (curedBySigning.has(code) ? undefined : errorTable[code].next),
  more: (count) => `and ${count} more`,
  moreImages: (count) => `${count} more ${count === 1 ? 'image is' : 'images are'} refused.`,
  codeAndDecision: (codes, id) => `code: ${codes}  decision: ${id}`,
  softened: (image, code, policy) => {
    const how = code === 'accepted-last-verdict' ? 'by its last verdict' : 'UNVERIFIED'
    const why = policy === undefined ? '' : `, as policy "${policy}" allows`
    return `sealward: image "${image}" is let in ${how}, because the registry could not be asked${why}`
  },
  unchangedUntrusted: (image, code) =>
    `sealward: image "${image}", which this update left as it was, is not trusted now (${code ?? 'unknown'}); new Pods with it will be refused`,
  wouldBeRefused: (image, policy, code, cause) =>
    `sealward: image "${image}" would be refused by policy "${policy}" (${code}): ${cause}`,
}

const lists: Readonly<Record<string, string>> = {
  containers: 'container',
  initContainers: 'init container',
  ephemeralContainers: 'ephemeral container',
  volumes: 'image volume',
}

function spot({ list, name, field }: Place): string {
  if (list === 'field') return field
  return `${lists[list] ?? list}${name === '' ? '' : ` "${name}"`} (${field})`
}

/** The clauses of a denial, where the meaning in the table of codes is too general. */
const causes: Partial<Record<ErrorCode, string | ((detail: string) => string)>> = {
  'signature-missing': 'nobody has signed it',
  'signature-by-stranger': 'it is signed, but by nobody whom the policy asks for',
  'signature-invalid': 'none of its signatures is well formed and made for this image',
  'annotation-mismatch': (detail) => `its signature does not carry what the policy asks for: ${detail}`,
  'identity-mismatch': (detail) => `it is signed under another name than the policy accepts: ${detail}`,
  'key-not-valid': (detail) => `it is signed, but ${detail}`,
  'key-denied': (detail) => `it is signed, but ${detail}`,
  'digest-denied': (detail) => detail || 'a DenyList names it',
  'threshold-not-met': (detail) => `it has only ${detail} that the policy asks for`,
  'platform-untrusted': (detail) => `not all of its platform images satisfy the policy: ${detail}`,
  'digest-required': 'it is named by tag, and the policy accepts only digests',
  'denied-by-rule': (detail) => (detail === '' ? 'a rule refuses it, whoever has signed it' : detail),
  'no-rule': 'no rule of the policies that apply covers it',
  'no-policy': 'no policy applies to it',
  'not-pinned': (detail) => `it is trusted as ${detail}, but reached validation without that digest`,
  'reference-malformed': (detail) => `this is not an image name: ${withoutName(detail)}`,
  'registry-unreachable': 'no connection to the registry could be made',
  'image-not-found': (detail) => detail || 'the registry does not have it',
  'accepted-by-rule': 'a rule says insecureAcceptAnything',
  'accepted-otherwise': 'no rule covers it, and the policies say otherwise: Accept',
  'accepted-unchanged': 'this update left it as it was',
  'accepted-not-enforced': 'only policies in Warn or Audit mode speak about it',
  'accepted-undetermined': 'the registry could not be asked, and the policy says InsecureAdmit',
  'accepted-last-verdict': 'the registry could not be asked, and the last verdict still counts',
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) && !text.startsWith('Sealward')
    ? text.slice(0, 1).toLowerCase() + text.slice(1)
    : text
}
