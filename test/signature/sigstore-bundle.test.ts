// The reader of bundles by itself: every member that must be there, must not, or must be of one kind, one change a case.
// What a bundle proves is tested with its format.

import { describe, expect, test } from 'vitest'
import { CodedError } from '#core/errors.ts'
import { parseSigstoreBundle } from '#signature/sigstore-bundle.ts'
import type { Json } from '../support/signed-evidence.ts'
import { bundleOf, json } from '../support/signed-evidence.ts'

const oldType = (version: string) => `application/vnd.dev.sigstore.bundle+json;version=${version}`
const logEntry = (): Json => ({
  logIndex: '1',
  logId: { keyId: 'AAAA' },
  kindVersion: { kind: 'dsse', version: '0.0.1' },
  integratedTime: '1700000000',
  inclusionPromise: { signedEntryTimestamp: 'AAAA' },
  inclusionProof: { logIndex: '1', rootHash: 'AAAA', treeSize: '2', hashes: [], checkpoint: { envelope: 'x' } },
  canonicalizedBody: 'AAAA',
})

/** Changes, each a path and what stands there afterwards; `undefined` takes it away. */
type Changes = Readonly<Record<string, unknown>>

function changed(changes: Changes): Json {
  const bundle = bundleOf()
  bundle.verificationMaterial.tlogEntries = [logEntry()]
  for (const [path, value] of Object.entries(changes)) {
    const steps = path.split('.')
    const last = steps.pop() ?? ''
    const holder = steps.reduce((inner, step) => inner[step], bundle)
    holder[last] = value
  }
  return bundle
}

function refusal(changes: Changes): string {
  try {
    parseSigstoreBundle(json(changed(changes)))
  } catch (error) {
    if (error instanceof CodedError) return `${error.code}: ${error.message}${error.where ?? ''}`
    throw error
  }
  return 'accepted'
}

const material = 'verificationMaterial'
const entry = `${material}.tlogEntries.0`
const proof = `${entry}.inclusionProof`
const envelope = 'dsseEnvelope'

test('a bundle is read: who is said to have signed, and what', () => {
  const { payload, payloadType, signature, signedBy } = parseSigstoreBundle(
    json(changed({ [`${material}.publicKey`]: { hint: 'a' } })),
  )
  expect(new TextDecoder().decode(payload)).toContain('"_type":"https://in-toto.io/Statement/v1"')
  expect([payloadType, signature[0]]).toEqual(['application/vnd.in-toto+json', 0x30])
  expect(signedBy).toEqual({ kind: 'key', hint: 'a' })
})

describe('a bundle is still accepted', () => {
  const cases: readonly (readonly [string, Changes])[] = [
    ['without log entries', { [`${material}.tlogEntries`]: undefined }],
    ['with null for them', { [`${material}.tlogEntries`]: null }],
    ['with timestamps', { [`${material}.timestampVerificationData`]: {} }],
    ['without a hint', { [`${material}.publicKey`]: {} }],
    ['with a key id', { [`${envelope}.signatures.0.keyid`]: 'x' }],
    ['with 32 log entries', { [`${material}.tlogEntries`]: Array.from({ length: 32 }, logEntry) }],
    ['with counts as numbers', { [`${entry}.logIndex`]: 1, [`${proof}.treeSize`]: 2, [`${entry}.integratedTime`]: 3 }],
    ['with no counts', { [`${entry}.logIndex`]: null, [`${proof}.treeSize`]: undefined, [`${proof}.logIndex`]: null }],
    ['with a count of 19 digits', { [`${entry}.logIndex`]: '9'.repeat(19) }],
    ['with a count of 0', { [`${entry}.logIndex`]: '0' }],
    [
      'as version 0.2 with a certificate chain',
      { mediaType: oldType('0.2'), [`${material}.publicKey`]: undefined, [`${material}.x509CertificateChain`]: {} },
    ],
    ['as version 0.1 with a promise and no proof', { mediaType: oldType('0.1'), [proof]: undefined }],
  ]
  test.each(cases)('%s', (_what, changes) => {
    expect(refusal(changes)).toBe('accepted')
  })
})

describe('a bundle is refused', () => {
  const certificate = { [`${material}.publicKey`]: undefined, [`${material}.certificate`]: {} }
  const cases: readonly (readonly [string, Changes, RegExp])[] = [
    ['with a type that every object has', { mediaType: 'constructor' }, /^bundle-version: .*"constructor"/],
    [
      'as version 0.1 with a certificate',
      { ...certificate, mediaType: oldType('0.1') },
      /^bundle-version: .*0\.1 holds/,
    ],
    [
      'as version 0.2 with a certificate',
      { ...certificate, mediaType: oldType('0.2') },
      /^bundle-version: .*0\.2 holds/,
    ],
    [
      'as version 0.3 with a certificate chain',
      { [`${material}.publicKey`]: undefined, [`${material}.x509CertificateChain`]: {} },
      /^bundle-version: .*chain/,
    ],
    ['with a key that is no object', { [`${material}.publicKey`]: 'x' }, /^bundle-malformed: .*publicKey/],
    ['with a certificate that is no object', { ...certificate, [`${material}.certificate`]: 'x' }, /^bundle-malformed/],
    ['with more than a hint', { [`${material}.publicKey.rawBytes`]: 'AAAA' }, /^bundle-malformed: .*rawBytes/],
    ['with a hint that is no text', { [`${material}.publicKey.hint`]: 1 }, /^bundle-malformed: .*hint/],
    ['with an unknown material', { [`${material}.extra`]: 1 }, /^bundle-malformed: .*extra/],
    ['with log entries that are no list', { [`${material}.tlogEntries`]: {} }, /^bundle-malformed: .*tlogEntries/],
    [
      'with 33 log entries',
      { [`${material}.tlogEntries`]: Array.from({ length: 33 }, logEntry) },
      /^bundle-malformed: 33 log entries; at most 32/,
    ],
    ['with a log entry that is no object', { [entry]: 'x' }, /^bundle-malformed/],
    ['with an unknown member of a log entry', { [`${entry}.extra`]: 1 }, /^bundle-malformed: .*extra/],
    [
      'with a promise that is no object',
      { [`${entry}.inclusionPromise`]: 'x' },
      /^bundle-malformed: .*inclusionPromise/,
    ],
    ['with an unknown member of the promise', { [`${entry}.inclusionPromise.extra`]: 1 }, /^bundle-malformed: .*extra/],
    ['with a proof that is no object', { [proof]: 'x' }, /^bundle-malformed: .*inclusionProof/],
    ['with an unknown member of the proof', { [`${proof}.extra`]: 1 }, /^bundle-malformed: .*extra/],
    ['with a checkpoint that is no object', { [`${proof}.checkpoint`]: 'x' }, /^bundle-malformed: .*checkpoint/],
    ['with an unknown member of the checkpoint', { [`${proof}.checkpoint.extra`]: 1 }, /^bundle-malformed: .*extra/],
    ['with a log index that is none', { [`${entry}.logIndex`]: '-1' }, /^bundle-malformed: .*\[0\]\.logIndex is not/],
    ['with a time that is none', { [`${entry}.integratedTime`]: 'now' }, /^bundle-malformed: .*integratedTime is not/],
    ['with a log index of the proof that is none', { [`${proof}.logIndex`]: '1.5' }, /inclusionProof\.logIndex is not/],
    ['with a tree size that is none', { [`${proof}.treeSize`]: 'x2' }, /inclusionProof\.treeSize is not/],
    ['with a count that goes on', { [`${proof}.treeSize`]: '2x' }, /inclusionProof\.treeSize is not/],
    ['with a count that begins with zero', { [`${entry}.logIndex`]: '01' }, /logIndex is not/],
    ['with a count of 20 digits', { [`${entry}.logIndex`]: '9'.repeat(20) }, /logIndex is not/],
    ['with a count in a list', { [`${entry}.logIndex`]: ['1'] }, /logIndex is not/],
    [
      'as version 0.1 with an empty promise',
      { mediaType: oldType('0.1'), [`${entry}.inclusionPromise.signedEntryTimestamp`]: '' },
      /^bundle-version: .*without inclusion promise/,
    ],
    [
      'as version 0.1 with a promise that is no text',
      { mediaType: oldType('0.1'), [`${entry}.inclusionPromise.signedEntryTimestamp`]: 1 },
      /^bundle-version: .*without inclusion promise/,
    ],
    ['without a root hash', { [`${proof}.rootHash`]: '' }, /^bundle-version: .*without inclusion proof/],
    ['without a checkpoint', { [`${proof}.checkpoint`]: {} }, /^bundle-version: .*without inclusion proof/],
    ['with an envelope that is no object', { [envelope]: 'x' }, /^bundle-malformed: .*dsseEnvelope/],
    ['with an unknown member of the envelope', { [`${envelope}.extra`]: 1 }, /^bundle-malformed: .*extra/],
    [
      'with an unknown member of the signature',
      { [`${envelope}.signatures.0.extra`]: 1 },
      /^bundle-malformed: .*extra/,
    ],
    ['with signatures that are no list', { [`${envelope}.signatures`]: {} }, /^bundle-malformed: .*signatures/],
    ['without signatures', { [`${envelope}.signatures`]: undefined }, /^dsse-signature-count: .*0 signatures/],
    ['with a signature that is no object', { [`${envelope}.signatures.0`]: 'x' }, /^bundle-malformed/],
    ['without a payload type', { [`${envelope}.payloadType`]: undefined }, /^bundle-malformed: .*payloadType/],
    ['without a payload', { [`${envelope}.payload`]: undefined }, /^bundle-malformed: .*payload/],
    ['without a signature in it', { [`${envelope}.signatures.0.sig`]: undefined }, /^bundle-malformed: .*sig/],
    ['with neither content', { [envelope]: null }, /^bundle-malformed: the bundle must hold exactly one of .*holds 0/],
    ['with no signer', { [`${material}.publicKey`]: null }, /^bundle-malformed: verificationMaterial must .*holds 0/],
    ['with two signers', { [`${material}.certificate`]: {} }, /^bundle-malformed: verificationMaterial must .*holds 2/],
  ]
  test.each(cases)('%s', (_what, changes, reason) => {
    expect(refusal(changes)).toMatch(reason)
  })
})
