// DSSE and in-toto as far as signatures of images use them: the bytes that are signed, and the statement inside.
// DSSE v1.0.2 (protocol.md), in-toto Statement v1.

import { printable } from '#core/encoding/printable.ts'
import type { JsonObject } from '#core/encoding/strict-json.ts'
import {
  asArray,
  asObject,
  asString,
  asStringMap,
  memberPath,
  onlyMembers,
  ownMember,
  parseStrictJsonBytes,
} from '#core/encoding/strict-json.ts'
import { CodedError } from '#core/errors.ts'
import type { Digest } from '#core/image/digest.ts'
import { digestAlgorithm, digestHex } from '#core/image/digest.ts'

export const inTotoPayloadType = 'application/vnd.in-toto+json'
export const statementType = 'https://in-toto.io/Statement/v1'
/** What `cosign sign` states of an image; every other predicate type is an attestation, which is no signature. */
export const signPredicateType = 'https://sigstore.dev/cosign/sign/v1'

/** cosign writes one; images built for a matrix of platforms may name them all. */
const maxSubjects = 1000

/** DSSE's pre-authentication encoding: the lengths count bytes. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = new TextEncoder().encode(payloadType)
  const head = new TextEncoder().encode(`DSSEv1 ${type.length} `)
  const middle = new TextEncoder().encode(` ${payload.length} `)
  return Buffer.concat([head, type, middle, payload])
}

export interface SubjectEntry {
  readonly digests: Readonly<Record<string, string>>
  readonly name?: string | undefined
  readonly annotations: JsonObject
}

/**
 * The subjects of a statement that says what `cosign sign` says.
 *
 * @throws CodedError `predicate-type-wrong` (asked first: an attestation may be of any other shape),
 *   `payload-type-wrong`, `json-…`
 */
export function parseSignStatement(payload: Uint8Array): readonly SubjectEntry[] {
  const statement = asObject(parseStrictJsonBytes(payload), '')
  const predicateType = asString(ownMember(statement, 'predicateType'), 'predicateType')
  if (predicateType !== signPredicateType) {
    throw new CodedError('predicate-type-wrong', `the predicate is "${printable(predicateType, 150)}", an attestation`)
  }
  onlyMembers(statement, ['_type', 'subject', 'predicateType', 'predicate'], '')
  const type = asString(statement['_type'], '_type')
  if (type !== statementType) throw new CodedError('payload-type-wrong', `_type is "${printable(type, 150)}"`)
  asObject(statement['predicate'] ?? {}, 'predicate')
  const subjects = asArray(statement['subject'], 'subject')
  if (subjects.length > maxSubjects) {
    throw new CodedError('json-shape', `subject has ${subjects.length} entries; at most ${maxSubjects} are read`)
  }
  return subjects.map((entry, index) => subjectEntry(entry, memberPath('subject', index)))
}

/** in-toto ResourceDescriptor v1. */
const subjectMembers = ['name', 'uri', 'digest', 'content', 'downloadLocation', 'mediaType', 'annotations']

function subjectEntry(value: unknown, where: string): SubjectEntry {
  const entry = asObject(value, where)
  onlyMembers(entry, subjectMembers, where)
  const name = entry['name']
  return {
    digests: asStringMap(entry['digest'] ?? {}, memberPath(where, 'digest')),
    name: name === undefined ? undefined : asString(name, memberPath(where, 'name')),
    annotations: asObject(entry['annotations'] ?? {}, memberPath(where, 'annotations')),
  }
}

export function subjectFor(subjects: readonly SubjectEntry[], digest: Digest): SubjectEntry | undefined {
  const algorithm = digestAlgorithm(digest)
  const hex = digestHex(digest)
  return subjects.find(({ digests }) => Object.hasOwn(digests, algorithm) && digests[algorithm] === hex)
}
