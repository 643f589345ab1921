// Reads a sigstore bundle, versions 0.1 to 0.3, in the JSON that every writer makes (camelCase, standard base64), as
// strictly as its version demands. It verifies nothing and looks into no log entry beyond its shape.
// sigstore protobuf-specs: sigstore_bundle.proto, sigstore_rekor.proto.

import { decodeBase64 } from '#core/encoding/base64.ts'
import { printable } from '#core/encoding/printable.ts'
import type { JsonObject } from '#core/encoding/strict-json.ts'
import {
  asArray,
  asObject,
  asString,
  memberPath,
  onlyMembers,
  parseStrictJsonBytes,
} from '#core/encoding/strict-json.ts'
import { CodedError } from '#core/errors.ts'

export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
/** Whatever begins so claims to be a bundle, of a version that is read or not. */
export const bundleTypePrefix = 'application/vnd.dev.sigstore.bundle'

export interface SigstoreBundle {
  /** Who is said to have signed; nothing of it is believed. */
  readonly signedBy: { readonly kind: 'key'; readonly hint: string } | { readonly kind: 'certificate' }
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signature: Uint8Array
}

type Version = '0.1' | '0.2' | '0.3'

const versions: Readonly<Record<string, Version>> = {
  'application/vnd.dev.sigstore.bundle+json;version=0.1': '0.1',
  'application/vnd.dev.sigstore.bundle+json;version=0.2': '0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.3': '0.3',
  [bundleType]: '0.3',
}

/** sigstore-go reads 32. */
const maxLogEntries = 32

/** @throws CodedError `bundle-malformed`, `bundle-version`, `bundle-content`, `dsse-signature-count` */
export function parseSigstoreBundle(bytes: Uint8Array): SigstoreBundle {
  try {
    return readBundle(asObject(parseStrictJsonBytes(bytes), ''))
  } catch (error) {
    if (error instanceof CodedError && /^(json|base64)-/.test(error.code)) {
      throw new CodedError('bundle-malformed', error.message, { where: error.where, cause: error })
    }
    throw error
  }
}

function readBundle(top: JsonObject): SigstoreBundle {
  const mediaType = asString(top['mediaType'], 'mediaType')
  const version = Object.hasOwn(versions, mediaType) ? versions[mediaType] : undefined
  if (version === undefined) {
    throw new CodedError('bundle-version', `the bundle is of the unknown type "${printable(mediaType, 100)}"`)
  }
  onlyMembers(top, ['mediaType', 'verificationMaterial', 'messageSignature', 'dsseEnvelope'], '')
  const signedBy = readMaterial(asObject(top['verificationMaterial'], 'verificationMaterial'), version)
  const content = onlyOne(top, ['messageSignature', 'dsseEnvelope'], '')
  if (content !== 'dsseEnvelope') {
    throw new CodedError('bundle-content', 'the bundle holds a message signature; an image is signed by an envelope')
  }
  return { signedBy, ...readEnvelope(asObject(top['dsseEnvelope'], 'dsseEnvelope')) }
}

function readMaterial(material: JsonObject, version: Version): SigstoreBundle['signedBy'] {
  const where = 'verificationMaterial'
  const signers = ['publicKey', 'x509CertificateChain', 'certificate'] as const
  onlyMembers(material, [...signers, 'tlogEntries', 'timestampVerificationData'], where)
  const signer = onlyOne(material, signers, where)
  const entries = asArray(material['tlogEntries'] ?? [], memberPath(where, 'tlogEntries'))
  if (entries.length > maxLogEntries) {
    throw new CodedError('bundle-malformed', `${entries.length} log entries; at most ${maxLogEntries} are read`)
  }
  for (const [index, entry] of entries.entries()) {
    const path = memberPath(memberPath(where, 'tlogEntries'), index)
    checkLogEntry(asObject(entry, path), version, path)
  }
  if (signer === 'x509CertificateChain' && version === '0.3') {
    throw new CodedError('bundle-version', 'a bundle 0.3 holds a certificate chain, which its version forbids')
  }
  if (signer === 'certificate' && version !== '0.3') {
    throw new CodedError('bundle-version', `a bundle ${version} holds a single certificate, which its version lacks`)
  }
  const held = asObject(material[signer], memberPath(where, signer))
  if (signer !== 'publicKey') return { kind: 'certificate' }
  onlyMembers(held, ['hint'], memberPath(where, signer))
  return { kind: 'key', hint: asString(held['hint'] ?? '', memberPath(memberPath(where, signer), 'hint')) }
}

const entryMembers = [
  'logIndex',
  'logId',
  'kindVersion',
  'integratedTime',
  'inclusionPromise',
  'inclusionProof',
  'canonicalizedBody',
]
const proofMembers = ['logIndex', 'rootHash', 'treeSize', 'hashes', 'checkpoint']

function checkLogEntry(entry: JsonObject, version: Version, where: string): void {
  onlyMembers(entry, entryMembers, where)
  for (const name of ['logIndex', 'integratedTime']) checkCount(entry[name], memberPath(where, name))
  const promise = asObject(entry['inclusionPromise'] ?? {}, memberPath(where, 'inclusionPromise'))
  onlyMembers(promise, ['signedEntryTimestamp'], memberPath(where, 'inclusionPromise'))
  const proofPath = memberPath(where, 'inclusionProof')
  const proof = asObject(entry['inclusionProof'] ?? {}, proofPath)
  onlyMembers(proof, proofMembers, proofPath)
  for (const name of ['logIndex', 'treeSize']) checkCount(proof[name], memberPath(proofPath, name))
  if (version === '0.1' && !isText(promise['signedEntryTimestamp'])) {
    throw new CodedError('bundle-version', `a bundle 0.1 with a log entry without inclusion promise (${where})`)
  }
  const checkpoint = asObject(proof['checkpoint'] ?? {}, memberPath(proofPath, 'checkpoint'))
  onlyMembers(checkpoint, ['envelope'], memberPath(proofPath, 'checkpoint'))
  if (version !== '0.1' && !(isText(proof['rootHash']) && isText(checkpoint['envelope']))) {
    throw new CodedError('bundle-version', `a bundle ${version} with a log entry without inclusion proof (${where})`)
  }
}

/** An int64 that counts something: JSON writes it as a string, lenient writers as a number. */
function checkCount(value: unknown, where: string): void {
  if (value === undefined || value === null) return
  if (!/^(0|[1-9][0-9]{0,18})$/.test(String(value)) || typeof value === 'object') {
    throw new CodedError('bundle-malformed', `${where} is not a whole number from 0 on`)
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function readEnvelope(envelope: JsonObject): Pick<SigstoreBundle, 'payloadType' | 'payload' | 'signature'> {
  const where = 'dsseEnvelope'
  onlyMembers(envelope, ['payload', 'payloadType', 'signatures'], where)
  const signatures = asArray(envelope['signatures'] ?? [], memberPath(where, 'signatures'))
  if (signatures.length !== 1) {
    throw new CodedError('dsse-signature-count', `the envelope holds ${signatures.length} signatures instead of one`)
  }
  const [path, first] = [`${where}.signatures[0]`, asObject(signatures[0], `${where}.signatures[0]`)]
  onlyMembers(first, ['sig', 'keyid'], path)
  return {
    payloadType: asString(envelope['payloadType'], memberPath(where, 'payloadType')),
    payload: decodeBase64(asString(envelope['payload'], memberPath(where, 'payload'))),
    signature: decodeBase64(asString(first['sig'], memberPath(path, 'sig'))),
  }
}

/** Of members that exclude each other, the one that is there. */
function onlyOne<const Name extends string>(object: JsonObject, names: readonly Name[], where: string): Name {
  const there = names.filter((name) => object[name] !== undefined && object[name] !== null)
  const [name] = there
  if (name !== undefined && there.length === 1) return name
  const place = where === '' ? 'the bundle' : where
  throw new CodedError(
    'bundle-malformed',
    `${place} must hold exactly one of ${names.join(', ')}; it holds ${there.length}`,
  )
}
