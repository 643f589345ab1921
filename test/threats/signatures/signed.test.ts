// Signatures that are almost right, from the registry to the answer of the webhook.

import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { ed25519ctx, ed25519ph } from '@noble/curves/ed25519.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Digest } from '#core/image/digest.ts'
import {
  type Attack,
  demanding,
  layerFor,
  pair,
  putBundle,
  putClassic,
  putList,
  startAttack,
  stranger,
} from '../../support/attack.ts'
import { attestorOf } from '../../support/evidence.ts'
import { digestOf } from '../../support/hostile-registry.ts'
import {
  bundleOf,
  type Json,
  json,
  layer,
  payloadOf,
  pemOf,
  signatureAnnotation,
  simpleSigning,
  statementOf,
} from '../../support/signed-evidence.ts'

const byTag = demanding(['Tag'])
const byReferrer = demanding(['Bundle'])

let attack: Attack
let digest: Digest
beforeEach(async () => {
  attack = await startAttack()
  digest = attack.digest
})
afterEach(() => attack.close())

const admit = (policy = byTag) => attack.admit(attack.pinned, { policies: [policy] })

/** A layer with exactly these bytes as its signature. */
const withSignature = (signature: Uint8Array, payload: Uint8Array = json(payloadOf(digest))) => ({
  bytes: payload,
  mediaType: simpleSigning,
  annotations: { [signatureAnnotation]: Buffer.from(signature).toString('base64') },
})

describe('CS-10: a degenerate signature', () => {
  const integer = (bytes: readonly number[]) => [0x02, bytes.length, ...bytes]
  const sequence = (...parts: readonly number[]) => Uint8Array.from([0x30, parts.length, ...parts])
  const order = [...Buffer.from('00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')]

  test.each([
    ['r and s of zero', sequence(...integer([0]), ...integer([0]))],
    ['r of zero', sequence(...integer([0]), ...integer([1]))],
    ['r and s of one', sequence(...integer([1]), ...integer([1]))],
    ['r and s of the order of the curve', sequence(...integer(order), ...integer(order))],
    ['a negative r', sequence(...integer([0xff]), ...integer([1]))],
    ['nothing', new Uint8Array()],
    ['zeros', new Uint8Array(72)],
  ])('of %s is denied', async (_what, signature) => {
    putClassic(attack.registry, digest, [withSignature(signature)])
    expect(await admit()).toMatchObject({ outcome: 'denied' })
  })

  test('is denied when it is a good one in loose DER', async () => {
    const good = sign('sha256', json(payloadOf(digest)), pair.privateKey)
    const body = good.subarray(2)
    putClassic(attack.registry, digest, [withSignature(Buffer.concat([Buffer.from([0x30, 0x81, body.length]), body]))])
    expect(await admit()).toMatchObject({ outcome: 'denied', code: 'signature-by-stranger' })
  })

  test('neighbour: the good one in its one form is admitted', async () => {
    putClassic(attack.registry, digest, [withSignature(sign('sha256', json(payloadOf(digest)), pair.privateKey))])
    expect(await admit()).toMatchObject({ outcome: 'allowed' })
  })
})

describe('CS-11: a signature by another algorithm than the key stands for', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const ed = generateKeyPairSync('ed25519')
  const secret = () => Buffer.from(ed.privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
  const policyFor = (key: KeyObject) => demanding(['Tag'], {}, attestorOf(pemOf(key)))
  const payload = () => json(payloadOf(digest))

  test.each([
    ['RSA with SHA-1', rsa.publicKey, () => sign('sha1', payload(), rsa.privateKey)],
    ['RSA with SHA-512', rsa.publicKey, () => sign('sha512', payload(), rsa.privateKey)],
    [
      'RSA-PSS',
      rsa.publicKey,
      () => sign('sha256', payload(), { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }),
    ],
    ['ECDSA for an RSA key', rsa.publicKey, () => sign('sha256', payload(), pair.privateKey)],
    ['RSA for an ECDSA key', pair.publicKey, () => sign('sha256', payload(), rsa.privateKey)],
    ['ECDSA with SHA-1', pair.publicKey, () => sign('sha1', payload(), pair.privateKey)],
    ['ECDSA with SHA-512', pair.publicKey, () => sign('sha512', payload(), pair.privateKey)],
    ['Ed25519 with a context', ed.publicKey, () => ed25519ctx.sign(payload(), secret(), { context: Buffer.from('x') })],
    ['Ed25519, prehashed', ed.publicKey, () => ed25519ph.sign(payload(), secret())],
  ])('(%s) is denied', async (_what, key, signature) => {
    putClassic(attack.registry, digest, [withSignature(signature())])
    expect(await admit(policyFor(key))).toMatchObject({ outcome: 'denied' })
  })

  test.each([
    ['RSA', rsa, 'sha256'],
    ['ECDSA', pair, 'sha256'],
    ['Ed25519', ed, null],
  ])('neighbour: %s in the one form that its key stands for is admitted', async (_what, keys, hash) => {
    putClassic(attack.registry, digest, [withSignature(sign(hash, payload(), keys.privateKey))])
    expect(await admit(policyFor(keys.publicKey))).toMatchObject({ outcome: 'allowed' })
  })

  test('by an RSA key of 1024 bits is denied before anything is asked: no attestor can have it', () => {
    expect(() => policyFor(small.publicKey)).toThrow(expect.objectContaining({ code: 'key-weak' }))
  })
})

describe('CS-08: an envelope that was changed after signing', () => {
  async function admitBundle(change: (bundle: Json) => void) {
    const bundle = bundleOf({ statement: statementOf(digest), key: pair.privateKey })
    change(bundle)
    putList(attack.registry, digest, [putBundle(attack.registry, digest, { bundle })])
    return admit(byReferrer)
  }
  const signatures = (bundle: Json) => bundle.dsseEnvelope.signatures

  test('neighbour: unchanged it is admitted', async () => {
    expect(await admitBundle(() => {})).toMatchObject({ outcome: 'allowed' })
  })

  const changes: readonly (readonly [string, (bundle: Json) => void])[] = [
    ['of another payload type', (bundle) => (bundle.dsseEnvelope.payloadType = 'text/plain')],
    [
      'of a payload type with a letter outside ASCII',
      (bundle) => (bundle.dsseEnvelope.payloadType = 'application/vnd.ın-toto+json'),
    ],
    ['of a payload type with a blank more', (bundle) => (bundle.dsseEnvelope.payloadType += ' ')],
    ['without signatures', (bundle) => (bundle.dsseEnvelope.signatures = [])],
    ['with its signature twice', (bundle) => signatures(bundle).push(signatures(bundle)[0])],
    ['with a second signature', (bundle) => signatures(bundle).push({ sig: 'AAAA' })],
    [
      'with the signature of another envelope',
      (bundle) =>
        (signatures(bundle)[0].sig = signatures(
          bundleOf({ statement: statementOf(digestOf('x')), key: pair.privateKey }),
        )[0].sig),
    ],
    [
      'with the payload of another envelope',
      (bundle) =>
        (bundle.dsseEnvelope.payload = bundleOf({ statement: statementOf(digestOf('x')) }).dsseEnvelope.payload),
    ],
    [
      'with a signature over the bare payload',
      (bundle) =>
        (signatures(bundle)[0].sig = sign('sha256', json(statementOf(digest)), pair.privateKey).toString('base64')),
    ],
    ['with a member more', (bundle) => (bundle.dsseEnvelope.extra = 1)],
  ]

  test.each(changes)('%s is denied', async (_what, change) => {
    expect(await admitBundle((bundle) => void change(bundle))).toMatchObject({ outcome: 'denied' })
  })
})

describe('CS-13: a bundle that no version knows', () => {
  const changes: readonly (readonly [string, (bundle: Json) => Json])[] = [
    ['of an unknown version', (bundle) => ({ ...bundle, mediaType: 'application/vnd.dev.sigstore.bundle.v9.9+json' })],
    ['of an unknown type', (bundle) => ({ ...bundle, mediaType: 'application/json' })],
    ['of no type', (bundle) => ({ ...bundle, mediaType: undefined })],
    ['in broken JSON', (bundle) => JSON.stringify(bundle).slice(0, -1)],
    ['with a member twice', (bundle) => JSON.stringify(bundle).replace('{', '{"mediaType":"x",')],
    ['with a negative log index', (bundle) => withEntry(bundle, { logIndex: '-1' })],
    ['with a log index that is no number', (bundle) => withEntry(bundle, { logIndex: 'x' })],
    ['with a log entry without its proof', (bundle) => withEntry(bundle, { logIndex: '1' })],
    ['with two kinds of signer', (bundle) => withMaterial(bundle, { certificate: { rawBytes: '' } })],
    ['with unknown material', (bundle) => withMaterial(bundle, { other: {} })],
  ]
  const withMaterial = (bundle: Json, more: Json) => ({
    ...bundle,
    verificationMaterial: { ...bundle.verificationMaterial, ...more },
  })
  const withEntry = (bundle: Json, entry: Json) => withMaterial(bundle, { tlogEntries: [entry] })
  const good = () => bundleOf({ statement: statementOf(digest), key: pair.privateKey })

  test.each(changes)('%s is denied, and named', async (_what, change) => {
    putList(attack.registry, digest, [putBundle(attack.registry, digest, { bundle: change(good()) })])
    const answer = await admit(byReferrer)
    expect(answer).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
    expect(answer.message).toContain('the referrer ')
  })

  test.each(changes)('neighbour: %s, beside a valid one, the image is admitted', async (_what, change) => {
    const entries = [putBundle(attack.registry, digest, { bundle: change(good()) }), putBundle(attack.registry, digest)]
    putList(attack.registry, digest, entries)
    expect(await admit(byReferrer)).toMatchObject({ outcome: 'allowed' })
  })
})

describe('CS-12: a genuine payload that says something else', () => {
  const put = (payload: Json) => putClassic(attack.registry, digest, [layer(payload, pair.privateKey)])
  const changed = (change: (payload: Json) => void): Json => {
    const payload = payloadOf(digest)
    change(payload)
    return payload
  }

  test('neighbour: that says what it should is admitted', async () => {
    put(payloadOf(digest))
    expect(await admit()).toMatchObject({ outcome: 'allowed' })
  })

  const changes: readonly (readonly [string, (payload: Json) => void])[] = [
    ['of another digest', (payload) => (payload.critical.image['docker-manifest-digest'] = digestOf('x'))],
    [
      'of the same digest in capitals',
      (payload) => (payload.critical.image['docker-manifest-digest'] = digest.toUpperCase()),
    ],
    ['of another type', (payload) => (payload.critical.type = 'atomic container signature')],
    ['of the type in another case', (payload) => (payload.critical.type = 'Cosign container image signature')],
    ['with a claim more', (payload) => (payload.critical.extra = 'x')],
    ['with a second image', (payload) => (payload.critical.image['Docker-manifest-digest'] = digestOf('x'))],
    ['without an identity', (payload) => delete payload.critical.identity],
  ]

  test.each(changes)('%s is denied', async (_what, change) => {
    put(changed((payload) => void change(payload)))
    expect(await admit()).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
  })

  test('with its digest twice is denied', async () => {
    const twice = JSON.stringify(payloadOf(digest)).replace('"critical":', `"critical":{},"critical":`)
    put(twice)
    expect(await admit()).toMatchObject({ outcome: 'denied', code: 'signature-invalid' })
  })

  test("of a stranger's is called a stranger's, whatever it says", async () => {
    putClassic(attack.registry, digest, [layerFor(digest, stranger.privateKey)])
    expect(await admit()).toMatchObject({ outcome: 'denied', code: 'signature-by-stranger' })
  })

  test('of an image that was deleted is denied by its tag as missing', async () => {
    put(payloadOf(digest))
    attack.registry.lie('v1', () => ({ status: 404 }))
    expect(await attack.admit(attack.tagged, { policies: [byTag] })).toMatchObject({
      outcome: 'denied',
      code: 'image-not-found',
    })
  })
})
