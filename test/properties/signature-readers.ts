// The readers of `src/signature` beside those of keys. What is signed is signed again after each change, by somebody who is
// trusted: so that the reader, and not the signature, decides.

import { sign } from 'node:crypto'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Material, Verification } from '#core/decision/format.ts'
import { asArray, asObject, parseStrictJsonBytes } from '#core/encoding/strict-json.ts'
import { CodedError } from '#core/errors.ts'
import { toDigest } from '#core/image/digest.ts'
import { appendCosignLayer } from '#signature/compose.ts'
import { parseSignStatement, signPredicateType, statementType } from '#signature/dsse.ts'
import { bundle } from '#signature/formats/bundle.ts'
import { cosign } from '#signature/formats/cosign.ts'
import { parseSigstoreBundle } from '#signature/sigstore-bundle.ts'
import { readImageManifest, readSignatureManifest } from '#signature/stored.ts'
import {
  attestor,
  bundleOf,
  digestOf,
  layer,
  manifestOf,
  manifestType,
  pair,
  payloadOf,
  signatureAnnotation,
  statementOf,
  subject,
} from '../support/signed-evidence.ts'
import { bytes, texts } from './hostile.ts'
import { propertiesOf, type ReaderProperties } from './reader.ts'
import { digest, json } from './words.ts'

const jsonCodes = ['json-malformed', 'json-duplicate', 'json-too-deep', 'json-shape'] as const
const anyText = fc.string({ maxLength: 20 })
const anyBytes = fc.uint8Array({ maxLength: 60 })

const entry = fc.record({ name: anyText, digest: digest.map((each) => ({ [each.slice(0, 6)]: each.slice(7) })) })
const statement = fc.array(entry, { maxLength: 4 }).map((subjects) => ({
  input: json({ _type: statementType, subject: subjects, predicateType: signPredicateType, predicate: {} }),
  means: subjects.map(({ name, digest: digests }) => ({ name, digests, annotations: {} })),
}))

const base64 = (content: Uint8Array) => Buffer.from(content).toString('base64')
const storedBundle = fc
  .record({ payloadType: anyText, payload: anyBytes, signature: anyBytes, hint: anyText })
  .map(({ payloadType, payload, signature, hint }) => ({
    input: json({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint } },
      dsseEnvelope: { payload: base64(payload), payloadType, signatures: [{ sig: base64(signature) }] },
    }),
    means: { signedBy: { kind: 'key', hint }, payloadType, payload, signature },
  }))

const words = [
  'critical',
  'optional',
  'docker-manifest-digest',
  'docker-reference',
  'type',
  'subject',
  'sha256',
  'payload',
  'sig',
  'hint',
  'predicateType',
  'mediaType',
  'tlogEntries',
  'x509CertificateChain',
  'certificate',
  'messageSignature',
]

/** @throws CodedError with the code of a signature that does not count */
function claimsOf(verification: Verification) {
  if (!verification.accepted) throw new CodedError(verification.code, verification.detail)
  const { digest: signed, reference, annotations } = verification.claims
  return { digest: signed, reference, annotations }
}

const material = (untrusted: unknown): Material => ({ id: '', place: '', untrusted })
const goodSignature = (content: Uint8Array) => base64(sign('sha256', content, pair.privateKey))

function signedLayer(payload: Uint8Array, signature = goodSignature(payload)): Material {
  return material({ payload, annotations: { [signatureAnnotation]: signature }, tellPrehashed: false })
}

const payload = fc.dictionary(anyText, anyText, { maxKeys: 3 }).map((annotations) => ({
  input: json({ ...payloadOf(), optional: annotations }),
  means: { digest: subject.digest, reference: 'registry.example/team/app', annotations: { ...annotations } },
}))

/** Whoever signed other bytes has signed another image; there is no second way to write one payload. */
function namesTheImage({ digest: signed }: { readonly digest: string }, content: Uint8Array): void {
  expect(signed).toBe(subject.digest)
  expect(new TextDecoder().decode(content)).toContain(subject.digest.slice(7))
}

const layersOf = (count: number) =>
  Array.from({ length: count }, (_, at) => layer({ ...payloadOf(), optional: { at: String(at) } }))
const stored = fc.nat(4).map((count) => ({ input: manifestOf(layersOf(count)), means: count }))
const added = layer({ ...payloadOf(), optional: { new: 'yes' } })
const addedLayer = {
  mediaType: added.mediaType,
  digest: digestOf(added.bytes),
  size: added.bytes.length,
  annotations: added.annotations,
}
const fetched = (content: Uint8Array) => ({ digest: digestOf(content), mediaType: manifestType, bytes: content })

/** @throws CodedError for the sentence that stands in place of what could not be read */
function unlessRefused<T>(value: T | string): T {
  if (typeof value === 'string') throw new CodedError('manifest-malformed', value)
  return value
}

/** Written again, so that a number that was written in another way is the same; without the config, which is made anew. */
function layersIn(content: Uint8Array): { readonly layers: readonly string[]; readonly rest: string } {
  const { layers, config: _, ...rest } = asObject(parseStrictJsonBytes(content), '')
  return { layers: asArray(layers, '').map((each) => JSON.stringify(each)), rest: JSON.stringify(rest) }
}

export const signatureReaders: readonly ReaderProperties[] = [
  propertiesOf({
    of: ['src/signature/dsse.ts parseSignStatement'],
    form: bytes('json', words),
    read: parseSignStatement,
    written: statement,
    refuses: [...jsonCodes, 'predicate-type-wrong', 'payload-type-wrong'],
  }),
  propertiesOf({
    of: ['src/signature/sigstore-bundle.ts parseSigstoreBundle'],
    form: bytes('json', words),
    read: parseSigstoreBundle,
    written: storedBundle,
    refuses: ['bundle-malformed', 'bundle-version', 'bundle-content', 'dsse-signature-count'],
  }),
  propertiesOf({
    of: ['src/signature/formats/bundle.ts statementOf', 'src/signature/formats/bundle.ts reading'],
    form: bytes('json', words),
    read: async (content) => {
      const untrusted = {
        bundle: json(bundleOf({ statement: new TextDecoder().decode(content) })),
        tellPrehashed: false,
      }
      return claimsOf(await bundle.verify(material(untrusted), attestor, subject))
    },
    written: fc.constant({
      input: json(statementOf()),
      means: { digest: subject.digest, reference: undefined, annotations: { team: 'payments' } },
    }),
    refuses: ['payload-malformed', 'payload-type-wrong', 'predicate-type-wrong', 'payload-other-image'],
    promises: namesTheImage,
  }),
  propertiesOf({
    of: ['src/signature/formats/bundle.ts fingerprintOf'],
    form: texts('text', ['AAAA', '=']),
    read: async (hint) => {
      const untrusted = {
        bundle: json({ ...bundleOf(), verificationMaterial: { publicKey: { hint } } }),
        tellPrehashed: false,
      }
      return claimsOf(await bundle.verify(material(untrusted), attestor, subject))
    },
    written: fc
      .constantFrom('', 'no fingerprint', base64(Buffer.alloc(32)))
      .map((hint) => ({ input: hint, means: subject.digest })),
    meaningOf: ({ digest: signed }) => signed,
    // Half a surrogate pair is no JSON.
    refuses: ['bundle-malformed'],
  }),
  propertiesOf({
    of: ['src/signature/simple-signing.ts parsePayload'],
    form: bytes('json', words),
    read: async (content) => claimsOf(await cosign.verify(signedLayer(content), attestor, subject)),
    written: payload,
    refuses: ['payload-malformed', 'payload-type-wrong', 'payload-other-image'],
    promises: namesTheImage,
  }),
  propertiesOf({
    of: ['src/signature/simple-signing.ts readSignature'],
    form: texts('text', ['AAAA', '=', 'MEUC']),
    read: async (signature) =>
      claimsOf(await cosign.verify(signedLayer(json(payloadOf()), signature), attestor, subject)),
    written: fc.constant(null).map(() => ({ input: goodSignature(json(payloadOf())), means: subject.digest })),
    meaningOf: ({ digest: signed }) => signed,
    refuses: ['signature-encoding', 'signature-wrong-key', 'signature-by-stranger'],
  }),
  propertiesOf({
    of: ['src/signature/stored.ts readImageManifest'],
    form: bytes('json', words),
    read: (content) => unlessRefused(readImageManifest(fetched(content))),
    written: stored,
    meaningOf: ({ layers }) => layers.length,
    refuses: ['manifest-malformed'],
  }),
  propertiesOf({
    of: ['src/signature/stored.ts readSignatureManifest'],
    form: bytes('json', words),
    read: (content) => unlessRefused(readSignatureManifest(fetched(content))),
    written: stored,
    meaningOf: ({ layers }) => layers.length,
    refuses: ['manifest-malformed'],
    promises: ({ layers }) => {
      for (const each of layers) if ('digest' in each) expect(toDigest(each.digest)).toBe(each.digest)
    },
  }),
  propertiesOf({
    of: ['src/signature/compose.ts openSignatureImage'],
    form: bytes('json', words),
    read: (content) => appendCosignLayer(fetched(content), addedLayer).manifest.bytes,
    written: stored,
    meaningOf: (content) => layersIn(content).layers.length - 1,
    refuses: ['signature-place-occupied'],
    promises: (content, before) => {
      const [old, now] = [layersIn(before), layersIn(content)]
      expect(now.layers).toEqual(expect.arrayContaining([...old.layers]))
      expect(now.layers).toContain(JSON.stringify(addedLayer))
      expect(now.rest).toBe(old.rest)
    },
  }),
]
